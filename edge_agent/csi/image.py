"""CSI images: 50 packets by 52 subcarriers by up to 3 channels (Fig. 1 of the paper).

A channel is one transmitter as heard by one receive core, so three access points or
three antennas. Pixels are tone powers in decibels, on a scale that is fixed and stored:

    p = clip(round(255 (L + 20 lg(|H_k| / rms |H|) - floor) / (ceiling - floor)))

with clip to 0..255. L is the received power of the packet [dBm]. The gain control of
the chip removes the level from |H|; RSSI puts it back, and that matters more than the
learner (half the error of nearest neighbours on two public surveys). Firmware without
RSSI gets a constant L, which leaves the shape.

Departures from the paper: it does not say how amplitudes become 0..255.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from edge_agent.csi.decode import Decoded
from edge_agent.csi.frame import NO_RSSI, FrameBatch, format_mac
from edge_agent.csi.subcarriers import (
    FrameFormat,
    frame_formats,
    select_tones,
    word_indices,
)

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """How images are built; travels with every model and every recorded shot."""

    n_packets: int = 50
    """Packets per image and channel (rows)."""

    n_tones: int = 52
    """Subcarriers per packet (columns)."""

    n_channels: int = 3

    floor_dbm: float = -110.0
    """Tone power of pixel 0 [dBm]."""

    ceiling_dbm: float = -10.0
    """Tone power of pixel 255 [dBm]."""

    nominal_level_dbm: float = -50.0
    """Packet power that stands in where the firmware sends no RSSI [dBm]."""

    max_span_s: float = 30.0
    """Older packets never enter an image together with new ones [s]."""

    def __post_init__(self) -> None:
        limits = {"n_packets": 4096, "n_tones": 242, "n_channels": 16}
        for name, limit in limits.items():
            if not 1 <= getattr(self, name) <= limit:
                raise ValueError(f"{name} is {getattr(self, name)}, not 1..{limit}")
        scale = (self.floor_dbm, self.ceiling_dbm, self.nominal_level_dbm)
        if not np.isfinite(scale).all():
            raise ValueError(
                f"floor, ceiling and nominal level are {scale}: not finite"
            )
        if not self.ceiling_dbm > self.floor_dbm:
            raise ValueError(
                f"ceiling_dbm ({self.ceiling_dbm}) must exceed floor_dbm "
                f"({self.floor_dbm})"
            )
        if not 0 < self.max_span_s <= 86_400:
            raise ValueError(f"max_span_s is {self.max_span_s}, not 0 to 86400")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of an image: (n_channels, n_packets, n_tones)."""
        return self.n_channels, self.n_packets, self.n_tones


@dataclass(frozen=True, slots=True, order=True)
class Channel:
    """One transmitter as heard by one receive core, in frames of one format."""

    mac: str
    """Transmitter address, e.g. ``"dc:a6:32:01:02:03"``."""

    core: int
    """Receive core, 0 to 3."""

    frame_format: FrameFormat
    """Frames of other formats from the same transmitter do not enter its images."""

    has_rssi: bool
    """Whether the firmware sends the received power."""


@dataclass(frozen=True, slots=True, eq=False)
class CsiImage:
    """One image, and where it comes from."""

    pixels: Pixels
    """Shape (n_channels, n_packets, n_tones); rows in order of time; zero where not
    heard."""

    heard: npt.NDArray[np.bool_]
    """Which channels the image holds, shape (n_channels,); the others are masked."""

    started_ns: int
    """Capture time of the oldest packet [ns since the UNIX epoch]; 0 when unknown."""

    ended_ns: int
    """Capture time of the newest packet [ns since the UNIX epoch]; 0 when unknown."""

    @property
    def n_frames(self) -> int:
        """Number of CSI frames that the image is made of."""
        return int(self.heard.sum()) * int(self.pixels.shape[1])


class Unused(StrEnum):
    """Why a CSI frame entered no image; the value is for humans."""

    OTHER_TRANSMITTER = "transmitter is not part of the calibration"
    OTHER_STREAM = "second or later spatial stream"
    OTHER_FORMAT = "other bandwidth or frame format than calibrated"
    NO_SIGNAL = "all gains are zero"
    CLOCK = "discarded because the clock jumped back"


def channel_counts(decoded: Decoded) -> Counter[Channel]:
    """Return how many frames each possible channel has; later streams do not count."""
    counts: Counter[Channel] = Counter()
    for batch in decoded.batches:
        channel_of, channels = channels_of(batch)
        in_use = np.bincount(channel_of[batch.stream == 0], minlength=len(channels))
        counts.update(dict(zip(channels, in_use.tolist(), strict=True)))
    return +counts


