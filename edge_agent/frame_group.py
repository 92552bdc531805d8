"""Frames of one kind that ``edge_agent frames`` counts together."""

from collections import Counter

import numpy as np
import numpy.typing as npt


class FrameGroup:
    """How many frames there were, when, and how loud."""

    def __init__(self) -> None:
        self.n_frames = 0
        self._first_ns = self._last_ns = 0
        self._rssi_dbm: Counter[int] = Counter()

    def add(
        self, time_ns: npt.NDArray[np.int64], rssi_dbm: npt.NDArray[np.signedinteger]
    ) -> None:
        """Count frames.

        Args:
            time_ns: Capture times [ns since the UNIX epoch], shape (n,); 0: unknown.
            rssi_dbm: Received power of those that tell it [dBm], shape (up to n,).
        """
        self.n_frames += len(time_ns)
        known = time_ns[time_ns > 0]
        if len(known):
            first = int(known.min())
            self._first_ns = min(self._first_ns or first, first)
            self._last_ns = max(self._last_ns, int(known.max()))
        levels, counts = np.unique(rssi_dbm, return_counts=True)
        self._rssi_dbm.update(dict(zip(levels.tolist(), counts.tolist(), strict=True)))

    @property
    def rate(self) -> str:
        """Frames per second, for people."""
        span_s = (self._last_ns - self._first_ns) / 1e9
        return f"{(self.n_frames - 1) / span_s:.1f}" if span_s > 0 else "-"

    @property
    def rssi_range(self) -> str:
        """Weakest, lower middle and strongest received power [dBm], for people."""
        levels = sorted(self._rssi_dbm)
        if not levels:
            return "none"
        n_weaker = np.cumsum([self._rssi_dbm[level] for level in levels])
        middle = levels[int(np.searchsorted(n_weaker, (n_weaker[-1] + 1) // 2))]
        return f"{levels[0]} .. {middle} .. {levels[-1]}"
