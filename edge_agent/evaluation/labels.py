"""Labels of a picture: each beside its place, none upon another."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from edge_agent.evaluation.svg import Place, line, text

TEXT = 12.0
"""Height of a line of text, in units of the picture."""

_GLYPH = 0.62 * TEXT
"""Width of a letter; most are narrower."""

_GAP = 7.0
_ABOVE = 6.0
_FAR = 2 * TEXT
"""How far from its place a label is joined to it with a line."""


class Box(NamedTuple):
    """A rectangle; y is down."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, other: "Box") -> bool:
        """Return whether another is all within."""
        return (
            self.left <= other.left
            and self.right >= other.right
            and self.top <= other.top
            and self.bottom >= other.bottom
        )

    def meets(self, other: "Box") -> bool:
        """Return whether another has a part in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def labels(named: Sequence[tuple[Place, str]], picture: Box) -> list[str]:
    """Return a label for each place; where it is crowded, with a line that joins them.

    Args:
        named: Places and what stands beside them; the first ones have the choice.
        picture: Where labels may be; where that is full, one lies upon another.
    """
    drawn: list[str] = []
    taken: list[Box] = []
    for place, words in named:
        box = next(
            (
                box
                for box in _candidates(place, words, picture)
                if picture.holds(box) and not any(box.meets(other) for other in taken)
            ),
            _within(next(_beside(place, words, 0.0)), picture),
        )
        taken.append(box)
        baseline = box.bottom - 2
        middle = (box.top + box.bottom) / 2
        if abs(middle - place[1]) > _FAR:
            near = box.left if box.left > place[0] else box.right
            drawn.append(line(place, (near, middle), "#555555", 0.7))
        drawn.append(text(box.left, baseline, words))
    return drawn


def _candidates(place: Place, words: str, picture: Box) -> Iterator[Box]:
    """Yield boxes on both sides of a place, farther and farther above and below it."""
    for number in count():
        step = number * TEXT / 2
        if step > picture.bottom - picture.top:
            return
        for shift in (-step, step) if number else (0.0,):
            yield from _beside(place, words, shift)


def _beside(place: Place, words: str, shift: float) -> Iterator[Box]:
    width = _GLYPH * len(words)
    top = place[1] - _ABOVE - TEXT + 2 + shift
    for left in (place[0] + _GAP, place[0] - _GAP - width):
        yield Box(left, top, left + width, top + TEXT)


def _within(box: Box, picture: Box) -> Box:
    """Return a box moved into the picture, as far as it fits."""
    width, height = box.right - box.left, box.bottom - box.top
    left = max(min(box.left, picture.right - width), picture.left)
    top = max(min(box.top, picture.bottom - height), picture.top)
    return Box(left, top, left + width, top + height)
