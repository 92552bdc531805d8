"""The propagation paths of a room, nobody being there.

The direct path and wall reflections (`image_sources`), bounces off scatterers
(`furniture`) and the diffuse tail (`diffuse`). Furniture weakens the direct path, and
the last leg of every wall reflection; inner walls weaken whatever crosses them.
"""

from dataclasses import dataclass

import numpy as np

from trainer.simulate.diffuse import diffuse_paths
from trainer.simulate.furniture import scattered_paths
from trainer.simulate.image_sources import image_paths, image_positions
from trainer.simulate.materials import SPEED_OF_LIGHT, Complex, Floats
from trainer.simulate.room import Room

PARTITION_LOSS_DB = 7.0
"""What one inner wall costs, whatever path goes through it."""

ORDER = 3
"""Wall reflections of a path at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """The propagation paths from one access point to several places."""

    delays: Floats
    """[s], shape (n_places, n_paths); the direct path comes first."""

    gains: Complex
    """With the carrier's phase, shape (n_places, n_paths)."""


def find_paths(room: Room, access_point: int, places: Floats) -> Paths:
    """Return the paths from an access point to places, nobody being there.

    Args:
        room: The room on its day.
        access_point: Number of the access point.
        places: Receiver positions [m], shape (n_places, 3).
    """
    transmitter, wavelength = room.access_points[access_point], room.wavelength
    delays, gains = image_paths(
        transmitter, places, room.size, room.walls, room.carrier_hz, ORDER
    )
    if len(room.furniture):
        images = image_positions(transmitter, room.size, ORDER)
        gains[:, 0] *= room.furniture.passes(transmitter, places)
        ends = _last_wall(places[:, None], images[1:], room.size)
        gains[:, 1:] *= room.furniture.passes(places[:, None], ends)
    length, scattered = scattered_paths(
        room.scatterers, transmitter, places, wavelength
    )
    late, tail = diffuse_paths(
        room.waves,
        access_point,
        places,
        delays[:, 0],
        k_db=room.k_db,
        wavelength=wavelength,
    )
    over_points = length / SPEED_OF_LIGHT
    turning = np.concatenate([gains, scattered], axis=1)
    turning *= turns(room.carrier_hz, np.concatenate([delays, over_points], axis=1))
    walls = partition_factor(room, transmitter, places)[:, None]
    fields = np.concatenate([turning, tail], axis=1)
    fields *= walls
    return Paths(np.concatenate([delays, over_points, late], axis=1), fields)


def turns(frequency_hz: float, delays: Floats) -> Complex:
    """Return exp(-j 2π f τ), for delays [s] of any shape."""
    return np.asarray(np.exp(-2j * np.pi * ((frequency_hz * delays) % 1)))


def _last_wall(places: Floats, images: Floats, size: Floats) -> Floats:
    """Return where paths leave their last wall [m], shape (n_places, n_images, 3)."""
    way = images - places
    way = np.where(way == 0, 1e-9, way)  # along a wall: never reaches it
    reach = np.where(way > 0, size - places, -places) / way
    share = np.clip(reach.min(axis=-1, keepdims=True), 0, 1)
    return np.asarray(places + share * way)


def partition_factor(room: Room, transmitter: Floats, places: Floats) -> Floats:
    """Return the amplitude that inner walls let through, shape (n_places,)."""
    n_walls = np.zeros(len(places))
    for axis, at in room.partitions:
        n_walls += (transmitter[int(axis)] < at) != (places[:, int(axis)] < at)
    return np.asarray(10 ** (-PARTITION_LOSS_DB * n_walls / 20))
