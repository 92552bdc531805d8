"""What is published: topics and JSON documents.

    <base>/<site>/<device>/status     {"state": "online" | "offline" | "stopped", ...}
    <base>/<site>/<device>/location   one fix, retained
    <base>/<site>/<device>/event      somebody enters, leaves or dwells in a room

Units: metres, seconds, degrees; times in ISO 8601, UTC. Field names and meanings follow
the omlox Location object where it has them. Schemas: docs/mqtt/.
"""

import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from edge_agent.estimate import Estimate
from edge_agent.tracking.rooms import Presence, RoomEvent, Whereabouts
from edge_agent.tracking.tracker import Tracked

LOCATION_SCHEMA = "metaloc.location/1"
STATUS_SCHEMA = "metaloc.status/1"
EVENT_SCHEMA = "metaloc.event/1"
_MAX_CANDIDATES = 5
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CALIBRATION = re.compile(r"cal\.(\d{8}T\d{6}Z)")


class Source(StrEnum):
    """Where the frames of a fix come from."""

    LIVE = "live"
    REPLAY = "replay"
    SIMULATED = "simulated"


class State(StrEnum):
    """What the retained status says about an agent."""

    ONLINE = "online"
    OFFLINE = "offline"
    """Said by the broker, when the agent vanished without a word."""

    STOPPED = "stopped"
    """Said by the agent, when it was told to stop."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one agent; it writes below ``agent`` and nowhere else."""

    base: str
    site: str
    device: str

    @property
    def agent(self) -> str:
        """Everything of this agent is below this topic."""
        return f"{self.base}/{self.site}/{self.device}"

    @property
    def status(self) -> str:
        """Retained; online, offline (last will) or stopped."""
        return f"{self.agent}/status"

    @property
    def location(self) -> str:
        """Retained; the newest fix."""
        return f"{self.agent}/location"

    @property
    def event(self) -> str:
        """Not retained; what happens to rooms."""
        return f"{self.agent}/event"


def make_ulid(time_ms: int, randomness: int) -> str:
    """Return a ULID: 48 bits of time, 80 of chance, in characters that sort by time.

    Args:
        time_ms: [ms since the UNIX epoch]; its low 48 bits count.
        randomness: Its low 80 bits count.
    """
    number = (time_ms & (1 << 48) - 1) << 80 | randomness & (1 << 80) - 1
    return "".join(_BASE32[number >> shift & 31] for shift in range(125, -1, -5))


