"""What a room is made of, and where its radios are.

A room is a box of six walls. In it stand furniture (closed boxes) and panels (inner
walls); all edges are parallel to the axes. Materials and walls are those of the
built-in simulator, and nothing here knows of ray tracing: it could read a layout, too.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.errors import RoomError
from trainer.simulate.image_sources import Wall
from trainer.simulate.materials import Floats

_WALL_NAMES = ("x=0", "x=length", "y=0", "y=width", "floor", "ceiling")
_LONGEST_M, _THICKEST_M = 200.0, 1.0
_LOWEST_HZ = 1e9
MOST_RADIOS = 4096
"""Of a kind; all receivers are traced at once, in memory."""


@dataclass(frozen=True, slots=True)
class Box:
    """A piece of furniture: closed, hollow, parallel to the axes."""

    name: str

    low: tuple[float, float, float]
    """Corner with the smallest coordinates [m]."""

    high: tuple[float, float, float]
    """Corner with the largest coordinates [m]."""

    shell: Wall
    """What its faces are made of."""

    def holds(
        self, points: Floats, *, clearance_m: float = 0.0
    ) -> npt.NDArray[np.bool]:
        """Say which points, shape (n, 3) [m], are inside or closer than a clearance."""
        low, high = np.array(self.low), np.array(self.high)
        beyond = np.maximum(np.maximum(low - points, points - high), 0)
        inside = ((points >= low) & (points <= high)).all(axis=1)
        near: npt.NDArray[np.bool] = np.linalg.norm(beyond, axis=1) < clearance_m
        return inside | near


@dataclass(frozen=True, slots=True)
class Panel:
    """A piece of inner wall, upright; its thickness matters to waves alone."""

    name: str

    axis: int
    """The axis it stands across: 0 (a wall along y) or 1 (a wall along x)."""

    at_m: float
    """Where on that axis [m]."""

    span_m: tuple[float, float]
    """From where to where on the other horizontal axis [m]."""

    height_m: tuple[float, float]
    """From where to where above the floor [m]."""

    material: Wall

    def body(self) -> Box:
        """Return the space that it takes; the triangles lie in its middle."""
        half = self.material.thickness_m / 2
        low, high = np.empty(3), np.empty(3)
        low[self.axis], high[self.axis] = self.at_m - half, self.at_m + half
        low[1 - self.axis], high[1 - self.axis] = self.span_m
        low[2], high[2] = self.height_m
        return Box(self.name, _corner(low), _corner(high), self.material)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A furnished room with radios.

    Raises:
        RoomError: Something lies outside of the room, is inside out or of a material
            unknown at the frequency, or a radio is inside of furniture or a panel.
    """

    name: str

    size_m: Floats
    """Length, width and height, shape (3,)."""

    walls: tuple[Wall, ...]
    """Six: x=0, x=length, y=0, y=width, floor, ceiling."""

    boxes: tuple[Box, ...]
    panels: tuple[Panel, ...]

    access_points: Floats
    """Transmitters [m], shape (n_aps, 3)."""

    receivers: Floats
    """[m], shape (n_receivers, 3)."""

    carrier_hz: float

    def __post_init__(self) -> None:
        if (
            self.size_m.shape != (3,)
            or not ((self.size_m >= 1) & (self.size_m <= _LONGEST_M)).all()
        ):
            raise RoomError(
                f"{self.name} is {self.size_m} m large; three sides from 1 m to "
                f"{_LONGEST_M:g} m are needed"
            )
        if len(self.walls) != len(_WALL_NAMES):
            raise RoomError(
                f"{self.name} has {len(self.walls)} walls; six are needed: "
                f"{', '.join(_WALL_NAMES)}"
            )
        for name, wall in zip(_WALL_NAMES, self.walls, strict=True):
            self._check_material(f"wall {name}", wall)
        for box in self.boxes:
            self._check_material(box.name, box.shell)
            self._check_extent(box.name, np.array(box.low), np.array(box.high))
        for panel in self.panels:
            self._check_panel(panel)
        self._check_radios("access point", self.access_points)
        self._check_radios("receiver", self.receivers)

    def obstacles(self) -> tuple[Box, ...]:
        """Return all that takes space: furniture, and the bodies of the panels."""
        return self.boxes + tuple(panel.body() for panel in self.panels)

    def _check_material(self, what: str, wall: Wall) -> None:
        highest_hz = wall.material.highest_ghz * 1e9
        if not _LOWEST_HZ <= self.carrier_hz <= highest_hz:
            raise RoomError(
                f"{self.name} is at {self.carrier_hz:g} Hz, but {what} is of "
                f"{wall.material.name}, which is known from {_LOWEST_HZ:g} to "
                f"{highest_hz:g} Hz"
            )
        if wall.thickness_m > _THICKEST_M:
            raise RoomError(
                f"{self.name}: {what} is {wall.thickness_m} m thick, more than "
                f"{_THICKEST_M:g} m"
            )

    def _check_extent(self, what: str, low: Floats, high: Floats) -> None:
        if not (low < high).all():
            raise RoomError(
                f"{self.name}: {what} reaches from {low} to {high} m; each coordinate "
                "must grow"
            )
        if not ((low >= 0).all() and (high <= self.size_m).all()):
            raise RoomError(
                f"{self.name}: {what}, from {low} to {high} m, is not within the room "
                f"of {self.size_m} m"
            )

    def _check_panel(self, panel: Panel) -> None:
        self._check_material(panel.name, panel.material)
        if panel.axis not in (0, 1):
            raise RoomError(
                f"{self.name}: {panel.name} stands across axis {panel.axis}, not 0 or 1"
            )
        if not 0 < panel.at_m < self.size_m[panel.axis]:
            raise RoomError(
                f"{self.name}: {panel.name} stands at {panel.at_m} m, not between the "
                f"walls at 0 and {self.size_m[panel.axis]} m"
            )
        across = self.size_m[1 - panel.axis]
        for (low, high), most in (
            (panel.span_m, across),
            (panel.height_m, self.size_m[2]),
        ):
            if not 0 <= low < high <= most:
                raise RoomError(
                    f"{self.name}: {panel.name} reaches from {low} to {high} m; within "
                    f"0 and {most} m, and growing, is needed"
                )

    def _check_radios(self, kind: str, places: Floats) -> None:
        if places.ndim != 2 or places.shape[1] != 3:
            raise RoomError(
                f"{self.name}: {kind}s have shape {places.shape}, not (n, 3)"
            )
        if not 1 <= len(places) <= MOST_RADIOS:
            raise RoomError(
                f"{self.name} has {len(places)} {kind}s, not 1 to {MOST_RADIOS}"
            )
        within = ((places > 0) & (places < self.size_m)).all(axis=1)
        if not within.all():
            number = int(np.flatnonzero(~within)[0])
            raise RoomError(
                f"{self.name}: {kind} {number} at {places[number]} m is not inside the "
                f"room of {self.size_m} m"
            )
        for box in self.obstacles():
            held = box.holds(places)
            if held.any():
                number = int(np.flatnonzero(held)[0])
                raise RoomError(
                    f"{self.name}: {kind} {number} at {places[number]} m is inside "
                    f"{box.name}, from {box.low} to {box.high} m; move either"
                )


def _corner(values: Floats) -> tuple[float, float, float]:
    x, y, z = values.tolist()
    return x, y, z
