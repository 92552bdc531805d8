"""People: they cast a shadow on the direct path, and scatter.

Some walk to one random spot after the other at 0.8 m/s, the others stand and sway. The
shadow is that of a screen as wide as a person, from floor to ceiling: diffraction at
two knife edges,

    F(h) = 1/2 - atan(π/2 sign(h) sqrt(π/λ (D₁ + D₂ - d))) / π        amplitude 2 sides

3GPP TR 38.901, 7.6.4.2 (blockage model B), where D₁ + D₂ is the way over the edge and d
the way through the screen. The screen stands across the path, so that what passes on
the two sides adds up.
"""

import numpy as np

from trainer.errors import RoomError
from trainer.simulate.materials import Floats
from trainer.simulate.motion import slow_process

WIDTH_M = 0.42
_SPEED_M_S = 0.8
_SWAY_M, _SWAY_TIME_S = 0.02, 3.0
_FROM_WALL_M = 0.5
_CHEST_M = 1.1
_AMPLITUDE_M = 0.5**0.5
"""sqrt(σ): half a square metre."""

_NEAREST_M = 0.05
_ARM_M = 0.3
"""A person is never closer to the antenna."""


def draw_people(
    rng: np.random.Generator,
    size: Floats,
    *,
    n_people: int,
    walking: float,
    n_packets: int,
    interval_s: float,
) -> Floats:
    """Return where everybody is at each packet.

    Args:
        rng: Source of all ways.
        size: Of the room [m], shape (3,).
        n_people: How many.
        walking: Share of them that walk, by chance.
        n_packets: Number of packets.
        interval_s: Between packets.

    Returns:
        [m], shape (n_packets, n_people, 2).

    Raises:
        RoomError: Fewer than no people.
    """
    if n_people < 0:
        raise RoomError(f"{n_people} people in the room, not 0 or more")
    margin = np.minimum(_FROM_WALL_M, 0.25 * size[:2])
    where = np.empty((n_packets, n_people, 2))
    for person in range(n_people):
        start = rng.uniform(margin, size[:2] - margin)
        if rng.random() < walking:
            way = _SPEED_M_S * interval_s * np.arange(n_packets, dtype=np.float64)
            where[:, person] = _wander(rng, start, size[:2], margin, way)
        else:
            where[:, person] = start
    sway = slow_process(
        rng, n_packets, 2 * n_people, interval_s=interval_s, time_s=_SWAY_TIME_S
    )
    return where + _SWAY_M * sway.reshape(where.shape)


def _wander(
    rng: np.random.Generator, start: Floats, size: Floats, margin: Floats, way: Floats
) -> Floats:
    """Return positions at distances ``way`` along a way from spot to spot."""
    spots, distance = [start], [0.0]
    while distance[-1] < way[-1]:
        spots.append(rng.uniform(margin, size - margin))
        distance.append(distance[-1] + float(np.linalg.norm(spots[-1] - spots[-2])))
    corners = np.array(spots)
    return np.column_stack(
        [np.interp(way, distance, corners[:, axis]) for axis in (0, 1)]
    )


def shadows(
    transmitter: Floats, places: Floats, people: Floats, wavelength: float
) -> Floats:
    """Return the amplitude that people leave of the direct path.

    Args:
        transmitter: [m], shape (3,).
        places: Of the receiver [m], shape (n_packets, 3) or (1, 3).
        people: [m], shape (n_packets, n_people, 2).
        wavelength: [m].

    Returns:
        Factors from 0 to 1, shape (n_packets,).
    """
    way = places[:, None, :2] - transmitter[:2]  # (n_packets or 1, 1, 2)
    length = np.maximum(np.linalg.norm(way, axis=2), 1e-9)
    away = people - transmitter[:2]
    before = (away * way).sum(axis=2) / length
    beside = (away[..., 0] * way[..., 1] - away[..., 1] * way[..., 0]) / length
    between = (before > _NEAREST_M) & (before < length - _NEAREST_M)
    before = np.maximum(before, _NEAREST_M)
    behind = np.maximum(length - before, _NEAREST_M)

    def passes(edge: Floats) -> Floats:
        detour = np.hypot(before, edge) + np.hypot(behind, edge) - before - behind
        wavelengths = np.maximum(detour, 0) / wavelength
        bend = np.arctan(np.pi / 2 * np.sign(edge) * np.sqrt(np.pi * wavelengths))
        return np.asarray(0.5 - bend / np.pi)

    left = passes(beside + WIDTH_M / 2) + passes(WIDTH_M / 2 - beside)
    return np.asarray(np.where(between, np.clip(left, 0, 1), 1.0).prod(axis=1))


def scattered_by_people(
    transmitter: Floats, places: Floats, people: Floats, wavelength: float
) -> tuple[Floats, Floats]:
    """Return length [m] and gain of the path over each person, (n_packets, n_people).

    Args:
        transmitter: [m], shape (3,).
        places: Of the receiver [m], shape (n_packets, 3) or (1, 3).
        people: [m], shape (n_packets, n_people, 2).
        wavelength: [m].
    """
    chest = np.concatenate([people, np.full((*people.shape[:2], 1), _CHEST_M)], axis=2)
    first = np.linalg.norm(chest - transmitter, axis=2) + _ARM_M
    second = np.linalg.norm(chest - places[:, None], axis=2) + _ARM_M
    gains = wavelength * _AMPLITUDE_M / ((4 * np.pi) ** 1.5 * first * second)
    return first + second, gains
