"""A room on one day: walls, access points, and all that is in it.

From one day to the next a share of the furniture, of the scatterers and of the diffuse
waves changes, and transmit powers do: a step, not a slow walk, as in recordings.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trainer.errors import RoomError
from trainer.simulate.diffuse import Waves, draw_waves, redraw_waves
from trainer.simulate.filters import draw_filters
from trainer.simulate.furniture import (
    Furniture,
    Scatterers,
    draw_furniture,
    draw_scatterers,
    move_furniture,
    move_scatterers,
)
from trainer.simulate.image_sources import Wall, room_walls
from trainer.simulate.materials import SPEED_OF_LIGHT, Complex, Floats

CARRIER_HZ = 5.18e9
"""Channel 36."""

SHORTEST_SIDE_M = 2.0
_N_SCATTERERS = 40
_N_FURNITURE, _CABINETS = 10, 0.35
_SHIFT_M = 0.6
_POWER_SPREAD_DB = 2.0
_POWER_DBM = 17.0
_FROM_WALL_M = 0.3
_AT_HEIGHT = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """A room on one day; validated where it is made."""

    size: Floats
    """Length, width and height [m], shape (3,)."""

    walls: tuple[Wall, ...]
    """At x = 0, x = length, y = 0, y = width, floor, ceiling."""

    partitions: Floats
    """Inner walls, shape (n, 2): axis they stand across (0 or 1), and where [m]."""

    access_points: Floats
    """Positions [m], shape (n_aps, 3)."""

    power_dbm: Floats
    """Transmit powers [dBm], shape (n_aps,)."""

    filters: Complex
    """Ripple of each access point and the device over the band, see
    `trainer.simulate.filters`, shape (n_aps, n_ripples)."""

    furniture: Furniture

    scatterers: Scatterers

    waves: Waves
    """The diffuse tail."""

    k_db: float
    """Power of the direct path at 4 m over that of the diffuse tail [dB]."""

    tail_delay_s: float
    """Decay time of the diffuse tail [s]."""

    motion_share: float
    """Amplitude that people's being about adds to and takes from every path but the
    direct one, slowly."""

    free: Floats
    """Places that furniture never stands at [m], shape (n, 2)."""

    carrier_hz: float = CARRIER_HZ
    """Centre of the channel [Hz]."""

    def __post_init__(self) -> None:
        _check_size(self.size)
        _check_values(self)
        _check_inside(self.size, self.access_points, "an access point")
        if len(self.access_points) == 0:
            raise RoomError("a room without access points: nothing would be heard")
        held = self.furniture.holds(self.access_points)
        if held.any():
            where = _place(self.access_points[held][0])
            raise RoomError(f"an access point at {where} is inside furniture")
        for axis, at in self.partitions:
            if axis not in (0, 1) or not 0 < at < self.size[int(axis)]:
                raise RoomError(
                    f"an inner wall across axis {axis:g} at {at:g} m lies outside the "
                    f"room of {_place(self.size)}"
                )
        _check_furniture(self.size, self.furniture)

    @property
    def n_aps(self) -> int:
        """How many access points there are."""
        return len(self.access_points)

    @property
    def wavelength(self) -> float:
        """Of the carrier [m]."""
        return SPEED_OF_LIGHT / self.carrier_hz

    def check_places(self, places: Floats) -> None:
        """Refuse places where no receiver can be.

        Args:
            places: [m], shape (n_places, 3).

        Raises:
            RoomError: Outside the room, or inside furniture.
        """
        _check_inside(self.size, places, "a receiver")
        held = self.furniture.holds(places)
        if held.any():
            raise RoomError(
                f"a receiver at {_place(places[held][0])} is inside furniture; name "
                "the place as free when the room is drawn"
            )


def draw_room(
    rng: np.random.Generator,
    *,
    size: tuple[float, float, float],
    walls: tuple[Wall, ...] | None = None,
    partitions: list[tuple[int, float]] | None = None,
    access_points: npt.ArrayLike | None = None,
    n_furniture: int = _N_FURNITURE,
    cabinets: float = _CABINETS,
    k_db: float | None = None,
    tail_delay_s: float | None = None,
    motion_share: float = 0.12,
    carrier_hz: float = CARRIER_HZ,
    free: npt.ArrayLike = (),
) -> Room:
    """Draw a furnished room.

    Args:
        rng: Source of everything that is not given.
        size: Length, width and height [m].
        walls: See `Room`; concrete, plasterboard and a ceiling of boards by default.
        partitions: Inner walls: axis (0 or 1) and where [m]; two at most by default.
        access_points: Positions [m], shape (n, 3); three near the outer walls by
            default.
        n_furniture: Pieces; fewer where there is no room for them.
        cabinets: Share of them that are tall.
        k_db: See `Room`; from -4 to 4 dB by default.
        tail_delay_s: See `Room`; 15 to 40 ns by default.
        motion_share: See `Room`.
        carrier_hz: See `Room`.
        free: Places that furniture does not stand at [m], shape (n, 2).

    Raises:
        RoomError: There can be no such room.
    """
    sides = np.array(size, np.float64)
    _check_size(sides)
    if n_furniture < 0 or not 0 <= cabinets <= 1:
        raise RoomError(
            f"{n_furniture} pieces of furniture, {cabinets:g} of them cabinets: not 0 "
            "or more, and a share"
        )
    if partitions is None:
        axes = rng.integers(0, 2, rng.integers(0, 3)).tolist()
        partitions = [(axis, rng.uniform(0.3, 0.7) * sides[axis]) for axis in axes]
    if access_points is None:
        access_points = _draw_access_points(rng, sides)
    positions = np.array(access_points, np.float64).reshape(-1, 3)
    if k_db is None:
        k_db = rng.uniform(-4, 4)
    if tail_delay_s is None:
        tail_delay_s = rng.uniform(15e-9, 40e-9)
    if not tail_delay_s > 0:
        raise RoomError(f"a decay time of {tail_delay_s} s, not above 0")
    places = np.array(free, np.float64).reshape(-1, 2)
    on_floor = np.column_stack([places, np.full(len(places), sides[2] / 2)])
    _check_inside(sides, on_floor, "a free place")
    n_aps = len(positions)
    return Room(
        sides,
        room_walls() if walls is None else walls,
        np.array(partitions, np.float64).reshape(-1, 2),
        positions,
        power_dbm=_POWER_DBM + rng.normal(0, _POWER_SPREAD_DB, n_aps),
        filters=draw_filters(rng, n_aps),
        furniture=draw_furniture(
            rng, sides, n_furniture, cabinets=cabinets, free=_clear(places, positions)
        ),
        scatterers=draw_scatterers(rng, sides, _N_SCATTERERS),
        waves=draw_waves(rng, n_aps, tail_delay_s),
        k_db=k_db,
        tail_delay_s=tail_delay_s,
        motion_share=motion_share,
        carrier_hz=carrier_hz,
        free=places,
    )


def next_day(
    room: Room, rng: np.random.Generator, *, moved: float = 0.35, power_db: float = 2.0
) -> Room:
    """Return the room after things were moved.

    Args:
        room: The day before.
        rng: Source of the changes.
        moved: Share of furniture and scatterers that go somewhere else, 0.6 m away, and
            of diffuse waves that are drawn anew.
        power_db: Spread of the change of transmit powers [dB].

    Raises:
        RoomError: ``moved`` is no share.
    """
    if not 0 <= moved <= 1:
        raise RoomError(f"{moved:g} of the things are moved, not a share")
    free = _clear(room.free, room.access_points)
    return replace(
        room,
        furniture=move_furniture(
            rng, room.furniture, room.size, moved=moved, shift_m=_SHIFT_M, free=free
        ),
        scatterers=move_scatterers(
            rng, room.scatterers, room.size, moved=moved, shift_m=_SHIFT_M
        ),
        waves=redraw_waves(rng, room.waves, room.tail_delay_s, moved=moved),
        power_dbm=room.power_dbm + rng.normal(0, power_db, room.n_aps),
    )


def _draw_access_points(rng: np.random.Generator, size: Floats) -> Floats:
    """Return three positions: at both ends, and at one side."""
    length, width, height = size
    along = rng.uniform(0.1, 0.9, 3)
    return np.array(
        [
            [_FROM_WALL_M, along[0] * width, _AT_HEIGHT * height],
            [length - _FROM_WALL_M, along[1] * width, _AT_HEIGHT * height],
            [along[2] * length, width - _FROM_WALL_M, _AT_HEIGHT * height],
        ]
    )


def _clear(free: Floats, access_points: Floats) -> Floats:
    """Return where no furniture may stand: below access points neither."""
    return np.concatenate([free, access_points[:, :2]])


def _place(position: Floats) -> str:
    return "(" + ", ".join(f"{value:g}" for value in position) + ") m"


def _check_size(size: Floats) -> None:
    if size.shape != (3,) or not (np.isfinite(size) & (size >= SHORTEST_SIDE_M)).all():
        raise RoomError(
            f"a room of {_place(size)}: no side may be shorter than "
            f"{SHORTEST_SIDE_M:g} m, and there are three"
        )


def _check_values(room: Room) -> None:
    if not room.tail_delay_s > 0:
        raise RoomError(f"a decay time of {room.tail_delay_s} s, not above 0")
    if not 0 <= room.motion_share < 1:
        raise RoomError(f"people move {room.motion_share} of the paths, not 0 to 1")
    if not np.isfinite(room.k_db):
        raise RoomError(f"a K factor of {room.k_db} dB is no number")
    if not room.carrier_hz > 0:
        raise RoomError(f"a carrier of {room.carrier_hz} Hz, not above 0")
    if not np.isfinite(room.power_dbm).all():
        raise RoomError(f"transmit powers of {room.power_dbm} dBm are no numbers")


def _check_inside(size: Floats, places: Floats, what: str) -> None:
    outside = ~((places > 0) & (places < size)).all(axis=1)
    if outside.any():
        raise RoomError(
            f"{what} at {_place(places[outside][0])} is outside the room of "
            f"{_place(size)}"
        )


def _check_furniture(size: Floats, furniture: Furniture) -> None:
    if not (furniture.sizes > 0).all():
        raise RoomError("furniture has sizes above 0 only")
    ends = furniture.corners + furniture.sizes[:, :2]
    wrong = (
        (furniture.corners < 0).any(axis=1)
        | (ends > size[:2]).any(axis=1)
        | (furniture.sizes[:, 2] > size[2])
    )
    if wrong.any():
        number = int(np.flatnonzero(wrong)[0])
        raise RoomError(
            f"furniture of {_place(furniture.sizes[number])} at "
            f"{_place(furniture.corners[number])} does not fit the room of "
            f"{_place(size)}"
        )