def iso_time(time_ns: int) -> str:
    """Return a time [ns since the UNIX epoch] as ISO 8601, UTC, to the millisecond."""
    when = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{time_ns // 1_000_000 % 1000:03d}Z"


def calibration_time_ns(identifier: str) -> int | None:
    """Return when a calibration was made [ns since the UNIX epoch], from its name.

    Args:
        identifier: E.g. ``cal.20261122T235900Z``; None of any other form.
    """
    found = _CALIBRATION.fullmatch(identifier)
    if found is None:
        return None
    try:
        when = datetime.strptime(found[1], "%Y%m%dT%H%M%S%z")
    except ValueError:
        return None
    return int(when.timestamp()) * 1_000_000_000


@dataclass(frozen=True, slots=True)
class FixContext:
    """What all fixes of one run share."""

    device: str
    model: str
    """Model and calibration, e.g. ``rooms+cal.20261122T235900Z``."""

    @property
    def calibration(self) -> str | None:
        """The calibration alone; None where the model names none."""
        return self.model.rpartition("+")[2] if "+" in self.model else None


class LocationPayloads:
    """Makes the documents of successive fixes."""

    def __init__(
        self,
        context: FixContext,
        *,
        now_ns: Callable[[], int] = time.time_ns,
        randomness: Callable[[], int] = lambda: secrets.randbits(80),
    ) -> None:
        self._context = context
        self._now_ns, self._randomness = now_ns, randomness
        self._seq = 0
        calibration = context.calibration
        self._calibrated_ns = calibration_time_ns(calibration) if calibration else None

    def document(
        self,
        estimate: Estimate,
        source: Source,
        *,
        tracked: Tracked | None = None,
        drift: float | None = None,
    ) -> dict[str, Any]:
        """Return the JSON document of one fix; each call counts ``seq`` up.

        Args:
            estimate: Of one image alone.
            source: Where its frames come from.
            tracked: What is believed after all images so far, if anybody follows them.
            drift: How far the site is from what it was calibrated to, 0 to 1; None
                where nobody watches.
        """
        now_ns = self._now_ns()
        # A capture without time stamps happened now, as far as anybody can tell.
        time_ns = estimate.time_ns or now_ns
        shown = tracked.estimate if tracked else estimate
        whereabouts = tracked.whereabouts if tracked else _whereabouts(estimate)
        document = {
            "schema": LOCATION_SCHEMA,
            "id": make_ulid(now_ns // 1_000_000, self._randomness()),
            "seq": self._seq,
            "time": iso_time(time_ns),
            "device": self._context.device,
            "model": self._context.model,
            "source": source.value,
            "historical": False,
            "crs": "local",
            "floor": shown.floor,
            **_place(shown),
            "presence": whereabouts.presence.value,
            "room": whereabouts.room,
            "confidence": _confidence(shown, whereabouts.room),
            "candidates": [
                {"room": room, "p": round(probability, 4)}
                for room, probability in shown.rooms[:_MAX_CANDIDATES]
            ],
            "since": iso_time(tracked.since_ns)
            if tracked and tracked.since_ns
            else None,
            "moving": tracked.moving if tracked else None,
            "speed": round(tracked.speed_m_s, 1)
            if tracked and tracked.speed_m_s is not None
            else None,
            "raw": _raw(estimate),
            "quality": shown.quality.value,
            "quality_score": round(shown.quality_score, 3),
            "novelty": None if estimate.novelty is None else round(estimate.novelty, 3),
            "drift": None if drift is None else round(drift, 3),
            "calibration": self._calibration(time_ns),
            "n_frames": estimate.n_frames,
            "window_s": round(estimate.window_s, 3),
            "access_points": {
                "heard": estimate.n_heard,
                "expected": estimate.n_channels,
            },
        }
        self._seq += 1
        return document

    def event(self, event: RoomEvent, source: Source) -> dict[str, Any]:
        """Return the JSON document of something that happened to a room."""
        now_ns = self._now_ns()
        return {
            "schema": EVENT_SCHEMA,
            "id": make_ulid(now_ns // 1_000_000, self._randomness()),
            "event": event.kind.value,
            "room": event.room,
            "time": iso_time(event.time_ns or now_ns),
            "since": iso_time(event.since_ns) if event.since_ns else None,
            "duration_s": round(event.duration_s, 1),
            "confidence": round(event.confidence, 4),
            "device": self._context.device,
            "model": self._context.model,
            "source": source.value,
            "historical": False,
        }

    def _calibration(self, time_ns: int) -> dict[str, Any] | None:
        if self._context.calibration is None:
            return None
        age_s = None
        if self._calibrated_ns is not None:
            # A recording may be older than what locates it: then it is of today.
            age_s = max(0, (time_ns - self._calibrated_ns) // 1_000_000_000)
        return {"id": self._context.calibration, "age_s": age_s}


def _whereabouts(estimate: Estimate) -> Whereabouts:
    """Return where one image alone says somebody is."""
    if estimate.is_outside:
        return Whereabouts(Presence.OUTSIDE)
    if estimate.is_unknown:
        return Whereabouts(Presence.UNKNOWN)
    return Whereabouts(Presence.INSIDE, estimate.room)


def _place(estimate: Estimate) -> dict[str, Any]:
    where = estimate.position
    return {
        "x": round(where.x, 3) if where else None,
        "y": round(where.y, 3) if where else None,
        "z": None,
        "accuracy": round(where.r68, 3) if where else None,
        "r95": round(where.r95, 3) if where else None,
        "cov": [round(v, 4) for v in where.covariance] if where else None,
    }


def _confidence(estimate: Estimate, room: str | None) -> float | None:
    return None if room is None else round(dict(estimate.rooms).get(room, 0.0), 4)


def _raw(estimate: Estimate) -> dict[str, Any]:
    """Return what one image alone says."""
    where = estimate.position
    return {
        "x": round(where.x, 3) if where else None,
        "y": round(where.y, 3) if where else None,
        "room": estimate.room,
        "confidence": _confidence(estimate, estimate.room),
    }


def status_document(state: State, device: str, *, version: str) -> dict[str, Any]:
    """Return the retained status of an agent."""
    return {
        "schema": STATUS_SCHEMA,
        "state": state.value,
        "device": device,
        "version": version,
    }


def to_json(document: dict[str, Any]) -> str:
    """Return a document as one line of JSON; never NaN or Infinity."""
    return json.dumps(document, allow_nan=False, separators=(",", ":"))
