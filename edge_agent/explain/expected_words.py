"""Why another place, and not the one that was expected; and what to do about it."""

import shlex
from collections.abc import Iterator

from edge_agent.console import table
from edge_agent.explain.comparison import Comparison
from edge_agent.explain.explanation import Explanation
from edge_agent.explain.shot_words import brief, place, taken
from edge_agent.survey import Point

_ALIKE = 0.05
"""Difference of two shares below which an access point speaks for neither."""

_FEW_POINTS = 5
"""Of a walk that is worth its while where more than one place is wrong."""

_LONGEST_NAME = 9
"""Of a place in a table in which five columns have such names."""


def expected_lines(explanation: Explanation) -> Iterator[str]:
    """Yield what speaks for the place that was expected, and what against it."""
    comparison = explanation.comparison
    if comparison is None:
        return
    if comparison.is_right:
        best = comparison.best
        yield (
            f"the nearest shot is of {comparison.expected}: {taken(best)}, "
            f"{best.distance:.2f} apart"
        )
    else:
        yield from _why_not(comparison, explanation.channels)
    yield from _advice(explanation, comparison)


def _why_not(comparison: Comparison, channels: tuple[str, ...]) -> Iterator[str]:
    expected, nearest, best = (
        comparison.expected,
        comparison.nearest,
        comparison.best,
    )
    yield (
        f"{comparison.rank} shots of other places are nearer than the best of "
        f"{expected}"
    )
    yield from table(
        ["", "shot", "apart"],
        [
            ["nearest", taken(nearest), f"{nearest.distance:.2f}"],
            ["expected", taken(best), f"{best.distance:.2f}"],
        ],
        right={2},
    )[1:]
    for number in comparison.deciding:
        yield f"without {channels[number]} it would be {expected}"
    if not comparison.deciding:
        yield "no single access point decides it"
    yield "how far apart by each access point; its level now, less that of the shot"
    names = [brief(shot.point, _LONGEST_NAME) for shot in (nearest, best)]
    header = ["", *names, "speaks for", *names]
    rows = [
        _channel_row(comparison, names, channels[number], number)
        for number in range(len(channels))
    ]
    yield from table(header, rows, right={1, 2, 4, 5})


def _channel_row(
    comparison: Comparison, names: list[str], channel: str, number: int
) -> list[str]:
    shares = [shot.shares[number] for shot in (comparison.nearest, comparison.best)]
    offsets = [
        shot.offsets_db[number] for shot in (comparison.nearest, comparison.best)
    ]
    side = names[1] if shares[1] < shares[0] else names[0]
    if abs(shares[0] - shares[1]) < _ALIKE:
        side = "neither"
    return [
        channel,
        *(f"{share:.2f}" for share in shares),
        side,
        *("-" if offset is None else f"{offset:+.1f} dB" for offset in offsets),
    ]


def _advice(explanation: Explanation, comparison: Comparison) -> Iterator[str]:
    """Yield what to do where the location is not what was expected."""
    expected = comparison.expected
    located = _located(explanation)
    if located is None or expected in (located.room, located.name):
        return
    if comparison.is_right:
        yield f"yet {explanation.backend} located it at {place(located)}"
    # Commands have lines of their own: one that is cut at the end cannot be pasted.
    yield f"if it was {expected}, go there and teach the site what it is like now"
    yield f"  edge_agent label {shlex.quote(expected)}"
    yield "or, where other places are wrong as well"
    yield f"  edge_agent calibrate --points {_FEW_POINTS}"


def _located(explanation: Explanation) -> Point | None:
    """Return the most probable point."""
    return explanation.candidates[0].point if explanation.candidates else None
