"""What a site's past says of how it changes: by the walk, at a point, by the visit.

The whitened fingerprint of point p in one channel, as one visit of walk w finds it, is

    z = m_p + a_w + b_wp + v      m ~ N(g, P)   points, as they always are
                                  a ~ N(0, A)   the walk, the same at all points
                                  b ~ N(0, B)   the walk at this point
                                  v ~ N(0, V)   the visit: placement, people, noise

V and B are moments of residuals, pooled over the channels. In the directions T with

    Tᵀ V T = I,   Tᵀ B T = diag(b_1 .. b_d)

(a generalised eigenproblem) noise and change are uncorrelated, and every direction is a
scalar model of its own. A and P are taken to be diagonal there too, per channel. Of b a
share ρ may vary smoothly over the map, as a level does that follows what stands between
places; a shape cannot, as it changes within half a wavelength:

    cov(b_p, b_q) = b (ρ k(|p - q|) + (1-ρ) [p = q])      k of Matérn, smoothness 3/2

A site with one past walk has nothing that tells B: it is taken to be as large as V.

Sources: the moments are those of `trainer.methods.day_effects`, which keeps full
matrices and knows no places. k: C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes
for Machine Learning", 2006, Eq. (4.17).
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from edge_agent.neighbours.walk_means import WalkMeans
from edge_agent.neighbours.whitening import Matrix

_VISIT_SHARE: Final = 0.15
"""What a visit changes of all that differs between points, where nothing else tells:
0.1 to 0.2 in the simulated hall and lab and on PolyU's days."""

_VISIT_DEGREES: Final = 10
"""Residuals that this is worth."""

_FLOOR: Final = 0.005
"""Least V, as a share of all variance of a feature: less is arithmetic, and what eight
bits leave of a tone."""

_LOCAL_SHARE: Final = 1.0
"""b where there is one past walk alone. Measured there: 0.5 to 1 on average, up to 6
in single directions."""

_LEAST: Final = 0.05
"""Least b, in units of a visit's variance: no point is quite as it was."""

_LEAST_SPREAD: Final = 0.01
"""Least P and A, likewise."""

_LEAST_FIELD: Final = 0.05
"""ρ below it is none: a lot of directions are tried."""

_MOST_FIELD: Final = 0.9
_POINTS_OF_A_FIELD: Final = 12
"""With fewer, a smooth field cannot be told from chance."""

_LENGTH: Final = 0.35
"""Of k, in units of the largest distance between points."""


