"""What a Nexmon-patched chip makes of the channel.

Sizes measured on public captures of the bcm43455c0: gain control holds the amplitude at
about 590 counts wherever the receiver stands, noise is 36 dB below, timing jitters by
75 ns, the common phase is arbitrary, RSSI comes in whole dBm.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.simulate.room import SPACING_HZ, TONES, Room, find_paths, response

_AGC_COUNTS = 590.0
_AGC_SPREAD_DB = 0.4
_SNR_DB = 36.0
_TIMING_S = 75e-9
_RSSI_SPREAD_DB = 0.5
_MOTION_TIME_S = 6.0
"""Correlation time of the slow changes that people cause."""

MOTION_SHARE = 0.25
"""Amplitude that people add to and take from every path but the direct one."""

PLACEMENT_M = 0.004
"""How exactly a device is put back to a point."""


@dataclass(frozen=True, slots=True, eq=False)
class Reception:
    """The packets of one access point."""

    csi: npt.NDArray[np.complex64]
    """Whole counts, shape (n_packets, n_tones), tones as in `TONES`."""

    rssi_dbm: npt.NDArray[np.int8]
    """Shape (n_packets,)."""


def place_device(
    rng: np.random.Generator,
    x: float,
    y: float,
    *,
    height: float = 1.1,
    placement_m: float = PLACEMENT_M,
) -> npt.NDArray[np.float64]:
    """Return where a device stands that was put down at (x, y) [m], shape (1, 3).

    Args:
        rng: Source of the displacement.
        x: [m].
        y: [m].
        height: [m].
        placement_m: Standard deviation of the displacement along each axis.
    """
    dx, dy = rng.normal(0, placement_m, 2)
    return np.array([[x + dx, y + dy, height]])


def receive(
    rng: np.random.Generator,
    room: Room,
    access_point: int,
    places: npt.NDArray[np.float64],
    *,
    n_packets: int,
    interval_s: float,
    motion_share: float = MOTION_SHARE,
) -> Reception:
    """Return what the chip reports of packets sent at regular intervals.

    Args:
        rng: Source of noise and motion.
        room: The room on its day.
        access_point: Number of the transmitter.
        places: Receiver positions [m], shape (n_packets, 3), or (1, 3) when it rests.
        n_packets: Number of packets.
        interval_s: Time between packets [s].
        motion_share: Amplitude of what people add to and take from every path but the
            direct one.
    """
    paths = find_paths(room, access_point, places)
    motion = _motion(rng, n_packets, paths.gains.shape[1], interval_s, motion_share)
    channel = response(paths, motion)  # (n_packets, n_tones)
    power = np.square(np.abs(channel)).mean(axis=1)
    rssi = room.power_dbm[access_point] + 10 * np.log10(power)
    rssi += rng.normal(0, _RSSI_SPREAD_DB, n_packets)

    noise = rng.normal(size=(2, *channel.shape)) / np.sqrt(2) * 10 ** (-_SNR_DB / 20)
    received = channel / np.sqrt(power)[:, None] + noise[0] + 1j * noise[1]
    timing = rng.normal(0, _TIMING_S, (n_packets, 1)) * SPACING_HZ * TONES
    phase = rng.uniform(0, 1, (n_packets, 1))
    gain = _AGC_COUNTS * 10 ** (rng.normal(0, _AGC_SPREAD_DB, (n_packets, 1)) / 20)
    received *= gain * np.exp(-2j * np.pi * (timing + phase))
    return Reception(
        (np.rint(received.real) + 1j * np.rint(received.imag)).astype(np.complex64),
        np.rint(rssi).clip(-127, -1).astype(np.int8),
    )


def _motion(
    rng: np.random.Generator,
    n_packets: int,
    n_paths: int,
    interval_s: float,
    share: float,
) -> npt.NDArray[np.complex128]:
    """Return 1 + a slow Gaussian process for every path but the direct one."""
    keep = np.exp(-interval_s / _MOTION_TIME_S)
    draws = rng.normal(size=(2, n_packets, n_paths)) / np.sqrt(2)
    process: npt.NDArray[np.complex128] = draws[0] + 1j * draws[1]
    process[1:] *= np.sqrt(1 - keep**2)
    for packet in range(1, n_packets):
        process[packet] += keep * process[packet - 1]
    process *= share
    process += 1
    process[:, 0] = 1
    return process
