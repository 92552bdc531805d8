"""Find the packets of a pcapng stream.

    block            4 bytes type, 4 bytes total length, body, 4 bytes total length
    section header   0a0d0d0a, byte-order magic 1a2b3c4d; starts a list of interfaces
    interface        1: link type (2), reserved (2), snap length (4), options
    enhanced packet  6: interface (4), time (4 high, 4 low), captured (4), original (4)
    simple packet    3: original (4); no time
    old packet       2: interface (2), drops (2), then as in the enhanced packet

Other blocks are skipped. Source: draft-ietf-opsawg-pcapng.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edge_agent.csi.pcap import MAX_PACKET
from edge_agent.csi.raw import CSI_LINK_TYPES, RawFrames
from edge_agent.csi.refusal import Refusal
from edge_agent.csi.simulated import says_simulated

_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = (
    0x0A0D0D0A,
    1,
    2,
    3,
    6,
)
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_OPTION_END, _OPTION_COMMENT, _OPTION_TSRESOL, _OPTION_TSOFFSET = 0, 1, 9, 14
_MIN_BLOCK = 12
_MAX_BLOCK = MAX_PACKET + 65_536
"""Longest block that is waited for: a packet and its options."""

_MAX_INTERFACES = 4096
_MAX_COMMENTS = 64
_MAX_TIME_NS = (1 << 63) - 1


class _DamageError(Exception):
    """The stream cannot be followed beyond this block."""


@dataclass(frozen=True, slots=True)
class _Interface:
    link_type: int
    snap_length: int
    ticks_per_second: int
    offset_s: int

    def time_ns(self, ticks: int) -> int:
        """Convert a time stamp; 0 where it fits no calendar."""
        time = ticks * 1_000_000_000 // self.ticks_per_second
        time += self.offset_s * 1_000_000_000
        return time if 0 <= time <= _MAX_TIME_NS else 0


@dataclass(frozen=True, slots=True)
class _Packet:
    link_type: int
    offset: int
    length: int
    time_ns: int


class PcapngSplitter:
    """Splits a pcapng stream from its first section header on."""

    def __init__(self, link_types: tuple[int, ...] = CSI_LINK_TYPES) -> None:
        """Start before the first section.

        Args:
            link_types: Those that are asked for; packets of others are refused.
        """
        self._link_types = link_types
        self._order = "<"
        self._interfaces: list[_Interface] = []
        self.damage: str | None = None
        self.comments: list[str] = []
        self.refused: Counter[Refusal] = Counter()
        self.other_link_types: set[int] = set()

    def split(self, data: bytes, *, start: int) -> tuple[list[RawFrames], int]:
        """Return the complete packets from ``start`` on, and where they end."""
        packets: list[_Packet] = []
        end = start
        try:
            for block_start, block_end in self._blocks(data, start):
                packet = self._read_block(data, block_start, block_end)
                if packet is not None:
                    packets.append(packet)
                end = block_end
        except _DamageError as damage:
            self.damage = f"{damage}; reading stopped there"
        return list(_by_link_type(data, packets)), end

    def _blocks(self, data: bytes, start: int) -> Iterator[tuple[int, int]]:
        """Yield where each complete block starts and ends."""
        while len(data) - start >= _MIN_BLOCK:
            if data[start : start + 4] == b"\x0a\x0d\x0d\x0a":
                self._order = _section_order(data, start)
            (length,) = struct.unpack_from(self._order + "I", data, start + 4)
            if length < _MIN_BLOCK or length % 4:
                raise _DamageError(f"a block claims {length} bytes")
            if length > _MAX_BLOCK:
                raise _DamageError(
                    f"a block claims {length} bytes, more than the longest packet"
                )
            end = start + length
            if end > len(data):
                return
            (closing,) = struct.unpack_from(self._order + "I", data, end - 4)
            if closing != length:
                raise _DamageError(
                    f"a block starts with length {length} and ends with {closing}"
                )
            yield start, end
            start = end

    def _read_block(self, data: bytes, start: int, end: int) -> _Packet | None:
        (kind,) = struct.unpack_from(self._order + "I", data, start)
        body, body_end = start + 8, end - 4
        if kind == _ENHANCED_PACKET:
            return self._timed_packet(data, body, body_end, "IIII")
        if kind == _OLD_PACKET:
            return self._timed_packet(data, body, body_end, "HxxIII")
        if kind == _SIMPLE_PACKET:
            return self._simple_packet(data, body, body_end)
        if kind == _SECTION:
            self._interfaces = []
            self._options(data, body + 16, body_end)
        elif kind == _INTERFACE:
            self._add_interface(data, body, body_end)
        return None

    def _timed_packet(
        self, data: bytes, body: int, end: int, fields: str
    ) -> _Packet | None:
        header = 20
        if end - body < header:
            self.refused[Refusal.BAD_BLOCK] += 1
            return None
        number, high, low, captured = struct.unpack_from(
            self._order + fields, data, body
        )
        if number >= len(self._interfaces) or captured > end - body - header:
            self.refused[Refusal.BAD_BLOCK] += 1
            return None
        interface = self._interfaces[number]
        time_ns = interface.time_ns(high << 32 | low)
        return self._packet(interface, body + header, captured, time_ns)

    def _simple_packet(self, data: bytes, body: int, end: int) -> _Packet | None:
        if not self._interfaces or end - body < 4:
            self.refused[Refusal.BAD_BLOCK] += 1
            return None
        interface = self._interfaces[0]
        (original,) = struct.unpack_from(self._order + "I", data, body)
        captured = min(original, interface.snap_length or original)
        if captured > end - body - 4:
            self.refused[Refusal.BAD_BLOCK] += 1
            return None
        return self._packet(interface, body + 4, captured, time_ns=0)

    def _packet(
        self, interface: _Interface, offset: int, length: int, time_ns: int
    ) -> _Packet | None:
        link_type = interface.link_type
        if link_type not in self._link_types:
            self.other_link_types.add(link_type)
            self.refused[Refusal.LINK_TYPE] += 1
            return None
        return _Packet(link_type, offset, length, time_ns)

    def _add_interface(self, data: bytes, body: int, end: int) -> None:
        if end - body < 8:
            raise _DamageError("an interface block is too short for its own header")
        if len(self._interfaces) == _MAX_INTERFACES:
            raise _DamageError(f"more than {_MAX_INTERFACES} interfaces")
        link_type, snap_length = struct.unpack_from(self._order + "HxxI", data, body)
        options = self._options(data, body + 8, end)
        resolution = options.get(_OPTION_TSRESOL, b"\x06")[:1] or b"\x06"
        exponent = resolution[0] & 0x7F
        offset = options.get(_OPTION_TSOFFSET, b"")
        self._interfaces.append(
            _Interface(
                link_type,
                snap_length,
                (2 if resolution[0] & 0x80 else 10) ** exponent,
                int.from_bytes(
                    offset[:8], "little" if self._order == "<" else "big", signed=True
                ),
            )
        )

    def _options(self, data: bytes, at: int, end: int) -> dict[int, bytes]:
        """Return a block's options by code; comments are kept for the caller."""
        options: dict[int, bytes] = {}
        while end - at >= 4:
            code, length = struct.unpack_from(self._order + "HH", data, at)
            at += 4
            if code == _OPTION_END or length > end - at:
                break
            value = data[at : at + length]
            if code == _OPTION_COMMENT:
                self._keep_comment(value.decode("utf-8", "replace"))
            options[code] = value
            at += length + -length % 4
        return options

    def _keep_comment(self, comment: str) -> None:
        """Keep the first comments, and that which marks frames as simulated."""
        if len(self.comments) < _MAX_COMMENTS or (
            says_simulated([comment]) and not says_simulated(self.comments)
        ):
            self.comments.append(comment)


def _section_order(data: bytes, start: int) -> str:
    """Return the byte order that a section header announces."""
    for order in "<>":
        (magic,) = struct.unpack_from(order + "I", data, start + 8)
        if magic == _BYTE_ORDER_MAGIC:
            return order
    raise _DamageError(
        f"a section header has byte-order magic {data[start + 8 : start + 12].hex(' ')}"
    )


def _by_link_type(data: bytes, packets: list[_Packet]) -> Iterator[RawFrames]:
    """Group neighbouring packets of one link type."""
    buffer = np.frombuffer(data, np.uint8)
    start = 0
    while start < len(packets):
        link_type = packets[start].link_type
        stop = start
        while stop < len(packets) and packets[stop].link_type == link_type:
            stop += 1
        run = packets[start:stop]
        yield RawFrames(
            buffer,
            np.array([p.offset for p in run], np.int64),
            np.array([p.length for p in run], np.int64),
            np.array([p.time_ns for p in run], np.int64),
            link_type,
        )
        start = stop
