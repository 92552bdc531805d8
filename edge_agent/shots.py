"""Which of a site's recorded samples are its shots."""

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]


def choose_shots(
    point_of: Rows, visit_of: npt.NDArray[np.str_], *, n_points: int, n_per_point: int
) -> Rows:
    """Return rows of up to ``n_per_point`` samples per point, from many visits.

    Shots from separate visits teach more than as many in one stop.

    Args:
        point_of: Point of each sample, shape (n,).
        visit_of: Visit in which each was recorded, shape (n,).
        n_points: Points of the site.
        n_per_point: Most shots of a point.
    """
    rows: list[int] = []
    for number in range(n_points):
        by_visit: dict[str, list[int]] = {}
        for row in np.flatnonzero(point_of == number).tolist():
            by_visit.setdefault(str(visit_of[row]), []).append(row)
        laps = [_spread(of_visit) for of_visit in by_visit.values()]
        in_turn = [
            lap[turn]
            for turn in range(max(map(len, laps), default=0))
            for lap in laps
            if turn < len(lap)
        ]
        rows += sorted(in_turn[:n_per_point])
    return np.array(rows, np.intp)


def _spread(items: list[int]) -> list[int]:
    """Reorder so that any first few are far apart: ends first, then middles."""
    n = len(items)
    order: list[int] = []
    for parts in range(1, n + 1):
        for position in np.linspace(0, n - 1, parts + 1).round().astype(int).tolist():
            if items[position] not in order:
                order.append(items[position])
    return order or items
