"""Split a pcap or pcapng byte stream into packets, chunk by chunk.

The stream may be a file read at once or a pipe that never ends; the packets are the
same however it is cut into chunks. What is damaged ends the stream and is named in
`CaptureReader.damage`; every packet before it is kept.

Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, pcap-savefile(5).
"""

from collections import Counter
from typing import Protocol

import numpy as np

from edge_agent.csi.pcap import PcapSplitter
from edge_agent.csi.pcapng import PcapngSplitter
from edge_agent.csi.raw import (
    CSI_LINK_TYPES,
    LINK_80211,
    LINK_RADIOTAP,
    RawFrames,
)
from edge_agent.csi.refusal import Refusal

_PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
_PCAP_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("little", 1000),
    b"\xa1\xb2\xc3\xd4": ("big", 1000),
    b"\x4d\x3c\xb2\xa1": ("little", 1),
    b"\xa1\xb2\x3c\x4d": ("big", 1),
}
_FOREIGN = {
    b"\x34\xcd\xb2\xa1": "a modified pcap (Kuznetsov's format, no longer written)",
    b"\xa1\xb2\xcd\x34": "a modified pcap (Kuznetsov's format, no longer written)",
    b"\x1f\x8b": "gzip data: decompress it first (gunzip)",
    b"BZh": "bzip2 data: decompress it first (bunzip2)",
    b"\xfd7zXZ": "xz data: decompress it first (unxz)",
    b"\x28\xb5\x2f\xfd": "zstd data: decompress it first (unzstd)",
    b"PK": "a ZIP archive: unpack it first",
}
_PCAP_HEADER = 24


class CaptureFormatError(ValueError):
    """The data is no capture, or one of other link types than those asked for."""


class Splitter(Protocol):
    """What pcap and pcapng have in common."""

    damage: str | None
    """Where and why reading ended early, or None."""

    comments: list[str]
    """Comments of the capture as a whole (pcapng only)."""

    refused: Counter[Refusal]
    """Packets that never reach the decoder, by reason."""

    other_link_types: set[int]
    """Link types of interfaces that are not asked for (pcapng only)."""

    def split(self, data: bytes, *, start: int) -> tuple[list[RawFrames], int]:
        """Return the complete packets from ``start`` on, and where they end."""


class CaptureReader:
    """Turns chunks of a capture into packets."""

    def __init__(self, link_types: tuple[int, ...] = CSI_LINK_TYPES) -> None:
        """Start with an empty stream.

        Args:
            link_types: Those that are asked for; packets of others are refused.
        """
        self._link_types = link_types
        self._pending = b""
        self._splitter: Splitter | None = None
        self._n_packets = 0
        self._ended = False

    @property
    def damage(self) -> str | None:
        """Where and why reading ended early, or None; final after `finish`."""
        return self._splitter.damage if self._splitter else None

    @property
    def comments(self) -> list[str]:
        """Comments of the capture as a whole; plain pcap has none."""
        return self._splitter.comments if self._splitter else []

    @property
    def refused(self) -> Counter[Refusal]:
        """Packets that never reach the decoder, by reason."""
        return self._splitter.refused if self._splitter else Counter()

    def feed(self, chunk: bytes) -> list[RawFrames]:
        """Return the packets that are complete with this chunk.

        Raises:
            CaptureFormatError: The stream starts like no capture, or one of other link
                types.
        """
        if self._ended:
            return []
        data = self._pending + chunk if self._pending else chunk
        start = 0
        if self._splitter is None:
            if len(data) < _PCAP_HEADER:
                self._pending = data
                return []
            self._splitter, start = _open(data, self._link_types)
        packets, end = self._splitter.split(data, start=start)
        self._n_packets += sum(map(len, packets))
        self._pending = data[end:]
        if self._splitter.damage is not None:
            self._ended, self._pending = True, b""
        return packets

    @property
    def n_pending(self) -> int:
        """Last bytes fed, which wait for the rest of their packet."""
        return len(self._pending)

    def forget_pending(self) -> None:
        """Drop those bytes: the caller will feed them again, with what follows."""
        self._pending = b""

    def finish(self) -> None:
        """Declare the stream ended; what is left over is damage.

        Raises:
            CaptureFormatError: It ended before its header, or nothing in it is of the
                link types that are asked for.
        """
        if self._splitter is None:
            raise CaptureFormatError(_describe_start(self._pending))
        if self._n_packets == 0:
            for link_type in sorted(self._splitter.other_link_types):
                _check_link_type(link_type, self._link_types)
        if self._pending and not self._ended:
            self._splitter.damage = (
                f"ends in the middle of a packet ({len(self._pending)} bytes of it)"
            )
        self._ended, self._pending = True, b""


def _open(data: bytes, link_types: tuple[int, ...]) -> tuple[Splitter, int]:
    """Return the splitter for a capture that starts with ``data``."""
    magic = data[:4]
    if magic == _PCAPNG_MAGIC:
        return PcapngSplitter(link_types), 0
    if magic not in _PCAP_MAGICS:
        raise CaptureFormatError(_describe_start(data))
    byte_order, ns_per_tick = _PCAP_MAGICS[magic]
    order = "<" if byte_order == "little" else ">"
    link_type = int(np.frombuffer(data, order + "u4", 1, 20)[0]) & 0xFFFF
    _check_link_type(link_type, link_types)
    return PcapSplitter(order, ns_per_tick, link_type), _PCAP_HEADER


def _check_link_type(link_type: int, link_types: tuple[int, ...]) -> None:
    """Refuse a link type that is not asked for.

    Raises:
        CaptureFormatError: With what to do instead.
    """
    if link_type in link_types:
        return
    if LINK_RADIOTAP in link_types:
        raise CaptureFormatError(
            f"link type {link_type} says nothing of received power; expected 802.11 "
            "with radiotap headers (127, tcpdump -y IEEE802_11_RADIO on a monitor "
            "interface), or CSI frames: Ethernet (1), Linux cooked (113, 276), raw IP "
            "(101, 228)"
        )
    if link_type in LINK_80211:
        raise CaptureFormatError(
            f"link type {link_type} holds 802.11 frames, made on a monitor interface "
            "such as mon0; CSI arrives as UDP on wlan0: capture there"
        )
    raise CaptureFormatError(
        f"link type {link_type} cannot carry CSI; expected Ethernet (1), Linux cooked "
        "(113, 276) or raw IP (101, 228)"
    )


def _describe_start(data: bytes) -> str:
    if not data:
        return "is empty: not even a capture header"
    for start, what in _FOREIGN.items():
        if data.startswith(start):
            return f"is {what}; expected pcap or pcapng"
    if len(data) < _PCAP_HEADER and data[:4] in (_PCAPNG_MAGIC, *_PCAP_MAGICS):
        return f"ends inside its header, after {len(data)} bytes"
    text = data[:40]
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in text):
        return (
            f"is text ({text[:24].decode('ascii').strip()!r}); expected pcap or pcapng"
        )
    return f"starts with {data[:4].hex(' ')}; expected pcap or pcapng"
