"""One shot on its way: from its first packet to its verdict."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from edge_agent.csi.image import ImageSpec
from edge_agent.csi.raw import RawFrames
from edge_agent.walking.label import ShotLabel
from edge_agent.walking.plan import Stop
from edge_agent.walking.shot_meter import ShotMeter, ShotReport
from edge_agent.walking.verdict import Earlier, Grade, Verdict, judge

_SLICE_NS: Final = 100_000_000
"""Packets that came in one piece are looked at in slices of this length."""

_LONGEST_NS: Final = 60_000_000_000
"""A piece that claims to span more than this is not cut: its clock jumped."""


class Shot:
    """Measures until it is over, and is judged once."""

    def __init__(
        self,
        stop: Stop,
        spec: ImageSpec,
        *,
        now: float,
        expected: tuple[str, ...],
        limit_s: float,
    ) -> None:
        """Begin.

        Args:
            stop: What it is of.
            spec: What an image needs.
            now: When [s]; see `edge_agent.walking.engine`.
            expected: Access points to wait for.
            limit_s: Longest that it may last [s].
        """
        self.stop = stop
        self.started = now
        self._spec, self._now = spec, now
        self._meter = ShotMeter(spec, now=now, expected=expected, limit_s=limit_s)
        self._verdict: Verdict | None = None

    def feed(self, raw: RawFrames, since: float, now: float) -> None:
        """Take packets that arrived between two times [s], until the shot is over."""
        for part, at in _slices(raw, since, now):
            if self._meter.is_over(at):
                return
            self._now = at
            self._meter.feed(part, at)

    def look(self, now: float) -> bool:
        """Return whether the shot is over by now [s]."""
        if self._meter.is_over(self._now):
            return True
        self._now = now
        return self._meter.is_over(now)

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        return self._meter.share(self._now)

    @property
    def report(self) -> ShotReport:
        """What was measured."""
        return self._meter.report(self._now)

    @property
    def packets(self) -> RawFrames:
        """What is worth storing."""
        return self._meter.packets()

    @property
    def verdict(self) -> Verdict:
        """What `judge` found; to be asked for afterwards."""
        assert self._verdict is not None
        return self._verdict

    @property
    def is_good(self) -> bool:
        """Whether `judge` found nothing."""
        return self.verdict.grade is Grade.GOOD

    def judge(self, stored: Sequence[ShotLabel]) -> Verdict:
        """Return the verdict.

        Args:
            stored: The shots of this walk so far.
        """
        earlier = [
            Earlier(label.stop.point.name, label.stop.lap, label.readings)
            for label in stored
        ]
        self._verdict = judge(
            self.report,
            self._spec,
            point=self.stop.point.name,
            lap=self.stop.lap,
            earlier=earlier,
        )
        return self._verdict


def _slices(
    raw: RawFrames, since: float, now: float
) -> Iterator[tuple[RawFrames, float]]:
    """Yield packets in order of arrival, and when each slice arrived [s].

    Capture times tell, as far as they make sense: the last packet arrived now, and none
    before the last time that anybody looked.
    """
    if len(raw) == 0:
        return
    times = raw.time_ns
    span_ns = int(times[-1] - times[0])
    if not (
        times[0] > 0 and span_ns <= _LONGEST_NS and bool((np.diff(times) >= 0).all())
    ):
        yield raw, now
        return
    slots = (times - times[0]) // _SLICE_NS
    starts = [0, *(np.flatnonzero(np.diff(slots)) + 1).tolist(), len(raw)]
    for first, end in pairwise(starts):
        late_s = float(times[-1] - times[end - 1]) / 1e9
        yield raw[first:end], max(since, now - late_s)
