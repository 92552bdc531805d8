"""Floor plans of S1 ... S6: what no seed changes.

S1  hall        concrete, one front of glass, four columns
S2  open plan   plasterboard, rows of desks, a meeting box of glass
S3  flat        brick, four rooms with doors
S4  laboratory  concrete, long benches, cabinets of metal
S5  corridor    six offices along a corridor
S6  storehouse  brick and metal, high racks of metal
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trainer.simulate.image_sources import Wall
from trainer.simulate.materials import MATERIALS
from trainer.simulate.raytrace.layouts import Box, Panel

CONCRETE: Final = Wall(MATERIALS["concrete"], 0.2)
BRICK: Final = Wall(MATERIALS["brick"], 0.24)
PLASTERBOARD: Final = Wall(MATERIALS["plasterboard"], 0.1)
GLASS: Final = Wall(MATERIALS["glass"], 0.012)
CEILING: Final = Wall(MATERIALS["ceiling board"], 0.03)
WOOD: Final = Wall(MATERIALS["wood"], 0.025)
METAL: Final = Wall(MATERIALS["metal"], 0.002)

_DOOR_M: Final = 0.9


_FEET_M: Final = 0.01
"""Gap under furniture: of two faces in one plane, a ray meets either."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What of a scenario no seed changes."""

    size_m: tuple[float, float, float]
    spacing_m: float
    """Of the grid of receivers."""

    walls: tuple[Wall, ...]
    panels: tuple[Panel, ...]
    fixed: tuple[Box, ...]
    movable: tuple[Box, ...]


def _hall() -> Blueprint:
    columns = tuple(
        _upright(f"column {n}", x, y, (0.4, 0.4), 3.49, CONCRETE)
        for n, (x, y) in enumerate([(4, 2.8), (10.6, 2.8), (4, 5.8), (10.6, 5.8)], 1)
    )
    benches = tuple(
        _upright(f"bench {n}", x, 4.3, (1.8, 0.5), 0.45, WOOD)
        for n, x in enumerate((2.0, 6.6, 11.4), 1)
    )
    return Blueprint(
        (15.0, 9.0, 3.5),
        0.6,
        (CONCRETE, CONCRETE, CONCRETE, GLASS, CONCRETE, CONCRETE),
        panels=(),
        fixed=columns,
        movable=benches,
    )


def _open_plan() -> Blueprint:
    desks = tuple(
        _upright(
            f"desk {row}-{n}", 0.95 + 2.15 * n, 0.9 + 2.6 * row, (1.6, 0.8), 0.75, WOOD
        )
        for row in range(3)
        for n in range(4)
    )
    cabinets = tuple(
        _upright(f"cabinet {n}", x, 9.3, (1.0, 0.45), 1.9, METAL)
        for n, x in enumerate((1.0, 3.0, 5.0), 1)
    )
    return Blueprint(
        (12.0, 10.0, 2.8),
        0.5,
        (PLASTERBOARD, PLASTERBOARD, PLASTERBOARD, GLASS, CONCRETE, CEILING),
        panels=(
            _panel("glass front", 0, 8.8, (6.4, 10.0), 2.8, GLASS),
            *_with_door("glass side", 1, 6.4, (8.8, 12.0), 9.2, 2.8, GLASS),
        ),
        fixed=(),
        movable=desks + cabinets,
    )


def _flat() -> Blueprint:
    return Blueprint(
        (10.0, 8.0, 2.5),
        0.5,
        (BRICK, BRICK, BRICK, BRICK, CONCRETE, CONCRETE),
        panels=(
            *_with_door("cross wall west", 1, 4.3, (0.0, 5.6), 3.9, 2.5, PLASTERBOARD),
            *_with_door("cross wall east", 1, 3.4, (5.6, 10.0), 6.2, 2.5, PLASTERBOARD),
            *_with_door("long wall south", 0, 5.6, (0.0, 3.4), 2.1, 2.5, BRICK),
            *_with_door("long wall north", 0, 5.6, (3.4, 8.0), 5.0, 2.5, BRICK),
        ),
        fixed=(_upright("kitchen", 9.3, 1.5, (0.6, 2.4), 0.9, WOOD),),
        movable=(
            _upright("bed", 1.6, 6.6, (1.6, 2.0), 0.5, WOOD),
            _upright("wardrobe", 4.3, 7.2, (1.4, 0.6), 2.1, WOOD),
            _upright("sofa", 2.2, 1.1, (2.0, 0.9), 0.8, WOOD),
            _upright("table", 7.9, 5.8, (1.4, 0.9), 0.75, WOOD),
            _upright("fridge", 9.2, 4.2, (0.6, 0.6), 1.8, METAL),
            _upright("bath", 7.0, 0.9, (1.7, 0.75), 0.55, METAL),
        ),
    )


