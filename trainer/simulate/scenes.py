"""A hall and a laboratory like the paper's: 90 points each, three access points.

Grids are those of the authors' code; the rooms are of the sizes that the paper states:
12 m by 5 m, almost empty, in sight of the access points, and 10 m by 8 m with desks and
computers in between. 5.18 GHz. How like recordings they are: docs/simulation.md.

Days differ from what they have in common, not each from the one before: in recordings
the same point changes by 4.7 dB to the next day, and by 5.0 dB in weeks.
"""

from dataclasses import dataclass

import numpy as np

from trainer.errors import RoomError
from trainer.simulate.grids import grid
from trainer.simulate.image_sources import Wall, room_walls
from trainer.simulate.listening import place_device
from trainer.simulate.materials import Floats
from trainer.simulate.room import Room, draw_room, next_day

_ROOM = 0
"""What this stream of chance is for; callers take other numbers for theirs."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A place to be surveyed."""

    name: str

    points: Floats
    """Coordinates on the map [m], in lexicographic order, shape (n_points, 2)."""

    corner: tuple[float, float]
    """Where in the room the map's origin is [m]."""

    size: tuple[float, float, float]
    """Length, width and height of the room [m]."""

    access_points: Floats
    """In the room [m], shape (3, 3)."""

    walls: tuple[Wall, ...]
    """See `Room`."""

    n_furniture: int
    cabinets: float
    """Share of the furniture that is tall."""

    k_db: float
    """See `Room`."""

    tail_delay_s: float
    """See `Room`."""

    motion_share: float
    """See `Room`."""

    moved: float
    """Share of what is in the room that a day has of its own."""

    power_db: float
    """Spread of the transmit powers from day to day [dB]."""

    placement_m: float
    """How exactly the device is put back to a point."""

    n_people: int
    """Who are about while it records."""

    seed: int
    """Another seed gives another such place."""

    def usual_room(self) -> Room:
        """Return the room as it is when no day is any different.

        Raises:
            RoomError: There can be no such room, or not these points in it.
        """
        return draw_room(
            np.random.default_rng([self.seed, _ROOM, 0]),
            size=self.size,
            walls=self.walls,
            partitions=[],
            access_points=self.access_points,
            n_furniture=self.n_furniture,
            cabinets=self.cabinets,
            k_db=self.k_db,
            tail_delay_s=self.tail_delay_s,
            motion_share=self.motion_share,
            free=self.points + self.corner,
        )

    def days(self, n: int) -> list[Room]:
        """Return the room on each of ``n`` days, whatever ``n`` is the same ones.

        Raises:
            RoomError: No days, or there can be no such room.
        """
        if n < 1:
            raise RoomError(f"{n} days, not 1 or more")
        usual = self.usual_room()
        return [self._changed(usual, day) for day in range(1, n + 1)]

    def on_day(self, day: int) -> Room:
        """Return the room on one day, from 1: the last of so many `days`.

        Raises:
            RoomError: A day before the first, or there can be no such room.
        """
        if day < 1:
            raise RoomError(f"day {day}, not 1 or later")
        return self._changed(self.usual_room(), day)

    def _changed(self, usual: Room, day: int) -> Room:
        return next_day(
            usual,
            np.random.default_rng([self.seed, _ROOM, day]),
            moved=self.moved,
            power_db=self.power_db,
        )

    def place(self, rng: np.random.Generator, point: int) -> Floats:
        """Return where in the room a device is put down for a visit of a point.

        Args:
            rng: Source of the displacement.
            point: Number of the point.

        Returns:
            [m], shape (1, 3).

        Raises:
            RoomError: There is no such point.
        """
        if not 0 <= point < len(self.points):
            raise RoomError(f"point {point} of the {len(self.points)} of {self.name}")
        x, y = self.points[point] + self.corner
        return place_device(rng, x, y, placement_m=self.placement_m)


SCENES = {
    scene.name: scene
    for scene in (
        Scene(
            name="hall",
            points=grid("hall"),
            corner=(1.8, 1.0),
            size=(12.0, 5.0, 3.5),
            access_points=np.array(
                [[0.3, 2.5, 2.6], [11.7, 1.2, 2.6], [6.0, 4.7, 2.6]]
            ),
            walls=room_walls(),
            n_furniture=5,
            cabinets=0.2,
            k_db=4.0,
            tail_delay_s=20e-9,
            motion_share=0.1,
            moved=0.35,
            power_db=1.2,
            placement_m=0.0035,
            n_people=2,
            seed=2022_06_09,
        ),
        Scene(
            name="lab",
            points=grid("lab"),
            corner=(0.4, 0.8),
            size=(8.0, 10.0, 3.0),
            access_points=np.array([[0.3, 0.3, 2.3], [7.7, 0.3, 2.3], [4.0, 9.7, 2.3]]),
            walls=room_walls(),
            n_furniture=20,
            cabinets=0.35,
            k_db=1.0,
            tail_delay_s=20e-9,
            motion_share=0.12,
            moved=0.33,
            power_db=1.2,
            placement_m=0.003,
            n_people=2,
            seed=2022_07_21,
        ),
    )
}
