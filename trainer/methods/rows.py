"""Labelled samples as rows, and statistics of groups of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.methods.features import decibels
from trainer.surveys.environment import Environment

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What was received at the points of one place, above a floor."""

    values: Matrix
    """[dB above the floor], shape (n, n_channels); zero where not heard."""

    point_of: Groups
    """Shape (n,)."""

    stop_of: Groups
    """Number of the environment, visit and point that a row is from, shape (n,)."""

    @classmethod
    def of(cls, environments: Sequence[Environment], floor_db: float) -> "Rows":
        """Stack the samples of some environments of one place."""
        stops = [
            np.stack(
                [np.full(len(e), number), e.visit_of, e.point_of],
                axis=1,
            )
            for number, e in enumerate(environments)
        ]
        _, stop_of = np.unique(np.concatenate(stops), axis=0, return_inverse=True)
        return cls(
            np.concatenate([decibels(e.signals, floor_db) for e in environments])
            - floor_db,
            np.concatenate([e.point_of for e in environments]),
            stop_of.reshape(-1),
        )

    @property
    def is_heard(self) -> npt.NDArray[np.bool_]:
        """Which channels were heard in any row, shape (n_channels,)."""
        heard: npt.NDArray[np.bool_] = np.logical_or.reduce(self.values > 0, axis=0)
        return heard

    def level(self, n_points: int) -> Matrix:
        """Return the mean of what is heard, (n_points, n_channels); NaN if nothing."""
        return self._means_heard(self.point_of, n_points)

    def detection(self, n_points: int) -> Matrix:
        """Return the share of rows that hear, (n_points, n_channels); NaN without."""
        is_heard = (self.values > 0).astype(np.float64)
        return group_means(is_heard, self.point_of, n_points)

    @property
    def spread(self) -> Vector:
        """Pooled variance of what a stop hears about its mean, shape (n_channels,).

        Zero where no stop hears a channel twice.
        """
        n_stops = int(self.stop_of.max(initial=-1)) + 1
        means = self._means_heard(self.stop_of, n_stops)
        is_heard = self.values > 0
        residuals = np.where(is_heard, self.values - means[self.stop_of], 0.0)
        freedom = is_heard.sum(axis=0) - np.isfinite(means).sum(axis=0)
        variance: Vector = (residuals**2).sum(axis=0) / np.maximum(freedom, 1)
        return variance

    def _means_heard(self, group_of: Groups, n_groups: int) -> Matrix:
        counts = np.zeros((n_groups, self.values.shape[1]))
        np.add.at(counts, group_of, (self.values > 0).astype(np.float64))
        sums = np.zeros_like(counts)
        np.add.at(sums, group_of, self.values)
        means: Matrix = np.full_like(sums, np.nan)
        np.divide(sums, counts, out=means, where=counts > 0)
        return means


def group_means(values: Matrix, group_of: Groups, n_groups: int) -> Matrix:
    """Return the mean of each group's rows, (n_groups, n_columns); NaN if none.

    Args:
        values: Shape (n, n_columns).
        group_of: Number of each row's group, shape (n,).
        n_groups: How many there are.
    """
    counts = np.bincount(group_of, minlength=n_groups)[:, None]
    sums = np.zeros((n_groups, values.shape[1]))
    np.add.at(sums, group_of, values)
    means: Matrix = np.full_like(sums, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def residuals_within(values: Matrix, group_of: Groups) -> Matrix:
    """Return the rows less the mean of their group; the same shape."""
    n_groups = int(group_of.max(initial=-1)) + 1
    return values - group_means(values, group_of, n_groups)[group_of]
