"""What a walk says; one JSON object a line.

docs/calibration_protocol.md shows every one of them.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from edge_agent.walking.commands import Verb
from edge_agent.walking.plan import Stop
from edge_agent.walking.shot_events import (
    Discarded,
    Judged,
    Progress,
    Shooting,
    Stored,
    stop_to_json,
)


@dataclass(frozen=True, slots=True)
class Begun:
    """The walk begins, or goes on."""

    kind: ClassVar[str] = "begun"

    walk: str
    """Its name: the time it began."""

    n_points: int
    laps: int
    shots_per_stop: int
    n_shots: int
    """Of the whole plan."""

    n_done: int
    """Of them stored already; more than none when the walk is gone on with."""

    expected_s: float
    """How long what is left takes the person, about [s]."""

    why: str | None
    """What the laps are good for; None where there is one."""

    cautions: tuple[str, ...] = ()
    """What was found wrong with shots that were stored: they are to be taken again."""

    with_outside: bool = False
    """Whether each lap goes outside as well; it is none of the points."""

    is_typed: bool = False
    """Whether points are typed while walking."""

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "event": self.kind,
            "walk": self.walk,
            "points": self.n_points,
            "outside": self.with_outside,
            "typed": self.is_typed,
            "laps": self.laps,
            "shots_per_stop": self.shots_per_stop,
            "shots": self.n_shots,
            "done": self.n_done,
            "expected_s": round(self.expected_s),
            "why": self.why,
            "cautions": list(self.cautions),
        }


@dataclass(frozen=True, slots=True)
class Asking:
    """The walk waits for a command."""

    kind: ClassVar[str] = "asking"

    stop: Stop | None
    """What ``shoot`` would take; None where nothing is left to be done."""

    text: str
    """What the person is asked to do."""

    n_done: int
    n_shots: int

    can: tuple[Verb, ...]
    """What can be asked for now."""

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "event": self.kind,
            "stop": None if self.stop is None else stop_to_json(self.stop),
            "text": self.text,
            "done": self.n_done,
            "shots": self.n_shots,
            "can": [verb.value for verb in self.can],
        }


@dataclass(frozen=True, slots=True)
class Fault:
    """Something failed that is not the command's fault; nothing stored is lost."""

    kind: ClassVar[str] = "fault"

    text: str
    """What failed, and what to do."""

    can: tuple[Verb, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "event": self.kind,
            "text": self.text,
            "can": [verb.value for verb in self.can],
        }


@dataclass(frozen=True, slots=True)
class Refused:
    """A command means nothing now."""

    kind: ClassVar[str] = "refused"

    text: str
    """Why, and what does."""

    can: tuple[Verb, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "event": self.kind,
            "text": self.text,
            "can": [verb.value for verb in self.can],
        }


@dataclass(frozen=True, slots=True)
class Status:
    """Where the walk stands."""

    kind: ClassVar[str] = "status"

    walk: str

    state: str
    """``asking``, ``shooting``, ``judging`` or ``finished``."""

    done: tuple[Stop, ...]
    left: tuple[Stop, ...]

    expected_s: float
    """How long what is left takes the person, about [s]."""

    can: tuple[Verb, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "event": self.kind,
            "walk": self.walk,
            "state": self.state,
            "done": [stop_to_json(stop) for stop in self.done],
            "left": [stop_to_json(stop) for stop in self.left],
            "expected_s": round(self.expected_s),
            "can": [verb.value for verb in self.can],
        }


@dataclass(frozen=True, slots=True)
class Ended:
    """The walk is over, or left to be gone on with."""

    kind: ClassVar[str] = "ended"

    walk: str

    is_finished: bool
    """Whether it is over; else the same command goes on with it."""

    n_done: int
    n_shots: int
    """Of the whole plan."""

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "event": self.kind,
            "walk": self.walk,
            "finished": self.is_finished,
            "done": self.n_done,
            "shots": self.n_shots,
        }


Event = (
    Begun
    | Asking
    | Shooting
    | Progress
    | Judged
    | Stored
    | Discarded
    | Fault
    | Refused
    | Status
    | Ended
)
