"""The radio channel of a room as it changes while packets are sent.

    H_k(t) = Σ_p m_p(t) g_p exp(-j 2π (f_c + k Δf) τ_p)

The paths p are those of the room (`paths`) and one over each person (`people`). The
direct path is shaded by people; each of the others is multiplied by

    m_p(t) = 1 + share · z_p(t)          z_p: complex, unit power, exp(-t / 6 s)

because somebody always moves somewhere.

For a receiver at rest the sum over hundreds of z_p is a Gaussian process over the tones
with covariance F^H F, F_pk = g_p exp(-j 2π (f_c + k Δf) τ_p), which some ten processes
generate as well: those of a Cholesky factor of the covariance, given up when what is
left is 1e-6 of the power (`_TOLERANCE`), far below the receiver's own noise. It is the
same random process, not the same random numbers.
"""

import numpy as np
import numpy.typing as npt

from trainer.errors import RoomError
from trainer.simulate.materials import SPEED_OF_LIGHT, Complex, Floats
from trainer.simulate.motion import slow_phasors
from trainer.simulate.paths import find_paths, partition_factor, turns
from trainer.simulate.people import scattered_by_people, shadows
from trainer.simulate.room import Room
from trainer.simulate.tones import SPACING_HZ, TONES, Tones, check_tones

MOTION_TIME_S = 6.0
"""Correlation time of what people change."""

_TOLERANCE = 1e-6
_PACKETS_AT_ONCE = 4096

Channel = npt.NDArray[np.complex64]
"""Amplitude at the receiver [√mW], shape (n_packets, n_tones)."""


def observe(
    rng: np.random.Generator,
    room: Room,
    access_point: int,
    places: Floats,
    *,
    n_packets: int,
    interval_s: float,
    people: Floats | None = None,
    tones: Tones = TONES,
) -> Channel:
    """Return the channel at each packet.

    Args:
        rng: Source of the slow changes.
        room: The room on its day.
        access_point: Number of the transmitter.
        places: Receiver positions [m], shape (n_packets, 3), or (1, 3) when it rests.
        n_packets: Number of packets.
        interval_s: Time between packets [s].
        people: Where they are [m], shape (n_packets, n_people, 2), from
            `people.draw_people`; None when there is nobody.
        tones: Subcarriers.

    Returns:
        Amplitude at the receiver [√mW], shape (n_packets, n_tones): the transmit power
        is spread evenly over the tones, so that the mean square over them is the power
        received.

    Raises:
        RoomError: No packets, no time between them, a place outside the room or inside
            furniture, no such access point, or no path that carries any power.
    """
    _check(room, access_point, places, n_packets, interval_s)
    check_tones(tones)
    if people is None:
        people = np.empty((n_packets, 0, 2))
    if len(people) != n_packets:
        raise RoomError(f"people at {len(people)} times, not {n_packets}, one a packet")
    watch = _at_rest if len(places) == 1 else _on_the_way
    channel = watch(
        rng, room, access_point, places, people, tones, n_packets, interval_s
    )
    channel *= np.float32(10 ** (room.power_dbm[access_point] / 20))
    return channel


def _check(
    room: Room, access_point: int, places: Floats, n_packets: int, interval_s: float
) -> None:
    if n_packets < 1:
        raise RoomError(f"{n_packets} packets, not 1 or more")
    if not interval_s > 0:
        raise RoomError(f"{interval_s} s between packets, not above 0")
    if not 0 <= access_point < room.n_aps:
        raise RoomError(f"access point {access_point} of {room.n_aps}")
    if places.ndim != 2 or places.shape[1] != 3 or len(places) not in (1, n_packets):
        raise RoomError(
            f"places of shape {places.shape}, not (1, 3) or ({n_packets}, 3)"
        )
    room.check_places(places)


