"""Read JSON that others may have written: bounded, typed, nothing taken on trust."""

import json
import math
import re
from typing import Any, Self

from edge_agent.survey import Point

MAX_TEXT = 200
"""Most characters of a name, as in a survey's list."""

_FARTHEST_M = 1e6
_HIGHEST_FLOOR = 1000
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


class FieldError(ValueError):
    """A value is missing, of another type, or makes no sense; says which and why."""


class Fields:
    """The members of a JSON object; every one is asked for by name and type."""

    def __init__(self, members: object, where: str = "") -> None:
        """Take a parsed value.

        Args:
            members: What should be an object.
            where: Its place in the document, for messages.

        Raises:
            FieldError: It is none.
        """
        if not isinstance(members, dict):
            raise FieldError(f"{where or 'it'} is {_shown(members)}, not an object")
        self._members: dict[str, Any] = members
        self._where = f"{where}." if where else ""

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Return the object that a text holds.

        Raises:
            FieldError: It is no JSON, or not an object.
        """
        try:
            return cls(json.loads(text))
        except ValueError as error:  # of which JSON's and Unicode's errors are kinds
            raise FieldError(f"it is no JSON: {error}") from error
        except RecursionError as error:
            raise FieldError("it is no JSON that anyone means: nested too deep") from (
                error
            )

    def check_schema(self, expected: str) -> None:
        """Refuse documents of another kind or version.

        Raises:
            FieldError: The member ``schema`` is not the one expected.
        """
        if (found := self._members.get("schema")) != expected:
            raise FieldError(f"it has schema {_shown(found)}, expected {expected!r}")

    def check_names(self, *known: str) -> None:
        """Refuse members that nobody asks for.

        Raises:
            FieldError: There is one; names those that there may be.
        """
        if unknown := sorted(self._members.keys() - set(known)):
            raise FieldError(
                f"{self._where}{unknown[0][:MAX_TEXT]} is unknown; there may be "
                f"{', '.join(known)}"
            )

    def has(self, name: str) -> bool:
        """Tell whether a member is there and not null."""
        return self._members.get(name) is not None

    def text(self, name: str, *, least: int = 1, most: int = MAX_TEXT) -> str:
        """Return a printable text, by default one that is not empty.

        Raises:
            FieldError: It is something else, or too long.
        """
        value = self._get(name)
        if not (isinstance(value, str) and least <= len(value) <= most):
            raise self._error(name, value, f"text of {least} to {most} characters")
        if not value.isprintable():
            raise self._error(name, value, "text without control characters")
        return value

    def whole(self, name: str, least: int, most: int) -> int:
        """Return a whole number.

        Raises:
            FieldError: It is something else, or out of range.
        """
        value = self._get(name)
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not (is_whole and least <= value <= most):
            raise self._error(name, value, f"a whole number {least} to {most}")
        return int(value)

    def number(self, name: str, least: float, most: float) -> float:
        """Return a finite number.

        Raises:
            FieldError: It is something else, or out of range.
        """
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(name, value, "a number")
        if not (math.isfinite(value) and least <= value <= most):
            raise self._error(name, value, f"a number {least:g} to {most:g}")
        return float(value)

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """Return true or false.

        Args:
            name: Of the member.
            default: What it is where there is none; None: there must be one.

        Raises:
            FieldError: It is something else.
        """
        if default is not None and name not in self._members:
            return default
        value = self._get(name)
        if not isinstance(value, bool):
            raise self._error(name, value, "true or false")
        return value

    def mac(self, name: str) -> str:
        """Return a transmitter address as ``dc:a6:32:01:02:03``.

        Raises:
            FieldError: It is something else.
        """
        value = self._get(name)
        if not (isinstance(value, str) and _MAC.fullmatch(value)):
            raise self._error(name, value, "an address as dc:a6:32:01:02:03")
        return value

    def items(self, name: str, *, most: int) -> list[object]:
        """Return a list.

        Raises:
            FieldError: It is something else, or too long.
        """
        value = self._get(name)
        if not (isinstance(value, list) and len(value) <= most):
            raise self._error(name, value, f"a list of up to {most}")
        return value

    def numbers(
        self, name: str, least: float, most: float, *, at_most: int
    ) -> tuple[float, ...]:
        """Return a list of finite numbers.

        Raises:
            FieldError: It is something else, too long, or one is out of range.
        """
        found = self.items(name, most=at_most)
        by_place = Fields({str(n): value for n, value in enumerate(found)}, name)
        return tuple(by_place.number(str(n), least, most) for n in range(len(found)))

    def objects(self, name: str, *, most: int) -> "list[Fields]":
        """Return a list of objects.

        Raises:
            FieldError: It is something else, or too long.
        """
        where = f"{self._where}{name}"
        found = enumerate(self.items(name, most=most))
        return [Fields(member, f"{where}[{number}]") for number, member in found]

    def member(self, name: str) -> "Fields":
        """Return an object.

        Raises:
            FieldError: It is something else.
        """
        return Fields(self._get(name), f"{self._where}{name}")

    def point(self) -> Point:
        """Return the point that this object is.

        Raises:
            FieldError: It is none.
        """
        self.check_names("name", "x", "y", "room", "floor")
        place = [
            self.number(axis, -_FARTHEST_M, _FARTHEST_M) if self.has(axis) else None
            for axis in ("x", "y")
        ]
        room = self.text("room") if self.has("room") else None
        floor = (
            self.whole("floor", -_HIGHEST_FLOOR, _HIGHEST_FLOOR)
            if self.has("floor")
            else 0
        )
        name = self.text("name") if self.has("name") or room is None else room
        try:
            return Point(name, place[0], place[1], room, floor)
        except ValueError as error:
            raise FieldError(str(error)) from error

    def _get(self, name: str) -> Any:  # noqa: ANN401  (whatever JSON holds)
        if name not in self._members:
            raise FieldError(f"{self._where}{name} is missing")
        return self._members[name]

    def _error(self, name: str, value: object, expected: str) -> FieldError:
        return FieldError(f"{self._where}{name} is {_shown(value)}, not {expected}")


def point_to_json(point: Point) -> dict[str, Any]:
    """Return what `Fields.point` reads."""
    return {
        "name": point.name,
        "x": point.x,
        "y": point.y,
        "room": point.room,
        "floor": point.floor,
    }


def _shown(value: object) -> str:
    """Return a value as a message may show it, however long it is."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
