"""What one shot has so far: frames, access points, steadiness, and the packets to keep.

It is over when every expected access point that is on the air has the frames of an
image, or at its time limit. Access points that nobody has heard before count as soon as
they send a quarter as much as the best: one that answers now and then shall not hold a
shot up.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.csi.decode import Decoder
from edge_agent.csi.frame import FrameBatch
from edge_agent.csi.image import Channel, ImageSpec, channels_of
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.subcarriers import select_tones, word_indices
from edge_agent.walking.channel_meter import ChannelMeter, Gains
from edge_agent.walking.clock_watch import ClockWatch
from edge_agent.walking.kept_packets import LONGEST_PACKET, KeptPackets
from edge_agent.walking.reading import Reading, is_complete
from edge_agent.walking.steadiness import steadiness

SHOT_LIMIT_S: Final = 20.0
"""Longest shot [s]: less than the 30 s that an image may span."""

SHORTEST_S: Final = 0.5
"""Shortest shot [s], or nobody could tell whether the device rests."""

ON_THE_AIR_S: Final = 2.0
"""An access point that was silent for longer is not waited for [s]."""

QUIET_S: Final = 5.0
"""Where nothing at all was heard for so long, nothing will come [s]."""

_WORTH_WAITING: Final = 0.25
"""Frames of an access point that is waited for though it is new, relative to the best
one's."""

_MAX_CHANNELS: Final = 64
"""Channels that are told apart; of more nothing but their number is known."""


@dataclass(frozen=True, slots=True, eq=False)
class ShotReport:
    """One shot, measured."""

    elapsed_s: float
    """Since it began [s]."""

    readings: tuple[Reading, ...]
    """Expected access points first, then by number of frames."""

    steadiness: float | None
    """0 (as while walking) to 1; None where too little was heard to tell."""

    n_packets: int
    """Captured, whatever they are."""

    n_frames: int
    """Of them with CSI."""

    clock_change_s: float
    """Largest jump of the clock of the captures, ahead or (negative) back [s]."""

    started_ns: int
    """Capture time of the first frame [ns since the UNIX epoch]; 0 when unknown."""


