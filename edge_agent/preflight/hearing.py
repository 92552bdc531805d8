"""Listen to a source for a few seconds: who is on the air, how often, how."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_agent.capture_file import CaptureFile
from edge_agent.csi.chanspec import ChanspecError, decode_chanspec
from edge_agent.csi.decode import Decoded, Decoder
from edge_agent.csi.image import Channel, channels_of
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.raw import RawFrames
from edge_agent.preflight.clock import Clock

MAX_PACKETS = 200_000
"""Packets after which a look ends, whatever the clock says: 3 s at the fastest rate
seen, a hundred times over."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What came from a source while it was listened to."""

    listened_s: float
    """How long [s]; of a recording, the time that it covers."""

    n_packets: int

    frames: Counter[Channel]
    """CSI frames by what could be an image channel; later streams do not count."""

    chanspecs: Counter[int]
    """The same by the channel that the chip was tuned to; 0: not told."""

    refused: Counter[str]
    """Packets that are no CSI frame, by reason."""

    frames_ns: tuple[int, int] | None
    """Earliest and latest time of a frame [ns since the UNIX epoch]; None where no
    frame has one."""

    has_ended: bool
    """Whether the source came to its end."""

    @property
    def n_frames(self) -> int:
        """CSI frames of all transmitters."""
        return self.frames.total()

    def rate(self, channel: Channel) -> float:
        """Return how many frames of a channel came [1/s]."""
        return self.frames[channel] / self.listened_s if self.listened_s > 0 else 0.0

    @property
    def best_channels(self) -> dict[str, Channel]:
        """Of each transmitter the channel with most frames, most frames first."""
        best: dict[str, Channel] = {}
        for channel, _ in sorted(self.frames.items(), key=lambda kv: (-kv[1], kv[0])):
            best.setdefault(channel.mac, channel)
        return best

    @property
    def tuned_to(self) -> str:
        """Channels of the frames in words, e.g. ``36/80``; empty where not told."""
        return in_words(c for c, _ in self.chanspecs.most_common())


def listen(
    packets: Iterator[RawFrames | None],
    *,
    listen_s: float,
    is_paced: bool,
    clock: Clock,
    iq_order: IqOrder = IqOrder.AUTO,
    on_progress: Callable[[float], None] = lambda _elapsed_s: None,
) -> Hearing:
    """Count what comes for a while.

    Args:
        packets: As of `PacketSource.packets`; stays open. None is yielded now and then
            while nothing comes.
        listen_s: How long [s], by the monotonic clock; of a recording also by the times
            of its packets.
        is_paced: Whether packets come when they are captured, not as fast as they can
            be read.
        clock: Which clocks.
        iq_order: For firmware whose header does not tell the order of I and Q.
        on_progress: Called with the time listened so far [s].

    Raises:
        CaptureError: The source cannot be opened, or breaks.
    """
    tally = _Tally(Decoder(iq_order))
    if is_paced:
        next(packets, None)  # opening takes its time, and none of it is listening
    started_ns, has_ended = clock.monotonic_ns(), True
    for raw in packets:
        elapsed_s = (clock.monotonic_ns() - started_ns) / 1e9
        within = raw if raw is None or is_paced else _within(raw, tally, listen_s)
        if within is not None:
            tally.add(within)
        on_progress(elapsed_s)
        is_cut = within is not None and raw is not None and len(within) < len(raw)
        if elapsed_s >= listen_s or is_cut or tally.n_packets >= MAX_PACKETS:
            has_ended = False
            break
    elapsed_s = (clock.monotonic_ns() - started_ns) / 1e9
    covered_s = min(tally.span_s, listen_s)
    return Hearing(
        elapsed_s if is_paced else max(covered_s, min(elapsed_s, listen_s)),
        tally.n_packets,
        tally.frames,
        +tally.chanspecs,
        +tally.refused,
        tally.frames_ns,
        has_ended,
    )


def chanspecs_in(captures: Iterable[Path]) -> frozenset[int]:
    """Return the channels that earlier captures were made on, by their first packets.

    Args:
        captures: For example shots of earlier walks; few are enough.

    Raises:
        CaptureError: One cannot be read.
    """
    found: set[int] = set()
    for path in captures:
        with CaptureFile(path) as file:
            for raw in file:
                for batch in Decoder().decode(raw).batches:
                    found.update(np.unique(batch.chanspec).tolist())
                break
    return frozenset(found - {0})


def in_words(chanspecs: Iterable[int]) -> str:
    """Return channels for people, e.g. ``36/80, 157/20``; 0 is left out."""
    words = []
    for chanspec in chanspecs:
        try:
            words.append(str(decode_chanspec(chanspec)) if chanspec else "")
        except ChanspecError:  # cannot come from a decoded frame, but from a caller
            words.append(f"{chanspec:#06x}")
    return ", ".join(dict.fromkeys(word for word in words if word))


class _Tally:
    """Counts packets as they come."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.n_packets = 0
        self.frames: Counter[Channel] = Counter()
        self.chanspecs: Counter[int] = Counter()
        self.refused: Counter[str] = Counter()
        self.frames_ns: tuple[int, int] | None = None

    @property
    def span_s(self) -> float:
        """Time from the first to the last frame [s]."""
        first_ns, last_ns = self.frames_ns or (0, 0)
        return (last_ns - first_ns) / 1e9

    def add(self, raw: RawFrames) -> None:
        decoded = self._decoder.decode(raw)
        self.n_packets += decoded.n_packets
        self.refused.update({str(why): n for why, n in decoded.refused.items()})
        self._count(decoded)

    def _count(self, decoded: Decoded) -> None:
        for batch in decoded.batches:
            first_stream = batch.stream == 0
            channel_of, channels = channels_of(batch)
            counts = np.bincount(channel_of[first_stream], minlength=len(channels))
            for channel, n in zip(channels, counts.tolist(), strict=True):
                if n:
                    self.frames[channel] += n
            tuned, n_tuned = np.unique(batch.chanspec[first_stream], return_counts=True)
            for chanspec, n in zip(tuned.tolist(), n_tuned.tolist(), strict=True):
                if chanspec:
                    self.chanspecs[chanspec] += n
            known = batch.time_ns[batch.time_ns > 0]
            if len(known):
                first_ns, last_ns = self.frames_ns or (int(known.min()), 0)
                self.frames_ns = (
                    min(first_ns, int(known.min())),
                    max(last_ns, int(known.max())),
                )


def _within(raw: RawFrames, tally: _Tally, listen_s: float) -> RawFrames:
    """Return the packets up to where a recording has been listened to long enough."""
    known = raw.time_ns[raw.time_ns > 0]
    first_ns = (
        tally.frames_ns[0] if tally.frames_ns else int(known[0]) if len(known) else 0
    )
    late = np.flatnonzero(raw.time_ns > first_ns + round(listen_s * 1e9))
    return raw[: int(late[0])] if first_ns and len(late) else raw
