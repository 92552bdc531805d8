"""What one shot has of one access point; kept in the label of the shot."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from edge_agent.csi.image import ImageSpec
from edge_agent.walking.json_fields import Fields

_MAX_TONES = 242
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """One transmitter, by the channel of it that has most frames."""

    mac: str
    """Its address, e.g. ``dc:a6:32:01:02:03``."""

    n_frames: int
    """That images can use."""

    per_s: float
    """Frames per second while it was heard; 0 where one frame tells nothing."""

    silent_s: float
    """Since its last frame [s]; since the shot began where there was none."""

    longest_gap_s: float = 0.0
    """Between two frames [s], the time since the last one included."""

    is_expected: bool = False
    """Whether it was heard in earlier shots, or is of the site."""

    level_dbm: float | None = None
    """Median received power [dBm]; None where the firmware sends none."""

    shape: tuple[float, ...] = ()
    """Root of the mean power of each tone, relative to that of all: mean square 1."""

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "mac": self.mac,
            "n_frames": self.n_frames,
            "per_s": round(self.per_s, 1),
            "silent_s": round(self.silent_s, 2),
            "longest_gap_s": round(self.longest_gap_s, 2),
            "is_expected": self.is_expected,
            "level_dbm": self.level_dbm,
            "shape": [round(value, _DIGITS) for value in self.shape],
        }

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        """Return a reading that was stored.

        Raises:
            FieldError: It is none.
        """
        shape = fields.numbers("shape", 0.0, 100.0, at_most=_MAX_TONES)
        level = (
            fields.number("level_dbm", -200.0, 100.0)
            if fields.has("level_dbm")
            else None
        )
        return cls(
            fields.mac("mac"),
            fields.whole("n_frames", 0, 10_000_000),
            fields.number("per_s", 0.0, 1e6),
            fields.number("silent_s", 0.0, 1e6),
            fields.number("longest_gap_s", 0.0, 1e6),
            fields.flag("is_expected"),
            level,
            shape,
        )


def is_complete(reading: Reading, spec: ImageSpec) -> bool:
    """Tell whether there are frames for one image."""
    return reading.n_frames >= spec.n_packets


def level_change(ours: tuple[Reading, ...], other: tuple[Reading, ...]) -> float | None:
    """Return the median over access points of how much levels differ [dB].

    Returns:
        None where no access point tells its level in both.
    """
    differences = [
        abs(a.level_dbm - b.level_dbm)
        for a, b in _in_both(ours, other)
        if a.level_dbm is not None and b.level_dbm is not None
    ]
    return float(np.median(differences)) if differences else None


def shape_distance(
    ours: tuple[Reading, ...], other: tuple[Reading, ...]
) -> float | None:
    """Return the median over access points of the rms difference of their shapes.

    Returns:
        None where no access point has a shape in both.
    """
    distances = [
        float(np.sqrt(np.mean(np.subtract(a.shape, b.shape) ** 2)))
        for a, b in _in_both(ours, other)
        if a.shape and len(a.shape) == len(b.shape)
    ]
    return float(np.median(distances)) if distances else None


def _in_both(
    ours: tuple[Reading, ...], other: tuple[Reading, ...]
) -> list[tuple[Reading, Reading]]:
    by_mac = {reading.mac: reading for reading in other}
    return [(r, by_mac[r.mac]) for r in ours if r.mac in by_mac]
