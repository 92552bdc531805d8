"""Wall reflections of a shoebox room: the image-source method.

    image n = (n_x, n_y, n_z):   n L + (t if n is even, L - t if n is odd), per axis
    gain = λ / (4π d) · Π over walls of R(cos θ)^bounces

J. Allen, D. Berkley, "Image method for efficiently simulating small-room acoustics",
JASA 65(4), 1979, with slab reflection coefficients R in place of the acoustic ones
(`trainer.simulate.materials`). Antennas are vertical: their field is perpendicular to
the plane of incidence at side walls (TE) and in it at floor and ceiling (TM), which is
exact for rays in a horizontal or a vertical plane, and taken for the others too.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

from trainer.errors import RoomError
from trainer.simulate.materials import (
    MATERIALS,
    SPEED_OF_LIGHT,
    Complex,
    Floats,
    Material,
    Polarisation,
    slab,
)

NEAREST_M = 0.1
"""Antennas are never closer than this to each other: no gain is above that."""


@dataclass(frozen=True, slots=True)
class Wall:
    """One side of a room, floor and ceiling included."""

    material: Material
    thickness_m: float

    def __post_init__(self) -> None:
        if not self.thickness_m > 0:
            raise RoomError(f"a wall is {self.thickness_m} m thick, not above 0")


def room_walls(
    *,
    sides: tuple[str, str] = ("concrete", "plasterboard"),
    floor: str = "concrete",
    ceiling: str = "ceiling board",
) -> tuple[Wall, ...]:
    """Return six walls of the usual thickness.

    Args:
        sides: Material across x, and across y.
        floor: Material.
        ceiling: Material.

    Returns:
        At x = 0, x = length, y = 0, y = width, floor, ceiling.

    Raises:
        RoomError: There is no such material.
    """
    unknown = {*sides, floor, ceiling} - {*MATERIALS}
    if unknown:
        raise RoomError(
            f"no material {', '.join(sorted(unknown))}; there are "
            f"{', '.join(MATERIALS)}"
        )
    across_x, across_y, below, above = (
        Wall(MATERIALS[name], _THICKNESS_M.get(name, _OTHER_THICKNESS_M))
        for name in (*sides, floor, ceiling)
    )
    return (across_x, across_x, across_y, across_y, below, above)


_THICKNESS_M = {
    "concrete": 0.2,
    "brick": 0.12,
    "plasterboard": 0.1,
    "glass": 0.01,
    "ceiling board": 0.03,
}
_OTHER_THICKNESS_M = 0.05


def image_paths(
    transmitter: npt.ArrayLike,
    receivers: npt.ArrayLike,
    size: npt.ArrayLike,
    walls: tuple[Wall, ...],
    carrier_hz: float,
    order: int = 3,
) -> tuple[Floats, Complex]:
    """Return delay and gain of the direct path and of all wall reflections.

    Args:
        transmitter: Position in the room [m], shape (3,).
        receivers: Positions in the room [m], shape (n_receivers, 3).
        size: Length, width and height of the room [m], shape (3,).
        walls: At x = 0, x = length, y = 0, y = width, floor, ceiling.
        carrier_hz: Frequency.
        order: Bounces at most.

    Returns:
        Delays [s] and amplitudes relative to what isotropic antennas would hear in a
        distance of λ / 4π, without the phase of the carrier; both (n_receivers,
        n_paths), the direct path first, then by number of bounces.

    Raises:
        RoomError: No path at all (``order`` below 0), not six walls, a material unknown
            at this frequency.
    """
    if order < 0:
        raise RoomError(f"{order} bounces at most: not even the direct path")
    if len(walls) != 6:
        raise RoomError(f"{len(walls)} walls, not six: four sides, floor and ceiling")
    sides = np.asarray(size, np.float64)
    counts = _counts(order)
    images = image_positions(np.asarray(transmitter, np.float64), sides, order)
    away = np.asarray(receivers, np.float64)[:, None] - images
    distance = np.maximum(np.linalg.norm(away, axis=2), NEAREST_M)
    gains = SPEED_OF_LIGHT / carrier_hz / (4 * np.pi * distance) + 0j
    for axis in range(3):
        cos_incidence = np.minimum(np.abs(away[..., axis]) / distance, 1.0)
        polarisation = Polarisation.TM if axis == 2 else Polarisation.TE
        low, high = walls[2 * axis : 2 * axis + 2]
        bounces = _bounces(counts[:, axis])
        for wall, n_bounces in ((low, bounces[0]), (high, bounces[1])):
            hit = np.flatnonzero(n_bounces)
            reflected, _ = slab(
                wall.material,
                wall.thickness_m,
                cos_incidence[:, hit],
                carrier_hz,
                polarisation,
            )
            gains[:, hit] *= reflected ** n_bounces[hit]
    return distance / SPEED_OF_LIGHT, gains


def image_positions(transmitter: Floats, size: Floats, order: int) -> Floats:
    """Return the transmitter and its mirror images [m], in the order of the paths."""
    counts = _counts(order)
    return np.where(counts % 2 == 0, transmitter, size - transmitter) + counts * size


@lru_cache
def _counts(order: int) -> npt.NDArray[np.int64]:
    """Return which multiple of the room each image stands in, shape (n_paths, 3)."""
    reach = range(-order, order + 1)
    all_of_them = [n for n in product(reach, repeat=3) if sum(map(abs, n)) <= order]
    all_of_them.sort(key=lambda n: sum(map(abs, n)))
    counts = np.array(all_of_them, np.int64)
    counts.flags.writeable = False  # every caller gets the same one
    return counts


def _bounces(
    counts: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return how often a path hits the wall at 0, and the one opposite.

    They take turns; an image beyond the far wall hits that one first.
    """
    more, fewer = (np.abs(counts) + 1) // 2, np.abs(counts) // 2
    beyond = counts > 0
    return np.where(beyond, fewer, more), np.where(beyond, more, fewer)
