"""Who was on the air while one image was recorded, and what became of their frames."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_agent.csi.decode import Decoded
from edge_agent.csi.frame import NO_RSSI
from edge_agent.csi.image import Channel, CsiImage, ImageSpec, channels_of

_STALE_NS = 2_000_000_000
"""As of `edge_agent.csi.image.ImageBuilder`: a channel must be this fresh."""


@dataclass(frozen=True, slots=True)
class Transmitter:
    """Frames of one access point by one receive core, in one format."""

    mac: str
    core: int

    channel: int | None
    """Its number at the site; None of a stranger."""

    n_received: int
    """Frames within the longest span that an image may have."""

    n_used: int
    """Those of them that are in the image."""

    level_dbm: float | None
    """Median received power [dBm]; None where the firmware sends none."""

    why: str
    """Why the others are not; empty where nothing is lacking."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "mac": self.mac,
            "core": self.core,
            "calibrated": self.channel is not None,
            "received": self.n_received,
            "used": self.n_used,
            "level_dbm": None if self.level_dbm is None else round(self.level_dbm, 1),
            "why": self.why or None,
        }


@dataclass(slots=True)
class _Count:
    n_received: int
    newest_ns: int
    rssi: list[int]


def on_air(
    decoded: Iterable[Decoded],
    image: CsiImage,
    channels: tuple[Channel, ...],
    spec: ImageSpec,
) -> tuple[Transmitter, ...]:
    """Return all that was on the air, the site's channels first, in their order.

    Args:
        decoded: Frames of the capture; others than those of the image's time are passed
            over.
        image: That was located.
        channels: Of the site.
        spec: How images are built.
    """
    counts = _count(decoded, image, spec)
    found = []
    for number, channel in enumerate(channels):
        count = counts.pop(channel, _Count(0, 0, []))
        others = [c for c in counts if (c.mac, c.core) == (channel.mac, channel.core)]
        why = "" if image.heard[number] else _why(count, others, image, spec)
        n_used = spec.n_packets if image.heard[number] else 0
        found.append(_transmitter(channel, number, count, n_used, why))
    strangers = sorted(counts.items(), key=lambda item: (-item[1].n_received, item[0]))
    ours = {(channel.mac, channel.core) for channel in channels}
    for channel, count in strangers:
        is_ours = (channel.mac, channel.core) in ours
        why = "other frame format than calibrated" if is_ours else "not calibrated"
        found.append(_transmitter(channel, None, count, 0, why))
    return tuple(found)


def _count(
    decoded: Iterable[Decoded], image: CsiImage, spec: ImageSpec
) -> dict[Channel, _Count]:
    begin_ns = image.ended_ns - int(spec.max_span_s * 1e9)
    counts: dict[Channel, _Count] = {}
    for part in decoded:
        for batch in part.batches:
            channel_of, channels = channels_of(batch)
            in_time = (batch.time_ns >= begin_ns) & (batch.time_ns <= image.ended_ns)
            rows_of = in_time & (batch.stream == 0)
            for number, channel in enumerate(channels):
                rows = np.flatnonzero(rows_of & (channel_of == number))
                if len(rows) == 0:
                    continue
                count = counts.setdefault(channel, _Count(0, 0, []))
                count.n_received += len(rows)
                count.newest_ns = max(count.newest_ns, int(batch.time_ns[rows].max()))
                rssi = batch.rssi[rows]
                count.rssi += rssi[rssi != NO_RSSI].tolist()
    return counts


def _why(count: _Count, others: list[Channel], image: CsiImage, spec: ImageSpec) -> str:
    """Return why a channel of the site is not in the image."""
    if count.n_received == 0 and others:
        return f"sends {others[0].frame_format} now, not as calibrated"
    if count.n_received == 0:
        return "not heard"
    if count.n_received < spec.n_packets:
        return f"too few: {count.n_received} of {spec.n_packets} frames"
    silent_ns = image.ended_ns - count.newest_ns
    if silent_ns > _STALE_NS:
        return f"silent for {silent_ns / 1e9:.1f} s"
    return "its window was not full in time"


def _transmitter(
    channel: Channel, number: int | None, count: _Count, n_used: int, why: str
) -> Transmitter:
    level = float(np.median(count.rssi)) if count.rssi else None
    return Transmitter(
        channel.mac, channel.core, number, count.n_received, n_used, level, why
    )
