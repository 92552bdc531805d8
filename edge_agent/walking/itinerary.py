"""Where to go next, and what is done."""

from collections.abc import Callable
from dataclasses import replace

from edge_agent.survey import OUTSIDE, Point
from edge_agent.walking.json_fields import FieldError
from edge_agent.walking.label import ShotLabel
from edge_agent.walking.plan import MAX_LAPS, Stop, outside_point
from edge_agent.walking.stored_walk import StoredWalk

Suggest = Callable[[tuple[Point, ...]], Point | None]
"""Given the points of this lap that were done, the one to go to next; None where no
other is worth the way."""


class Itinerary:
    """The stops of a walk, done and open."""

    def __init__(self, stored: StoredWalk, suggest: Suggest | None) -> None:
        """Take a walk.

        Args:
            stored: On disk.
            suggest: See `edge_agent.walking.engine.Walk`.
        """
        self._stored, self._suggest = stored, suggest
        self._skipped: set[tuple[str, int]] = set()

    @property
    def done(self) -> tuple[Stop, ...]:
        """Stops whose shots are stored, in the order of taking."""
        return tuple(shot.stop for shot in self._stored.shots)

    @property
    def left(self) -> tuple[Stop, ...]:
        """Stops of the plan without a shot, in the plan's order; not those skipped."""
        done = {stop.key for stop in self.done}
        return tuple(
            stop
            for stop in self._stored.plan.stops
            if stop.key not in done and (stop.point.name, stop.lap) not in self._skipped
        )

    @property
    def n_done(self) -> int:
        """Shots that are stored."""
        return len(self._stored.shots)

    @property
    def n_shots(self) -> int:
        """Shots of the plan, and those that were taken beyond it."""
        planned = {stop.key for stop in self._stored.plan.stops}
        return len(planned | {stop.key for stop in self.done})

    def expected_s(self, n_packets: int) -> float:
        """Return how long what is left takes the person, about [s].

        Args:
            n_packets: Frames of an access point in a shot.
        """
        of_all = len(self._stored.plan.stops)
        if of_all == 0:
            return 0.0
        return self._stored.plan.duration_s(n_packets) * len(self.left) / of_all

    def shot_of(self, stop: Stop) -> ShotLabel | None:
        """Return a stop's shot, if it is stored."""
        return next((s for s in self._stored.shots if s.stop.key == stop.key), None)

    def next_stop(self, last: Stop | None) -> Stop | None:
        """Return the stop to go to, or None where none is left, or worth the way.

        Args:
            last: Where the person is; further shots of that visit come first.
        """
        left = self.left
        if self._stored.plan.is_typed:  # where to go next, only the person knows
            left = tuple(stop for stop in left if stop.lap == 1)
        if not left:
            return None
        if last is not None:
            here = (last.point.name, last.lap)
            for stop in left:
                if (stop.point.name, stop.lap) == here:
                    return stop
        lap = left[0].lap
        in_lap = [stop for stop in left if stop.lap == lap]
        if self._suggest is None or in_lap[0].point.is_outside:
            return in_lap[0]
        outside = next((stop for stop in in_lap if stop.point.is_outside), None)
        done = {
            shot.stop.point.name: shot.stop.point
            for shot in self._stored.shots
            if shot.stop.lap == lap and not shot.stop.point.is_outside
        }
        point = self._suggest(tuple(done.values()))
        if point is None:  # no point is worth the way; what outside teaches, none can
            return outside
        named = (stop for stop in in_lap if stop.point.name == point.name)
        return next(named, in_lap[0])

    def stop_at(self, point: Point) -> Stop:
        """Return a point's next open stop, or one in a lap more than it has.

        Args:
            point: Of the plan, or outside.
        """
        for stop in self.left:
            if stop.point.name == point.name:
                return stop
        own = [stop for stop in self.done if stop.point.name == point.name]
        # Whoever comes back puts the device down anew: that is another visit.
        lap = min(MAX_LAPS, 1 + max((stop.lap for stop in own), default=0))
        shots = [stop.shot for stop in own if stop.lap == lap]
        return Stop(point, lap, 1 + max(shots, default=0))

    def skip(self, stop: Stop) -> None:
        """Leave a visit out, with all its shots that are not stored."""
        self._skipped.add((stop.point.name, stop.lap))

    def outside(self) -> Stop:
        """Return the stop of everywhere else, which the plan need not have.

        Raises:
            WalkError: The plan cannot be written.
        """
        plan = self._stored.plan
        if not plan.with_outside:
            self._stored.replan(replace(plan, with_outside=True))
        return self.stop_at(outside_point())

    def add(self, point: Point) -> Stop:
        """Add a point to the plan, and return its first stop.

        One of that name that has no shot yet was a slip, and is replaced.

        Raises:
            FieldError: The plan cannot have it; says why.
            WalkError: The plan cannot be written.
        """
        plan = self._stored.plan
        if point.name not in {stop.point.name for stop in self.done}:
            # The very same again is no correction, but one too many.
            others = (p for p in plan.points if p.name != point.name or p == point)
            plan = replace(plan, points=tuple(others))
        try:
            plan = plan.with_point(point)
        except ValueError as error:
            raise FieldError(str(error)) from error
        self._stored.replan(plan)
        return self.stop_at(point)

    def close(self) -> None:
        """Note that all points have been added; those without a shot are left out.

        Raises:
            WalkError: The plan cannot be written.
        """
        plan = self._stored.plan
        shot = {stop.point.name for stop in self.done}
        points = tuple(point for point in plan.points if point.name in shot)
        self._stored.replan(replace(plan, points=points, is_typed=False))

    def newest_shot(self, name: str | None) -> ShotLabel | None:
        """Return the shot that was taken last, of all or at one point.

        Args:
            name: Of the point, or of its room; None: anywhere.
        """
        for shot in reversed(self._stored.shots):
            if name in (None, shot.stop.point.name, shot.stop.point.room):
                return shot
        return None

    def request(self, stop: Stop | None) -> str:
        """Return what the person is asked to do at a stop."""
        if stop is None:
            if not self._stored.plan.points:
                return "No point yet: add the one where you are."
            if self._stored.plan.is_typed:
                return "Go to the next room and add it; done, if that was the last."
            left = len(self.left)
            if left:
                return f"None of the {left} shots left is worth the way: finish."
            return "All shots are done: finish, or add a point."
        again = "" if stop.lap == 1 and stop.shot == 1 else " anew"
        if stop.point.name == OUTSIDE:
            return (
                f"Leave the measured area, put the device down{again} (lap "
                f"{stop.lap}), step back, then shoot."
            )
        room = stop.point.room
        where = f" in {room}" if room and room != stop.point.name else ""
        return (
            f"Put the device down{again} at {stop.point.name}{where} (lap {stop.lap}), "
            "step back, then shoot."
        )
