"""Intervals that know that errors of one day, or of one point, are alike.

Two stages, as the errors are nested: target environments are drawn with replacement,
and, within each that is drawn, points. Where there is one target, that is a bootstrap
over its points; where there are many, their differences are what counts.

    V   ~ Multinomial(T; 1/T, .., 1/T)                  targets
    W_t ~ Multinomial(V_t P_t; 1/P_t, .., 1/P_t)        points of target t
    mean = (W S) / (W N)

with S_c the sum and N_c the number of the errors at one point of one target, all seeds
together. Percentile interval.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

N_RESAMPLES: Final = 2000
_LEVEL: Final = 0.95


def resample(
    target_of: npt.NDArray[np.intp], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return how often each cluster is drawn, shape (N_RESAMPLES, n_clusters).

    Args:
        target_of: Number of each cluster's target, 0 to T - 1, each met.
        rng: Draws.
    """
    n_targets = len(np.unique(target_of))
    drawn = rng.multinomial(n_targets, _equal(n_targets), N_RESAMPLES)
    weights = np.empty((N_RESAMPLES, len(target_of)))
    for target in range(n_targets):
        points = np.flatnonzero(target_of == target)
        n = drawn[:, target] * len(points)
        weights[:, points] = rng.multinomial(n, _equal(len(points)))
    return weights


def _equal(n: int) -> Vector:
    return np.full(n, 1 / n)


def cluster_sums(values: Vector, cluster: npt.NDArray[np.intp], n: int) -> Vector:
    """Return the sum of each cluster's values, shape (n,)."""
    return np.bincount(cluster, values, minlength=n).astype(np.float64)


def ratio_interval(
    numerator: Vector, denominator: Vector, weights: npt.NDArray[np.float64]
) -> tuple[float, float] | None:
    """Return the 95 % interval of Σ numerator / Σ denominator.

    Args:
        numerator: Per cluster, shape (C,).
        denominator: Per cluster, shape (C,).
        weights: From `resample`.

    Returns:
        None where fewer than two clusters have anything to divide by.
    """
    if np.count_nonzero(denominator) < 2:
        return None
    below = weights @ denominator
    return percentile_interval((weights @ numerator)[below != 0] / below[below != 0])


def percentile_interval(statistics: Vector) -> tuple[float, float]:
    """Return the 95 % interval of a statistic over resamples, shape (n,), n > 0."""
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(statistics, [tail, 1 - tail])
    return float(low), float(high)