def field_kernel(locations: Matrix, floors: npt.NDArray[np.intp]) -> Matrix:
    """Return k of all pairs of points, shape (n_points, n_points).

    One on the diagonal; zero between floors, and where coordinates are missing.

    Args:
        locations: [m], shape (n_points, 2); NaN where there are none.
        floors: Shape (n_points,).
    """
    apart = np.hypot(*(locations[:, None] - locations).transpose(2, 0, 1))
    apart = np.where(floors[:, None] == floors, apart, np.nan)
    largest = np.max(apart, where=np.isfinite(apart), initial=0.0)
    r = apart * (3**0.5 / (_LENGTH * largest if largest > 0 else 1.0))
    kernel = np.nan_to_num((1 + r) * np.exp(-r))
    np.fill_diagonal(kernel, 1.0)
    return np.asarray(kernel)


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """The model of a site's changes, and what its past expects of each point."""

    directions: Matrix
    """T, shape (d, d); everything else is of z T, with V = I."""

    middle: Matrix
    """g, shape (n_channels, d)."""

    spread: Matrix
    """P, likewise."""

    common: Matrix
    """A, likewise."""

    local: Matrix
    """b, likewise."""

    field_share: Matrix
    """ρ, shape (d,)."""

    expected: Matrix
    """Mean of m_p given the past, shape (n_points, n_channels, d)."""

    doubt: Matrix
    """Its variance, likewise; P where the past says nothing of a point."""

    @classmethod
    def learn(cls, past: WalkMeans, kernel: Matrix) -> Self:
        """Return what the past teaches.

        Args:
            past: Of at least one walk, with something heard.
            kernel: `field_kernel` of the points.

        Raises:
            ValueError: Nothing was ever heard.
        """
        means = past.means
        known = np.isfinite(means[..., 0])  # (n_walks, n_points, n_channels)
        if not known.any():
            raise ValueError("the site's past has heard nothing: no map can be drawn")
        visit = _visit_covariance(past, means[known])
        of_point, seen = _mean_over(means, known, 0), known.any(axis=0)
        offsets = _mean_over(np.nan_to_num(means - of_point), known, 1)
        residuals = np.where(known[..., None], means - of_point - offsets[:, None], 0.0)
        n_degrees = float((known.sum() - seen.sum()) * (1 - 1 / known.shape[1]))
        n_visits = float(past.n_visits[known].mean())
        whiten = _inverse_root(visit)
        if n_degrees >= 1:
            flat = residuals.reshape(-1, residuals.shape[-1])
            between = whiten @ (flat.T @ flat / n_degrees) @ whiten
            of_walk, axes = np.linalg.eigh((between + between.T) / 2)
        else:
            of_walk = np.full(len(visit), 1 / n_visits + _LOCAL_SHARE)
            axes = np.eye(len(visit))
        directions = whiten @ axes
        turned = residuals @ directions
        return cls._diagonal(
            directions,
            turned,
            known,
            of_point @ directions,
            offsets @ directions,
            np.maximum(of_walk, 1 / n_visits + _LEAST),
            n_visits,
            kernel,
        )

    @classmethod
    def _diagonal(
        cls,
        directions: Matrix,
        residuals: Matrix,
        known: npt.NDArray[np.bool_],
        of_point: Matrix,
        offsets: Matrix,
        of_walk: Matrix,
        n_visits: float,
        kernel: Matrix,
    ) -> Self:
        """Return variances per channel, in directions that are uncorrelated.

        Args:
            directions: T.
            residuals: Of walks' means about those of points and walks; zero if unknown.
            known: Where they are not.
            of_point: Means over walks, NaN where none; (n_points, n_channels, d).
            offsets: Means over points, shape (n_walks, n_channels, d).
            of_walk: b + 1/n_visits over all channels, shape (d,).
            n_visits: In a walk's mean, on average.
            kernel: k.
        """
        n_walks = known.sum(axis=0)[..., None]  # (n_points, n_channels, 1)
        has_past = n_walks[..., 0] > 0
        n_there = has_past.sum(axis=0)[:, None]  # (n_channels, 1)
        repeated = np.maximum(n_walks - 1, 0).sum(axis=0)
        # All channels together count twice as much as one is repeated on average.
        prior = max(2 * float(repeated.mean()), 1.0)
        total = (residuals**2).sum(axis=(0, 1)) + prior * of_walk
        local = np.maximum(total / (repeated + prior) - 1 / n_visits, _LEAST)
        observed = local + 1 / n_visits
        n_days = np.maximum(known.any(axis=1).sum(axis=0)[:, None] - 1, 0)
        day = (offsets**2).sum(axis=0) / np.maximum(n_days, 1)
        day = np.maximum(day - observed / np.maximum(n_there, 1), 0)
        usual = _mean_over(day, n_days[:, 0] > 0, 0) if n_days.any() else of_walk
        common = (n_days * day + 2 * usual) / (n_days + 2)
        middle = _mean_over(of_point, has_past, 0)
        gaps = np.where(has_past[..., None], of_point - middle, 0.0)
        n_each = n_walks.sum(axis=0) / np.maximum(n_there, 1)
        spread = (gaps**2).sum(axis=0) / np.maximum(n_there, 1)
        spread -= observed / np.maximum(n_each, 1)
        usual = _mean_over(spread, n_there[:, 0] > 1, 0)
        spread = np.where(n_there > 1, (spread + usual) / 2, usual)
        spread = np.maximum(spread, _LEAST_SPREAD)
        noise = observed / np.maximum(n_walks, 1)
        gain = np.where(has_past[..., None], spread / (spread + noise), 0.0)
        return cls(
            directions,
            middle,
            spread,
            np.maximum(common, _LEAST_SPREAD),
            local,
            _field_shares(residuals, known, local.mean(axis=0), kernel),
            middle + gain * gaps,
            (1 - gain) * spread,
        )

    def covariance(self, channel: int, kernel: Matrix) -> Matrix:
        """Return that of today's fingerprints before today's shots, (d, n, n).

        Args:
            channel: Its number.
            kernel: k.
        """
        own = np.eye(len(kernel))
        smooth = self.field_share[:, None, None]
        field = smooth * kernel + (1 - smooth) * own
        return np.asarray(
            self.common[channel][:, None, None]
            + self.local[channel][:, None, None] * field
            + self.doubt[:, channel].T[:, :, None] * own
        )


def _visit_covariance(past: WalkMeans, seen: Matrix) -> Matrix:
    """Return V, shape (d, d); invertible however few visits were repeated."""
    usual = _VISIT_SHARE * np.maximum(seen.var(axis=0), 1e-6)
    total = past.scatter + _VISIT_DEGREES * np.diag(usual)
    floor = np.diag(_FLOOR * seen.var(axis=0))
    return np.asarray(total / (past.n_degrees + _VISIT_DEGREES) + floor)


def _inverse_root(covariance: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors / np.sqrt(values)) @ vectors.T)


def _mean_over(values: Matrix, known: npt.NDArray[np.bool_], axis: int) -> Matrix:
    """Return means over what is known, zero where nothing is."""
    total = np.where(known[..., None], values, 0.0).sum(axis=axis)
    return np.asarray(total / np.maximum(known.sum(axis=axis), 1)[..., None])


def _field_shares(
    residuals: Matrix, known: npt.NDArray[np.bool_], local: Matrix, kernel: Matrix
) -> Matrix:
    """Return ρ, shape (d,), as the residuals of pairs of points say.

    Least squares of their products on k. The mean over points was taken from the
    residuals, so it is from k: H k H with H = I - 1/n.

    Args:
        residuals: Shape (n_walks, n_points, n_channels, d).
        known: Shape (n_walks, n_points, n_channels).
        local: b, shape (d,).
        kernel: k.
    """
    n = len(kernel)
    is_pair = (kernel > 0) & ~np.eye(n, dtype=bool)
    n_repeated = known.shape[0] - 1
    if n_repeated < 1 or is_pair.any(axis=1).sum() < _POINTS_OF_A_FIELD:
        return np.zeros(len(local))
    centre = np.eye(n) - 1 / n
    smooth, white = (centre @ k @ centre for k in (kernel, np.eye(n)))
    design = np.column_stack([smooth[is_pair], white[is_pair]])
    apart = residuals.transpose(3, 1, 0, 2).reshape(len(local), n, -1)
    products = apart @ apart.transpose(0, 2, 1) / (n_repeated * known.shape[2])
    amounts, *_ = np.linalg.lstsq(design, products[:, is_pair].T, rcond=None)
    shares = np.clip(amounts[0] / local, 0.0, _MOST_FIELD)
    return np.where(shares < _LEAST_FIELD, 0.0, shares)
