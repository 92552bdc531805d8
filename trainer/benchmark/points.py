"""Which points are calibrated: chosen from the map alone, well spread.

Every function is deterministic given its arguments; chance enters as a number.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from trainer.surveys.environment import Integers, Place

_BITS: Final = 10
"""A map is 2^10 cells of the Hilbert curve wide: finer than any survey."""

_SAME_M: Final = 0.05
"""Coordinates closer than this are one row or column of a grid [m]."""


def spread_points(place: Place, n: int, start: int) -> Integers:
    """Return points far from each other, by farthest-point sampling, sorted.

    Args:
        place: The map; floors are as far apart as a floor is wide.
        n: How many; all where there are fewer.
        start: Number of the first point.
    """
    position = _in_space(place)
    chosen = [start]
    distance = _distances(position, start)
    while len(chosen) < min(n, place.n_points):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, _distances(position, chosen[-1]))
    return np.sort(np.array(chosen, np.intp))


def every_nth_point(place: Place, n: int, phase: int) -> Integers:
    """Return every ``n``-th point along a curve through each floor, sorted.

    Args:
        place: The map.
        n: Stride.
        phase: Position of the first, 0 to n - 1.
    """
    order = np.lexsort((_along_curve(place.locations), place.floors))
    return np.sort(order[phase % n :: n])


def checkerboard(place: Place) -> npt.NDArray[np.bool_]:
    """Return which points are of the first colour, shape (n_points,).

    Rows and columns are the distinct coordinates of each floor; a point is of the first
    colour where their numbers have an even sum.
    """
    colour = np.zeros(place.n_points, np.bool_)
    for floor in np.unique(place.floors):
        here = place.floors == floor
        column, row = (_ranks(axis) for axis in place.locations[here].T)
        colour[here] = (column + row) % 2 == 0
    return colour


def _in_space(place: Place) -> npt.NDArray[np.float64]:
    """Return locations with a height, shape (n_points, 3)."""
    extent = np.ptp(place.locations, axis=0) if place.n_points else np.zeros(2)
    return np.column_stack([place.locations, place.floors * np.hypot(*extent)])


def _distances(
    position: npt.NDArray[np.float64], origin: int
) -> npt.NDArray[np.float64]:
    return np.asarray(np.linalg.norm(position - position[origin], axis=1))


def _ranks(values: npt.NDArray[np.float64]) -> Integers:
    """Return the number of each value among the distinct ones, in order of size."""
    order = values.argsort(kind="stable")
    steps = np.diff(values[order], prepend=values[order[:1]]) > _SAME_M
    ranks = np.empty(len(values), np.intp)
    ranks[order] = steps.cumsum()
    return ranks


def _along_curve(locations: npt.NDArray[np.float64]) -> Integers:
    """Return the position of each location along the Hilbert curve of their square.

    Neighbours on the curve are neighbours on the map, in corridors and in halls.
    """
    corner = locations.min(axis=0, initial=np.inf)
    width = max(float((locations - corner).max(initial=0.0)), np.finfo(float).tiny)
    cells = ((locations - corner) / width * ((1 << _BITS) - 1)).round().astype(np.intp)
    x, y = cells.T.copy()
    position = np.zeros(len(cells), np.intp)
    side = 1 << (_BITS - 1)
    while side:
        right, upper = (x & side) > 0, (y & side) > 0
        position += side * side * ((3 * right) ^ upper)
        # Turn the quadrant so that the curve within it starts where the last one ended.
        flip = ~upper & right
        x, y = np.where(flip, side - 1 - x, x), np.where(flip, side - 1 - y, y)
        x, y = np.where(upper, x, y), np.where(upper, y, x)
        side //= 2
    return position