class ShotMeter:
    """One shot while it is being taken."""

    def __init__(
        self,
        spec: ImageSpec,
        *,
        now: float,
        expected: tuple[str, ...] | None = None,
        limit_s: float = SHOT_LIMIT_S,
    ) -> None:
        """Begin a shot.

        Args:
            spec: What an image needs.
            now: Time on any clock that does not jump [s].
            expected: Addresses of the transmitters that there should be; None before
                anything was heard of the place.
            limit_s: Longest that it may last [s].
        """
        self._spec, self._limit_s = spec, limit_s
        self._expected = tuple(dict.fromkeys(expected or ()))
        self._started = now
        self._decoder = Decoder()
        self._channels: dict[Channel, ChannelMeter] = {}
        self._kept = KeptPackets(spec.n_packets, self._expected)
        self._clock = ClockWatch(now)
        self._n_packets = self._n_frames = 0
        self._started_ns = 0

    def feed(self, raw: RawFrames, now: float) -> None:
        """Take packets that arrived by now."""
        if not self._kept.admits(raw):
            return
        self._n_packets += len(raw)
        decoded = self._decoder.decode(raw)
        self._n_frames += decoded.n_frames
        rows: list[npt.NDArray[np.intp]] = []
        for batch in decoded.batches:
            rows += self._take(raw, batch, now)
        if rows:
            kept = np.sort(np.concatenate(rows))
            self._kept.add(raw, kept)
            self._clock.feed(raw.time_ns[kept], now)
            self._started_ns = self._started_ns or int(raw.time_ns[kept[0]])

    def packets(self) -> RawFrames:
        """Return the packets that are worth storing, in the order of arrival."""
        return self._kept.all()

    def elapsed_s(self, now: float) -> float:
        """Return how long the shot has lasted [s]."""
        return max(0.0, now - self._started)

    def share(self, now: float) -> float:
        """Return how much of it is done, 0 to 1."""
        needed = self._spec.n_packets
        counts = [min(r.n_frames, needed) for r in self._waited_for(now)]
        frames = min(counts, default=0) / needed
        return min(1.0, max(frames, self.elapsed_s(now) / self._limit_s))

    def is_over(self, now: float) -> bool:
        """Tell whether it has what it needs, or lasts too long."""
        elapsed = self.elapsed_s(now)
        silences = [meter.silent_s(now) for meter in self._channels.values()]
        quiet_s = min(silences, default=elapsed)
        if elapsed >= self._limit_s or quiet_s >= QUIET_S:
            return True
        if elapsed < SHORTEST_S:
            return False
        waited_for = self._waited_for(now)
        return bool(waited_for) and all(is_complete(r, self._spec) for r in waited_for)

    def report(self, now: float) -> ShotReport:
        """Return the shot as it is now."""
        readings = self._readings(now)
        main = self._main_channels()
        waited_for = {r.mac for r in readings if is_complete(r, self._spec)}
        peaks = [
            meter.peak
            for mac, meter in main.items()
            if meter.peak is not None and (mac in waited_for or not waited_for)
        ]
        return ShotReport(
            self.elapsed_s(now),
            readings,
            steadiness(peaks),
            self._n_packets,
            self._n_frames,
            self._clock.change_s,
            self._started_ns,
        )

    def _take(
        self, raw: RawFrames, batch: FrameBatch, now: float
    ) -> list[npt.NDArray[np.intp]]:
        """Measure frames of one size; return which packets to keep.

        What could not be kept is not measured: the label tells of what is stored.
        """
        is_first = (batch.stream == 0) & (raw.lengths[batch.index] <= LONGEST_PACKET)
        channel_of, channels = channels_of(batch)
        rows = []
        for number, channel in enumerate(channels):
            own = np.flatnonzero((channel_of == number) & is_first)
            gains = _gains(batch[own], channel, self._spec.n_tones)
            if gains is None or not self._kept.knows(channel.mac):
                continue
            meter = self._channels.get(channel)
            if meter is None:
                if len(self._channels) >= _MAX_CHANNELS:
                    continue
                meter = self._channels[channel] = ChannelMeter()
            meter.feed(gains, now)
            room = self._kept.choose(channel.mac, len(own))
            rows.append(batch.index[own[:room]].astype(np.intp))
        return rows

    def _main_channels(self) -> dict[str, ChannelMeter]:
        """Return of each transmitter the channel that has most frames."""
        main: dict[str, ChannelMeter] = {}
        for channel in sorted(self._channels):
            meter = self._channels[channel]
            other = main.get(channel.mac)
            if other is None or meter.n_frames > other.n_frames:
                main[channel.mac] = meter
        return main

    def _readings(self, now: float) -> tuple[Reading, ...]:
        main = self._main_channels()
        found = []
        for mac in dict.fromkeys([*self._expected, *main]):
            meter = main.get(mac) or ChannelMeter()
            found.append(
                meter.reading(
                    mac,
                    is_expected=mac in self._expected,
                    started=self._started,
                    now=now,
                )
            )
        return tuple(sorted(found, key=lambda r: (not r.is_expected, -r.n_frames)))

    def _waited_for(self, now: float) -> list[Reading]:
        """Return the access points without which the shot is not over."""
        readings = self._readings(now)
        most = max((reading.n_frames for reading in readings), default=0)
        return [
            reading
            for reading in readings
            if reading.silent_s <= ON_THE_AIR_S
            and (
                reading.is_expected
                or (reading.n_frames > 0 and reading.n_frames >= most * _WORTH_WAITING)
            )
        ]


def _gains(batch: FrameBatch, channel: Channel, n_tones: int) -> Gains | None:
    """Return what there is to measure of frames of a channel.

    None where no image of it can be built.
    """
    tones = select_tones(channel.frame_format, n_tones)
    if tones is None or len(batch) == 0:
        return None
    amplitude = np.abs(batch.csi[:, word_indices(tones, batch.n_subcarriers)])
    power = np.square(amplitude.astype(np.float64))  # (n_frames, n_tones)
    mean = power.mean(axis=1, keepdims=True)
    has_signal = mean[:, 0] > 0
    relative = power[has_signal] / mean[has_signal]
    level = batch.rssi[has_signal] if channel.has_rssi else None
    return Gains(batch.time_ns[has_signal], relative, level)
