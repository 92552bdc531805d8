"""What a day does to a point: history's mean, moved by what the day's shots tell.

Whitened (`trainer.methods.whitening`), a sample at point p is modelled as

    z = m_p + a + b_p + v + e,   a ~ N(0, A)  the day,  the same at all points
                                 b_p ~ N(0, B)  the day at this point
                                 v ~ N(0, ρ I), e ~ N(0, (1-ρ) I)  visit and sample

m, A and B are history's means and moments. Today's shots y_p, the mean of k at point p,
tell of a and of their own b_p:

    a | y   ~ N(α, Σ),  Σ = (A^-1 + Σ_p N_p^-1)^-1,  α = Σ Σ_p N_p^-1 (y_p - m_p)
    N_p = B + (ρ + (1-ρ)/k) I
    z | y   ~ N(m_p + α + G_p (y_p - m_p - α), B - G_p B + (I - G_p) Σ (I - G_p)ᵀ + I)
    G_p = B N_p^-1,  0 at points without a shot

the residual field of `trainer.methods.residual_field` with days for lengths: a point
without shots is moved by those that have some. With every point calibrated it is what
linear discriminants are with three samples each and a good prior.

Points that no shot vouches for are also asked how near history's own samples are (days
come in kinds, which a mean forgets): P(p) ∝ N(z)^τ (h_p + ε)^u with h the neighbours of
`trainer.methods.wccn` in history and u the share of points without a shot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from trainer.methods.contract import Fixes, Locator, Needs
from trainer.methods.features import Matrix
from trainer.methods.posterior import expectation, softmax
from trainer.methods.references import References, audible, by_place, recent
from trainer.methods.rows import Vector, group_means
from trainer.methods.wccn import neighbour_posterior
from trainer.methods.whitening import Whitening
from trainer.surveys.environment import Environment, Place, Signals

_VISIT_SHARE: Final = 0.8
"""ρ: three shots of one stop say little more than one."""

_SHRINKAGE: Final = 0.5
"""Share of A and B that is the same in all directions; days are few."""

_TEMPER: Final = 0.3
"""τ: tones err together."""

_DOUBT: Final = 0.2
"""ε."""

_MAX_DIRECTIONS: Final = 160
"""Directions that are kept; those in which points and days differ most."""


@dataclass(frozen=True, slots=True)
class DayEffects:
    """The method; see the module."""

    name: ClassVar[str] = "day_effects"
    title: ClassVar[str] = "day effects"
    needs: ClassVar[Needs] = Needs.HISTORY
    is_stochastic: ClassVar[bool] = False

    def learn(
        self, history: Sequence[Environment], rng: np.random.Generator
    ) -> "_Learnt":
        """Take the moments of every place's days."""
        return _Learnt(
            {
                name: _Past.of(recent(days), days[0].place)
                for name, days in by_place(history).items()
            }
        )


@dataclass(frozen=True, slots=True)
class _Learnt:
    past_of: dict[str, "_Past"]

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        """Move history's means."""
        past = self.past_of[place.name]
        return _Today(place, past, *_moved(past, audible(shots)))


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """Moments of the days of one place, in the directions that are kept."""

    whitening: Whitening
    directions: Matrix
    """Orthonormal columns, shape (d, n_directions)."""

    samples: References
    means: Matrix
    """m, shape (n_points, n_directions); NaN at points that history does not have."""

    of_day: Matrix
    """A, shape (n_directions, n_directions)."""

    of_point: Matrix
    """B, the same shape."""

    def __call__(self, signals: Signals) -> Matrix:
        """Return whitened signals in the directions that are kept."""
        return self.whitening(signals) @ self.directions

    @classmethod
    def of(cls, days: Sequence[Environment], place: Place) -> "_Past":
        whitening = Whitening.learn(days)
        by_day = np.stack(
            [
                group_means(whitening(day.signals), day.point_of, place.n_points)
                for day in days
            ]
        )
        means = _mean_of_known(by_day, axis=0)
        directions = _directions(by_day)
        changes = by_day - means
        offsets = np.nan_to_num(_mean_of_known(changes, axis=1))
        local = _known(changes - offsets[:, None]) @ directions
        known = _known(means) @ directions
        n_repeated = len(local) - len(known)
        if n_repeated:
            of_day = _moment(offsets @ directions, len(days) - 1)
            of_point = _moment(local, n_repeated - len(days) + 1)
        else:
            # No point was seen on two days. Were days believed not to matter, shots
            # would not count: they may move points as far as points are apart.
            of_day = of_point = _moment(known - known.mean(axis=0), len(known) - 1)
        return cls(
            whitening,
            directions,
            References.of(days, lambda signals: whitening(signals) @ directions),
            means @ directions,
            of_day,
            of_point,
        )


