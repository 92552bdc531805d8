"""Ways through a room, around what stands in it."""

import heapq
from typing import Final

import numpy as np
import numpy.typing as npt

from trainer.errors import RoomError
from trainer.simulate.furniture import Furniture
from trainer.simulate.materials import Floats
from trainer.simulate.room import Room

_STEP_M: Final = 0.1
_CLEARANCE_M: Final = 0.1
"""Less than furniture keeps from places that are free, so that those can be reached."""

_ANKLE_M: Final = 0.1
_NEIGHBOURS: Final = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
_Cell = tuple[int, int]


def find_way(room: Room, start: npt.ArrayLike, end: npt.ArrayLike) -> Floats:
    """Return the corners of a short way around the furniture.

    A* over cells of 0.1 m, then every corner is cut that can be. Inner walls are no
    obstacle: they have doors.

    Args:
        room: On its day.
        start: [m], shape (2,).
        end: [m], shape (2,).

    Returns:
        [m], shape (n_corners, 2), ``start`` first, ``end`` last.

    Raises:
        RoomError: An end lies outside the room or in furniture, or there is no way.
    """
    ends = np.array([start, end], np.float64)
    room.check_places(np.column_stack([ends, np.full(2, _ANKLE_M)]))
    n_cells = np.maximum(np.floor(room.size[:2] / _STEP_M).astype(int), 1)
    cells = np.indices(n_cells).reshape(2, -1).T
    is_free = ~_blocked(room.furniture, _middle(cells)).reshape(n_cells)
    first, last = (
        _nearest_cell(is_free, place, room.furniture, name)
        for place, name in zip(ends, ("start", "end"), strict=True)
    )
    found = _shortest(is_free, first, last)
    if found is None:
        raise RoomError(
            f"no way from ({ends[0, 0]:g}, {ends[0, 1]:g}) to ({ends[1, 0]:g}, "
            f"{ends[1, 1]:g}): furniture stands between them"
        )
    return _cut_corners(
        room.furniture, np.concatenate([ends[:1], _middle(np.array(found)), ends[1:]])
    )


def walk_along(corners: Floats, *, speed_m_s: float, interval_s: float) -> Floats:
    """Return where one is at each packet, from the first step to the last corner.

    Args:
        corners: [m], shape (n_corners, 2).
        speed_m_s: [m/s].
        interval_s: Between packets [s].

    Returns:
        [m], shape (n_packets, 2), at least one.
    """
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    walked = np.concatenate([[0.0], np.cumsum(lengths)])
    n_packets = max(1, round(walked[-1] / speed_m_s / interval_s))
    at = walked[-1] * np.arange(1, n_packets + 1) / n_packets
    return np.column_stack([np.interp(at, walked, corners[:, axis]) for axis in (0, 1)])


def _middle(cells: npt.NDArray[np.intp]) -> Floats:
    return np.asarray((cells + 0.5) * _STEP_M, np.float64)


def _blocked(furniture: Furniture, places: Floats) -> npt.NDArray[np.bool_]:
    """Return where nobody can stand, shape (n_places,)."""
    feet = np.column_stack([places, np.full(len(places), _ANKLE_M)])
    return furniture.holds(feet, clearance_m=_CLEARANCE_M)


def _nearest_cell(
    is_free: npt.NDArray[np.bool_], place: Floats, furniture: Furniture, name: str
) -> _Cell:
    """Return the free cell that is reached from a place in a straight line."""
    free = np.argwhere(is_free)
    distance = np.linalg.norm(_middle(free) - place, axis=1)
    for number in np.argsort(distance, kind="stable")[:9]:
        if _is_clear(furniture, place, _middle(free[number])):
            return int(free[number, 0]), int(free[number, 1])
    raise RoomError(f"the {name} at ({place[0]:g}, {place[1]:g}) is walled in")


def _shortest(
    is_free: npt.NDArray[np.bool_], first: _Cell, last: _Cell
) -> list[_Cell] | None:
    """Return the cells from the first to the last."""
    length = {first: 0.0}
    before: dict[_Cell, _Cell] = {}
    waiting = [(0.0, first)]
    while waiting:
        _, cell = heapq.heappop(waiting)
        if cell == last:
            way = [cell]
            while cell != first:
                cell = before[cell]
                way.append(cell)
            return way[::-1]
        for i, j in _NEIGHBOURS:
            there = (cell[0] + i, cell[1] + j)
            inside = all(0 <= c < n for c, n in zip(there, is_free.shape, strict=True))
            if not inside or not is_free[there]:
                continue
            new = length[cell] + float(np.hypot(i, j))
            if new < length.get(there, np.inf):
                length[there] = new
                before[there] = cell
                left = float(np.hypot(last[0] - there[0], last[1] - there[1]))
                heapq.heappush(waiting, (new + left, there))
    return None


def _cut_corners(furniture: Furniture, way: Floats) -> Floats:
    """Return the way without the corners that one can pass by."""
    kept = [0]
    while kept[-1] < len(way) - 1:
        here = kept[-1]
        later = range(len(way) - 1, here + 1, -1)
        kept.append(
            next(
                (n for n in later if _is_clear(furniture, way[here], way[n])), here + 1
            )
        )
    return np.asarray(way[kept])


def _is_clear(furniture: Furniture, start: Floats, end: Floats) -> bool:
    """Return whether one can walk straight from a place to another."""
    n_steps = max(2, int(np.linalg.norm(end - start) / (0.2 * _STEP_M)))
    share = np.linspace(0, 1, n_steps)[1:, None]
    return not _blocked(furniture, start + share * (end - start)).any()
