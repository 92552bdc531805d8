"""Nearest neighbours in signal space (RADAR, Bahl & Padmanabhan, INFOCOM 2000).

    x = Σ_{i ∈ K nearest} w_i x_i / Σ w_i,   w_i = 1 (KNN) or 1 / (‖s - s_i‖ + ε) (WKNN)

References are points, the mean of their samples, as in the paper (section V: Euclidean,
K = 5), or single samples. The paper does not define its WKNN.

The signal space is that of received power in dBm, or of the amplitude of every tone in
dB, mean over packets; linear amplitudes on request: on the development surveys decibels
are a third better between points (CRISLoc), linear ones a little at the points (PolyU).

Departures from the paper: a channel that was not heard counts as heard at a floor
(`trainer.methods.features.decibel_floor`); the paper does not say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from trainer.methods.contract import Fixes, Learnt, Locator, Needs
from trainer.methods.features import (
    Matrix,
    decibel_floor,
    decibels,
    mean_amplitude,
)
from trainer.methods.posterior import expectation
from trainer.methods.references import References, of_place, point_totals, sources
from trainer.surveys.environment import Environment, Place, Signals

_EPSILON: Final = 1e-9
"""ε: decides between references that equal the query, and nothing else."""

_BLOCK_ROWS: Final = 256
"""Queries whose distances are held at once."""


@dataclass(frozen=True, slots=True)
class NearestNeighbours:
    """KNN and its relatives; without shots, the past is the map."""

    name: str
    title: str
    k: int
    """K."""

    is_weighted: bool = False
    """WKNN."""

    of_samples: bool = False
    """Whether references are single samples instead of points."""

    is_linear: bool = False
    """Whether CSI amplitudes are compared as they are instead of in decibels."""

    is_stochastic: ClassVar[bool] = False

    @property
    def needs(self) -> Needs:
        """See `Method`."""
        return Needs.IMAGES if self.is_linear else Needs.NOTHING

    def learn(self, history: Sequence[Environment], rng: np.random.Generator) -> Learnt:
        """Return the method with the past in memory."""
        return _Learnt(self, tuple(history))


@dataclass(frozen=True, slots=True)
class _Learnt:
    method: NearestNeighbours
    history: tuple[Environment, ...]

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        known = [*of_place(self.history, place), shots]
        features: Callable[[Signals], Matrix] = mean_amplitude
        if not self.method.is_linear:
            floor_db = decibel_floor(e.signals for e in known)
            features = partial(decibels, floor_db=floor_db)
        references = References.of(sources(self.history, place, shots), features)
        if not self.method.of_samples:
            references = references.point_means()
        return _Locator(self.method, place, references, features)


@dataclass(frozen=True, slots=True)
class _Locator:
    method: NearestNeighbours
    place: Place
    references: References
    features: Callable[[Signals], Matrix]

    def locate(self, signals: Signals) -> Fixes:
        weights = np.zeros((len(signals), self.place.n_points))
        for start in range(0, len(signals), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            weights[block] = self._weights(self.features(signals.select(block)))
        return expectation(self.place, weights, signals)

    def _weights(self, queries: Matrix) -> Matrix:
        """Return the weight of each point, shape (n, n_points)."""
        if not len(self.references):
            return np.zeros((len(queries), self.place.n_points))
        distances = cdist(queries, self.references.features)
        nearest = k_smallest(distances, self.method.k)
        if self.method.is_weighted:
            weights = nearest / (distances + _EPSILON)
        else:
            weights = nearest.astype(np.float64)
        return point_totals(weights, self.references.point_of, self.place.n_points)


def k_smallest(values: Matrix, k: int) -> npt.NDArray[np.bool_]:
    """Return which are the ``k`` smallest of each row, all where there are fewer."""
    chosen = np.ones(values.shape, np.bool_)
    if k < values.shape[1]:
        chosen[:] = False
        rows = np.argpartition(values, k - 1, axis=1)[:, :k]
        np.put_along_axis(chosen, rows, True, axis=1)
    return chosen
