"""Error against meta-iterations and gradient steps on a simulated place: Fig. 13, 14.

What is trained, and how it is watched, is that of ``trainer benchmark --curves``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.task_similarity.choice import choose_environment
from trainer.benchmark.episodes import labelled_target, make_history
from trainer.benchmark.plan import Survey
from trainer.benchmark.protocol import Protocol
from trainer.benchmark.regimes import REGIMES
from trainer.figures.surveyed import LoadDays
from trainer.figures.units import Arrays, Needed, Tell, Unit, chance
from trainer.methods.features import Matrix, decibel_floor, decibels
from trainer.methods.network_curves import paper_curves
from trainer.methods.networks import Budget, NetworkMethod, Training
from trainer.surveys.environment import Environment
from trainer.surveys.simulated import simulate

TRAININGS = (
    Training.MAML,
    Training.MAML_DG,
    Training.MAML_TS,
    Training.TL,
    Training.RI,
)

_N_STEPS, _BRIEF_STEPS = 20, 6
_N_SNAPSHOTS, _BRIEF_SNAPSHOTS = 8, 2
_N_DRAWS = 2
"""Of shots; every seed has its own."""

ITERATIONS, STEPS, CENTRE = "iterations", "steps", "centre"


@dataclass(frozen=True, slots=True)
class Convergence:
    """All networks on one place, watched while they learn and while they adapt."""

    protocol: Protocol
    budget: Budget
    weight: float
    is_brief: bool = False
    """Fewer snapshots, gradient steps and draws of shots."""

    load: LoadDays = simulate
    trainings: tuple[Training, ...] = TRAININGS

    @property
    def name(self) -> str:
        """Of the survey."""
        return f"curves-{self.protocol.survey}"

    @property
    def needs(self) -> tuple[Unit, ...]:
        """None."""
        return ()

    def run(self, seed: int, needed: Needed, tell: Tell) -> Arrays:
        """Return mean errors [m], of each training under its name.

        ``<training>-iterations`` has two rows, meta-iterations and error after all
        gradient steps (Fig. 13); ``<training>-steps`` gradient steps and error at the
        end of training (Fig. 14).
        """
        tell("loading")
        survey = Survey(self.protocol, self.load(self.protocol.survey), "test")
        target = survey.targets[-1]
        split = survey.split(target.name, REGIMES["zero"], seed)
        history, day = make_history(split), labelled_target(split)
        locations = day.place.locations
        apart = np.linalg.norm(locations - locations.mean(axis=0), axis=1)
        found: Arrays = {CENTRE: np.array(apart.mean())}
        for number, training in enumerate(self.trainings):
            tell(f"{training}, {number + 1} of {len(self.trainings)}")
            # The same chance for all: the same shots and, where networks are alike,
            # the same initial parameters.
            rng, days, how = chance(seed), history, training
            if training is Training.MAML_TS:
                days, how = (most_similar(history, day, chance(seed)),), Training.MAML
            curves = paper_curves(
                NetworkMethod(how, self.budget),
                days,
                day,
                rng,
                n_seeds=1,  # a unit is of one seed
                n_steps=_BRIEF_STEPS if self.is_brief else _N_STEPS,
                n_snapshots=_BRIEF_SNAPSHOTS if self.is_brief else _N_SNAPSHOTS,
                n_draws=1 if self.is_brief else _N_DRAWS,
            )
            for key, curve in (
                (ITERATIONS, curves.against_iterations),
                (STEPS, curves.against_steps),
            ):
                found[f"{training}-{key}"] = np.stack([curve.x, curve.y])
        return found


def most_similar(
    history: Sequence[Environment], day: Environment, rng: np.random.Generator
) -> Environment:
    """Return the day of history that Algorithm 2 starts from, lines 10-11.

    Images of the first visit stand for the new task; the visits of a day are its tasks.

    Args:
        history: Days with images.
        day: The new one.
        rng: Of the permutation test.
    """

    def vectors(of: Environment) -> list[Matrix]:
        mean = decibels(of.signals, decibel_floor(e.signals for e in history))
        return [mean[of.visit_of == visit] for visit in np.unique(of.visit_of)]

    choice = choose_environment(
        vectors(day)[0], {e.name: vectors(e) for e in history}, rng
    )
    return next(e for e in history if e.name == choice.nearest)
