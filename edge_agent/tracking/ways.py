"""How far it is to walk from one place to another, around walls.

Shortest ways bend at the ends of walls alone. So the ends, and a little around each,
are the corners of a graph; a door is where no wall is.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge_agent.site_file import Wall

Floats = npt.NDArray[np.float64]

_AROUND_M = 0.15
"""How close to the end of a wall one walks: doors are four times as wide."""

_AROUND = np.array(
    [[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]]
)
_MOST_BENDS = 400
"""Of one floor; with more, ways bend around the first ones only and are longer."""


def walking_distances(
    places: Floats, floors: npt.NDArray[np.intp], walls: Sequence[Wall]
) -> Floats:
    """Return the length of the shortest way between any two places [m].

    Args:
        places: [m], shape (n, 2).
        floors: Of each, shape (n,).
        walls: Of all floors.

    Returns:
        Shape (n, n), symmetric; infinite to another floor, and where there is no way.
    """
    lengths = np.full((len(places), len(places)), np.inf)
    for floor in np.unique(floors).tolist():
        rows = np.flatnonzero(floors == floor)
        here = np.array([[w.start, w.end] for w in walls if w.floor == floor])
        lengths[np.ix_(rows, rows)] = _on_one_floor(
            places[rows], here.reshape(-1, 2, 2)
        )
    np.fill_diagonal(lengths, 0)
    return lengths


def _on_one_floor(places: Floats, walls: Floats) -> Floats:
    direct = _in_sight(places, places, walls)
    if len(walls) == 0:
        return direct
    bends = _bends(walls)
    between = _in_sight(bends, bends, walls)
    for bend in range(len(bends)):  # Floyd and Warshall
        np.minimum(between, between[:, bend, None] + between[bend], out=between)
    to_bend = _in_sight(places, bends, walls)
    onwards = np.full_like(to_bend, np.inf)
    for bend in range(len(bends)):
        np.minimum(onwards, to_bend[:, bend, None] + between[bend], out=onwards)
    for bend in range(len(bends)):
        np.minimum(direct, onwards[:, bend, None] + to_bend[:, bend], out=direct)
    return np.minimum(direct, direct.T)  # rounding tells both ways of a wall apart


def _bends(walls: Floats) -> Floats:
    """Return where ways may bend [m], shape (n_bends, 2): not inside any wall."""
    ends = np.unique(walls.reshape(-1, 2), axis=0)
    around: Floats = (ends[:, None] + _AROUND_M * _AROUND).reshape(-1, 2)
    return np.asarray(around[:_MOST_BENDS])


def _in_sight(one: Floats, other: Floats, walls: Floats) -> Floats:
    """Return the distance where no wall is between, else infinity, shape (n, m)."""
    lengths: Floats = np.hypot(*(one[:, None] - other).transpose(2, 0, 1))
    for start, end in walls:
        lengths[_crosses(one, other, start, end)] = np.inf
    return lengths


def _crosses(
    one: Floats, other: Floats, start: Floats, end: Floats
) -> npt.NDArray[np.bool_]:
    """Tell which straight ways meet a wall, shape (n, m); touching it is meeting it."""
    along = end - start
    side_of_one = _cross(along, one - start)[:, None]
    side_of_other = _cross(along, other - start)
    way = other - one[:, None]  # (n, m, 2)
    side_of_start = _cross(way, start - one[:, None])
    side_of_end = _cross(way, end - one[:, None])
    is_way = (way != 0).any(axis=2)
    return np.asarray(
        is_way & (side_of_one * side_of_other <= 0) & (side_of_start * side_of_end <= 0)
    )


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
