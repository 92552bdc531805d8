"""Notices that the clock of the captures was set while a shot was being taken."""

from typing import Final

import numpy as np
import numpy.typing as npt

TOLERANCE_S: Final = 1.0
"""Frames may be so much out of order; images begin anew after more [s]."""

_LATE_S: Final = 2.0
"""Packets may wait for so long on their way to us, all at once [s]."""


class ClockWatch:
    """Compares capture times with each other, and with a clock that does not jump."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._newest_ns = 0
        self.change_s = 0.0
        """Largest jump so far, negative when back [s]; 0 for none."""

    def feed(self, time_ns: npt.NDArray[np.int64], now: float) -> None:
        """Take capture times in order of arrival.

        Args:
            time_ns: [ns since the UNIX epoch], shape (n,); 0 when unknown.
            now: Time on a clock that does not jump [s].
        """
        known = time_ns[time_ns > 0]
        if len(known) == 0:
            return
        times = np.concatenate([[self._newest_ns or known[0]], known])
        steps_s = np.diff(times) / 1e9
        back_s = float(steps_s.min(initial=0.0))
        ahead_s = float(steps_s.max(initial=0.0)) - max(0.0, now - self._now)
        for jump_s, least_s in ((back_s, TOLERANCE_S), (ahead_s, _LATE_S)):
            if abs(jump_s) > max(least_s, abs(self.change_s)):
                self.change_s = jump_s
        self._newest_ns, self._now = int(known[-1]), now
