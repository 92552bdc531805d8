"""Which points of a site to walk to: those whose shots would help locations most.

Greedily: the point that lowers the expected error most (`sparse.outlook`), then the one
that lowers what is left most, and so on. What a shot would show need not be known for
that; that it also tells of the points around it, and of what changed everywhere, is
counted.

A gain that was computed before another point was chosen is taken for a bound of what it
is now, so that most need not be computed again (M. Minoux, "Accelerated greedy
algorithms for maximizing submodular set functions", 1978). The error is not exactly
submodular; what is chosen is the same every time all the same.
"""

from dataclasses import dataclass
from typing import Final

from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment
from edge_agent.neighbours.estimator import Neighbours
from edge_agent.sparse.outlook import Outlook

LAPS: Final = 3
"""Shots per point that are reckoned with, each of another lap."""

WORTH: Final = 0.03
"""Share of what all points would gain below which the next one is not worth a walk, in
a small site."""

_FAIR: Final = 0.5
"""And in a large one, where no single point is worth much: of what a point gains on
average."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A point to walk to."""

    point: int
    """Its number in the site."""

    gain: float
    """By how much its shots are expected to lower the error [m], or the cost of
    mistaken rooms where there are no coordinates."""

    remaining: float
    """What it and all others after it would gain together, likewise."""

    average: float
    """What each of all points that could be chosen would gain on average, likewise."""


def choose(
    neighbours: Neighbours,
    spec: ImageSpec,
    history: Environment,
    fresh: Environment,
    n: int,
    *,
    n_laps: int = LAPS,
) -> tuple[Choice, ...]:
    """Return the next points to walk to, best first.

    Args:
        neighbours: Who whiten.
        spec: How the images were built.
        history: Shots of earlier walks, aligned (`edge_agent.history.align`).
        fresh: Of the newest walk so far; may be none. Their points are not chosen.
        n: How many are wanted; fewer where there are no more.
        n_laps: Shots per point that are reckoned with.

    Raises:
        ValueError: The shots are not aligned, or history has heard nothing.
    """
    outlook = Outlook.of(neighbours, spec, history, fresh)
    done = set(fresh.point_of.tolist())
    return greedy(
        outlook,
        [point for point in range(len(history.points)) if point not in done],
        n,
        n_laps=n_laps,
    )


def greedy(
    outlook: Outlook, candidates: list[int], n: int, *, n_laps: int = LAPS
) -> tuple[Choice, ...]:
    """Return which of some points to walk to, best first.

    Args:
        outlook: What is known.
        candidates: Numbers of points.
        n: How many are wanted.
        n_laps: Shots per point that are reckoned with.
    """
    error, everything = outlook.error, outlook
    for point in candidates:
        everything = everything.visited(point, n_laps)
    at_best = everything.error
    average = max(error - at_best, 0.0) / max(len(candidates), 1)
    gains = {
        point: error - outlook.visited(point, n_laps).error for point in candidates
    }
    chosen: list[Choice] = []
    while gains and len(chosen) < n:
        current: set[int] = set()
        while True:
            best = max(gains, key=lambda point: (gains[point], -point))
            if best in current or not chosen:
                break
            gains[best] = error - outlook.visited(best, n_laps).error
            current.add(best)
        gain = gains.pop(best)
        remaining = max(error - at_best, 0.0)
        chosen.append(Choice(best, max(gain, 0.0), remaining, average))
        outlook = outlook.visited(best, n_laps)
        error = outlook.error
    return tuple(chosen)


def worth_walking(choice: Choice, total: float, *, share: float = WORTH) -> bool:
    """Return whether a point would still help.

    Args:
        choice: It.
        total: What all points together would have gained before any was shot: the
            first choice's `Choice.remaining`.
        share: Least share of that, in a small site; in a large one half of what a point
            gains on average is enough.
    """
    return choice.gain > 0 and choice.gain >= min(share * total, _FAIR * choice.average)
