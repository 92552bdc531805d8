"""Error distributions against the number of reference points: for Fig. 9."""

from dataclasses import dataclass

from trainer.figures.meta_training import MODEL, MetaTraining, from_arrays
from trainer.figures.radio import (
    PathLossPlace,
    centre_errors,
    draw_problem,
    neighbour_errors,
)
from trainer.figures.units import Arrays, Needed, Tell, Unit, chance
from trainer.meta.maml import adapted_to
from trainer.simulate.pathloss.tasks import RssTask

_PLACE, _DRAW = 21, 22
"""What a stream of chance is for."""


@dataclass(frozen=True, slots=True)
class ReferenceNumbers:
    """Errors at one test place with few reference points and with many."""

    theta: MetaTraining
    test: RssTask
    n_references: tuple[int, ...] = (10, 20, 30, 40, 54)
    """R, as in the paper."""

    n_steps: int = 50
    n_support: int = 124
    n_query: int = 1000
    """As in the paper."""

    @property
    def name(self) -> str:
        """See `Unit`."""
        return "references"

    @property
    def needs(self) -> tuple[Unit, ...]:
        """θ*."""
        return (self.theta,)

    @property
    def weight(self) -> float:
        """See `Unit`."""
        return 3.0

    def run(self, seed: int, needed: Needed, tell: Tell) -> Arrays:
        """Return the errors of all queries [m], ``<method>-<R>``."""
        place = PathLossPlace(self.test.draw_site(chance(seed, _PLACE)))
        start = from_arrays(needed[self.theta.name])
        found: Arrays = {}
        for number in self.n_references:
            problem = draw_problem(
                place,
                chance(seed, _DRAW, number),
                n_references=number,
                n_support=self.n_support,
                n_query=self.n_query,
            )
            theta = adapted_to(
                MODEL,
                start,
                problem.task,
                alpha=self.theta.learning.alpha,
                n_steps=self.n_steps,
            )
            found[f"meta-{number}"] = MODEL.query_errors(theta, problem.task)
            found[f"centre-{number}"] = centre_errors(problem)
            for key, is_weighted, with_support in (
                ("knn", False, False),
                ("wknn", True, False),
                ("wknn_same", True, True),
            ):
                found[f"{key}-{number}"] = neighbour_errors(
                    problem, is_weighted=is_weighted, with_support=with_support
                )
        return found
