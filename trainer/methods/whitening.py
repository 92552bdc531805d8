"""Within-class covariance normalisation (WCCN): which directions mean nothing.

    S = (1-λ) Σ_r r rᵀ / n + λ tr(S)/d I,   r = x - mean of x's day and point
    z = S^(-1/2) (x - μ) / σ

Residuals at one point of one day show what changes when nothing but placement and time
did; whitened, those directions count for little. It is what MAML is asked to learn, by
d (d+1)/2 averages. A. Hatch, S. Kajarekar, A. Stolcke, "Within-class covariance
normalization for SVM-based speaker recognition", Interspeech 2006.

λ is chosen by replaying the past: days are located from shots of their first visit by
what the days before them teach.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from trainer.methods.features import (
    Matrix,
    decibel_floor,
    decibels,
    level_db,
    packet_shape,
)
from trainer.methods.rows import Groups, Vector, residuals_within
from trainer.surveys.environment import Environment, Signals

SHRINKAGES: Final = (0.3, 0.1, 0.03, 0.01)
"""λ that are tried; the first is taken where there is nothing to replay."""

_REPLAYED_DAYS: Final = 4
_SHOTS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """z of a signal, and how far two signals of one point are apart in it."""

    floor_db: float
    mean: Vector
    """μ, shape (d,)."""

    matrix: Matrix
    """S^(-1/2) / σ, shape (d, d)."""

    def __call__(self, signals: Signals) -> Matrix:
        """Return z, shape (n, d)."""
        return (shape_and_level(signals, self.floor_db) - self.mean) @ self.matrix

    @classmethod
    def learn(
        cls, history: Sequence[Environment], *, shrinkage: float | None = None
    ) -> Self:
        """Return what some days of one place teach.

        Args:
            history: At least one sample.
            shrinkage: λ; chosen by replaying the past when None.
        """
        days = [day for day in history if len(day)]
        floor_db = decibel_floor([day.signals for day in days])
        past = _Past.of(days, floor_db)
        if shrinkage is None:
            shrinkage = _choose_shrinkage(past)
        mean, matrix = past.whitener(len(days), shrinkage)
        return cls(floor_db, mean, matrix)


def shape_and_level(signals: Signals, floor_db: float) -> Matrix:
    """Return the features that are whitened, shape (n, d).

    CSI surveys: `packet_shape` and `level_db` of every channel, with the floor where it
    is not heard. RSS surveys: `decibels`.
    """
    if not signals.is_csi:
        return decibels(signals, floor_db)
    level = np.fmax(level_db(signals), floor_db)
    return np.concatenate([packet_shape(signals), level], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """Features of the days of one place, one after the other."""

    features: Matrix
    day_of: Groups
    visit_of: Groups
    point_of: Groups
    locations: Matrix
    """Of the points [m], shape (n_points, 2)."""

    @classmethod
    def of(cls, days: Sequence[Environment], floor_db: float) -> "_Past":
        return cls(
            np.concatenate([shape_and_level(d.signals, floor_db) for d in days]),
            np.repeat(np.arange(len(days)), [len(d) for d in days]),
            np.concatenate([d.visit_of for d in days]),
            np.concatenate([d.point_of for d in days]),
            days[0].place.locations,
        )

    def scatter(self, n_days: int) -> tuple[Vector, Vector, Matrix]:
        """Return μ and σ, shape (d,), and S for λ = 0 of the first ``n_days`` days."""
        rows = self.day_of < n_days
        x, points = self.features[rows], self.point_of[rows]
        mean, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        stops = np.stack([self.day_of[rows], self.visit_of[rows]], axis=1)
        n_visits = len(np.unique(stops, axis=0))
        # Where a day has one visit alone, the days are what shows how placement varies.
        days = self.day_of[rows] if n_visits > n_days else np.zeros(len(x), np.intp)
        groups = np.unique(np.stack([days, points]), axis=1, return_inverse=True)[1]
        residuals = residuals_within((x - mean) / scale, groups.reshape(-1))
        return mean, scale, residuals.T @ residuals / len(residuals)

    def whitener(self, n_days: int, shrinkage: float) -> tuple[Vector, Matrix]:
        mean, scale, scatter = self.scatter(n_days)
        values, vectors = np.linalg.eigh(scatter)
        return mean, _inverse_root(values, vectors, shrinkage) / scale[:, None]


def _inverse_root(values: Vector, vectors: Matrix, shrinkage: float) -> Matrix:
    """Return S^(-1/2), from the eigenvalues and -vectors of S for λ = 0."""
    level = max(float(values.mean()), 1e-12)
    shrunk = (1 - shrinkage) * np.maximum(values, 0) + shrinkage * level
    root: Matrix = (vectors / np.sqrt(shrunk)) @ vectors.T
    return root


def _choose_shrinkage(past: _Past) -> float:
    """Return the λ with which the latest days were located best, by 1-NN."""
    n_days = int(past.day_of.max()) + 1
    errors = np.zeros(len(SHRINKAGES))
    for day in range(max(1, n_days - _REPLAYED_DAYS), n_days):
        shots, queries = _replay(past, day)
        if not len(shots) or not len(queries):
            continue
        mean, scale, scatter = past.scatter(day)
        values, vectors = np.linalg.eigh(scatter)
        today = (past.features - mean) / scale
        where = past.locations[past.point_of]
        for number, shrinkage in enumerate(SHRINKAGES):
            root = _inverse_root(values, vectors, shrinkage)
            gaps = cdist(today[queries] @ root, today[shots] @ root)
            found = where[shots[gaps.argmin(axis=1)]]
            errors[number] += np.linalg.norm(found - where[queries], axis=1).mean()
    return SHRINKAGES[int(errors.argmin())]


def _replay(past: _Past, day: int) -> tuple[Groups, Groups]:
    """Return rows of a day's first shots, and of its later visits."""
    rows = np.flatnonzero(past.day_of == day)
    visits = past.visit_of[rows]
    first, later = rows[visits == visits.min()], rows[visits > visits.min()]
    shots: list[npt.NDArray[np.intp]] = [
        first[past.point_of[first] == point][:_SHOTS]
        for point in np.unique(past.point_of[first])
    ]
    return np.concatenate(shots), later
