"""RMSE at a test place against gradient steps, from θ* and from random: Fig. 8."""

from dataclasses import dataclass

import numpy as np

from trainer.figures.descent import descend, descend_adam, rmse_at, shown_steps
from trainer.figures.meta_training import MetaTraining, from_arrays, initial
from trainer.figures.radio import (
    PathLossPlace,
    centre_errors,
    draw_problem,
    neighbour_errors,
)
from trainer.figures.statistics import rmse
from trainer.figures.units import Arrays, Needed, Tell, Unit, chance
from trainer.simulate.pathloss.tasks import RssTask

_PLACE, _DRAW = 11, 12
"""What a stream of chance is for."""


@dataclass(frozen=True, slots=True)
class StepsAndSamples:
    """The curves of one test place."""

    theta: MetaTraining
    test: RssTask
    n_steps: int = 1000
    n_samples: tuple[int, ...] = (800, 1600, 4000, 8000)
    """Of RI, as in the paper."""

    n_support: int = 124
    """Of MetaLoc, as in the paper; RI is given as many, too."""

    n_references: int = 30
    n_query: int = 1000

    @property
    def name(self) -> str:
        """See `Unit`."""
        return "steps"

    @property
    def needs(self) -> tuple[Unit, ...]:
        """θ*."""
        return (self.theta,)

    @property
    def weight(self) -> float:
        """See `Unit`."""
        return 4e-6 * self.n_steps * sum(self.n_samples) + 5

    def run(self, seed: int, needed: Needed, tell: Tell) -> Arrays:
        """Return the RMSE [m]: ``meta``, ``ri-<n>`` and ``adam-<n>`` at ``steps``.

        ``centre``, ``knn`` and ``wknn_same`` take no steps.
        """
        place = PathLossPlace(self.test.draw_site(chance(seed, _PLACE)))
        problem = draw_problem(
            place,
            chance(seed, _DRAW),
            n_references=self.n_references,
            n_support=max(*self.n_samples, self.n_support),
            n_query=self.n_query,
        )
        learning, steps = self.theta.learning, shown_steps(self.n_steps)
        few = problem.first(self.n_support)
        path = descend(
            from_arrays(needed[self.theta.name]),
            few.task,
            alpha=learning.alpha,
            n_steps=self.n_steps,
        )
        found: Arrays = {"steps": steps, "meta": rmse_at(path, few.task, steps)}
        for n in (self.n_support, *self.n_samples):
            tell(f"RI, {n} samples")
            task, start = problem.first(n).task, initial(seed)
            path = descend(start, task, alpha=learning.alpha, n_steps=self.n_steps)
            found[f"ri-{n}"] = rmse_at(path, task, steps)
            path = descend_adam(start, task, beta=learning.beta, n_steps=self.n_steps)
            found[f"adam-{n}"] = rmse_at(path, task, steps)
        found["centre"] = np.array(rmse(centre_errors(few)))
        for key, is_same in (("knn", False), ("wknn_same", True)):
            errors = neighbour_errors(few, is_weighted=is_same, with_support=is_same)
            found[key] = np.array(rmse(errors))
        return found
