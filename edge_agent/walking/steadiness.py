"""Whether a device rests: from how fast the shape of its channels changes.

Of each access point the amplitudes of a frame, scaled to a mean square of 1, are a
shape a. Between frames that follow each other at least 45 ms apart

    d = rms over tones (a - a') / sqrt(2)

is noise where the device rests, 0.01 to 0.03; a walker passes half a wavelength, 3 cm
at 5 GHz, from frame to frame, and d is that of two unrelated channels, 0.2 to 0.5. The
motion of a shot is the largest of all running medians of seven d's, so that it tells a
device that was put down late, and not a single frame that went wrong, nor an access
point that changes its antenna: such jumps come alone. Of several access points the
median counts: a person who walks through one path moves one of them.

    steadiness = 1 - motion / 0.34, at least 0        0.34: the usual motion of a walker

Level is left out: it comes in steps of 1 dB, and one step is a change of 0.12.

Source: the statistic is ours. docs/calibration_protocol.md has its rates of error.
"""

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

WALKING: Final = 0.34
"""Median motion of a simulated walker, hall and laboratory, 10 and 20 frames/s."""

_LEAST_NS: Final = 45_000_000
"""Frames that are closer are passed over: the device has hardly moved."""

_MOST_NS: Final = 500_000_000
"""Of frames further apart nobody can say what happened in between."""

_RUN: Final = 7
"""Differences in a running median: longer than any jump, shorter than a step."""

_ROOT_HALF: Final = 0.5**0.5


class Motion:
    """How one channel moves during a shot."""

    def __init__(self) -> None:
        self._shape: npt.NDArray[np.float64] | None = None
        self._time_ns = 0
        self._recent: deque[float] = deque(maxlen=_RUN)
        self.peak: float | None = None
        """Largest running median so far; None where there were too few frames."""

    def feed(
        self, time_ns: npt.NDArray[np.int64], shapes: npt.NDArray[np.float64]
    ) -> None:
        """Take frames of this channel.

        Args:
            time_ns: Capture times [ns since the UNIX epoch], shape (n,).
            shapes: Amplitudes with a mean square of 1, shape (n, n_tones).
        """
        for now_ns, shape in zip(time_ns.tolist(), shapes, strict=True):
            apart = now_ns - self._time_ns
            if self._shape is not None and 0 <= apart < _LEAST_NS:
                continue
            if self._shape is not None and _LEAST_NS <= apart <= _MOST_NS:
                self._add(float(np.sqrt(np.mean((shape - self._shape) ** 2))))
            self._shape, self._time_ns = shape, now_ns

    def _add(self, difference: float) -> None:
        self._recent.append(_ROOT_HALF * difference)
        if len(self._recent) == _RUN:
            middle = sorted(self._recent)[_RUN // 2]
            self.peak = middle if self.peak is None else max(self.peak, middle)


def steadiness(peaks: list[float]) -> float | None:
    """Return how still a device was, 0 (as while walking) to 1.

    Args:
        peaks: Motion of each access point.

    Returns:
        None where no access point tells.
    """
    if not peaks:
        return None
    return float(max(0.0, 1.0 - float(np.median(peaks)) / WALKING))
