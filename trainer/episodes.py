"""Which samples of a survey make up a few-shot task: row numbers, no signals.

Where the survey has several visits, support and query of a task come from different
ones: samples of one visit are alike in everything that happened to stand still, and
would reward remembering it. A visit is held out for all points of a task together, as
what stood still did so around all of them:

    lap 1    lap 2    lap 3
    support  query    support      point 1
    support  query    support      point 2

Points of a single visit take no part, but where too few have several: their samples are
then halved, and what is learnt is to remember the visit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]
Visits = npt.NDArray[np.str_] | npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class TaskConfig:
    """Sizes of a task; the defaults are the paper's (section V-B)."""

    n_way: int = 10
    """N, points per task; fewer where an environment has fewer."""

    k_support: int = 3
    k_query: int = 5
    """Images per point; fewer where a visit has fewer."""

    channel_dropout: float = 0.2
    """Probability with which a channel is masked throughout a task, so that the network
    learns to do without: sites have access points that are not heard everywhere."""

    def __post_init__(self) -> None:
        if self.n_way < 2 or self.k_support < 1 or self.k_query < 1:
            raise ValueError(
                f"{self.n_way}-way tasks of {self.k_support} + {self.k_query} images; "
                "at least 2 points, 1 + 1 images"
            )
        if not 0 <= self.channel_dropout <= 1:
            raise ValueError(f"channel_dropout is {self.channel_dropout}, not 0 to 1")


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """Rows of one task."""

    points: Rows
    """The task's points, numbered as in the environment, shape (n_points,)."""

    support: list[Rows]
    """Rows of D^s, an array per point."""

    query: list[Rows]
    """Rows of D^q, an array per point; none is in ``support``."""


def usable_points(point_of: Rows, visit_of: Visits, n_least: int = 2) -> Rows:
    """Return the points that tasks are of: those with samples to adapt on and to test.

    Points of several visits, where there are enough of them; else all points of two
    samples.

    Args:
        point_of: Point of each sample, shape (n,).
        visit_of: Visit of each sample, shape (n,).
        n_least: Points that a task takes.
    """
    return _usable(point_of, _Visited.of(point_of, visit_of), n_least)


def draw_episode(
    point_of: Rows, visit_of: Visits, config: TaskConfig, rng: np.random.Generator
) -> Episode:
    """Return a random task of an environment.

    Args:
        point_of: Point of each sample, shape (n,); at least two points are usable.
        visit_of: Visit of each sample, shape (n,).
        config: Sizes.
        rng: Source of chance.
    """
    parts = split_visits(point_of, visit_of, rng)
    points: list[int] = []
    support: list[Rows] = []
    query: list[Rows] = []
    for point, of_support, of_query in parts:
        if len(points) == config.n_way:
            break
        if len(of_query):
            points.append(point)
            support.append(of_support[: config.k_support])
            query.append(of_query[: config.k_query])
    return Episode(np.array(points, np.intp), support, query)


def split_visits(
    point_of: Rows, visit_of: Visits, rng: np.random.Generator, *, n_least: int = 2
) -> Iterator[tuple[int, Rows, Rows]]:
    """Yield the usable points in random order, each with its rows in two parts.

    The first part is for support, neighbours of different visits; it is never empty.
    The second is for query. Of points of several visits no visit is in the first part
    of one and in the second of another; where that cannot be had, as of three points
    of which each two share a visit, the second part of one is empty. Two have both.

    Args:
        point_of: Point of each sample, shape (n,).
        visit_of: Visit of each sample, shape (n,).
        rng: Source of chance.
        n_least: Points that a task takes, as of `usable_points`.
    """
    visited = _Visited.of(point_of, visit_of)
    usable = _usable(point_of, visited, n_least)
    several = visited.several[usable]
    held_out = visited.names[_held_out(visited.when[usable[several]], rng)]
    order = rng.permutation(len(usable))
    for point, has_several in zip(
        usable[order].tolist(), several[order].tolist(), strict=True
    ):
        rows = rng.permutation(np.flatnonzero(point_of == point))
        if has_several:
            is_query = np.isin(visit_of[rows], held_out)
        else:
            is_query = np.arange(len(rows)) < len(rows) // 2
        support = rows[~is_query]
        yield point, across_visits(support, visit_of[support]), rows[is_query]


@dataclass(frozen=True, slots=True, eq=False)
class _Visited:
    """When each point was visited."""

    names: Visits
    """Of the visits, shape (n_visits,)."""

    when: npt.NDArray[np.bool_]
    """Shape (n_points, n_visits)."""

    @classmethod
    def of(cls, point_of: Rows, visit_of: Visits) -> Self:
        """Return the visits of the points of some samples."""
        names, number_of = np.unique(visit_of, return_inverse=True)
        when = np.zeros((point_of.max(initial=-1) + 1, len(names)), np.bool_)
        when[point_of, number_of] = True
        return cls(cast(Visits, names), when)

    @property
    def several(self) -> npt.NDArray[np.bool_]:
        """Which points have two visits or more, shape (n_points,)."""
        return np.asarray(self.when.sum(axis=1) > 1)


def _usable(point_of: Rows, visited: _Visited, n_least: int) -> Rows:
    several = np.flatnonzero(visited.several)
    if len(several) >= n_least:
        return several
    return np.flatnonzero(np.bincount(point_of) > 1)


def _held_out(
    when: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Return a random choice of visits that every point has, and has others besides.

    Visits are gone through in random order, and held out where a point has none yet,
    unless another would be left without. Of laps around all points this is one lap.

    Args:
        when: Visits of each point, two or more, shape (n_points, n_visits).
        rng: Source of chance.
    """
    held_out = np.zeros(when.shape[1], np.bool_)
    is_missing = np.ones(len(when), np.bool_)
    n_left = when.sum(axis=1)
    for visit in rng.permutation(when.shape[1]):
        here = when[:, visit]
        if (here & is_missing).any() and (n_left[here] > 1).all():
            held_out[visit] = True
            is_missing &= ~here
            n_left -= here
        if not is_missing.any():
            break
    return held_out


def across_visits(rows: Rows, visits: Visits) -> Rows:
    """Reorder so that neighbours come from different visits, as three laps would."""
    seen: dict[str | int, int] = {}
    turn = np.empty(len(rows), np.intp)
    for position, visit in enumerate(visits.tolist()):
        turn[position] = seen[visit] = seen.get(visit, -1) + 1
    return rows[np.argsort(turn, kind="stable")]


def kept_channels(
    n_channels: int, n_used: int, dropout: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Return which channels a task may use; at least one of the first ``n_used``."""
    kept: npt.NDArray[np.bool_] = rng.random(n_channels) >= dropout
    if not kept[:n_used].any():
        kept[rng.integers(n_used)] = True
    return kept


def mask_channels(
    heard: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return what is left of each sample; one that would lose all it heard keeps it.

    Args:
        heard: Shape (n, n_channels).
        kept: Shape (n_channels,).
    """
    masked = heard & kept
    return np.where(masked.any(axis=1, keepdims=True), masked, heard)
