"""All that a look found, in the order in which it should be said."""

from dataclasses import dataclass
from typing import Any

from edge_agent.errors import PreflightError
from edge_agent.preflight.finding import Finding, Severity

_ORDER = list(Severity)


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """One transmitter that was heard."""

    mac: str

    n_frames: int
    """Of its most frequent kind of frame."""

    frames_per_s: float

    is_expected: bool
    """Whether the site's calibration knows it; True where there is none."""

    n_antennas: int = 1
    """Receive cores that hear it: what locations count, a channel of their images."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as they go into a JSON document."""
        return {
            "mac": self.mac,
            "frames": self.n_frames,
            "frames_per_s": round(self.frames_per_s, 1),
            "expected": self.is_expected,
            "antennas": self.n_antennas,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What was found before a walk."""

    findings: tuple[Finding, ...]
    """What stops first, then cautions, then what is fine."""

    access_points: tuple[AccessPoint, ...] = ()
    """Who was heard, most frames first."""

    tuned_to: str = ""
    """Channels of the frames, e.g. ``36/80``; empty where not told."""

    listened_s: float = 0.0

    shot_s: float | None = None
    """How long a shot will take at these rates [s]; None where nothing tells."""

    def __post_init__(self) -> None:
        ordered = sorted(self.findings, key=lambda f: _ORDER.index(f.severity))
        object.__setattr__(self, "findings", tuple(ordered))

    @property
    def stops(self) -> tuple[Finding, ...]:
        """Reasons not to begin."""
        return tuple(f for f in self.findings if f.severity is Severity.STOP)

    @property
    def cautions(self) -> tuple[Finding, ...]:
        """What makes it worse than it could be."""
        return tuple(f for f in self.findings if f.severity is Severity.CAUTION)

    @property
    def passed(self) -> bool:
        """Whether the walk can begin."""
        return not self.stops

    def require_passed(self) -> None:
        """Return if the walk can begin; what to do else was to be shown before.

        Raises:
            PreflightError: It cannot; with the first reason, and how many more.
        """
        if self.stops:
            more = len(self.stops) - 1
            also = f" (and {more} more)" if more else ""
            raise PreflightError(f"cannot begin: {self.stops[0].what}{also}")

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        return {
            "passed": self.passed,
            "findings": [finding.to_json() for finding in self.findings],
            "access_points": [one.to_json() for one in self.access_points],
            "channel": self.tuned_to or None,
            "listened_s": round(self.listened_s, 2),
            "shot_s": None if self.shot_s is None else round(self.shot_s, 1),
        }
