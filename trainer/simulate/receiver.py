"""What a Nexmon-patched chip makes of the channel.

    csi = filter · gain · (channel + noise) · exp(-j 2π (k Δf timing + phase)), rounded

Sizes measured on public captures of the bcm43455c0 (EPIC-CSU, docs/simulation.md). Gain
control holds the amplitude at some 590 counts wherever the receiver stands; its gain
wanders slowly, and now and then is another step for a few packets. Noise is 37 dB below
a strong signal, and that of the antenna below a weak one. Timing jitters by 75 ns, the
common phase is arbitrary, RSSI comes in whole dBm. A packet that is too weak is not
heard, and a few are lost in bursts.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from edge_agent.csi.chips import WordFormat
from trainer.errors import RoomError
from trainer.simulate.channel import Channel
from trainer.simulate.materials import Floats
from trainer.simulate.motion import slow_process
from trainer.simulate.tones import SPACING_HZ, TONES, Tones
from trainer.simulate.words import nearest

_LIMIT = 2**13 - 1
"""The chips' converters have 14 bits, whatever their words could hold."""

_RATES = ("step_rate", "glitch_rate", "loss_rate")
_SPREADS = (
    "level_spread_db",
    "jitter_db",
    "snr_spread_db",
    "timing_s",
    "timing_spread",
    "rssi_spread_db",
)


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """A receiver; every default is measured or stated where it is used."""

    word_format: WordFormat = WordFormat.INT16
    """How the chip writes numbers: what they are rounded to."""

    level_counts: float = 590.0
    """Where gain control holds the root mean square over the tones."""

    level_spread_db: float = 0.6
    """Of the slow part of the gain [dB]."""

    level_time_s: float = 6.0
    """Correlation time of the slow part."""

    jitter_db: float = 0.1
    """Of the gain from packet to packet [dB]."""

    step_rate: float = 0.04
    """Share of packets at which gain control is a step off."""

    step_db: tuple[float, float] = (2.0, 3.5)
    """Least and largest step, up or down [dB]."""

    step_packets: float = 1.3
    """How many packets a step lasts on average."""

    glitch_rate: float = 2e-4
    """Share of packets with twice the amplitude (nexmon_csi issue 183)."""

    snr_db: float = 37.0
    """Of a strong signal [dB]."""

    snr_spread_db: float = 3.0
    """Of one capture to another [dB]."""

    noise_dbm: float = -98.0
    """Of the antenna in 20 MHz, as the channel estimate has it: -174 dBm/Hz, a noise
    figure of 6 dB, two training symbols averaged; more in wider channels."""

    timing_s: float = 75e-9
    """Of the timing from packet to packet [s], median over captures."""

    timing_spread: float = 0.4
    """Of its logarithm from one capture to another."""

    timing_time_s: float = 0.07
    """Correlation time of the timing."""

    rssi_spread_db: float = 1.0
    """Of the power that is reported, before it is rounded [dB]."""

    sensitivity_dbm: float = -92.0
    """Half of the packets that weak are heard; nearly all, or none, 2 dB off."""

    loss_rate: float = 0.002
    """Share of packets that are lost, however strong."""

    loss_packets: float = 2.0
    """How many are lost in a row on average."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not np.isfinite(value):
                raise RoomError(f"{field.name} is {value}, no number")
        for name in _RATES:
            if not 0 <= getattr(self, name) < 1:
                raise RoomError(f"{name} is {getattr(self, name)}, not a share")
        for name in ("level_counts", "level_time_s", "timing_time_s"):
            if not getattr(self, name) > 0:
                raise RoomError(f"{name} is {getattr(self, name)}, not above 0")
        for name in _SPREADS:
            if not getattr(self, name) >= 0:
                raise RoomError(f"{name} is {getattr(self, name)}, not 0 or more")
        if not 0 <= self.step_db[0] <= self.step_db[1]:
            raise RoomError(f"step_db is {self.step_db}, not least and largest")
        for name in ("step_packets", "loss_packets"):
            if not getattr(self, name) >= 1:
                raise RoomError(f"{name} is {getattr(self, name)}, not 1 or more")


MEASURED = FrontEnd()
"""A bcm43455c0."""


@dataclass(frozen=True, slots=True, eq=False)
class Reception:
    """The packets of one access point, those that were not heard too."""

    csi: npt.NDArray[np.complex64]
    """In counts, as the chip's words can hold them, shape (n_packets, n_tones)."""

    rssi_dbm: npt.NDArray[np.int8]
    """Shape (n_packets,)."""

    heard: npt.NDArray[np.bool_]
    """Whether the chip reported the packet at all, shape (n_packets,)."""


