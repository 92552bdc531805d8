"""Intervals that know that errors of one day, of one point, or of one seed are alike.

Days and points are crossed: the point that is hard today was hard yesterday. Whole
days, whole points and whole seeds are therefore drawn with replacement, independently,
and an error counts as often as its day, its point and its seed were drawn:

    V ~ Multinomial(T; 1/T, .., 1/T)        targets
    W ~ Multinomial(P; 1/P, .., 1/P)        points of a place, the same for all targets
    Z ~ Multinomial(S; 1/S, .., 1/S)        seeds, where there are several
    mean = Σ V_t W_p Z_s S_tps / Σ V_t W_p Z_s N_tps

with S_tps the sum and N_tps the number of the errors at point p of target t with seed
s. Percentile interval. A. B. Owen, "The pigeonhole bootstrap", Annals of Applied
Statistics 1(2), 2007: where both factors vary it errs on the side of being wide. With
few targets no bootstrap knows how much days differ: `FEW_TARGETS`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.evaluation.resampling import (
    N_RESAMPLES,
    Vector,
    drawn,
    percentile_interval,
)

FEW_TARGETS: Final = 8
"""With fewer, intervals are too narrow: of two targets, 62 % instead of 95."""

FEW_SEEDS: Final = 5
"""As with targets; a run of the default extent has as many."""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """How often everything is drawn."""

    clusters: npt.NDArray[np.float64]
    """Each point of each target, shape (N_RESAMPLES, n_clusters)."""

    seeds: npt.NDArray[np.float64]
    """Shape (N_RESAMPLES, n_seeds)."""

    def totals(self, sums: npt.NDArray[np.float64]) -> Vector:
        """Return the sum over everything that is drawn, shape (N_RESAMPLES,).

        Args:
            sums: Per cluster and seed, shape (n_clusters, n_seeds); or (n_clusters, 1)
                of what no seed changes.
        """
        by_seed = self.clusters @ sums
        if sums.shape[1] == 1:
            return np.asarray(by_seed[:, 0])
        return np.asarray((by_seed * self.seeds).sum(axis=1))


def resample(
    target_of: npt.NDArray[np.intp],
    point_of: npt.NDArray[np.intp],
    place_of: npt.NDArray[np.intp],
    n_seeds: int,
    rng: np.random.Generator,
) -> Draws:
    """Draw targets, points and seeds.

    Args:
        target_of: Number of each cluster's target, 0 to T - 1, each met; (n_clusters,).
        point_of: Number of its point, 0 to P - 1 over all places, each met.
        place_of: Number of its place: only points of one place are drawn together.
        n_seeds: At least 1.
        rng: Draws.
    """
    targets = drawn(len(np.unique(target_of)), rng)
    points = np.empty((N_RESAMPLES, len(np.unique(point_of))))
    for place in np.unique(place_of):
        of_place = np.unique(point_of[place_of == place])
        points[:, of_place] = drawn(len(of_place), rng)
    return Draws(targets[:, target_of] * points[:, point_of], drawn(n_seeds, rng))


def cluster_sums(values: Vector, cluster: npt.NDArray[np.intp], n: int) -> Vector:
    """Return the sum of each cluster's values, shape (n,)."""
    return np.bincount(cluster, values, minlength=n).astype(np.float64)


def ratio_interval(
    numerator: npt.NDArray[np.float64],
    denominator: npt.NDArray[np.float64],
    draws: Draws,
) -> tuple[float, float] | None:
    """Return the 95 % interval of Σ numerator / Σ denominator.

    Args:
        numerator: Per cluster and seed, shape (n_clusters, n_seeds or 1).
        denominator: The same.
        draws: From `resample`.

    Returns:
        None where fewer than two clusters have anything to divide by.
    """
    if np.count_nonzero(denominator.any(axis=1)) < 2:
        return None
    above, below = draws.totals(numerator), draws.totals(denominator)
    return percentile_interval(above[below != 0] / below[below != 0])
