"""RMSE in ray-traced rooms, learnt with and without path-loss models: for Fig. 11.

<S>-traced         θ* of the training rooms
<S>-both           the same, started from θ* of path-loss models
<S>-longer         θ* of the training rooms, as many iterations as both together
<S>-models         θ* of path-loss models alone
"""

from dataclasses import dataclass, replace

import numpy as np

from trainer.figures.descent import descend, rmse_at, shown_steps
from trainer.figures.meta_training import (
    Learning,
    MetaTraining,
    from_arrays,
    initial,
    meta_trained,
)
from trainer.figures.radio import (
    centre_errors,
    draw_problem,
    neighbour_errors,
)
from trainer.figures.statistics import rmse
from trainer.figures.traced import traced_place
from trainer.figures.units import Arrays, Needed, Tell, Unit, chance

_LEARN, _DRAW = 41, 42
"""What a stream of chance is for."""

STARTS = ("both", "traced", "longer", "models")


@dataclass(frozen=True, slots=True)
class Scenarios:
    """Curves of the test rooms from several starting points."""

    models: MetaTraining
    """θ* of path-loss models."""

    learning: Learning
    """In the training rooms."""

    training: tuple[str, ...]
    test: tuple[str, ...]
    data: str
    """Digest of the signal strengths: others are another unit."""

    n_steps: int = 100
    n_references: int = 30
    n_support: int = 124
    n_query: int = 1000
    noise_db: float = 2.0
    """Of every measurement, on top of what was traced."""

    @property
    def name(self) -> str:
        """See `Unit`."""
        return "scenarios"

    @property
    def needs(self) -> tuple[Unit, ...]:
        """θ* of path-loss models."""
        return (self.models,)

    @property
    def weight(self) -> float:
        """See `Unit`."""
        return 2 * self.learning.seconds + self._longer.seconds

    @property
    def _longer(self) -> Learning:
        """As many iterations as path-loss models and training rooms together."""
        n = self.models.learning.n_iterations + self.learning.n_iterations
        return replace(self.learning, n_iterations=n)

    def run(self, seed: int, needed: Needed, tell: Tell) -> Arrays:
        """Return the RMSE [m] at ``steps`` under the names of the module.

        ``<S>-centre`` and ``<S>-wknn_same`` take no steps.
        """
        rooms = [traced_place(name, self.noise_db) for name in self.training]
        models = from_arrays(needed[self.models.name])
        starts = {"models": models}
        for key, theta, learning in (
            ("traced", initial(seed), self.learning),
            ("both", models, self.learning),
            ("longer", initial(seed), self._longer),
        ):
            rng = chance(seed, _LEARN)
            starts[key] = meta_trained(rooms, theta, learning, rng, tell)
        steps = shown_steps(self.n_steps)
        found: Arrays = {"steps": steps}
        for number, name in enumerate(self.test):
            problem = draw_problem(
                traced_place(name, self.noise_db),
                chance(seed, _DRAW, number),
                n_references=self.n_references,
                n_support=self.n_support,
                n_query=self.n_query,
            )
            for key, theta in starts.items():
                path = descend(
                    theta,
                    problem.task,
                    alpha=self.learning.alpha,
                    n_steps=self.n_steps,
                )
                found[f"{name}-{key}"] = rmse_at(path, problem.task, steps)
            found[f"{name}-centre"] = np.array(rmse(centre_errors(problem)))
            same = neighbour_errors(problem, is_weighted=True, with_support=True)
            found[f"{name}-wknn_same"] = np.array(rmse(same))
        return found
