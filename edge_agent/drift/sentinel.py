"""A receiver that rests at a known point: its own error, the one labelled sign.

    miss    the true point is outside r95 or, where points have no coordinates, its room
            is not the most probable one
    S = max(0, S + ln(q / q0))  after a miss,  S + ln((1 - q) / (1 - q0)) after a hit

q0 is how often that happens while the calibration holds, q how often when it does not.
Images of minutes are as good as one: the majority of each quarter of an hour counts.
"""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.drift.betting import Cusum
from edge_agent.errors import UsageError
from edge_agent.estimate import Estimate
from edge_agent.survey import Point

_SPAN_NS: Final = 900_000_000_000
_MISSED: Final = 0.1
"""q0: r95 promises 0.05, and covers 90 to 98 % of re-visits (docs/accuracy.md)."""

_MISSED_DRIFTED: Final = 0.7
"""q."""

_QUIET_SPANS: Final = 4 * 24 * 7
"""Quarters of an hour from one false alarm to the next, on average: a week."""


@dataclass(frozen=True, slots=True)
class SentinelState:
    """What a sentinel makes of the calibration."""

    error_m: float | None
    """Of the newest location [m]; None where the point has no coordinates."""

    is_miss: bool
    """Of the newest location."""

    is_alarm: bool
    """Whether the calibration no longer holds there."""

    @property
    def sentence(self) -> str:
        """What a person reads at the end of a location's line."""
        error = "" if self.error_m is None else f" by {self.error_m:.1f} m"
        return f"sentinel: {'off' if self.is_miss else 'right'}{error}"


class Sentinel:
    """Judges locations whose truth is known."""

    def __init__(self, point: Point) -> None:
        """Begin.

        Args:
            point: Where the receiver rests.
        """
        self._point = point
        self._cusum = Cusum(math.log(_QUIET_SPANS))
        self._began_ns = 0
        self._n_misses = self._n_images = 0

    @property
    def caution(self) -> str:
        """What a person is told with an alarm."""
        return (
            f"the sentinel at {self._point.name} is no longer located where it rests: "
            f"edge_agent label {shlex.quote(self._point.name)}"
        )

    def update(self, estimate: Estimate) -> SentinelState:
        """Take one location.

        Args:
            estimate: Of the receiver that rests.
        """
        error_m, is_miss = self._judge(estimate)
        now_ns = estimate.time_ns
        if self._n_images and not 0 <= now_ns - self._began_ns < _SPAN_NS:
            self._count()
        if self._n_images == 0:
            self._began_ns = now_ns
        self._n_images += 1
        self._n_misses += is_miss
        return SentinelState(error_m, is_miss, self._cusum.is_alarm)

    def _count(self) -> None:
        """Count the quarter of an hour that is over."""
        is_missed = 2 * self._n_misses > self._n_images
        usual, drifted = _MISSED, _MISSED_DRIFTED
        if not is_missed:
            usual, drifted = 1 - usual, 1 - drifted
        self._cusum.add(math.log(drifted / usual))
        self._n_images = self._n_misses = 0

    def _judge(self, estimate: Estimate) -> tuple[float | None, bool]:
        where = estimate.position
        if where is None or not self._point.is_placed:
            best = estimate.rooms[0][0] if estimate.rooms else None
            return None, best != self._point.room
        x, y = self._point.location
        error_m = math.hypot(where.x - x, where.y - y)
        return error_m, error_m > where.r95


def sentinel_at(name: str, points: Sequence[Point]) -> Sentinel:
    """Return the sentinel of a site's point.

    Args:
        name: Of the point.
        points: Of the site.

    Raises:
        UsageError: The site has no such point.
    """
    for point in points:
        if point.name == name:
            return Sentinel(point)
    known = ", ".join(point.name for point in points[:10])
    raise UsageError(
        f"--sentinel {name}: the site has no such point; among its points are {known}"
    )
