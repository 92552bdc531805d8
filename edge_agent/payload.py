"""What is published: topics and JSON documents.

    <base>/<site>/<device>/status     {"state": "online" | "offline" | "stopped", ...}
    <base>/<site>/<device>/location   one fix, retained

Units: metres, seconds, degrees; times in ISO 8601, UTC. Field names and meanings follow
the omlox Location object where it has them. Schemas: docs/mqtt/.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from edge_agent.estimate import Estimate

LOCATION_SCHEMA = "metaloc.location/1"
STATUS_SCHEMA = "metaloc.status/1"
_MAX_CANDIDATES = 5
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


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


@dataclass(frozen=True, slots=True)
class FixContext:
    """What all fixes of one run share."""

    device: str
    model: str
    """Model and calibration, e.g. ``rooms+cal.20261122T235900Z``."""


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

    def document(self, estimate: Estimate, source: Source) -> dict[str, Any]:
        """Return the JSON document of one fix; each call counts ``seq`` up."""
        now_ns = self._now_ns()
        # A capture without time stamps happened now, as far as anybody can tell.
        time_ns = estimate.time_ns or now_ns
        best = estimate.rooms[0] if estimate.rooms else None
        where = estimate.position
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
            "floor": estimate.floor,
            "x": round(where.x, 3) if where else None,
            "y": round(where.y, 3) if where else None,
            "z": None,
            "accuracy": round(where.r68, 3) if where else None,
            "r95": round(where.r95, 3) if where else None,
            "cov": [round(v, 4) for v in where.covariance] if where else None,
            "room": best[0] if best else None,
            "confidence": round(best[1], 4) if best else None,
            "candidates": [
                {"room": room, "p": round(probability, 4)}
                for room, probability in estimate.rooms[:_MAX_CANDIDATES]
            ],
            "quality": estimate.quality.value,
            "quality_score": round(estimate.quality_score, 3),
            "n_frames": estimate.n_frames,
            "window_s": round(estimate.window_s, 3),
            "access_points": {
                "heard": estimate.n_heard,
                "expected": estimate.n_channels,
            },
        }
        self._seq += 1
        return document


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
