"""Which samples of a survey make up a few-shot task: row numbers, no signals.

Where the survey has several visits, support and query come from different ones: samples
of one visit are alike in everything that happened to stand still, and would reward
remembering it.
"""

from dataclasses import dataclass

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


def usable_points(point_of: Rows) -> Rows:
    """Return the points with at least two samples: one to adapt on, one to test."""
    return np.flatnonzero(np.bincount(point_of) >= 2)


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
    points = rng.permutation(usable_points(point_of))[: config.n_way]
    support, query = [], []
    for point in points:
        of_support, of_query = _split(
            np.flatnonzero(point_of == point), visit_of, config, rng
        )
        support.append(of_support)
        query.append(of_query)
    return Episode(points, support, query)


def _split(
    rows: Rows, visit_of: Visits, config: TaskConfig, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Return the rows of a point's support and query samples, as many as asked for."""
    support, query = split_visits(rows, visit_of, rng)
    return support[: config.k_support], query[: config.k_query]


def split_visits(
    rows: Rows, visit_of: Visits, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Return a point's rows in two parts, of different visits where it has several.

    Args:
        rows: Of one point.
        visit_of: Visit of each sample, shape (n,).
        rng: Source of chance.

    Returns:
        Rows for support, neighbours of different visits, and rows for query, of one
        visit; without any overlap. A single row is for query.
    """
    rows = rng.permutation(rows)
    visits = visit_of[rows]
    if len(np.unique(visits)) > 1:
        held_out = rng.choice(np.unique(visits))
        query, support = rows[visits == held_out], rows[visits != held_out]
        return across_visits(support, visit_of[support]), query
    half = max(1, len(rows) // 2)
    return rows[half:], rows[:half]


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
