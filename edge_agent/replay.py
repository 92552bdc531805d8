"""Replay recorded packets at the pace at which they were captured."""

import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from edge_agent.csi.raw import RawFrames

_SLICE_NS = 20_000_000
_LONGEST_PAUSE_S = 5.0


def paced(
    packets: Iterable[RawFrames],
    *,
    speed: float = 1.0,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[RawFrames]:
    """Yield packets when they are due, 20 ms of capture time together.

    Packets without a time stamp, or with one before their predecessor's, are due at
    once; a pause in the recording lasts five seconds at most.

    Args:
        packets: A recording.
        speed: 1 is as recorded, 10 ten times faster.
        now: Clock [s].
        sleep: Waits [s].

    Raises:
        ValueError: The speed is not positive.
    """
    if not speed > 0:
        raise ValueError(f"speed is {speed}, not positive")
    due, last_ns = now(), None
    for raw in packets:
        for part in _slices(raw):
            first_ns = int(part.time_ns[0])
            if last_ns is not None and first_ns > last_ns > 0:
                due += min((first_ns - last_ns) / 1e9, _LONGEST_PAUSE_S) / speed
            last_ns = first_ns
            if (wait := due - now()) > 0:
                sleep(wait)
            yield part


def _slices(raw: RawFrames) -> Iterator[RawFrames]:
    """Cut packets wherever capture time enters another 20 ms."""
    tick = raw.time_ns // _SLICE_NS
    cuts = np.flatnonzero(np.diff(tick)) + 1
    start = 0
    for stop in [*cuts.tolist(), len(raw)]:
        if stop > start:
            yield raw[start:stop]
        start = stop