def _known(values: Matrix) -> Matrix:
    """Return the rows that are not NaN, whatever the axes before the last."""
    rows = values.reshape(-1, values.shape[-1])
    return rows[np.isfinite(rows[:, 0])]


def _mean_of_known(values: Matrix, axis: int) -> Matrix:
    """Return means that pass over NaN; NaN where there is nothing else."""
    known = np.isfinite(values)
    counts = known.sum(axis=axis)
    sums = np.where(known, values, 0.0).sum(axis=axis)
    means: Matrix = np.full_like(sums, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _directions(by_day: Matrix) -> Matrix:
    """Return the directions in which points and days differ, (d, n_directions)."""
    d = by_day.shape[2]
    if d <= _MAX_DIRECTIONS:
        return np.eye(d)
    rows = _known(by_day)
    _, _, right = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    kept: Matrix = right[:_MAX_DIRECTIONS].T
    return kept


def _moment(rows: Matrix, freedom: int) -> Matrix:
    """Return a covariance that is invertible however few rows it was made of."""
    covariance = rows.T @ rows / max(freedom, 1)
    d = len(covariance)
    level = max(float(np.trace(covariance)) / d, 1e-6)
    return (1 - _SHRINKAGE) * covariance + _SHRINKAGE * level * np.eye(d)


def _moved(past: _Past, shots: Environment) -> tuple[Matrix, Matrix, Vector]:
    """Return today's means, the Cholesky factors of z's covariances, and who has shots.

    Returns:
        Shapes (n_points, d), (n_points, d, d), lower triangles, and (n_points,).
    """
    n_points, d = past.means.shape
    identity = np.eye(d)
    counts = np.bincount(shots.point_of, minlength=n_points)
    means = np.where(np.isfinite(past.means), past.means, 0.0)
    is_new = ~np.isfinite(past.means[:, 0])
    gaps = np.zeros((n_points, d))
    if len(shots):
        today = group_means(past(shots.signals), shots.point_of, n_points)
        # A point that history does not have is where its shots are.
        means = np.where(is_new[:, None] & (counts > 0)[:, None], today, means)
        gaps = np.where((counts > 0)[:, None], today - means, 0.0)
    noise = {
        n: past.of_point + (_VISIT_SHARE + (1 - _VISIT_SHARE) / n) * identity
        for n in map(int, np.unique(counts[counts > 0]))
    }
    inverse = {n: cho_solve(cho_factor(c), identity) for n, c in noise.items()}
    precision = cho_solve(cho_factor(past.of_day), identity)
    pull = np.zeros(d)
    for shown in np.flatnonzero((counts > 0) & ~is_new):
        precision = precision + inverse[int(counts[shown])]
        pull = pull + inverse[int(counts[shown])] @ gaps[shown]
    of_day = cho_solve(cho_factor(precision), identity)
    offset = of_day @ pull
    factors = np.empty((n_points, d, d))
    spread: dict[int, Matrix] = {}
    for point in range(n_points):
        k = int(counts[point])
        gain = past.of_point @ inverse[k] if k else np.zeros((d, d))
        if k not in spread:
            left = identity - gain
            covariance = past.of_point - gain @ past.of_point + identity
            covariance = covariance + left @ of_day @ left.T
            spread[k] = np.linalg.cholesky((covariance + covariance.T) / 2)
        factors[point] = spread[k]
        if not (is_new[point] and k):
            means[point] += offset + gain @ (gaps[point] - (offset if k else 0.0))
    return means, factors, counts.astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Today:
    place: Place
    past: _Past
    means: Matrix
    factors: Matrix
    n_shots: Vector

    def locate(self, signals: Signals) -> Fixes:
        """Return the mean location under the posterior."""
        z = self.past(signals)
        is_known = np.isfinite(self.past.means[:, 0]) | (self.n_shots > 0)
        scores = np.full((len(z), self.place.n_points), -np.inf)
        for point in np.flatnonzero(is_known):
            factor = self.factors[point]
            unit = solve_triangular(factor, (z - self.means[point]).T, lower=True)
            scores[:, point] = (
                -0.5 * (unit**2).sum(axis=0) - np.log(np.diag(factor)).sum()
            )
        scores *= _TEMPER
        share = float(np.mean(self.n_shots[is_known] == 0))
        if share > 0:
            near = neighbour_posterior(z, self.past.samples, self.place.n_points)
            scores += share * np.log(near + _DOUBT)
        return expectation(self.place, softmax(scores), signals)
