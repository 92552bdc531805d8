"""Soft nearest neighbours behind history's whitening.

    P(p | z) ∝ exp(-min_{i at p} ‖z - z_i‖² / (2 d T))

2 d is how far two signals of one point are apart on average once they are whitened. The
references are today's shots; without any, history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from scipy.spatial.distance import cdist

from trainer.methods.contract import Fixes, Locator, Needs
from trainer.methods.features import Matrix
from trainer.methods.posterior import expectation, softmax
from trainer.methods.references import References, by_place, recent, sources
from trainer.methods.rows import Groups
from trainer.methods.whitening import Whitening
from trainer.surveys.environment import Environment, Place, Signals

TEMPERATURE: Final = 0.02
"""T; small, as of the d directions few tell points apart."""


@dataclass(frozen=True, slots=True)
class Wccn:
    """The method; see the module."""

    name: ClassVar[str] = "wccn"
    title: ClassVar[str] = "WCCN, soft k-NN"
    needs: ClassVar[Needs] = Needs.HISTORY
    is_stochastic: ClassVar[bool] = False

    def learn(
        self, history: Sequence[Environment], rng: np.random.Generator
    ) -> "_Learnt":
        """Learn a whitening for every place."""
        whitening_of = {
            name: Whitening.learn(recent(days))
            for name, days in by_place(history).items()
        }
        return _Learnt(tuple(history), whitening_of)


@dataclass(frozen=True, slots=True)
class _Learnt:
    history: tuple[Environment, ...]
    whitening_of: dict[str, Whitening]

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        """Whiten today's shots."""
        whitening = self.whitening_of[place.name]
        references = References.of(sources(self.history, place, shots), whitening)
        return _Neighbours(place, whitening, references)


@dataclass(frozen=True, slots=True, eq=False)
class _Neighbours:
    place: Place
    whitening: Whitening
    references: References

    def locate(self, signals: Signals) -> Fixes:
        """Return the mean location of the neighbours' points."""
        z = self.whitening(signals)
        weights = neighbour_posterior(z, self.references, self.place.n_points)
        return expectation(self.place, weights, signals)


def neighbour_posterior(
    z: Matrix, references: References, n_points: int, temperature: float = TEMPERATURE
) -> Matrix:
    """Return P(p | z) of whitened signals; zero for points without a reference.

    Where no shot heard anything there is no reference, and it is zero at all points.

    Args:
        z: Shape (n, d).
        references: Whitened.
        n_points: Of the place.
        temperature: T.

    Returns:
        Shape (n, n_points).
    """
    posterior = np.zeros((len(z), n_points))
    if not len(references):
        return posterior
    points: Groups = np.unique(references.point_of)
    squares = cdist(z, references.features, "sqeuclidean")
    nearest = np.stack(
        [squares[:, references.point_of == point].min(axis=1) for point in points],
        axis=1,
    )
    posterior[:, points] = softmax(-nearest / (2 * z.shape[1] * temperature))
    return posterior
