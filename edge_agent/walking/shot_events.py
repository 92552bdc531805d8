"""What a walk says of one shot, from its first packet to the disk.

docs/calibration_protocol.md shows every line.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from edge_agent.walking.commands import Verb
from edge_agent.walking.json_fields import point_to_json
from edge_agent.walking.plan import Stop
from edge_agent.walking.reading import Reading
from edge_agent.walking.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Shooting:
    """A shot begins: stand still, or better, step back."""

    kind: ClassVar[str] = "shooting"

    stop: Stop

    limit_s: float
    """Longest that it lasts [s]."""

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "event": self.kind,
            "stop": stop_to_json(self.stop),
            "limit_s": self.limit_s,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a shot is; at most five a second."""

    kind: ClassVar[str] = "progress"

    elapsed_s: float
    share: float
    """0 to 1."""

    steadiness: float | None
    """0 (as while walking) to 1; None until it can be told."""

    readings: tuple[Reading, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "event": self.kind,
            "elapsed_s": round(self.elapsed_s, 1),
            "share": round(self.share, 2),
            "steadiness": _rounded(self.steadiness),
            "access_points": [_brief(reading) for reading in self.readings],
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """A shot is over."""

    kind: ClassVar[str] = "judged"

    stop: Stop
    verdict: Verdict
    steadiness: float | None
    elapsed_s: float
    readings: tuple[Reading, ...]

    can: tuple[Verb, ...]
    """What can be asked for now; empty where the shot is good and the walk goes on."""

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "event": self.kind,
            "stop": stop_to_json(self.stop),
            **self.verdict.to_json(),
            "steadiness": _rounded(self.steadiness),
            "elapsed_s": round(self.elapsed_s, 1),
            "access_points": [_brief(reading) for reading in self.readings],
            "can": [verb.value for verb in self.can],
        }


@dataclass(frozen=True, slots=True)
class Stored:
    """A shot is on disk, and outlasts a power cut."""

    kind: ClassVar[str] = "stored"

    stop: Stop
    number: int
    """Of its files."""

    n_done: int
    n_shots: int

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "event": self.kind,
            "stop": stop_to_json(self.stop),
            "number": self.number,
            "done": self.n_done,
            "shots": self.n_shots,
        }


@dataclass(frozen=True, slots=True)
class Discarded:
    """A shot is not kept, or a stop is passed over; no other shot is touched."""

    kind: ClassVar[str] = "discarded"

    stop: Stop

    why: str
    """``cancelled``, ``skipped`` or ``forgotten``."""

    def to_json(self) -> dict[str, Any]:
        """Return the line."""
        return {
            "event": self.kind,
            "stop": stop_to_json(self.stop),
            "why": self.why,
        }


def stop_to_json(stop: Stop) -> dict[str, Any]:
    """Return a stop as events show it."""
    return {
        "point": point_to_json(stop.point),
        "lap": stop.lap,
        "shot": stop.shot,
    }


def _brief(reading: Reading) -> dict[str, Any]:
    """Return what a person wants to see of an access point while a shot runs."""
    return {
        "mac": reading.mac,
        "frames": reading.n_frames,
        "per_s": round(reading.per_s, 1),
        "silent_s": round(reading.silent_s, 1),
        "expected": reading.is_expected,
    }


def _rounded(steadiness: float | None) -> float | None:
    return None if steadiness is None else round(steadiness, 2)
