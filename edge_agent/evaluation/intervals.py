"""Intervals that know that errors of one point, or of one visit, are alike.

Whole visits and whole points are drawn with replacement, independently; an estimate
counts as often as its visit and its point were drawn:

    V ~ Multinomial(n visits), W ~ Multinomial(n points)
    ratio = Σ V_v W_p A_vp / Σ V_v W_p B_vp

with A_vp and B_vp sums over the estimates of visit v at point p. Percentile interval.
A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2), 2007.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge_agent.evaluation.resampling import drawn, percentile_interval

Interval = tuple[float, float] | None
"""Low and high; None where fewer than two clusters have anything to count."""


class Clusters:
    """Which estimates belong together, and how often each group was drawn."""

    def __init__(
        self,
        visits: Sequence[str],
        points: Sequence[object],
        rng: np.random.Generator,
    ) -> None:
        """Draw.

        Args:
            visits: Of each estimate.
            points: Of each estimate.
            rng: Draws; the same one gives the same intervals.
        """
        visit_of, n_visits = _numbered(visits)
        point_of, n_points = _numbered(points)
        keys = visit_of * max(n_points, 1) + point_of
        clusters, self._cluster_of = np.unique(keys, return_inverse=True)
        drawn_visits, drawn_points = drawn(n_visits, rng), drawn(n_points, rng)
        self._weights = (
            drawn_visits[:, clusters // max(n_points, 1)]
            * drawn_points[:, clusters % max(n_points, 1)]
        )

    def mean(
        self,
        values: npt.NDArray[np.float64] | npt.NDArray[np.bool_],
        counts: npt.NDArray[np.bool_],
    ) -> Interval:
        """Return the 95 % interval of the mean of some estimates' values.

        Args:
            values: Of all estimates, shape (n,); those that do not count may be NaN.
            counts: Which count, shape (n,).
        """
        n_clusters = self._weights.shape[1]
        above = np.bincount(
            self._cluster_of, np.where(counts, values, 0.0), minlength=n_clusters
        )
        below = np.bincount(self._cluster_of, counts, minlength=n_clusters)
        if np.count_nonzero(below) < 2:
            return None
        sums, numbers = self._weights @ above, self._weights @ below
        met = numbers > 0
        return percentile_interval(sums[met] / numbers[met])


def _numbered(keys: Sequence[object]) -> tuple[npt.NDArray[np.intp], int]:
    numbers = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], np.intp), len(numbers)