def channels_of(
    batch: FrameBatch,
) -> tuple[npt.NDArray[np.intp], tuple[Channel, ...]]:
    """Return which channel each frame belongs to, shape (n,), and the channels."""
    format_of, formats = frame_formats(batch)
    keys = np.zeros(len(batch), np.int64)
    for column in range(6):
        keys = keys << 8 | batch.mac[:, column]
    # 48 bits of address, then 2 of core, 1 of RSSI and 8 of format: 59 bits.
    keys = ((keys << 2 | batch.core) << 1 | batch.has_rssi) << 8 | format_of
    _, first, channel_of = np.unique(keys, return_index=True, return_inverse=True)
    return channel_of, tuple(
        Channel(
            format_mac(batch.mac[row]),
            int(batch.core[row]),
            formats[format_of[row]],
            bool(batch.rssi[row] != NO_RSSI),
        )
        for row in first.tolist()
    )


def tone_pixels(batch: FrameBatch, channel: Channel, spec: ImageSpec) -> Pixels:
    """Return the image rows of frames of one channel, shape (n_frames, n_tones).

    A frame without any signal gives a row of zeros.

    Raises:
        ValueError: The frame format has fewer usable tones than the specification asks.
    """
    tones = select_tones(channel.frame_format, spec.n_tones)
    if tones is None:
        raise ValueError(
            f"frames of {channel.mac} ({channel.frame_format}) have fewer than the "
            f"{spec.n_tones} usable subcarriers that images need"
        )
    amplitude = np.abs(batch.csi[:, word_indices(tones, batch.n_subcarriers)])
    # The packed floats reach 2^42: square in double precision.
    power = np.square(amplitude.astype(np.float64))  # (n_frames, n_tones)
    mean = power.mean(axis=1, keepdims=True)
    relative = np.divide(power, mean, out=np.zeros_like(power), where=mean > 0)
    level = np.full((len(batch), 1), spec.nominal_level_dbm)
    if channel.has_rssi:
        level[:, 0] = batch.rssi
    with np.errstate(divide="ignore"):  # a tone without power: far below the floor
        tone_dbm = level + 10 * np.log10(relative)
    scale = 255 / (spec.ceiling_dbm - spec.floor_dbm)
    pixels = np.rint((tone_dbm - spec.floor_dbm) * scale)
    clipped: Pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    return clipped


class _Window:
    """The newest packets of one channel."""

    def __init__(self, spec: ImageSpec, hop: int) -> None:
        self._size, self._n_tones = spec.n_packets, spec.n_tones
        self._max_span_ns = int(spec.max_span_s * 1e9)
        self._hop = hop
        self.clear()

    def clear(self) -> None:
        self._rows: list[Pixels] = []
        self._times: list[int] = []
        self.pace = self._hop - self._size
        """Packets since the last image; reaches ``hop`` when the next one is due."""

    def append(self, row: Pixels, time_ns: int) -> None:
        self._rows.append(row)
        self._times.append(time_ns)
        self.pace += 1
        self._drop_older_than(time_ns - self._max_span_ns)
        if len(self._rows) >= 4 * self._size:  # trim rarely: amortised constant time
            del self._rows[: -self._size], self._times[: -self._size]

    def _drop_older_than(self, time_ns: int) -> None:
        n_old = 0
        while n_old < len(self._times) and self._times[n_old] < time_ns:
            n_old += 1
        if n_old:
            del self._rows[:n_old], self._times[:n_old]
            self.pace = min(self.pace, self._hop - self._size + len(self._rows))

    @property
    def is_due(self) -> bool:
        return self.pace >= self._hop and len(self._rows) >= self._size

    @property
    def is_nearly_due(self) -> bool:
        return not self.is_due and 2 * self.pace >= self._hop

    def is_fresh(self, now_ns: int, stale_after_ns: int) -> bool:
        """Whether an image taken now may hold this channel."""
        return (
            len(self._rows) >= self._size
            and self._times[-1] >= now_ns - stale_after_ns
            and self._times[-self._size] >= now_ns - self._max_span_ns
        )

    @property
    def started_ns(self) -> int:
        return self._times[-self._size]

    @property
    def n_rows(self) -> int:
        return len(self._rows)

    def copy_to(self, pixels: Pixels) -> None:
        np.stack(self._rows[-self._size :], out=pixels)


_STALE_AFTER_NS = 2_000_000_000
_CLOCK_TOLERANCE_NS = 1_000_000_000


