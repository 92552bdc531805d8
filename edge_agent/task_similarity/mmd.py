"""How different two samples of signals are: maximum mean discrepancy, Eq. (16).

    MMD² = E k(x, x') + E k(y, y') - 2 E k(x, y),   k(x, y) = exp(-|x - y|² / (2 s²))

In the unit ball of the kernel's space the supremum of Eq. (16) is attained, and this is
its square. Estimated without bias (Gretton et al., "A kernel two-sample test", JMLR
2012, Eq. (3)), it may be negative:

    1/(m(m-1)) Σ_{i≠j} k(x_i, x_j) + 1/(n(n-1)) Σ_{i≠j} k(y_i, y_j)
        - 2/(mn) Σ k(x_i, y_j)

The paper says neither kernel nor bandwidth. Here s is the median distance between two
of all samples, divided by √2; whoever ranks several samples takes one s from all of
them (`median_bandwidth`), as values under different kernels cannot be compared.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

_MOST_FOR_MEDIAN = 2000

Sample = npt.NDArray[np.float64]
"""Feature vectors, shape (n, n_features)."""


def standardize(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples with mean 0 and deviation 1 per feature, over all of them.

    A feature that is the same everywhere becomes zero.
    """
    pooled = np.concatenate(samples)
    deviation = pooled.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    scaled = (pooled - pooled.mean(axis=0)) / scale
    ends = np.cumsum([0, *map(len, samples)]).tolist()
    return [scaled[start:end] for start, end in pairwise(ends)]


def squared_distances(x: Sample, y: Sample) -> npt.NDArray[np.float64]:
    """Return |x_i - y_j|², shape (len(x), len(y))."""
    squares = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1)
    distances = squares - 2 * x @ y.T
    # What is less than rounding is nothing: equal vectors have distance zero.
    return np.where(distances > 1e-14 * x.shape[1] * squares, distances, 0.0)


def median_bandwidth(samples: Sequence[Sample]) -> float:
    """Return s, the median distance of two different samples over √2.

    Of many samples, about 2,000 at equal intervals.
    1 where that is zero, because more than half of all pairs are the same.
    """
    pooled = np.concatenate(samples)
    pooled = pooled[:: 1 + len(pooled) // _MOST_FOR_MEDIAN]
    # Row by row: all at once, with their indices, take a hundred megabytes.
    rows = [
        squared_distances(pooled[n : n + 1], pooled[n + 1 :])[0]
        for n in range(len(pooled) - 1)
    ]
    median = float(np.median(np.concatenate(rows))) if rows else 0.0
    return math.sqrt(median / 2) or 1.0


def gaussian_gram(x: Sample, y: Sample, bandwidth: float) -> npt.NDArray[np.float64]:
    """Return k(x_i, y_j), shape (len(x), len(y))."""
    return np.asarray(np.exp(-squared_distances(x, y) / (2 * bandwidth**2)))


def squared_mmd(x: Sample, y: Sample, bandwidth: float) -> float:
    """Return the unbiased estimate of MMD².

    Raises:
        ValueError: A sample has fewer than two vectors.
    """
    gram, is_x = _pooled_gram(x, y, bandwidth)
    return float(_estimates(gram, is_x[None])[0])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether two samples come from one distribution."""

    squared_mmd: float
    p_value: float
    """Share of all ways to split the samples anew that are as far apart, this one
    included."""


def permutation_test(
    x: Sample,
    y: Sample,
    bandwidth: float,
    rng: np.random.Generator,
    *,
    n_permutations: int = 200,
) -> Comparison:
    """Return MMD², and how likely it is where both samples are of one distribution.

    Args:
        x: Shape (m, n_features), m at least 2.
        y: Shape (n, n_features), n at least 2.
        bandwidth: s, the same for all permutations.
        rng: Source of chance.
        n_permutations: B; the smallest p-value is 1 / (B + 1).

    Raises:
        ValueError: A sample has fewer than two vectors.
    """
    gram, is_x = _pooled_gram(x, y, bandwidth)
    found = float(_estimates(gram, is_x[None])[0])
    shuffled = rng.permuted(np.tile(is_x, (n_permutations, 1)), axis=1)
    # A split that is the same up to rounding counts as being as far apart.
    as_far = int((_estimates(gram, shuffled) >= found - 1e-12).sum())
    return Comparison(found, (1 + as_far) / (n_permutations + 1))


def _pooled_gram(
    x: Sample, y: Sample, bandwidth: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the Gram matrix of both samples, and 1 for each that is of ``x``."""
    if min(len(x), len(y)) < 2:
        raise ValueError(f"samples of {len(x)} and {len(y)} vectors; at least 2 each")
    pooled = np.concatenate([x, y])
    return gaussian_gram(pooled, pooled, bandwidth), np.repeat(
        [1.0, 0.0], [len(x), len(y)]
    )


def _estimates(
    gram: npt.NDArray[np.float64], is_x: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return MMD², Eq. (16) squared, for every way of splitting the pool.

    Args:
        gram: Shape (m + n, m + n).
        is_x: 1 for members of x, 0 for those of y, shape (n_splits, m + n).
    """
    is_y = 1 - is_x
    m, n = is_x[0].sum(), is_y[0].sum()
    to_x, to_y = is_x @ gram, is_y @ gram
    # Of the diagonal, which is 1, every member has one.
    within_x = ((to_x * is_x).sum(axis=1) - m) / (m * (m - 1))
    within_y = ((to_y * is_y).sum(axis=1) - n) / (n * (n - 1))
    across = (to_x * is_y).sum(axis=1) / (m * n)
    return np.asarray(within_x + within_y - 2 * across)
