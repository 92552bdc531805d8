"""The radio channel of a shoebox room: image sources, scatterers, reverberation.

    H_k(r) = Σ_p g_p(r) exp(-j 2π (f_c + k Δf) τ_p(r))

The paths p are the direct one and wall reflections (image sources up to second order),
single bounces off point scatterers (furniture), and a diffuse tail of plane waves whose
delays fall off exponentially. Without the tail all points look alike. From one day to
the next a part of scatterers and tail is drawn anew and transmit powers change.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

SPEED_OF_LIGHT = 299_792_458.0
CARRIER_HZ = 5.18e9
"""Channel 36."""

SPACING_HZ = 312.5e3
"""Subcarrier spacing Δf of 802.11."""

TONES = np.concatenate([np.arange(-28, 0), np.arange(1, 29)])
"""Subcarriers that are simulated: those of an HT frame."""

_WAVELENGTH = SPEED_OF_LIGHT / CARRIER_HZ
_WALL_REFLECTION = 0.4
"""Amplitude per bounce: plasterboard and concrete at moderate angles."""

_PARTITION_LOSS_DB = 7.0
"""What one inner wall costs, whatever path goes through it."""

_MAX_BOUNCES = 2
_N_SCATTERERS = 40
_N_WAVES = 80

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Clutter:
    """What a room holds besides its walls."""

    scatterers: Vector
    """Positions [m], shape (n_scatterers, 3)."""

    cross_sections: Vector
    """Scattered amplitude sqrt(σ) [m], shape (n_scatterers,)."""

    scatter_phases: Vector
    """[rad], shape (n_scatterers,)."""

    wave_directions: Vector
    """Unit vectors of the diffuse tail, shape (n_aps, n_waves, 3)."""

    wave_gains: npt.NDArray[np.complex128]
    """Relative to the direct path at 4 m, shape (n_aps, n_waves)."""

    wave_delays: Vector
    """Excess delays [s], shape (n_aps, n_waves)."""


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """A room on one day."""

    size: Vector
    """Length, width and height [m], shape (3,)."""

    access_points: Vector
    """Positions [m], shape (n_aps, 3)."""

    power_dbm: Vector
    """Transmit powers [dBm], shape (n_aps,)."""

    clutter: Clutter

    partitions: Vector
    """Inner walls, shape (n, 2): axis they stand across (0 or 1), and where [m]."""

    tail_db: float
    """Power of the diffuse tail relative to the direct path at 4 m [dB]."""

    tail_delay_s: float
    """Decay time of the diffuse tail [s]."""

    direct_db: float = 0.0
    """What stands in the way of the direct path leaves so much of it [dB]; 0 where
    every place is in sight of the access points."""


def draw_room(
    rng: np.random.Generator,
    *,
    size: tuple[float, float, float],
    partitions: list[tuple[int, float]] | None = None,
    tail_db: float | None = None,
    tail_delay_s: float | None = None,
    direct_db: float = 0.0,
) -> Room:
    """Draw furnished rooms with three access points near the outer walls.

    Args:
        rng: Source of everything that is not given.
        size: Length, width and height [m].
        partitions: Inner walls: axis (0 or 1) and where [m]; two at most by default.
        tail_db: See `Room`; within 4 dB of the direct path by default.
        tail_delay_s: See `Room`; 25 to 45 ns by default.
        direct_db: See `Room`.

    Raises:
        ValueError: A side shorter than 2 m, or a wall outside.
    """
    sides = np.array(size)
    if sides.min() < 2:
        raise ValueError(f"a room of {size} m: no side may be shorter than 2 m")
    if partitions is None:
        axes = rng.integers(0, 2, rng.integers(0, 3)).tolist()
        partitions = [(axis, rng.uniform(0.3, 0.7) * sides[axis]) for axis in axes]
    if any(not 0 < at < sides[axis] for axis, at in partitions):
        raise ValueError(f"an inner wall of {partitions} lies outside {size} m")
    along = rng.uniform(0.1, 0.9, 3)
    length, width, height = size
    access_points = np.array(
        [
            [0.3, along[0] * width, 0.8 * height],
            [length - 0.3, along[1] * width, 0.8 * height],
            [along[2] * length, width - 0.3, 0.8 * height],
        ]
    )
    if tail_db is None:
        tail_db = rng.uniform(-4, 4)
    if tail_delay_s is None:
        tail_delay_s = rng.uniform(25e-9, 45e-9)
    return Room(
        sides,
        access_points,
        power_dbm=np.full(3, 17.0) + rng.normal(0, 2, 3),
        clutter=_draw_clutter(rng, sides, len(access_points), tail_delay_s),
        partitions=np.array(partitions, np.float64).reshape(-1, 2),
        tail_db=tail_db,
        tail_delay_s=tail_delay_s,
        direct_db=direct_db,
    )


def next_day(room: Room, rng: np.random.Generator, *, moved: float = 0.35) -> Room:
    """Return the room after things were moved.

    Args:
        room: The day before.
        rng: Source of the changes.
        moved: Share of scatterers and diffuse waves that are drawn anew.
    """
    old, n_aps = room.clutter, len(room.access_points)
    new = _draw_clutter(rng, room.size, n_aps, room.tail_delay_s)
    thing = rng.random(_N_SCATTERERS) < moved
    wave = rng.random((n_aps, _N_WAVES)) < moved
    clutter = Clutter(
        np.where(thing[:, None], new.scatterers, old.scatterers),
        np.where(thing, new.cross_sections, old.cross_sections),
        np.where(thing, new.scatter_phases, old.scatter_phases),
        np.where(wave[..., None], new.wave_directions, old.wave_directions),
        np.where(wave, new.wave_gains, old.wave_gains),
        np.where(wave, new.wave_delays, old.wave_delays),
    )
    power = room.power_dbm + rng.normal(0, 1.5, n_aps)
    return replace(room, clutter=clutter, power_dbm=power)


def _draw_clutter(
    rng: np.random.Generator, size: Vector, n_aps: int, tail_delay_s: float
) -> Clutter:
    directions = rng.normal(size=(n_aps, _N_WAVES, 3))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    parts = rng.normal(size=(2, n_aps, _N_WAVES)) / np.sqrt(2 * _N_WAVES)
    return Clutter(
        scatterers=rng.uniform(0, 1, (_N_SCATTERERS, 3)) * size,
        cross_sections=10 ** (rng.normal(-2, 5, _N_SCATTERERS) / 20),
        scatter_phases=rng.uniform(0, 2 * np.pi, _N_SCATTERERS),
        wave_directions=directions,
        wave_gains=parts[0] + 1j * parts[1],
        wave_delays=10e-9 + rng.exponential(tail_delay_s, (n_aps, _N_WAVES)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """The propagation paths from one access point to several places."""

    delays: Vector
    """[s], shape (n_places, n_paths); the direct path comes first."""

    gains: npt.NDArray[np.complex128]
    """Without the carrier's phase, shape (n_places, n_paths)."""


