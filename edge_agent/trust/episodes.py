"""A site's past as if it were today: some shots calibrate, a later visit asks.

A site is calibrated on one walk after another, each of several laps; ``visit_of`` is
"<walk>/<lap>", or anything without a slash: then all visits are laps of one walk. Two
kinds of episodes come of it:

    within a walk     other laps calibrate, one lap asks: another placement
    walk to walk      a walk calibrates, the first lap of the next one asks: another day

Never does a visit ask that calibrates, or that the history as of then holds: shots of
one placement know each other, and every figure fitted on them promises too much. An
episode calibrates with as many laps as the newest walk has, at its points and no
others, so that what is replayed is what will be done: a sparse walk is replayed sparse,
and asked wherever the past went. Its own laps ask only where it went itself, so walks
take turns then: what is not known of the points between must come from walks before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.environment import Environment
from edge_agent.history import joined, walk_of

Rows = npt.NDArray[np.intp]

MOST_EPISODES: Final = 8
"""The network takes its gradient steps in each."""

_MOST_SHOTS: Final = 1600
"""Of all episodes together, as far as there are three: seconds on a Raspberry Pi."""

_FEWEST: Final = 3

_MOST_IMAGES: Final = 3
"""Of a point in one visit that ask: they are hardly more than one."""


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """One calibration of the past, and who asked where they were."""

    shots: Environment
    """What it was calibrated with."""

    history: Environment | None
    """All earlier walks; None where there were none."""

    queries: Environment
    """Images of a visit that is in neither, at points that either has shots of."""

    is_later_walk: bool
    """Whether they were recorded on another walk than the shots."""


@dataclass(frozen=True, slots=True)
class _Lap:
    rows: Rows
    """Numbers of its images."""


@dataclass(frozen=True, slots=True)
class _Found:
    """An episode by the numbers of its images."""

    shots: Rows
    before: Rows
    queries: Rows
    is_later_walk: bool
    turn: int
    """How many of the same walk and kind are newer, or come first in it."""


def episodes(
    fresh: Environment,
    history: Environment | None = None,
    *,
    most: int | None = None,
) -> tuple[Episode, ...]:
    """Return the episodes that a site's past can serve, newest first.

    If there are more than are wanted, half of them are within a walk and half from walk
    to walk, as far as there are, the newest of each. The same past gives the same
    episodes.

    Args:
        fresh: Shots of the newest walk.
        history: All earlier shots of the site, aligned.
        most: Number of episodes; None: as many as a Raspberry Pi replays in seconds,
            three to eight.

    Returns:
        Nothing where no two visits are of the same site: there is no past to replay.

    Raises:
        ValueError: The history is not aligned (`edge_agent.history`).
    """
    past = fresh if history is None else joined(history, fresh)
    n_before = len(past) - len(fresh)
    walks = _walks(past, np.arange(len(past)) >= n_before)
    if not walks:
        return ()
    n_known = len(np.unique(past.point_of))
    n_per_point = int(np.bincount(fresh.point_of).max())
    if most is None:
        # Of points without fresh shots, learners are given older ones.
        n_shots = n_known * n_per_point
        most = min(max(_MOST_SHOTS // n_shots, _FEWEST), MOST_EPISODES)
    n_laps = len(walks[-1])
    covered = np.unique(fresh.point_of)
    found: list[_Found | None] = []
    for number in reversed(range(len(walks))):
        before = np.concatenate([np.zeros(0, np.intp), *map(_rows, walks[:number])])
        if number + 1 < len(walks):
            shots = _rows(walks[number][:n_laps])
            queries = walks[number + 1][0].rows
            found.append(_found(past, shots, before, queries, covered, None))
        for asked, lap in enumerate(walks[number]):
            others = [
                walks[number][(asked - back) % len(walks[number])]
                for back in range(1, min(n_laps, len(walks[number]) - 1) + 1)
            ]
            if others:
                shots = _rows(others)
                found.append(_found(past, shots, before, lap.rows, covered, asked))
    some = [each for each in found if each is not None]
    if len(covered) < n_known:
        some.sort(key=lambda each: each.turn)
    return tuple(_episode(past, each, n_per_point) for each in _balanced(some, most))


def _walks(past: Environment, is_fresh: npt.NDArray[np.bool_]) -> list[list[_Lap]]:
    """Return the laps of each walk in order of time."""
    laps: dict[tuple[bool, str], dict[str, list[int]]] = {}
    for row, visit in enumerate(past.visit_of.tolist()):
        walk, lap = walk_of(visit), visit.rpartition("/")[2]
        of_walk = laps.setdefault((bool(is_fresh[row]), walk), {})
        of_walk.setdefault(lap, []).append(row)
    return [
        [_Lap(np.array(laps[walk][lap], np.intp)) for lap in sorted(laps[walk], key=_n)]
        for walk in sorted(laps)
    ]


def _n(lap: str) -> tuple[int, str]:
    """Order laps 1, 2 .. 10 as numbers."""
    return len(lap), lap


def _rows(laps: Sequence[_Lap]) -> Rows:
    return np.concatenate([lap.rows for lap in laps])


def _balanced(found: list[_Found], most: int) -> list[_Found]:
    """Keep the newest of each kind, half of what is allowed of either."""
    later, same = (
        [each for each in found if each.is_later_walk is kind] for kind in (True, False)
    )
    n_later = min(len(later), max(most // 2, most - len(same)))
    return later[:n_later] + same[: most - n_later]


def _found(
    past: Environment,
    shots: Rows,
    before: Rows,
    queries: Rows,
    covered: Rows,
    lap: int | None,
) -> _Found | None:
    """Return an episode at the points of the newest walk, asked at all that are known.

    Returns:
        None where that walk was elsewhere, two points are not known, or nobody asks.
    """
    shots = shots[np.isin(past.point_of[shots], covered)]
    known = np.union1d(past.point_of[shots], past.point_of[before])
    queries = queries[np.isin(past.point_of[queries], known)]
    if not len(shots) or len(known) < 2 or not len(queries):
        return None
    return _Found(shots, before, queries, lap is None, lap or 0)


def _episode(past: Environment, found: _Found, n_per_point: int) -> Episode:
    """Return the images."""
    queries = found.queries
    of_points = [
        queries[past.point_of[queries] == p] for p in np.unique(past.point_of[queries])
    ]
    few = [
        rows[np.linspace(0, len(rows) - 1, min(len(rows), _MOST_IMAGES)).astype(int)]
        for rows in of_points
    ]
    return Episode(
        past.select(found.shots).take_shots(n_per_point),
        past.select(found.before) if len(found.before) else None,
        past.select(np.concatenate(few)),
        found.is_later_walk,
    )
