"""Follows a device from location to location.

    Estimate, unrest --Belief--------> probabilities --RoomKeeper--> room, events
    Estimate, unrest --MeanPosition--> location, radii

Everything depends on the estimates and their times alone: a replay gives the same.
"""

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_agent.config import TrackingConfig
from edge_agent.estimate import (
    Estimate,
    most_probable_floor,
    rooms_by_probability,
)
from edge_agent.site_file import Wall
from edge_agent.survey import Point
from edge_agent.tracking.belief import Belief
from edge_agent.tracking.grid import Grid
from edge_agent.tracking.mean_position import MeanPosition
from edge_agent.tracking.rooms import (
    OUTSIDE,
    UNKNOWN,
    Presence,
    RoomEvent,
    RoomKeeper,
    RoomRules,
    Whereabouts,
)

_AT_REST, _CARRIED = 0.45, 0.7
"""Unrest below and above which it is certain (docs/tracking.md)."""

_NOTICED_S = 1.0
"""Somebody who passes makes a device restless for less; it rests until then."""

_UNTIMED_S = 1.0
"""From one image to the next where nobody has the time."""

_CLOCK_TOLERANCE_S = 1.0
LONGEST_GAP_S = 120.0
"""Who has not been heard for longer may be anywhere [s]."""

_FLAT_S = 10.0
"""How long images that say nothing, or something, are remembered [s]."""

_SPEED_SPAN_S = 2.0
_LEAST_INSIDE = 1e-9
_FASTEST = 2.0
"""Speeds above so many times the walking speed are jumps of the estimate."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A location, after all that was heard before it."""

    estimate: Estimate
    """What is believed now. The location is the mean of those of late, whose radii are
    no smaller than theirs; probabilities are those of the `Belief`."""

    raw: Estimate
    """Of the one image alone."""

    whereabouts: Whereabouts
    """The room, with hysteresis."""

    since_ns: int
    """Since when [ns since the UNIX epoch]; 0 where nobody has the time."""

    moving: bool | None
    """Whether the device is carried; None where its packets do not tell."""

    speed_m_s: float | None
    """[m/s]; 0 at rest; None where that is not known, or points have no coordinates."""

    events: tuple[RoomEvent, ...]
    """What happened to rooms since the location before."""


