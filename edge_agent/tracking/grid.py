"""How somebody may have gone from one cell to another: the cells are a site's points.

A cell's tick is the time in which somebody who walks at speed v comes to the next one:

    T_i  = max(1 s, d_i / v)                     d_i: way to the nearest other cell
    K_ij ~ exp(-max(0, d_ij - v T_i)² / 2 s²)    s = v T_i / 2: some walk faster
    dP_j/dt = sum_i P_i K_ij / T_i - P_j / T_j

d is the length of the way around walls (`edge_agent.tracking.ways`). K includes the
cell itself. Solved for one step of any length, with 1 - exp(-t / T_i) for t / T_i: the
same walk whatever the rate of the images is.

The law of one step, ten times a second, would let people walk as far as it rounds up,
ten times a second; that is why it is the law of a tick here, and why images in between
have their share of it.

Places without coordinates are all as far from each other, and the place called outside
is as far from all. Other floors are reached rarely, from anywhere: nobody says where
the stairs are. Nothing is impossible: plans and surveys err.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge_agent.site_file import Wall
from edge_agent.survey import Point
from edge_agent.tracking.ways import walking_distances

Floats = npt.NDArray[np.float64]

_LEAST_TICK_S = 1.0
_ROOM_TICK_S = 5.0
"""From one room to another, where nobody says how far they are apart."""

_TO_OUTSIDE, _TO_OTHER_FLOOR, _TO_ANYWHERE = 0.05, 0.02, 1e-4
"""Share of what leaves a cell."""

_STEPS_A_TICK, _MOST_STEPS = 4, 64
"""Of the solution; more would not change it by a hundredth, nor after minutes."""


class Grid:
    """Cells and the ways between them."""

    def __init__(
        self, points: Sequence[Point], *, speed_m_s: float, walls: Sequence[Wall] = ()
    ) -> None:
        """Prepare.

        Args:
            points: At least one.
            speed_m_s: At which people walk, above 0.
            walls: That nobody walks through.

        Raises:
            ValueError: No points, or a speed that is not above 0.
        """
        if not points or not 0 < speed_m_s < np.inf:
            raise ValueError(
                f"{len(points)} points and {speed_m_s} m/s; at least one point and a "
                "speed above 0 are needed"
            )
        self.n_cells = len(points)
        is_outside = np.array([point.is_outside for point in points], np.bool_)
        is_placed = np.array([point.is_placed for point in points], np.bool_)
        floors = np.array([point.floor for point in points], np.intp)
        where = np.array([point.location for point in points])
        share = np.zeros((self.n_cells, self.n_cells))
        self._tick_s = np.full(self.n_cells, _ROOM_TICK_S)
        placed = np.flatnonzero(is_placed)
        if len(placed):
            ways = walking_distances(where[placed], floors[placed], walls)
            ticks, near = _walks(ways, speed_m_s)
            share[np.ix_(placed, placed)] = near
            self._tick_s[placed] = ticks
        rooms = np.flatnonzero(~is_placed & ~is_outside)
        same_floor = floors[rooms][:, None] == floors[rooms]
        share[np.ix_(rooms, rooms)] = same_floor
        self._jumps = _spread(share, floors, is_outside)

    def after(self, belief: Floats, walked_s: float) -> Floats:
        """Return what is believed after somebody may have walked.

        Args:
            belief: Probability of each cell, shape (n_cells,).
            walked_s: For how long [s]; 0 or more.
        """
        shortest_s = float(self._tick_s.min()) / _STEPS_A_TICK
        n_steps = min(math.ceil(walked_s / shortest_s), _MOST_STEPS)
        for _ in range(n_steps):
            leaving = -np.expm1(-walked_s / n_steps / self._tick_s) * belief
            belief = belief - leaving + leaving @ self._jumps
        return belief


def _walks(ways: Floats, speed_m_s: float) -> tuple[Floats, Floats]:
    """Return each cell's tick [s], shape (n,), and K before it is normalised."""
    others = ways + np.diag(np.full(len(ways), np.inf))
    nearest = others.min(axis=1)
    nearest[~np.isfinite(nearest)] = 0
    ticks = np.maximum(_LEAST_TICK_S, nearest / speed_m_s)
    reach = speed_m_s * ticks[:, None]
    beyond = np.maximum(0, ways - reach)
    return ticks, np.exp(-np.square(beyond / (reach / 2)) / 2)


def _spread(
    share: Floats, floors: npt.NDArray[np.intp], is_outside: npt.NDArray[np.bool_]
) -> Floats:
    """Return where those go who leave a cell; every row sums to 1."""
    n = len(share)
    totals = share.sum(axis=1, keepdims=True)
    jumps = np.divide(share, totals, out=np.zeros_like(share), where=totals > 0)
    jumps += _TO_ANYWHERE / n
    other_floor = (floors[:, None] != floors) & ~is_outside
    jumps += (
        _TO_OTHER_FLOOR * other_floor / np.maximum(1, other_floor.sum(axis=1))[:, None]
    )
    if is_outside.any():
        jumps[:, is_outside] += _TO_OUTSIDE / is_outside.sum()
        inside = ~is_outside
        jumps[np.ix_(is_outside, inside)] = 1 / max(1, inside.sum())
    return np.asarray(jumps / jumps.sum(axis=1, keepdims=True))