def _at_rest(
    rng: np.random.Generator,
    room: Room,
    access_point: int,
    places: Floats,
    people: Floats,
    tones: Tones,
    n_packets: int,
    interval_s: float,
) -> Channel:
    paths = find_paths(room, access_point, places)
    fields = paths.gains[0, :, None] * _steering(paths.delays[0], tones)
    static = fields.sum(axis=0)
    if not np.square(np.abs(static)).sum() > 0:
        raise RoomError(f"no path reaches {places[0]} with any power")
    changes = room.motion_share * _factor(fields[1:])
    basis = np.concatenate([[static, fields[0]], changes]).astype(np.complex64)
    channel = np.empty((n_packets, len(tones)), np.complex64)
    transmitter = room.access_points[access_point]
    shade = shadows(transmitter, places, people, room.wavelength) - 1
    at = 0
    for block in slow_phasors(
        rng, n_packets, len(changes), interval_s=interval_s, time_s=MOTION_TIME_S
    ):
        rows = slice(at, at + len(block))
        weights = np.empty((len(block), len(basis)), np.complex64)
        weights[:, 0], weights[:, 1], weights[:, 2:] = 1, shade[rows], block
        np.matmul(weights, basis, out=channel[rows])
        at += len(block)
    _add_people(channel, room, transmitter, places, people, tones)
    return channel


def _on_the_way(
    rng: np.random.Generator,
    room: Room,
    access_point: int,
    places: Floats,
    people: Floats,
    tones: Tones,
    n_packets: int,
    interval_s: float,
) -> Channel:
    n_others = find_paths(room, access_point, places[:1]).delays.shape[1] - 1
    transmitter = room.access_points[access_point]
    shade = shadows(transmitter, places, people, room.wavelength)
    channel = np.empty((n_packets, len(tones)), np.complex64)
    at = 0
    for block in slow_phasors(
        rng, n_packets, n_others, interval_s=interval_s, time_s=MOTION_TIME_S
    ):
        rows = slice(at, at + len(block))
        paths = find_paths(room, access_point, places[rows])
        weights = paths.gains.astype(np.complex64)
        weights[:, 0] *= shade[rows]
        weights[:, 1:] *= 1 + np.float32(room.motion_share) * block
        steering = _steering(paths.delays, tones)
        np.matmul(weights[:, None], steering, out=channel[rows, None])
        at += len(block)
    _add_people(channel, room, transmitter, places, people, tones)
    return channel


def _add_people(
    channel: Channel,
    room: Room,
    transmitter: Floats,
    places: Floats,
    people: Floats,
    tones: Tones,
) -> None:
    """Add what people scatter to the channel, some packets at a time."""
    if not people.shape[1]:
        return
    walls = partition_factor(room, transmitter, places)
    for start in range(0, len(channel), _PACKETS_AT_ONCE):
        rows = slice(start, start + _PACKETS_AT_ONCE)
        here = places if len(places) == 1 else places[rows]
        length, gains = scattered_by_people(
            transmitter, here, people[rows], room.wavelength
        )
        gains = gains * (walls if len(walls) == 1 else walls[rows])[:, None]
        delays = length / SPEED_OF_LIGHT
        weights = (gains * turns(room.carrier_hz, delays)).astype(np.complex64)
        for person in range(people.shape[1]):
            channel[rows] += weights[:, person, None] * _steering(
                delays[:, person], tones
            )


def _steering(delays: Floats, tones: Tones) -> npt.NDArray[np.complex64]:
    """Return exp(-j 2π k Δf τ), shape (..., n_tones)."""
    slope = (-2 * np.pi * SPACING_HZ * delays).astype(np.float32)
    angle = slope[..., None] * tones.astype(np.float32)
    steering = np.empty(angle.shape, np.complex64)
    np.cos(angle, out=steering.real)
    np.sin(angle, out=steering.imag)
    return steering


def _factor(fields: Complex) -> Complex:
    """Return few rows whose covariance is that of many, shape (n_rows, n_tones).

    Cholesky without pivoting, so that rounding never decides about the order; tones far
    apart come first, for each to say what the others do not.
    """
    covariance = fields.conj().T @ fields
    n_tones = len(covariance)
    total = np.trace(covariance).real
    rows: list[Complex] = []
    for tone in _far_apart(n_tones):
        left = np.diag(covariance).real
        if left.sum() <= _TOLERANCE * total:
            break
        if left[tone] <= _TOLERANCE * total / n_tones:
            continue
        row = covariance[tone] / np.sqrt(left[tone])
        covariance = covariance - np.outer(row.conj(), row)
        rows.append(row)
    return np.array(rows).reshape(-1, n_tones)


def _far_apart(n: int) -> list[int]:
    """Return 0 to n - 1, ends first, then the middle, then the quarters, ..."""
    order = [0, n - 1]
    step = 1
    while step < n:
        order += [round(i * (n - 1) / (2 * step)) for i in range(1, 2 * step, 2)]
        step *= 2
    return [*dict.fromkeys(order)] if n > 1 else [0]
