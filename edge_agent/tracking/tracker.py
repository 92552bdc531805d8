"""Follows a device from location to location.

    Estimate, unrest --Belief--> probabilities --RoomKeeper--> room, events
                                      |
                                   Estimate of all that was heard so far

Everything depends on the estimates and their times alone: a replay gives the same.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_agent.config import TrackingConfig
from edge_agent.estimate import (
    Estimate,
    Position,
    half_way_to_neighbour,
    most_probable_floor,
    position_of,
    rooms_by_probability,
)
from edge_agent.site_file import Wall
from edge_agent.survey import Point
from edge_agent.tracking.belief import Belief
from edge_agent.tracking.grid import Grid
from edge_agent.tracking.rooms import (
    OUTSIDE,
    Presence,
    RoomEvent,
    RoomKeeper,
    RoomRules,
    Whereabouts,
)

_AT_REST, _CARRIED = 0.45, 0.7
"""Unrest below and above which it is certain (docs/tracking.md)."""

_NOTICED_S = 0.5
"""Somebody who passes makes a device restless for less."""

_UNTIMED_S = 1.0
"""From one image to the next where nobody has the time."""

_CLOCK_TOLERANCE_S = 1.0
_LONGEST_GAP_S = 120.0
"""Who has not been heard for longer may be anywhere."""

_SPEED_SPAN_S = 2.0
_FASTEST = 2.0
"""Speeds above so many times the walking speed are jumps of the estimate."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A location, after all that was heard before it."""

    estimate: Estimate
    """What is believed now. The radii are no smaller than those of single images have
    been of late: their errors are much the same from one to the next."""

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
        placed = [point.location for point in points if point.is_placed]
        self._half_way = half_way_to_neighbour(np.array(placed).reshape(-1, 2))
        self._config = config
        self._grid = Grid(points, speed_m_s=config.speed_mps, walls=walls)
        self._keeper = RoomKeeper(
            RoomRules(config.margin, config.settle_s, config.dwell_s)
        )
        self._belief = Belief(self._grid)
        self._time_ns = 0
        self._rested_s = self._restless_s = self._elapsed_s = 0.0
        self._is_moving = False
        self._radii: tuple[float, float] | None = None
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
        if not -_CLOCK_TOLERANCE_S <= passed_s <= _LONGEST_GAP_S:
            events += self._keeper.end()
            self._forget()
            passed_s = 0.0
        passed_s = max(0.0, passed_s)
        self._time_ns = max(self._time_ns, raw.time_ns)
        motion = self._notice(unrest, passed_s)
        kept = self._belief.update(
            np.asarray(raw.posterior, np.float64),
            passed_s=passed_s,
            window_s=raw.window_s,
            motion=motion,
            rested_s=self._rested_s,
        )
        estimate = self._estimate(raw, kept)
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
            None if motion is None else self._speed(estimate.position, passed_s),
            tuple(events),
        )

    def _forget(self) -> None:
        """Begin again with nothing known."""
        self._belief = Belief(self._grid)
        self._time_ns = 0
        self._rested_s = self._restless_s = 0.0
        self._is_moving = False
        self._radii = None
        self._trail.clear()

    def _passed_s(self, time_ns: int) -> float:
        if not time_ns:
            return _UNTIMED_S
        return (time_ns - self._time_ns) / 1e9 if self._time_ns else 0.0

    def _notice(self, unrest: float | None, passed_s: float) -> float | None:
        """Return whether the device is carried, 0 to 1, and note for how long not."""
        if unrest is None:
            self._rested_s = self._restless_s = 0.0
            return None
        motion = min(1.0, max(0.0, (unrest - _AT_REST) / (_CARRIED - _AT_REST)))
        self._restless_s = self._restless_s + passed_s if motion >= 0.5 else 0.0
        self._is_moving = motion >= 0.5 and (
            self._is_moving or self._restless_s >= _NOTICED_S
        )
        self._rested_s = 0.0 if self._is_moving else self._rested_s + passed_s
        return motion

    def _estimate(self, raw: Estimate, kept: float) -> Estimate:
        belief, points = self._belief.probabilities, self._points
        position = position_of(belief, points, self._half_way)
        if position is not None and raw.position is not None:
            position = self._no_surer(position, raw.position, kept)
        return replace(
            raw,
            position=position,
            floor=most_probable_floor(belief, points),
            rooms=rooms_by_probability(belief, points),
            posterior=tuple(belief.tolist()),
            outside=float(belief[self._is_outside].sum()),
        )

    def _no_surer(self, position: Position, raw: Position, kept: float) -> Position:
        """Return the position with radii that are those of images of late at least."""
        r68, r95 = self._radii or (raw.r68, raw.r95)
        r68 = kept * r68 + (1 - kept) * raw.r68
        r95 = kept * r95 + (1 - kept) * raw.r95
        self._radii = r68, r95
        wider = max(1.0, r68 / position.r68) if position.r68 > 0 else 1.0
        xx, xy, yy = (value * wider**2 for value in position.covariance)
        return replace(
            position,
            covariance=(xx, xy, yy),
            r68=max(position.r68, r68),
            r95=max(position.r95, r95),
        )

    def _whereabouts(self, estimate: Estimate) -> dict[Whereabouts, float]:
        shares: dict[Whereabouts, float] = defaultdict(float)
        for point, share in zip(self._points, estimate.posterior, strict=True):
            state = Whereabouts(Presence.INSIDE, point.room)
            shares[OUTSIDE if point.is_outside else state] += share
        return shares

    def _speed(self, position: Position | None, passed_s: float) -> float | None:
        if position is None:
            return None
        self._elapsed_s += passed_s
        if not self._is_moving:
            self._trail.clear()
            return 0.0
        self._trail.append((self._elapsed_s, position.x, position.y))
        while self._trail[-1][0] - self._trail[0][0] > _SPEED_SPAN_S:
            self._trail.popleft()
        (then_s, *there), (now_s, *here) = self._trail[0], self._trail[-1]
        if not now_s > then_s:
            return self._config.speed_mps
        way = float(np.hypot(here[0] - there[0], here[1] - there[1]))
        return min(way / (now_s - then_s), _FASTEST * self._config.speed_mps)
