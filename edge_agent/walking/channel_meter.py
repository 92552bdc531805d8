"""What a shot has of one channel."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.walking.reading import Reading
from edge_agent.walking.steadiness import Motion

_MAX_LEVELS: Final = 100_000
"""Received powers that are remembered; the median of more is no other."""

_LEAST_SPAN_S: Final = 0.01
"""Frames that arrived closer together than this tell no rate [s]."""


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """Frames of one channel, in order of arrival; those without any signal left out."""

    time_ns: npt.NDArray[np.int64]
    """Capture times [ns since the UNIX epoch], shape (n,)."""

    power: npt.NDArray[np.float64]
    """Of each tone relative to the mean of all, shape (n, n_tones)."""

    rssi_dbm: npt.NDArray[np.int16] | None
    """Received power [dBm], shape (n,); None where the firmware sends none."""


class ChannelMeter:
    """Counts and averages."""

    def __init__(self) -> None:
        self.n_frames = 0
        self._first = self._last = 0.0
        self._gap_s = 0.0
        self._power: npt.NDArray[np.float64] | None = None
        self._levels: list[int] = []
        self._motion = Motion()

    @property
    def peak(self) -> float | None:
        """See `edge_agent.walking.steadiness.Motion`."""
        return self._motion.peak

    def feed(self, gains: Gains, now: float) -> None:
        """Take frames that arrived by now [s]."""
        n = len(gains.time_ns)
        if n == 0:
            return
        if self.n_frames == 0:
            self._first = now
        else:
            self._gap_s = max(self._gap_s, now - self._last)
        self._last = now
        self.n_frames += n
        total = gains.power.sum(axis=0)
        self._power = total if self._power is None else self._power + total
        if gains.rssi_dbm is not None and len(self._levels) < _MAX_LEVELS:
            self._levels += gains.rssi_dbm.tolist()
        self._motion.feed(gains.time_ns, np.sqrt(gains.power))

    def silent_s(self, now: float) -> float:
        """Return how long ago the last frame arrived [s]; there must be one."""
        return max(0.0, now - self._last)

    def reading(
        self, mac: str, *, is_expected: bool, started: float, now: float
    ) -> Reading:
        """Return what there is at a time.

        Args:
            mac: Address of the transmitter.
            is_expected: See `Reading`.
            started: When the shot began [s].
            now: When [s].
        """
        silent_s = self.silent_s(now) if self.n_frames else max(0.0, now - started)
        span_s = self._last - self._first
        shape: tuple[float, ...] = ()
        if self._power is not None:
            shape = tuple(np.sqrt(self._power / self.n_frames).tolist())
        return Reading(
            mac,
            self.n_frames,
            (self.n_frames - 1) / span_s if span_s > _LEAST_SPAN_S else 0.0,
            silent_s,
            max(self._gap_s, silent_s),
            is_expected,
            float(np.median(self._levels)) if self._levels else None,
            shape,
        )
