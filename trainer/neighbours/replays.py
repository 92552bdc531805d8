"""The past as if it were today: a place's first laps calibrate, later ones ask."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from edge_agent.environment import Environment

Rows = npt.NDArray[np.intp]

N_SHOTS = 3
"""Per point, as ``edge_agent adapt`` takes by default."""

_N_QUERIES = 10


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """One place, calibrated and then asked; no image is in both."""

    shots: Environment
    queries: Environment
    """Images at the same points, recorded on later visits."""

    @classmethod
    def of(cls, environment: Environment) -> tuple[Self, ...]:
        """Return the replays that an environment can serve.

        One with shots of each point's first visit alone, and where points have more
        than two, one with shots of all visits but the last: people calibrate either
        way, and are as sure of a location in both. Where fewer than two points have
        two visits, a visit's earlier half takes the place of the first.

        Args:
            environment: With images in order of time at each point.

        Returns:
            None where fewer than two points have two images.
        """
        past = with_two_visits(environment)
        lap_of, n_laps_of = _laps(past)
        if len(np.unique(past.point_of[n_laps_of > 1])) < 2:
            return ()
        replays = [cls._split(past, lap_of == 0, n_laps_of > 1)]
        if (n_laps_of > 2).any():
            replays.append(cls._split(past, lap_of < n_laps_of - 1, n_laps_of > 1))
        return tuple(replays)

    @classmethod
    def _split(
        cls,
        past: Environment,
        is_early: npt.NDArray[np.bool_],
        takes_part: npt.NDArray[np.bool_],
    ) -> Self:
        early, late = (
            np.flatnonzero(chosen & takes_part) for chosen in (is_early, ~is_early)
        )
        spread = [
            rows[np.linspace(0, len(rows) - 1, min(_N_QUERIES, len(rows))).astype(int)]
            for point in np.unique(past.point_of[late])
            for rows in [late[past.point_of[late] == point]]
        ]
        return cls(
            past.select(early).take_shots(N_SHOTS), past.select(np.concatenate(spread))
        )


def with_two_visits(environment: Environment) -> Environment:
    """Return the environment; its visits halved where too few points have two."""
    _, n_laps_of = _laps(environment)
    if len(np.unique(environment.point_of[n_laps_of > 1])) >= 2:
        return environment
    visit_of = np.full(len(environment.images), "1")
    for point in range(len(environment.points)):
        rows = np.flatnonzero(environment.point_of == point)
        visit_of[rows[(len(rows) + 1) // 2 :]] = "2"
    return replace(environment, visit_of=visit_of)


def _laps(environment: Environment) -> tuple[Rows, Rows]:
    """Return which of its point's visits each image is of, from 0, and their number."""
    lap_of = np.zeros(len(environment.images), np.intp)
    n_laps_of = np.zeros(len(environment.images), np.intp)
    for point in range(len(environment.points)):
        rows = np.flatnonzero(environment.point_of == point)
        visits = environment.visit_of[rows].tolist()
        order = {visit: lap for lap, visit in enumerate(dict.fromkeys(visits))}
        lap_of[rows] = [order[visit] for visit in visits]
        n_laps_of[rows] = len(order)
    return lap_of, n_laps_of
