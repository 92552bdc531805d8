"""A day of the past as if it were today: its first visits calibrate, later ones ask."""

from dataclasses import dataclass

import numpy as np

from trainer.surveys.environment import Environment, Integers

N_SHOTS = 3
"""Per point, of one visit, as in the paper."""

_N_QUERIES = 10


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """Rows of an environment; none is in both."""

    shots: Integers
    queries: Integers


def replay(environment: Environment, rng: np.random.Generator) -> Replay | None:
    """Return shots of each point's first visit, and queries of its later ones.

    Where a point has a single visit, its later half asks. Points with a single sample
    take no part, nor do samples that are there only to test.

    Args:
        environment: A day of history.
        rng: Chooses the shots.

    Returns:
        None where fewer than two points can take part.
    """
    shots, queries = [], []
    for point in range(environment.n_points):
        of_point = (environment.point_of == point) & ~environment.is_test
        rows = np.flatnonzero(of_point)
        if len(rows) < 2:
            continue
        visits = environment.visit_of[rows]
        is_first = visits == visits[0]
        if is_first.all():
            is_first = np.arange(len(rows)) < len(rows) // 2
        first, later = rows[is_first], rows[~is_first]
        n = min(N_SHOTS, len(first))
        shots.append(np.sort(rng.choice(first, n, replace=False)))
        spread = np.linspace(0, len(later) - 1, min(_N_QUERIES, len(later)))
        queries.append(later[spread.round().astype(np.intp)])
    if len(shots) < 2:
        return None
    return Replay(np.concatenate(shots), np.concatenate(queries))
