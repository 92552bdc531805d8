"""Write captures as tcpdump would, saying where they come from where the format can.

    pcapng   one section with the comment, one Ethernet interface, microseconds; an
             enhanced packet block per packet
    pcap     the classic format, micro- or nanoseconds. It has no comment: the reserved
             transmitter prefix alone tells that the frames are simulated

Sources: draft-ietf-opsawg-pcapng, draft-ietf-opsawg-pcap. Packets of one length are
written as one array; what is a block per packet here costs nanoseconds, not
microseconds.
"""

import struct
from collections.abc import Iterator
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import write_atomically
from edge_agent.csi.payloads import gather
from edge_agent.csi.raw import LINK_ETHERNET, RawFrames
from edge_agent.csi.simulated import SIMULATED_COMMENT
from trainer.errors import TrainerError

_SECTION, _INTERFACE, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
_BLOCK_OVERHEAD, _RECORD_OVERHEAD = 32, 16
_SNAP_LENGTH = 65535
_NS_PER_S = 1_000_000_000


class Container(StrEnum):
    """A file format for captures."""

    PCAPNG = "pcapng"
    PCAP = "pcap"
    PCAP_NS = "pcap-ns"
    """As pcap, with nanoseconds."""

    @property
    def suffix(self) -> str:
        """Of file names."""
        return ".pcapng" if self is Container.PCAPNG else ".pcap"


class CaptureTimeError(TrainerError):
    """A time that the file format cannot hold."""


def write_capture(
    path: Path,
    raw: RawFrames,
    container: Container = Container.PCAPNG,
    *,
    comment: str = SIMULATED_COMMENT,
) -> None:
    """Write packets; the file appears when it is complete.

    Args:
        path: Where.
        raw: Ethernet frames.
        container: The format.
        comment: As of `capture_bytes`.

    Raises:
        CaptureTimeError: As `capture_bytes`.
        OSError: It cannot be written.
    """
    write_atomically(path, capture_bytes(raw, container, comment=comment))


def capture_bytes(
    raw: RawFrames,
    container: Container = Container.PCAPNG,
    *,
    comment: str = SIMULATED_COMMENT,
) -> bytes:
    """Return the file that holds these packets.

    Args:
        raw: Ethernet frames, in the order in which they are to be written. Their times
            are cut to the format's resolution.
        container: The format.
        comment: What a pcapng file says of itself: by default that it is simulated.

    Raises:
        CaptureTimeError: A time before 1970, or for pcap after 7 February 2106.
    """
    first, last = raw.time_ns.min(initial=0), raw.time_ns.max(initial=0)
    if first < 0 or (container is not Container.PCAPNG and last >> 32 >= _NS_PER_S):
        raise CaptureTimeError(
            f"a {container} file cannot hold the time {first if first < 0 else last} "
            "ns since 1970"
        )
    if container is Container.PCAPNG:
        return b"".join(
            [_pcapng_head(comment), *map(_packet_blocks, _equally_long(raw))]
        )
    unit_ns, magic = (
        (1000, 0xA1B2C3D4) if container is Container.PCAP else (1, 0xA1B23C4D)
    )
    head = struct.pack("<IHHiIII", magic, 2, 4, 0, 0, _SNAP_LENGTH, LINK_ETHERNET)
    return b"".join([head, *(_records(run, unit_ns) for run in _equally_long(raw))])


def capture_size(n_packets: int, packet_bytes: int, container: Container) -> int:
    """Return how long the file of so many packets of one length is [bytes]."""
    if container is Container.PCAPNG:
        padded = packet_bytes + -packet_bytes % 4
        return len(_pcapng_head(SIMULATED_COMMENT)) + n_packets * (
            _BLOCK_OVERHEAD + padded
        )
    return 24 + n_packets * (_RECORD_OVERHEAD + packet_bytes)


def _equally_long(raw: RawFrames) -> Iterator[RawFrames]:
    """Cut packets wherever their length changes."""
    cuts = np.flatnonzero(np.diff(raw.lengths)) + 1
    ends = [0, *cuts.tolist(), len(raw)]
    for start, end in pairwise(ends):
        if end > start:
            yield raw[start:end]


def _rows(raw: RawFrames) -> npt.NDArray[np.uint8]:
    """Return equally long packets, shape (n, length)."""
    return gather(raw, np.arange(len(raw)))


def _packet_blocks(run: RawFrames) -> bytes:
    length = int(run.lengths[0])
    padded = length + -length % 4
    block = np.zeros(
        len(run),
        [
            ("type", "<u4"),
            ("size", "<u4"),
            ("interface", "<u4"),
            ("high", "<u4"),
            ("low", "<u4"),
            ("captured", "<u4"),
            ("original", "<u4"),
            ("packet", "u1", padded),
            ("size_again", "<u4"),
        ],
    )
    time_us = run.time_ns // 1000
    block["type"] = _ENHANCED_PACKET
    block["size"] = block["size_again"] = _BLOCK_OVERHEAD + padded
    block["high"], block["low"] = time_us >> 32, time_us & 0xFFFFFFFF
    block["captured"] = block["original"] = length
    block["packet"][:, :length] = _rows(run)
    return block.tobytes()


def _records(run: RawFrames, unit_ns: int) -> bytes:
    length = int(run.lengths[0])
    record = np.zeros(
        len(run),
        [
            ("seconds", "<u4"),
            ("fraction", "<u4"),
            ("captured", "<u4"),
            ("original", "<u4"),
            ("packet", "u1", length),
        ],
    )
    record["seconds"] = run.time_ns // _NS_PER_S
    record["fraction"] = run.time_ns % _NS_PER_S // unit_ns
    record["captured"] = record["original"] = length
    record["packet"] = _rows(run)
    return record.tobytes()


def _pcapng_head(comment: str) -> bytes:
    text = comment.encode()
    option = struct.pack("<HH", 1, len(text)) + text + bytes(-len(text) % 4)
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option + bytes(4)
    interface = struct.pack("<HHI", LINK_ETHERNET, 0, _SNAP_LENGTH)
    return _block(_SECTION, section) + _block(_INTERFACE, interface)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length