def _laboratory() -> Blueprint:
    benches = tuple(
        _upright(f"bench {n}", 4.2, y, (5.6, 0.8), 0.9, WOOD)
        for n, y in enumerate((1.6, 3.4, 5.2), 1)
    )
    return Blueprint(
        (9.0, 7.0, 3.0),
        0.4,
        (CONCRETE, PLASTERBOARD, CONCRETE, CONCRETE, CONCRETE, CEILING),
        panels=(_panel("screen", 0, 7.4, (0.0, 2.6), 2.0, PLASTERBOARD),),
        fixed=benches,
        movable=tuple(
            _upright(f"cabinet {n}", x, y, size, 2.0, METAL)
            for n, (x, y, size) in enumerate(
                [
                    (1.2, 6.5, (1.2, 0.5)),
                    (3.6, 6.5, (1.2, 0.5)),
                    (6.0, 6.5, (1.2, 0.5)),
                    (8.4, 3.6, (0.5, 1.2)),
                ],
                1,
            )
        ),
    )


def _corridor() -> Blueprint:
    sides = (("south", 3.1, (0.0, 3.1), 1.0), ("north", 5.0, (5.0, 8.0), 7.0))
    panels: list[Panel] = []
    desks: list[Box] = []
    for side, wall_m, depth_m, desk_m in sides:
        for room in range(3):
            x = 6.0 * room
            panels += _with_door(
                f"{side} corridor wall {room + 1}",
                1,
                wall_m,
                (x, x + 6.0),
                x + 4.2,
                2.8,
                PLASTERBOARD,
            )
            if room:
                name = f"{side} partition {room}"
                panels.append(_panel(name, 0, x, depth_m, 2.8, PLASTERBOARD))
            desks.append(
                _upright(f"{side} desk {room}", x + 2.2, desk_m, (1.8, 0.8), 0.75, WOOD)
            )
    return Blueprint(
        (18.0, 8.0, 2.8),
        0.6,
        (BRICK, BRICK, CONCRETE, CONCRETE, CONCRETE, CEILING),
        panels=tuple(panels),
        fixed=(_upright("copier", 17.4, 4.05, (0.7, 0.7), 1.1, METAL),),
        movable=tuple(desks),
    )


def _storehouse() -> Blueprint:
    racks = tuple(
        _upright(
            f"rack {row}-{n}", 5.5 + 9.0 * n, 2.8 + 2.8 * row, (6.0, 0.9), 2.4, METAL
        )
        for row in range(4)
        for n in range(2)
    )
    crates = tuple(
        _upright(f"crate {n}", x, y, (1.1, 1.1), 1.0, WOOD)
        for n, (x, y) in enumerate(
            [(1.4, 2.0), (1.4, 7.0), (10.0, 6.8), (18.9, 12.0)], 1
        )
    )
    return Blueprint(
        (20.0, 14.0, 5.0),
        0.8,
        (BRICK, BRICK, BRICK, METAL, CONCRETE, METAL),
        panels=(),
        fixed=racks,
        movable=crates,
    )


BLUEPRINTS: Final[dict[str, Callable[[], Blueprint]]] = {
    "S1": _hall,
    "S2": _open_plan,
    "S3": _flat,
    "S4": _laboratory,
    "S5": _corridor,
    "S6": _storehouse,
}


def _upright(
    name: str,
    x_m: float,
    y_m: float,
    footprint_m: tuple[float, float],
    height_m: float,
    shell: Wall,
) -> Box:
    """Return a box that stands on the floor with its centre at (x, y)."""
    half_x, half_y = footprint_m[0] / 2, footprint_m[1] / 2
    return Box(
        name,
        (x_m - half_x, y_m - half_y, _FEET_M),
        (x_m + half_x, y_m + half_y, height_m),
        shell,
    )


def _panel(
    name: str,
    axis: int,
    at_m: float,
    span_m: tuple[float, float],
    height_m: float,
    material: Wall,
) -> Panel:
    return Panel(name, axis, at_m, span_m, (0.0, height_m), material)


def _with_door(
    name: str,
    axis: int,
    at_m: float,
    span_m: tuple[float, float],
    door_m: float,
    height_m: float,
    material: Wall,
) -> tuple[Panel, Panel]:
    """Return a wall with an opening of full height, which begins at ``door_m``."""
    low, high = span_m
    return (
        _panel(f"{name}, a", axis, at_m, (low, door_m), height_m, material),
        _panel(f"{name}, b", axis, at_m, (door_m + _DOOR_M, high), height_m, material),
    )
