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

    @property
    def spread(self) -> Vector:
        """Pooled variance of the rows of a stop about their mean, (n_channels,)."""
        return variance_within(self.values, self.stop_of)


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


def variance_within(values: Matrix, group_of: Groups) -> Vector:
    """Return the pooled, unbiased variance within groups, shape (n_columns,).

    Zero where no group has two rows.
    """
    residuals = residuals_within(values, group_of)
    freedom = max(len(values) - len(np.unique(group_of)), 1)
    variance: Vector = np.einsum("nc,nc->c", residuals, residuals) / freedom
    return variance
