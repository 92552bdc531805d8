"""What a person, a page or a script tells a walk; one JSON object a line.

docs/calibration_protocol.md shows every one of them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from edge_agent.errors import UsageError
from edge_agent.survey import Point
from edge_agent.walking.json_fields import FieldError, Fields, point_to_json

MAX_LINE: Final = 10_000
"""Longest line that is read as a command [characters]."""


class Verb(StrEnum):
    """What can be asked for."""

    GO = "go"
    """To a point, or to the one that is suggested: it is the next to be shot."""

    OUTSIDE = "outside"
    """The next shot is of everywhere else."""

    SHOOT = "shoot"
    """The device is put down; begin."""

    CANCEL = "cancel"
    """Give this shot up, no other."""

    RETRY = "retry"
    """Take the last shot again; it is kept until the new one is stored."""

    KEEP = "keep"
    """Keep a weak shot; or store again what the disk had no room for."""

    SKIP = "skip"
    """Go on without this shot."""

    ADD_POINT = "add_point"
    """A point that the plan does not have; it is the next to be shot."""

    DONE = "done"
    """All points have been added: on with the next lap, or the end of the walk."""

    FORGET = "forget"
    """A shot is wrong: the newest one at a point, or the newest of all."""

    STATUS = "status"
    """Where the walk stands."""

    FINISH = "finish"
    """End the walk, whether or not all stops are done."""

    QUIT = "quit"
    """Leave the walk to be gone on with later."""


_NAMING: Final = (Verb.GO, Verb.FORGET)


@dataclass(frozen=True, slots=True)
class Command:
    """One of them."""

    verb: Verb

    name: str | None = None
    """Of the point to go to, None: the one that is suggested; or of the point whose
    newest shot is to be forgotten, None: the newest of all."""

    point: Point | None = None
    """To be added."""

    def __post_init__(self) -> None:
        if (self.point is not None) != (self.verb is Verb.ADD_POINT):
            raise ValueError(f"{self.verb}: a point belongs to add_point alone")
        if self.name is not None and self.verb not in _NAMING:
            raise ValueError(f"{self.verb}: a name belongs to go and forget alone")

    def to_json(self) -> dict[str, Any]:
        """Return what `parse_command` reads."""
        members: dict[str, Any] = {"command": self.verb.value}
        if self.name is not None:
            members["point"] = self.name
        if self.point is not None:
            members["point"] = point_to_json(self.point)
        return members


def parse_command(line: str) -> Command:
    """Return the command that a line is.

    Raises:
        UsageError: It is none; says what would be.
    """
    if len(line) > MAX_LINE:
        raise UsageError(f"a command has {len(line)} characters, more than {MAX_LINE}")
    try:
        return _command(Fields.parse(line))
    except FieldError as error:
        raise UsageError(f"not a command: {error}") from error


def _command(fields: Fields) -> Command:
    fields.check_names("command", "point")
    word = fields.text("command")
    if word not in list(Verb):
        raise FieldError(f"command is {word!r}, not one of {', '.join(Verb)}")
    verb = Verb(word)
    if verb is Verb.ADD_POINT:
        return Command(verb, point=fields.member("point").point())
    if not fields.has("point"):
        return Command(verb)
    if verb not in _NAMING:
        raise FieldError(f"{verb} takes no point")
    return Command(verb, name=fields.text("point"))
