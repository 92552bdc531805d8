"""A survey's packets as frames of a chip: what the device captures and decodes.

transmitter, core   of each channel of the survey; antennas of one receiver are
                    cores that hear one transmitter
words               the shape of the channel: amplitudes without phase, as surveys
                    keep none; to the 11 bits of the chip's floats
RSSI                the level that the survey has restored, to a whole dBm; none in
                    the header where the survey does not know it
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.csi.frame import Generation
from edge_agent.csi.raw import LINK_ETHERNET, RawFrames
from edge_agent.csi.simulated import SIMULATED_PREFIX
from trainer.simulate.firmware import N_CORES, Firmware
from trainer.simulate.nexmon import (
    RSSI_RANGE_DBM,
    Measurements,
    encode_frames,
)
from trainer.simulate.words import nearest
from trainer.surveys.power import DBM_OF_NANOWATT

RECORDED_PREFIX = bytes.fromhex("0252454344")
"""Of the transmitters of recorded surveys, whose addresses nobody knows: locally
administered, and not the one of simulations."""

CHIP = "bcm4366c0"
"""Has four cores."""

_RMS = 512.0
"""Of the gains in a frame: any will do, gain control has removed the level."""

_N_CORES = N_CORES[CHIP]
_ANTENNA = re.compile(r"rx(\d)")
_ADDRESS = re.compile(r"((?:[0-9a-f]{2}:){5}[0-9a-f]{2})(?:/(\d)(?:/.*)?)?")
_STAGGER_NS = 50_000
"""Between the frames of one packet and the next channel: they arrive one by one."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who sent what a channel holds, and which core heard it."""

    mac: bytes
    core: int


def receivers(channels: tuple[str, ...], *, is_simulated: bool) -> tuple[Receiver, ...]:
    """Return transmitter and core of a survey's channels.

    Args:
        channels: As the survey names them: antennas ``rx1`` .. of one transmitter,
            addresses (perhaps ``address/core``), or access points of any other name.
        is_simulated: Whether no radio received them: then addresses that the survey
            does not know are those reserved for simulations.
    """
    prefix = SIMULATED_PREFIX + b"\x00" if is_simulated else RECORDED_PREFIX
    found = []
    for number, name in enumerate(channels):
        if (antenna := _ANTENNA.fullmatch(name)) and 1 <= int(antenna[1]) <= _N_CORES:
            found.append(Receiver(prefix + b"\x00", int(antenna[1]) - 1))
        elif address := _ADDRESS.match(name):
            mac = bytes.fromhex(address[1].replace(":", ""))
            found.append(Receiver(mac, int(address[2] or 0)))
        else:
            found.append(Receiver(prefix + bytes([number & 0xFF]), 0))
    return tuple(found)


def frames_of(
    amplitudes: npt.NDArray[np.float64],
    by: tuple[Receiver, ...],
    time_ns: npt.NDArray[np.int64],
    *,
    has_level: npt.NDArray[np.bool_],
    tones: npt.NDArray[np.intp],
    rng: np.random.Generator,
) -> RawFrames:
    """Return Ethernet frames, in order of time.

    Args:
        amplitudes: [√nW], shape (n_packets, n_tones, n_channels); a packet of zeros
            was not heard and gives no frame.
        by: Transmitter and core of each channel.
        time_ns: Of each packet [ns since the UNIX epoch], shape (n_packets,).
        has_level: Whether the level of each channel is known, shape (n_channels,).
        tones: Subcarriers, shape (n_tones,).
        rng: Source of what chips leave in null words.
    """
    parts = []
    for number, receiver in enumerate(by):
        shape = amplitudes[:, :, number]
        rows = np.flatnonzero(shape.any(axis=1))
        if not len(rows):
            continue
        power = np.square(shape[rows]).mean(axis=1)  # [nW]
        relative = shape[rows] * (_RMS / np.sqrt(power))[:, None]
        dbm = np.rint(10 * np.log10(power) + DBM_OF_NANOWATT)
        knows = bool(has_level[number])
        firmware = Firmware(CHIP, Generation.NEW if knows else Generation.OLD)
        parts.append(
            encode_frames(
                firmware,
                Measurements(
                    time_ns[rows] + number * _STAGGER_NS,
                    nearest(relative.astype(np.complex64), firmware.word_format),
                    tones,
                    np.frombuffer(receiver.mac, np.uint8),
                    np.clip(dbm, *RSSI_RANGE_DBM).astype(np.int8),
                    sequence=rows.astype(np.int64),
                    core=receiver.core,
                ),
                rng,
            )
        )
    return _in_order(parts)


def _in_order(parts: list[RawFrames]) -> RawFrames:
    """Return the frames of several channels by time."""
    if not parts:
        none = np.empty(0, np.int64)
        return RawFrames(np.empty(0, np.uint8), none, none, none, LINK_ETHERNET)
    data = np.concatenate([part.data for part in parts])
    starts = np.cumsum([0, *(len(part.data) for part in parts[:-1])])
    offsets = np.concatenate(
        [part.offsets + start for part, start in zip(parts, starts, strict=True)]
    )
    lengths = np.concatenate([part.lengths for part in parts])
    times = np.concatenate([part.time_ns for part in parts])
    order = np.argsort(times, kind="stable")
    return RawFrames(data, offsets[order], lengths[order], times[order], LINK_ETHERNET)
