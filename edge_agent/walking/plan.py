"""Which points one person goes to, in which order, and how long that takes.

Laps take turns in direction, so that no point is always the first and nobody walks back
with empty hands. Everywhere else, where it is asked for, is visited in every lap as the
points are, and before them in the first: what is visited once cannot be checked by the
other laps, and nobody knows what it is worth.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, Self

from edge_agent.survey import OUTSIDE, Point
from edge_agent.walking.json_fields import FieldError, Fields, point_to_json

WHY_LAPS: Final = (
    "shots from separate visits, with the device put down anew each time, are worth "
    "more than as many in one stop: 91.2 % against 80.1 % right of 8 spots in a public "
    "survey of 27 days"
)
"""Measured on the survey of iVANET-PolyU (CSI_IPS_2020-21), three shots a spot."""

MAX_POINTS: Final = 1000
MAX_LAPS: Final = 9
"""One digit: visits, which are called ``<walk>/<lap>``, sort by time."""

MAX_SHOTS: Final = 20

WALK_S: Final = 5.0
"""From one stop to the next, a few metres indoors [s]."""

PUT_DOWN_S: Final = 4.0
"""To put the device down and step back [s]."""

_SCHEMA: Final = "metaloc.walk-plan/1"


@dataclass(frozen=True, slots=True)
class Stop:
    """One shot to be taken."""

    point: Point

    lap: int
    """From 1; shots of one lap and point are of one visit."""

    shot: int = 1
    """From 1, of those at this point in this lap."""

    @property
    def key(self) -> tuple[str, int, int]:
        """What tells it from all others of a walk: point's name, lap, shot."""
        return self.point.name, self.lap, self.shot


@dataclass(frozen=True, slots=True)
class WalkPlan:
    """What a walk is to be."""

    points: tuple[Point, ...]
    """In the order of the first lap; empty where they are typed while walking."""

    laps: int = 3

    shots_per_stop: int = 1

    with_outside: bool = False
    """Whether everywhere else is visited as well, in each lap like a point."""

    is_typed: bool = False
    """Whether points are typed while walking; so it stays when there are some."""

    def __post_init__(self) -> None:
        for name, most in (("laps", MAX_LAPS), ("shots_per_stop", MAX_SHOTS)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}, not 1 to {most}")
        if len(self.points) > MAX_POINTS:
            raise ValueError(f"{len(self.points)} points, more than {MAX_POINTS}")
        for point in self.points:
            if Fields(point_to_json(point), f"point {point.name!r}").point() != point:
                raise ValueError(f"point {point.name!r} would not be read back")
        names = [point.name for point in self.points]
        if doubles := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two points are called {min(doubles)!r}; rename one")
        if any(point.is_outside or point.name == OUTSIDE for point in self.points):
            raise ValueError(f"{OUTSIDE!r} is not a point of the plan: with_outside")
        if len({point.is_placed for point in self.points}) > 1:
            odd = next(p for p in self.points if not p.is_placed)
            raise ValueError(
                f"point {odd.name!r} has no coordinates, others have; give them to all "
                "points, or to none"
            )

    @property
    def stops(self) -> tuple[Stop, ...]:
        """All shots in the order of walking."""
        outside = (outside_point(),) * self.with_outside
        there, back = (*outside, *self.points), (*self.points[::-1], *outside)
        found: list[Stop] = []
        for lap in range(1, self.laps + 1):
            for point in there if lap % 2 else back:
                found += [Stop(point, lap, 1 + n) for n in range(self.shots_per_stop)]
        return tuple(found)

    def point(self, name: str) -> Point | None:
        """Return the point of that name; the only one of a room by the room's."""
        if name == OUTSIDE:
            return outside_point() if self.with_outside else None
        for point in self.points:
            if point.name == name:
                return point
        in_room = [point for point in self.points if point.room == name]
        return in_room[0] if len(in_room) == 1 else None

    def with_point(self, point: Point) -> Self:
        """Return the plan with one more point, the last of the first lap.

        Raises:
            ValueError: There is one of that name, or one too many, or only one of them
                has coordinates.
        """
        return replace(self, points=(*self.points, point))

    def duration_s(self, n_packets: int, *, frames_per_s: float = 10.0) -> float:
        """Return about how long the person needs [s].

        Args:
            n_packets: Frames of an access point in a shot.
            frames_per_s: Of each access point; beacons come 10 times a second.
        """
        stops = self.stops
        visits = len({(stop.point.name, stop.lap) for stop in stops})
        shooting = len(stops) * n_packets / frames_per_s
        return visits * (WALK_S + PUT_DOWN_S) + shooting

    @property
    def why(self) -> str | None:
        """What the laps are for; None where there is one, for nothing is gained."""
        return WHY_LAPS if self.laps > 1 else None

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "schema": _SCHEMA,
            "points": [point_to_json(point) for point in self.points],
            "laps": self.laps,
            "shots_per_stop": self.shots_per_stop,
            "with_outside": self.with_outside,
            "typed": self.is_typed,
        }

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        """Return a plan that was stored.

        Raises:
            FieldError: It is none, or of another schema.
        """
        fields.check_schema(_SCHEMA)
        points = fields.objects("points", most=MAX_POINTS)
        try:
            return cls(
                tuple(point.point() for point in points),
                fields.whole("laps", 1, MAX_LAPS),
                fields.whole("shots_per_stop", 1, MAX_SHOTS),
                fields.flag("with_outside"),
                fields.flag("typed", default=False),  # older walks lack it
            )
        except FieldError:
            raise
        except ValueError as error:
            raise FieldError(str(error)) from error


def outside_point() -> Point:
    """Return the point that stands for everywhere else."""
    return Point(OUTSIDE, None, None)
