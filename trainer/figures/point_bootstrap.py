"""Intervals over the points and seeds of one day, as the benchmark has them.

Errors at one point are alike whatever the seed, and those of one seed whatever the
point: both are drawn with replacement (`trainer.benchmark.bootstrap`). One day was
located: the intervals say nothing about other days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from trainer.benchmark.bootstrap import (
    Draws,
    cluster_sums,
    ratio_interval,
    resample,
)
from trainer.figures.statistics import Band, Estimate, Floats

_CHANCE = 2007
"""Of the resampling; the same for every method, so that all draws are paired."""


@dataclass(frozen=True, slots=True, eq=False)
class PointBootstrap:
    """Queries of several seeds, by point."""

    point_of: tuple[npt.NDArray[np.intp], ...]
    """Point of each query, an entry per seed; from 0 on, each met in every seed."""

    n_points: int
    draws: Draws

    @classmethod
    def of(cls, points: Sequence[npt.NDArray[np.intp]]) -> Self:
        """Return it for the queries' points, an entry per seed."""
        names = np.unique(np.concatenate(points))
        numbered = tuple(np.searchsorted(names, of_seed) for of_seed in points)
        one_day = np.zeros(len(names), np.intp)
        draws = resample(
            one_day,
            np.arange(len(names)),
            one_day,
            len(points),
            np.random.default_rng(_CHANCE),
        )
        return cls(numbered, len(names), draws)

    def mean(self, values: Sequence[Floats]) -> Estimate:
        """Return the mean over all queries of all seeds.

        Args:
            values: One per query, an entry per seed.
        """
        sums, numbers = (
            self._sums(values),
            self._sums([np.ones(len(v)) for v in values]),
        )
        low, high = ratio_interval(sums, numbers, self.draws) or (np.nan, np.nan)
        return Estimate(float(sums.sum() / numbers.sum()), low, high, len(values))

    def shares(self, errors: Sequence[Floats], limits: Floats) -> Band:
        """Return which share of errors is not larger than each limit."""
        found = [
            self.mean([(e <= limit).astype(np.float64) for e in errors])
            for limit in limits.tolist()
        ]
        return Band(
            np.array([f.mean for f in found]),
            np.array([f.low for f in found]),
            np.array([f.high for f in found]),
            len(errors),
        )

    def _sums(self, values: Sequence[Floats]) -> Floats:
        """Return sums by point and seed, shape (n_points, n_seeds)."""
        return np.stack(
            [
                cluster_sums(of_seed, points, self.n_points)
                for of_seed, points in zip(values, self.point_of, strict=True)
            ],
            axis=1,
        )
