"""Shots in words: where they were taken, and when."""

from collections.abc import Iterator
from datetime import UTC, datetime

from edge_agent.console import table
from edge_agent.explain.comparison import ShotNearby
from edge_agent.history import walk_of
from edge_agent.survey import Point

_MOST_CHANNELS = 3
"""Of which a table has columns, where there is room for them."""

_LONGEST_PLACE = 20


def place(point: Point) -> str:
    """Return a point in words, with its room where that is another name."""
    if point.room is None or point.room == point.name:
        return point.name
    return f"{point.room}/{point.name}"


def brief(point: Point, longest: int = _LONGEST_PLACE) -> str:
    """Return a point in few words, for a column of a table.

    Args:
        point: With the room where both names fit, else by its own name.
        longest: Characters that it may take.
    """
    words = place(point)
    if len(words) > longest:
        words = point.name
    return words if len(words) <= longest else f"{words[: longest - 2]}.."


def lap(visit: str) -> str:
    """Return when a shot was taken, as clocks here showed it; empty where unknown.

    Args:
        visit: ``<walk>/<lap>``, or what a list of captures calls it.
    """
    walk = walk_of(visit)
    number = visit.removeprefix(f"{walk}/") if walk else visit
    if not number:
        return ""
    try:
        begun = datetime.strptime(walk, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:  # of a list, in which visits and walks may have any name
        return f"{walk} lap {number}".lstrip()
    return f"{begun.astimezone():%Y-%m-%d %H:%M} lap {number}"


def taken(shot: ShotNearby) -> str:
    """Return where and when a shot was taken."""
    when = lap(shot.visit)
    return f"{place(shot.point)}, {when}" if when else place(shot.point)


def shots_table(
    shots: tuple[ShotNearby, ...], channels: tuple[str, ...], width: int
) -> Iterator[str]:
    """Yield what is nearest, and what access points add to how far apart it is.

    Args:
        shots: Nearest first.
        channels: Address of each channel.
        width: Characters of a line; columns of channels that do not fit are left out.
    """
    names = [name[-8:] for name in channels[:_MOST_CHANNELS]]  # the ends differ
    for n_shown in range(len(names), -1, -1):
        header = ["", "when", "apart", *names[:n_shown]]
        rows = [
            [
                brief(shot.point),
                lap(shot.visit) or "-",
                f"{shot.distance:.2f}",
                *(f"{share:.2f}" for share in shot.shares[:n_shown]),
            ]
            for shot in shots
        ]
        found = table(header, rows, right=set(range(2, len(header))))
        if n_shown == 0 or max(map(len, found)) <= width:
            yield from found
            return
