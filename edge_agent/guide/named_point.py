"""Which point of a site somebody means who says where they are."""

import difflib
from collections.abc import Sequence

from edge_agent.errors import UsageError
from edge_agent.guide.typed_point import typed_point
from edge_agent.survey import OUTSIDE, Point
from edge_agent.walking.plan import outside_point


def point_called(text: str, points: Sequence[Point]) -> Point:
    """Return the point of that name, the only one of that room, or a new one.

    A new one says more than a name: coordinates, or a room beside the name.

    Args:
        text: What was said.
        points: Of the site.

    Raises:
        ConfigError: It looks like a new point, and is none.
        UsageError: It is none of them, or several; names those that are near.
    """
    text = text.strip()
    if text == OUTSIDE:
        return outside_point()
    for point in points:
        if point.name == text:
            return point
    in_room = [point for point in points if point.room == text]
    if len(in_room) == 1:
        return in_room[0]
    if in_room:
        names = ", ".join(point.name for point in in_room)
        raise UsageError(f"{text} has several points: {names}; say which")
    known = sorted({name for p in points for name in (p.name, p.room) if name})
    new = typed_point(text)
    if known and new.name == new.room and not new.is_placed:
        near = difflib.get_close_matches(text, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
        raise UsageError(
            f"{text!r} is no point of this site; {hint} A new one has a name and a "
            f"room, or a place: {text}, {text}  or  {text} 1.2 0.5"
        )
    return new
