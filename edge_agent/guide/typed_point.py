"""A point as people type it.

kitchen                     the room
kitchen 1.2 0.5             and where in it [m]
table, kitchen, 1.2, 0.5    with a name of its own
table, kitchen
1.2 0.5                     no room at all
kitchen 1,2 0,5             decimal commas, where nothing else is parted by commas

What looks like half a place, or like a command, is refused: a slip of the finger would
be a room for ever.
"""

import re

from edge_agent.errors import ConfigError
from edge_agent.site_file import named_point
from edge_agent.survey import OUTSIDE, Point

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_FRACTION = re.compile(r"[-+]?[0-9]*\.[0-9]*")
_WITH_COMMAS = re.compile(r"([^,]*?) ?([-+]?[0-9]+),([0-9]+) ([-+]?[0-9]+),([0-9]+)")
_HALF_WITH_COMMA = re.compile(r"[^,]* [-+]?[0-9]+,[0-9]+")

_NO_ROOMS = re.compile(
    r"\?|help|h|list|undo|redo|forget|done|end|stop|start|go|shoot|calibrate|label|"
    r"status|retry|keep|skip|finish|quit|exit|yes|no|[rksfqoyn]",
    re.IGNORECASE,
)
"""What people type who want something else than to name a room."""

FORMS = "kitchen  or  kitchen 1.2 0.5  or  table, kitchen, 1.2, 0.5"


def typed_point(text: str, floor: int = 0) -> Point:
    """Return the point that somebody typed.

    Args:
        text: One line.
        floor: Where they are.

    Raises:
        ConfigError: It is none of the forms above.
    """
    text = " ".join(text.split())
    if found := _WITH_COMMAS.fullmatch(text):
        room, x_m, x_part, y_m, y_part = found.groups()
        text = f"{room} {x_m}.{x_part} {y_m}.{y_part}".strip()
    if _NO_ROOMS.fullmatch(text):
        raise ConfigError(
            f"{text!r} is no room; type  {FORMS}. A room that is really called so has "
            f"a name as well: {text}, {text}"
        )
    words = [word.strip() for word in text.split(",")] if "," in text else text.split()
    x, y = None, None
    if len(words) > 1 and all(_NUMBER.fullmatch(word) for word in words[-2:]):
        x, y = map(float, words[-2:])
        del words[-2:]
    elif words and (_FRACTION.fullmatch(words[-1]) or _HALF_WITH_COMMA.fullmatch(text)):
        raise ConfigError(f"{text!r} has one coordinate; type both, or none:  {FORMS}")
    if "," not in text:
        words = [" ".join(words)] if words else []
    if len(words) > 2 or not all(words) or (not words and x is None):
        raise ConfigError(f"{text.strip()!r} is no point; type  {FORMS}")
    if words == [OUTSIDE] and x is None:
        return named_point(OUTSIDE, None, None, None, floor)
    name, room = (words[0], words[-1]) if words else ("", None)
    return named_point(name, x, y, room, floor)
