"""What a shot is of: the JSON beside its packets, without which they do not count."""

import json
from dataclasses import dataclass
from typing import Any, Final, Self

from edge_agent.walking.json_fields import Fields, point_to_json
from edge_agent.walking.plan import MAX_LAPS, Stop
from edge_agent.walking.reading import Reading
from edge_agent.walking.verdict import Verdict

MAX_BYTES: Final = 1 << 20
"""Longest label; 64 access points with 242 tones take a fifth of it."""

MAX_NUMBER: Final = 999_999
_SCHEMA: Final = "metaloc.shot/1"
_MAX_READINGS: Final = 64
_MOST_SHOTS: Final = 1000
_MOST: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class ShotLabel:
    """One shot that is stored."""

    number: int
    """Of its files, from 1; a shot that is taken again gets a new one."""

    stop: Stop

    verdict: Verdict

    steadiness: float | None
    """See `edge_agent.walking.steadiness`."""

    started_ns: int
    """Capture time of the first frame [ns since the UNIX epoch]; 0 when unknown."""

    n_packets: int
    """In the capture."""

    n_bytes: int
    """Length of the capture."""

    readings: tuple[Reading, ...]

    def to_bytes(self) -> bytes:
        """Return the file that `from_bytes` reads."""
        members: dict[str, Any] = {
            "schema": _SCHEMA,
            "number": self.number,
            "point": point_to_json(self.stop.point),
            "lap": self.stop.lap,
            "shot": self.stop.shot,
            "verdict": self.verdict.to_json(),
            "steadiness": self.steadiness,
            "started_ns": self.started_ns,
            "packets": self.n_packets,
            "bytes": self.n_bytes,
            "access_points": [r.to_json() for r in self.readings[:_MAX_READINGS]],
        }
        return json.dumps(members, sort_keys=True, allow_nan=False).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return a label that was stored.

        Raises:
            FieldError: It is none, damaged, or of another schema.
        """
        fields = Fields.parse(data)
        fields.check_schema(_SCHEMA)
        readings = fields.objects("access_points", most=_MAX_READINGS)
        return cls(
            fields.whole("number", 1, MAX_NUMBER),
            Stop(
                fields.member("point").point(),
                fields.whole("lap", 1, MAX_LAPS),
                fields.whole("shot", 1, _MOST_SHOTS),
            ),
            Verdict.from_json(fields.member("verdict")),
            fields.number("steadiness", 0.0, 1.0) if fields.has("steadiness") else None,
            fields.whole("started_ns", 0, _MOST),
            fields.whole("packets", 0, _MOST),
            fields.whole("bytes", 0, _MOST),
            tuple(Reading.from_json(reading) for reading in readings),
        )
