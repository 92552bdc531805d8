"""What baselines compare with: today's shots, or the past where there are none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from trainer.methods.features import Matrix
from trainer.surveys.environment import Environment, Integers, Place, Signals

MAX_SAMPLES: Final = 12_000
"""Samples of history that statistics are taken of."""


def of_place(history: Sequence[Environment], place: Place) -> list[Environment]:
    """Return the environments that share a place's points and channels."""
    return [e for e in history if e.place.name == place.name]


def by_place(history: Sequence[Environment]) -> dict[str, list[Environment]]:
    """Return the environments that have samples, by the name of their place."""
    places: dict[str, list[Environment]] = {}
    for environment in history:
        if len(environment):
            places.setdefault(environment.place.name, []).append(environment)
    return places


def audible(environment: Environment) -> Environment:
    """Return the samples that hear anything: the others show no place."""
    hears = environment.signals.heard.any(axis=1)
    return environment if hears.all() else environment.select(np.flatnonzero(hears))


def recent(
    days: Sequence[Environment], *, max_samples: int = MAX_SAMPLES
) -> list[Environment]:
    """Return the latest environments that have not too many samples together.

    At least two, as one does not show how days differ. Statistics of a hundred features
    do not get better with more, and the oldest days are the least like today. Samples
    that hear nothing are left out, unless there are no others.
    """
    budget = max_samples
    kept: list[Environment] = []
    heard = [heard for day in days if len(heard := audible(day))]
    for day in reversed(heard or [day for day in days if len(day)]):
        budget -= len(day)
        if budget < 0 and len(kept) >= 2:
            break
        kept.append(day)
    return kept[::-1]


def sources(
    history: Sequence[Environment], place: Place, shots: Environment
) -> list[Environment]:
    """Return the shots; without any, the past of the same place."""
    return [shots] if len(shots) else of_place(history, place)


@dataclass(frozen=True, slots=True, eq=False)
class References:
    """Labelled rows of a signal space."""

    features: Matrix
    """Shape (n, d)."""

    point_of: Integers
    """Point of each row, shape (n,)."""

    @classmethod
    def of(
        cls,
        environments: Sequence[Environment],
        features: Callable[[Signals], Matrix],
    ) -> Self:
        """Return a row for each sample that hears anything."""
        kept = [heard for e in environments if len(heard := audible(e))]
        if not kept:
            return cls(np.zeros((0, 0)), np.zeros(0, np.intp))
        return cls(
            np.concatenate([features(e.signals) for e in kept]),
            np.concatenate([e.point_of for e in kept]),
        )

    def __len__(self) -> int:
        return len(self.features)

    def point_means(self) -> Self:
        """Return one row per point, the mean of its rows."""
        points, row_of = np.unique(self.point_of, return_inverse=True)
        sums = np.zeros((len(points), self.features.shape[1]))
        np.add.at(sums, row_of, self.features)
        return type(self)(sums / np.bincount(row_of)[:, None], points)


def point_totals(
    values: npt.NDArray[np.float64], point_of: Integers, n_points: int
) -> Matrix:
    """Return the sum over each point's columns.

    Args:
        values: Shape (n, n_references).
        point_of: Point of each reference, shape (n_references,).
        n_points: Number of columns of the result.

    Returns:
        Shape (n, n_points).
    """
    totals = np.zeros((n_points, len(values)))
    np.add.at(totals, point_of, values.T)
    return totals.T
