"""Labelled samples as rows, and statistics of groups of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.methods.features import Matrix, decibels
from trainer.surveys.environment import Environment

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
            np.stack([np.full(len(e), number), e.visit_of, e.point_of], axis=1)
            for number, e in enumerate(environments)
        ]
        _, stop_of = np.unique(np.concatenate(stops), axis=0, return_inverse=True)
        return cls(
            np.concatenate([decibels(e.signals, floor_db) for e in environments])
            - floor_db,
            np.concatenate([e.point_of for e in environments]),
            stop_of.reshape(-1),
        )

    def select(self, rows: Groups | npt.NDArray[np.bool_]) -> "Rows":
        """Return some of the rows; numbers or a mask."""
        return Rows(self.values[rows], self.point_of[rows], self.stop_of[rows])

    @property
    def is_heard(self) -> npt.NDArray[np.bool_]:
        """Which channels were heard in any row, shape (n_channels,)."""
        heard: npt.NDArray[np.bool_] = np.logical_or.reduce(self.values > 0, axis=0)
        return heard

    def level(self, n_points: int) -> Matrix:
        """Return the mean of what is heard, (n_points, n_channels); NaN if nothing."""
        return _heard_means(self.values, self.point_of, n_points)

    def detection(self, n_points: int) -> Matrix:
        """Return the share of rows that hear, (n_points, n_channels); NaN without."""
        return group_means(self.values > 0, self.point_of, n_points)

    @property
    def spread(self) -> Vector:
        """Pooled variance of what a stop hears about its mean, shape (n_channels,).

        [dB²]; one degree of freedom less than receptions for every stop that hears the
        channel. Zero where no stop hears it twice.
        """
        n_stops = int(self.stop_of.max(initial=-1)) + 1
        means = _heard_means(self.values, self.stop_of, n_stops)
        is_heard = self.values > 0
        residuals = np.where(is_heard, self.values - means[self.stop_of], 0.0)
        freedom = is_heard.sum(axis=0) - np.isfinite(means).sum(axis=0)
        variance: Vector = (residuals**2).sum(axis=0) / np.maximum(freedom, 1)
        return variance


def group_means(
    values: Matrix | npt.NDArray[np.bool_], group_of: Groups, n_groups: int
) -> Matrix:
    """Return the mean of each group's rows, (n_groups, n_columns); NaN if none.

    Args:
        values: Shape (n, n_columns).
        group_of: Number of each row's group, shape (n,).
        n_groups: How many there are.
    """
    counts = np.bincount(group_of, minlength=n_groups)[:, None]
    return _ratios(_group_sums(values, group_of, n_groups), counts)


def residuals_within(values: Matrix, group_of: Groups) -> Matrix:
    """Return the rows less the mean of their group; the same shape."""
    n_groups = int(group_of.max(initial=-1)) + 1
    return values - group_means(values, group_of, n_groups)[group_of]


def _heard_means(values: Matrix, group_of: Groups, n_groups: int) -> Matrix:
    """Return the mean of what each group's rows hear; NaN if none does."""
    # Silence is zero, and adds nothing to the sums.
    sums = _group_sums(values, group_of, n_groups)
    return _ratios(sums, _group_sums(values > 0, group_of, n_groups))


def _group_sums(
    values: Matrix | npt.NDArray[np.bool_], group_of: Groups, n_groups: int
) -> Matrix:
    sums = np.zeros((n_groups, values.shape[1]))
    np.add.at(sums, group_of, values)
    return sums


def _ratios(sums: Matrix, counts: Matrix | Groups) -> Matrix:
    """Return sums by counts; NaN where nothing was counted."""
    means: Matrix = np.full_like(sums, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