class ImageBuilder:
    """Slides a window over the frames of a site's channels.

    An image is due when one channel has ``hop`` new packets. Channels that are about to
    follow are waited for, at most until the first has ``2 hop``; then those that have a
    full window of fresh packets are in the image and the others are masked. Everything
    depends on the frames alone, so a replay gives the same images as the live run.
    """

    def __init__(
        self, spec: ImageSpec, channels: tuple[Channel, ...], *, hop: int | None = None
    ) -> None:
        """Start with empty windows.

        Args:
            spec: What an image looks like.
            channels: The site's channels, at most ``spec.n_channels``.
            hop: New packets from one image to the next; half a window by default.

        Raises:
            ValueError: Too many channels, duplicates, or a hop outside 1..n_packets.
        """
        hop = max(1, spec.n_packets // 2) if hop is None else hop
        if not 1 <= hop <= spec.n_packets:
            raise ValueError(f"hop is {hop}, not 1..{spec.n_packets}")
        if len(channels) > spec.n_channels or len(set(channels)) < len(channels):
            raise ValueError(
                f"{len(channels)} channels, or two alike, for {spec.n_channels}"
            )
        self._spec, self._channels, self._hop = spec, channels, hop
        self._windows = [_Window(spec, hop) for _ in channels]
        self._newest_ns = 0
        self.unused: Counter[Unused] = Counter()
        """CSI frames that entered no image, by reason."""

    @property
    def frames_until_due(self) -> int:
        """At least so many frames must arrive before the next image; 1 or more."""
        pace = max((window.pace for window in self._windows), default=0)
        return max(1, self._hop - pace)

    def feed(self, decoded: Decoded) -> list[CsiImage]:
        """Return the images that these frames complete, in order of time."""
        arrivals: list[tuple[int, int, int, Pixels]] = []
        for batch in decoded.batches:
            arrivals += self._arrivals(batch)
        arrivals.sort(key=lambda arrival: arrival[0])
        images = []
        for _, time_ns, channel, row in arrivals:
            self._append(channel, row, time_ns)
            if self._is_complete():
                images += self._take()
        return images

    def finish(self) -> list[CsiImage]:
        """Return the image that was still waiting for a channel, if there is one.

        What comes afterwards is another recording: it may be older, and begins with
        empty windows.
        """
        images = self._take() if any(w.is_due for w in self._windows) else []
        self._forget()
        return images

    def _arrivals(self, batch: FrameBatch) -> list[tuple[int, int, int, Pixels]]:
        """Return (index, time_ns, channel, row) of the frames that images can use."""
        channel_of = self._assign(batch)
        arrivals = []
        for number, channel in enumerate(self._channels):
            frames = batch[np.flatnonzero(channel_of == number)]
            if len(frames) == 0:
                continue
            pixels = tone_pixels(frames, channel, self._spec)
            has_signal = np.asarray(pixels.any(axis=1))
            self.unused[Unused.NO_SIGNAL] += int(np.count_nonzero(~has_signal))
            for index, time_ns, signal, row in zip(
                frames.index.tolist(),
                frames.time_ns.tolist(),
                has_signal.tolist(),
                pixels,
                strict=True,
            ):
                if signal:
                    arrivals.append((index, time_ns, number, row))
        return arrivals

    def _assign(self, batch: FrameBatch) -> npt.NDArray[np.intp]:
        """Return the channel number of each frame, -1 for none; counts the latter."""
        found_of, found = channels_of(batch)
        numbers = {channel: number for number, channel in enumerate(self._channels)}
        ours = {(channel.mac, channel.core) for channel in self._channels}
        is_ours = np.array([(c.mac, c.core) in ours for c in found], np.bool_)[found_of]
        number = np.array([numbers.get(c, -1) for c in found], np.intp)[found_of]
        later_stream = is_ours & (batch.stream != 0)
        other_format = is_ours & ~later_stream & (number < 0)
        self.unused[Unused.OTHER_TRANSMITTER] += int(np.count_nonzero(~is_ours))
        self.unused[Unused.OTHER_STREAM] += int(np.count_nonzero(later_stream))
        self.unused[Unused.OTHER_FORMAT] += int(np.count_nonzero(other_format))
        return np.where(later_stream, -1, number)

    def _append(self, channel: int, row: Pixels, time_ns: int) -> None:
        if time_ns < self._newest_ns - _CLOCK_TOLERANCE_NS:
            for window in self._windows:
                self.unused[Unused.CLOCK] += window.n_rows
            self._forget()
        self._newest_ns = max(self._newest_ns, time_ns)
        self._windows[channel].append(row, time_ns)

    def _forget(self) -> None:
        for window in self._windows:
            window.clear()
        self._newest_ns = 0

    def _is_complete(self) -> bool:
        pace = max((w.pace for w in self._windows if w.is_due), default=0)
        waiting = any(w.is_nearly_due for w in self._windows)
        return pace >= self._hop * (2 if waiting else 1)

    def _take(self) -> list[CsiImage]:
        """Return the image of this moment; none if all that was due went stale."""
        pixels = np.zeros(self._spec.shape, np.uint8)
        heard = np.zeros(self._spec.n_channels, np.bool_)
        started = []
        for number, window in enumerate(self._windows):
            if window.is_fresh(self._newest_ns, _STALE_AFTER_NS):
                window.copy_to(pixels[number])
                heard[number] = True
                started.append(window.started_ns)
            window.pace = min(window.pace, 0)
        if not started:
            return []
        return [CsiImage(pixels, heard, min(started), self._newest_ns)]