def receive(
    rng: np.random.Generator,
    channel: Channel,
    *,
    interval_s: float,
    tones: Tones = TONES,
    filter_gains: Floats | None = None,
    front_end: FrontEnd = MEASURED,
) -> Reception:
    """Return what the chip reports of packets.

    Args:
        rng: Source of noise and losses.
        channel: From `trainer.simulate.channel.observe`, shape (n_packets, n_tones).
        interval_s: Time between packets [s].
        tones: Subcarrier of each column.
        filter_gains: Amplitude of the filters at each subcarrier, shape (n_tones,);
            flat by default.
        front_end: The receiver.

    Raises:
        RoomError: Nothing arrives, or something that is no number; or tones and channel
            are not of one length.
    """
    n_packets, n_tones = channel.shape
    if n_tones != len(tones):
        raise RoomError(f"a channel of {n_tones} tones, not the {len(tones)} given")
    power = np.square(channel.view(np.float32)).sum(axis=1) / n_tones
    if not (np.isfinite(power) & (power > 0)).all():
        raise RoomError("nothing arrives at the receiver: a channel without power")
    power_dbm = 10 * np.log10(power.astype(np.float64))
    csi = channel / np.sqrt(power)[:, None]
    if filter_gains is not None:
        csi *= filter_gains.astype(np.float32)
    csi += _noise(rng, power_dbm, n_tones, tones, front_end)
    csi *= _turns(rng, n_packets, interval_s, tones, front_end)
    csi *= _levels(rng, n_packets, interval_s, front_end)[:, None]
    parts = csi.view(np.float32)
    np.clip(parts, -_LIMIT, _LIMIT, out=parts)
    reported = power_dbm + rng.normal(0, front_end.rssi_spread_db, n_packets)
    return Reception(
        nearest(csi, front_end.word_format),
        np.rint(reported).clip(-127, -1).astype(np.int8),
        heard=_is_heard(rng, power_dbm, front_end),
    )


def _noise(
    rng: np.random.Generator,
    power_dbm: Floats,
    n_tones: int,
    tones: Tones,
    front_end: FrontEnd,
) -> npt.NDArray[np.complex64]:
    """Return noise relative to the signal: the chip's own, and the antenna's."""
    own_db = -rng.normal(front_end.snr_db, front_end.snr_spread_db)
    # A channel of 20 MHz ends seven tones beyond the used ones; wider ones, whose edges
    # are eleven, have 0.1 dB more noise than this says.
    n_bands = max((tones[-1] - tones[0] + 8) / 64, 1)
    antenna_db = front_end.noise_dbm + 10 * np.log10(n_bands) - power_dbm
    amplitude = np.sqrt((10 ** (own_db / 10) + 10 ** (antenna_db / 10)) / 2)
    noise = rng.standard_normal((len(power_dbm), 2 * n_tones), np.float32)
    noise *= amplitude.astype(np.float32)[:, None]
    return noise.view(np.complex64)


def _turns(
    rng: np.random.Generator,
    n_packets: int,
    interval_s: float,
    tones: Tones,
    front_end: FrontEnd,
) -> npt.NDArray[np.complex64]:
    """Return what timing and common phase do to each tone."""
    spread_s = front_end.timing_s * np.exp(rng.normal(0, front_end.timing_spread))
    timing = spread_s * slow_process(
        rng, n_packets, 1, interval_s=interval_s, time_s=front_end.timing_time_s
    )
    phase = rng.uniform(0, 2 * np.pi, (n_packets, 1)).astype(np.float32)
    slope = (-2 * np.pi * SPACING_HZ * timing).astype(np.float32)
    angle = slope * tones.astype(np.float32)
    angle += phase
    turns = np.empty(angle.shape, np.complex64)
    np.cos(angle, out=turns.real)
    np.sin(angle, out=turns.imag)
    return turns


def _levels(
    rng: np.random.Generator, n_packets: int, interval_s: float, front_end: FrontEnd
) -> npt.NDArray[np.float32]:
    """Return the level of each packet [counts]."""
    slow = slow_process(
        rng, n_packets, 1, interval_s=interval_s, time_s=front_end.level_time_s
    )[:, 0]
    level_db = front_end.level_spread_db * slow
    level_db += front_end.jitter_db * rng.standard_normal(n_packets, np.float32)
    stepped = _bursts(rng, n_packets, front_end.step_rate, front_end.step_packets)
    # A capture steps to one other gain, as two neighbouring settings of it would.
    step_db = rng.uniform(*front_end.step_db) * rng.choice([-1.0, 1.0])
    level_db += stepped * np.float32(step_db)
    glitch = rng.random(n_packets) < front_end.glitch_rate
    level = 10 ** (level_db / 20) * np.where(glitch, 2, 1)
    return np.asarray(front_end.level_counts * level, np.float32)


def _is_heard(
    rng: np.random.Generator, power_dbm: Floats, front_end: FrontEnd
) -> npt.NDArray[np.bool_]:
    n_packets = len(power_dbm)
    strong = power_dbm + rng.normal(0, 1, n_packets) > front_end.sensitivity_dbm
    lost = _bursts(rng, n_packets, front_end.loss_rate, front_end.loss_packets)
    return strong & ~lost


def _bursts(
    rng: np.random.Generator, n: int, share: float, mean_length: float
) -> npt.NDArray[np.bool_]:
    """Return where bursts of geometric length are that cover a share of ``n``."""
    starts = np.flatnonzero(rng.random(n) < share / mean_length)
    ends = starts + rng.geometric(1 / mean_length, len(starts))
    change = np.zeros(n + 1, np.int64)
    np.add.at(change, starts, 1)
    np.add.at(change, np.minimum(ends, n), -1)
    return np.asarray(np.cumsum(change[:-1]) > 0)
