"""Mean received power over a few seconds: what a fingerprint is made of.

A single beacon says little: the power of one frame varies by several decibels, that of
forty by less than one. Everything depends on capture times alone, so a replay gives
the same windows as the live run did.
"""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.rss.receptions import Receptions, parse_address
from edge_agent.rss.refusal import RssUnused

_CLOCK_TOLERANCE_NS = 1_000_000_000
_MOST_PER_SECOND = 16_384
"""Frames that a window holds: the shortest takes some 60 us on the air, so more of them
are of a capture whose clock stands still."""


@dataclass(frozen=True, slots=True)
class RssSpec:
    """How received power is averaged; travels with every model and every shot."""

    window_s: float = 4.0
    """Received power is averaged over so long [s]: 40 beacons of each access point."""

    hop_s: float = 1.0
    """From one location to the next [s]."""

    max_transmitters: int = 64
    """Access points of a site at most; those heard at most points."""

    def __post_init__(self) -> None:
        if not 0.01 <= self.window_s <= 3600:
            raise ValueError(f"window_s is {self.window_s}, not 0.01 to 3600")
        if not 0.01 <= self.hop_s <= self.window_s:
            raise ValueError(
                f"hop_s is {self.hop_s}, not 0.01 to window_s, {self.window_s}"
            )
        n = self.max_transmitters
        if type(n) is not int or not 1 <= n <= 4096:
            raise ValueError(
                f"max_transmitters is {self.max_transmitters}, not 1 to 4096"
            )


@dataclass(frozen=True, slots=True, eq=False)
class RssSample:
    """What was heard in one window."""

    rss: npt.NDArray[np.float64]
    """Mean received power of each transmitter [dBm], shape (n_transmitters,); NaN
    where it was not heard."""

    started_ns: int
    """Capture time of the first frame [ns since the UNIX epoch]."""

    ended_ns: int
    """Capture time of the last frame [ns since the UNIX epoch]."""

    n_frames: int

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """Which transmitters were heard, shape (n_transmitters,)."""
        return np.isfinite(self.rss)


class WindowBuilder:
    """Slides a window of time over the receptions of a site's transmitters.

    The first window is full before it gives a sample. Of windows in which nothing was
    heard there is none.
    """

    def __init__(
        self, transmitters: tuple[str, ...], *, window_s: float, hop_s: float
    ) -> None:
        """Start with an empty window.

        Args:
            transmitters: Addresses, in the order of a sample's numbers.
            window_s: Length of a window [s].
            hop_s: From one window to the next [s].

        Raises:
            ValueError: No address, or one twice.
        """
        if len(set(transmitters)) < len(transmitters):
            raise ValueError("a transmitter is listed twice")
        addresses = np.array([parse_address(t) for t in transmitters], np.int64)
        self._order = np.argsort(addresses)
        self._sorted = addresses[self._order]
        self._window_ns, self._hop_ns = int(window_s * 1e9), int(hop_s * 1e9)
        self._most = math.ceil(window_s * _MOST_PER_SECOND)
        self._forget()
        self.unused: Counter[RssUnused] = Counter()
        """Receptions that entered no window, by reason."""

    def _forget(self) -> None:
        self._entries: list[tuple[int, int, int]] = []  # time, number, power
        self._newest_ns = 0
        self._due_ns: int | None = None
        self._is_first = True

    def feed(self, receptions: Receptions) -> list[RssSample]:
        """Return the samples of the windows that these receptions end."""
        number_of = self._number(receptions.address)
        is_ours, has_time = number_of >= 0, receptions.time_ns > 0
        self.unused[RssUnused.OTHER_TRANSMITTER] += int(np.count_nonzero(~is_ours))
        self.unused[RssUnused.NO_TIME] += int(np.count_nonzero(is_ours & ~has_time))
        rows = np.flatnonzero(is_ours & has_time)
        samples: list[RssSample] = []
        for entry in zip(
            receptions.time_ns[rows].tolist(),
            number_of[rows].tolist(),
            receptions.rssi_dbm[rows].tolist(),
            strict=True,
        ):
            samples += self._enter(entry)
        return samples

    def finish(self) -> list[RssSample]:
        """Return the sample of the window that was cut short.

        One of less than half a window is not worth it, unless there is no other.
        """
        if self._due_ns is None:
            return []
        began = self._due_ns - self._window_ns
        is_half = self._newest_ns - began >= self._window_ns / 2
        samples = [self._sample(began)] if self._is_first or is_half else []
        self._forget()
        return samples

    def _number(self, address: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        """Return the number of each transmitter, -1 for those of others."""
        if not len(self._sorted):
            return np.full(len(address), -1, np.intp)
        at = np.searchsorted(self._sorted, address).clip(max=len(self._sorted) - 1)
        return np.where(self._sorted[at] == address, self._order[at], -1)

    def _enter(self, entry: tuple[int, int, int]) -> list[RssSample]:
        time_ns = entry[0]
        if time_ns < self._newest_ns - _CLOCK_TOLERANCE_NS:
            self.unused[RssUnused.CLOCK] += len(self._entries)
            self._forget()
        self._newest_ns = max(self._newest_ns, time_ns)
        if self._due_ns is None:
            self._due_ns = time_ns + self._window_ns
        samples: list[RssSample] = []
        if time_ns >= self._due_ns:
            samples.append(self._sample(self._due_ns - self._window_ns))
            self._is_first = False
            n_hops = (time_ns - self._due_ns) // self._hop_ns + 1
            self._due_ns += n_hops * self._hop_ns
            began = self._due_ns - self._window_ns
            self._entries = [e for e in self._entries if e[0] >= began]
        if len(self._entries) < self._most:
            self._entries.append(entry)
        else:
            self.unused[RssUnused.CROWDED] += 1
        return samples

    def _sample(self, began_ns: int) -> RssSample:
        """Return the sample of what was heard since then.

        Something was: a window is only ever moved to where it holds the newest frame.
        """
        entries = [entry for entry in self._entries if entry[0] >= began_ns]
        times, numbers, powers = np.array(entries, np.int64).T
        n = np.bincount(numbers, minlength=len(self._sorted))
        sums = np.bincount(numbers, powers, minlength=len(self._sorted))
        rss = np.divide(sums, n, out=np.full(len(n), np.nan), where=n > 0)
        return RssSample(rss, int(times.min()), int(times.max()), len(entries))