class Tracker:
    """Follows one device at one site."""

    def __init__(
        self,
        points: Sequence[Point],
        config: TrackingConfig,
        walls: Sequence[Wall] = (),
    ) -> None:
        """Prepare; nothing is known.

        Args:
            points: Of the calibration, in its order.
            config: How people walk there, and when a room changes.
            walls: That nobody walks through.
        """
        self._points = tuple(points)
        self._is_outside = np.array([p.is_outside for p in points], np.bool_)
        self._is_placed = np.array([p.is_placed for p in points], np.bool_)
        placed = [point.location for point in points if point.is_placed]
        self._where = np.array(placed, np.float64).reshape(-1, 2)
        self._config = config
        self._grid = Grid(points, speed_m_s=config.speed_mps, walls=walls)
        self._keeper = RoomKeeper(
            RoomRules(config.margin, config.settle_s, config.dwell_s)
        )
        self._belief = Belief(self._grid)
        self._mean = MeanPosition(speed_m_s=config.speed_mps)
        self._time_ns = 0
        self._rested_s = self._restless_s = self._elapsed_s = 0.0
        self._is_moving = False
        self._flat_share: float | None = None
        self._trail: deque[tuple[float, float, float]] = deque()

    def update(self, raw: Estimate, unrest: float | None = None) -> Tracked:
        """Return where the device is, given one more location.

        Args:
            raw: What was made of one image alone.
            unrest: How restless the image is; see `edge_agent.tracking.unrest`.

        Raises:
            ValueError: The estimate is of another site's points.
        """
        events: list[RoomEvent] = []
        passed_s = self._passed_s(raw.time_ns)
        if not -_CLOCK_TOLERANCE_S <= passed_s <= LONGEST_GAP_S:
            events += self.end()
            passed_s = 0.0
        passed_s = max(0.0, passed_s)
        if not self._time_ns:
            # Nothing says that it was carried before; if it was, unrest will.
            self._rested_s = raw.window_s
        self._time_ns = max(self._time_ns, raw.time_ns)
        motion = self._notice(unrest, passed_s)
        self._count_flat(raw.is_flat, passed_s)
        estimate = self._estimate(raw, passed_s, motion)
        events += self._keeper.update(
            self._whereabouts(estimate),
            time_ns=raw.time_ns,
            passed_s=passed_s,
            rested_s=self._rested_s,
        )
        return Tracked(
            estimate,
            raw,
            self._keeper.state,
            self._keeper.since_ns,
            None if motion is None else self._is_moving,
            None if motion is None else self._speed(passed_s),
            tuple(events),
        )

    def _forget(self) -> None:
        """Begin again with nothing known."""
        self._belief = Belief(self._grid)
        self._mean = MeanPosition(speed_m_s=self._config.speed_mps)
        self._time_ns = 0
        self._rested_s = self._restless_s = 0.0
        self._is_moving = False
        self._flat_share = None
        self._trail.clear()

    def end(self) -> tuple[RoomEvent, ...]:
        """Begin again with nothing known: nothing has been heard for long.

        Returns:
            The end of a stay, if there was one, at the time of the last location.
        """
        events = self._keeper.end()
        self._forget()
        return tuple(events)

    def _passed_s(self, time_ns: int) -> float:
        if not time_ns:
            return _UNTIMED_S
        return (time_ns - self._time_ns) / 1e9 if self._time_ns else 0.0

    def _count_flat(self, is_flat: bool, passed_s: float) -> None:
        """Note the share of images of late that are worth no more than guessing."""
        share = is_flat if self._flat_share is None else self._flat_share
        kept = math.exp(-passed_s / _FLAT_S)
        self._flat_share = kept * share + (1 - kept) * is_flat

    def _notice(self, unrest: float | None, passed_s: float) -> float | None:
        """Return whether the device is carried, 0 to 1, and note for how long not.

        A rest of an hour must not end because somebody passed.
        """
        if unrest is None:
            self._rested_s = self._restless_s = 0.0
            return None
        motion = min(1.0, max(0.0, (unrest - _AT_REST) / (_CARRIED - _AT_REST)))
        self._restless_s = self._restless_s + passed_s if motion >= 0.5 else 0.0
        self._is_moving = motion >= 0.5 and (
            self._is_moving or self._restless_s >= _NOTICED_S
        )
        if not self._is_moving:
            self._rested_s += passed_s
            return 0.0
        self._rested_s = 0.0
        return motion

    def _estimate(
        self, raw: Estimate, passed_s: float, motion: float | None
    ) -> Estimate:
        self._belief.update(
            np.asarray(raw.posterior, np.float64),
            passed_s=passed_s,
            window_s=raw.window_s,
            motion=motion,
            rested_s=self._rested_s,
        )
        position = raw.position
        if position is not None:
            position = self._mean.update(
                position,
                passed_s=passed_s,
                window_s=raw.window_s,
                motion=motion,
                rested_s=self._rested_s,
            )
        belief, points = self._belief.probabilities, self._points
        return replace(
            raw,
            position=position,
            floor=most_probable_floor(belief, points),
            rooms=rooms_by_probability(belief, points),
            posterior=tuple(belief.tolist()),
            outside=float(belief[self._is_outside].sum()),
        )

    def _whereabouts(self, estimate: Estimate) -> dict[Whereabouts, float]:
        """Return what is told apart, and how likely it is.

        As often as images are worth no more than guessing, nobody knows.
        """
        unknown = self._flat_share or 0.0
        shares: dict[Whereabouts, float] = defaultdict(float)
        if unknown:
            shares[UNKNOWN] = unknown
        for point, share in zip(self._points, estimate.posterior, strict=True):
            state = Whereabouts(Presence.INSIDE, point.room)
            shares[OUTSIDE if point.is_outside else state] += (1 - unknown) * share
        return shares

    def _speed(self, passed_s: float) -> float | None:
        """Return how fast what is believed moves; locations jump too much for that."""
        if len(self._where) == 0:
            return None
        self._elapsed_s += passed_s
        if not self._is_moving:
            self._trail.clear()
            return 0.0
        inside = self._belief.probabilities[self._is_placed]
        x, y = (inside @ self._where / max(inside.sum(), _LEAST_INSIDE)).tolist()
        self._trail.append((self._elapsed_s, x, y))
        while self._trail[-1][0] - self._trail[0][0] > _SPEED_SPAN_S:
            self._trail.popleft()
        (then_s, *there), (now_s, *here) = self._trail[0], self._trail[-1]
        if not now_s > then_s:
            return self._config.speed_mps
        way = float(np.hypot(here[0] - there[0], here[1] - there[1]))
        return min(way / (now_s - then_s), _FASTEST * self._config.speed_mps)