def find_paths(room: Room, access_point: int, places: Vector) -> Paths:
    """Return the paths from an access point to places.

    Args:
        room: The room on its day.
        access_point: Number of the access point.
        places: Receiver positions [m], shape (n_places, 3).
    """
    transmitter = room.access_points[access_point]
    images, n_bounces = _image_sources(transmitter, room.size)
    distance = np.linalg.norm(places[:, None] - images, axis=2)  # (n_places, n_images)
    mirrored = _free_space(distance) * _WALL_REFLECTION**n_bounces
    mirrored[:, 0] *= 10 ** (room.direct_db / 20)

    clutter = room.clutter
    first = np.linalg.norm(clutter.scatterers - transmitter, axis=1)
    second = np.linalg.norm(places[:, None] - clutter.scatterers, axis=2) + 0.05
    scattered = (
        _WAVELENGTH * clutter.cross_sections * np.exp(1j * clutter.scatter_phases)
    )
    scattered = scattered / ((4 * np.pi) ** 1.5 * (first + 0.05) * second)

    # A plane wave's delay varies with the place by its projection on the direction.
    along = places @ clutter.wave_directions[access_point].T / SPEED_OF_LIGHT
    tail_delays = distance[:, :1] / SPEED_OF_LIGHT + clutter.wave_delays[access_point]
    level = _free_space(4.0) * 10 ** (room.tail_db / 20)
    tail = np.broadcast_to(level * clutter.wave_gains[access_point], along.shape)
    # The carrier's phase must follow the projection alone, or the field would not be
    # that of plane waves; the rest of the delay is common to a neighbourhood.
    tail = tail * np.exp(2j * np.pi * CARRIER_HZ * (tail_delays - along))
    wall = _partition_factor(room, transmitter, places)[:, None]
    delays = [distance / SPEED_OF_LIGHT, (first + second) / SPEED_OF_LIGHT, tail_delays]
    return Paths(
        np.concatenate(delays, axis=1),
        np.concatenate([mirrored + 0j, scattered, tail], axis=1) * (wall + 0j),
    )


def _partition_factor(room: Room, transmitter: Vector, places: Vector) -> Vector:
    """Return the amplitude that inner walls let through, shape (n_places,)."""
    n_walls = np.zeros(len(places))
    for axis, at in room.partitions:
        n_walls += (transmitter[int(axis)] < at) != (places[:, int(axis)] < at)
    return np.asarray(10 ** (-_PARTITION_LOSS_DB * n_walls / 20))


def _free_space(distance: Vector | float) -> Vector:
    """Amplitude of the Friis equation, λ / 4πd."""
    return np.asarray(_WAVELENGTH / (4 * np.pi * np.maximum(distance, 0.1)))


def _image_sources(
    transmitter: Vector, size: Vector
) -> tuple[Vector, npt.NDArray[np.int64]]:
    """Return mirrored transmitters (n, 3) [m], the true one first, and bounces."""
    reach = range(-_MAX_BOUNCES, _MAX_BOUNCES + 1)
    orders = [o for o in product(reach, repeat=3) if sum(map(abs, o)) <= _MAX_BOUNCES]
    orders.sort(key=lambda order: sum(map(abs, order)))
    order = np.array(orders)  # (n, 3)
    mirrored = np.where(order % 2 == 0, transmitter, size - transmitter)
    return order * size + mirrored, np.abs(order).sum(axis=1)


def response(
    paths: Paths, modulation: npt.NDArray[np.complex128]
) -> npt.NDArray[np.complex128]:
    """Return H over `TONES` as it changes with time.

    Args:
        paths: At one place for all times, or at one place per time.
        modulation: Factor of each path, shape (n_times, n_paths).

    Returns:
        Shape (n_times, n_tones).
    """
    gains = paths.gains * np.exp(-2j * np.pi * CARRIER_HZ * paths.delays)
    weights = gains * modulation  # (n_times, n_paths)
    turns = -2j * np.pi * SPACING_HZ * TONES
    if len(paths.delays) == 1:
        return np.asarray(weights @ np.exp(paths.delays[0][:, None] * turns))
    moving = np.empty((len(weights), len(TONES)), np.complex128)
    for time, delays in enumerate(paths.delays):
        moving[time] = weights[time] @ np.exp(delays[:, None] * turns)
    return moving
