"""Write captured packets to a pcap file as they come, exactly the bytes captured.

    file     4d 3c b2 a1 (nanoseconds, little-endian), version 2.4, two empty words,
             4 bytes longest packet, 4 bytes link type
    record   4 bytes seconds, 4 bytes nanoseconds, 4 bytes captured length, 4 bytes
             original length, then the packet

Source: draft-ietf-opsawg-pcap. What was cut off before it reached us is unknown: both
lengths are what was captured. Nothing is kept back in this process, so that a kill
loses no packet that was written; `PcapWriter.sync` survives a power cut.
"""

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from edge_agent.csi.payloads import gather, indices_by_length
from edge_agent.csi.pcap import MAX_PACKET
from edge_agent.csi.raw import RawFrames
from edge_agent.errors import CaptureError

PCAP_MAGIC_NS = 0xA1B23C4D
HEAD_BYTES = 24
RECORD_BYTES = 16
"""In front of each packet."""

_NS_PER_S = 1_000_000_000
_CLOSED = -1


def pcap_head(link_type: int) -> bytes:
    """Return what a file begins with.

    Args:
        link_type: Of all its packets (https://www.tcpdump.org/linktypes.html).
    """
    return struct.pack("<IHHiIII", PCAP_MAGIC_NS, 2, 4, 0, 0, MAX_PACKET, link_type)


def pcap_records(raw: RawFrames) -> bytes:
    """Return the records of packets, in their order.

    Raises:
        CaptureError: A time before 1970 or after 7 February 2106, or a packet longer
            than any capture program writes: no file could hold it.
    """
    first, last = int(raw.time_ns.min(initial=0)), int(raw.time_ns.max(initial=0))
    if first < 0 or last >> 32 >= _NS_PER_S:
        raise CaptureError(
            f"a pcap file cannot hold the time {first if first < 0 else last} ns since "
            "1970, only those up to February 2106; set the clock"
        )
    longest = int(raw.lengths.max(initial=0))
    if longest > MAX_PACKET:
        raise CaptureError(
            f"a packet has {longest} bytes; a pcap file holds up to {MAX_PACKET}"
        )
    ends = np.cumsum(RECORD_BYTES + raw.lengths)
    starts = ends - RECORD_BYTES - raw.lengths
    out = np.empty(int(ends[-1]) if len(raw) else 0, np.uint8)
    head = np.empty((len(raw), 4), "<u4")
    head[:, 0], head[:, 1] = np.divmod(raw.time_ns, _NS_PER_S)
    head[:, 2] = head[:, 3] = raw.lengths
    _place(out, starts, head.view(np.uint8))
    for index in indices_by_length(raw, None):
        if len(index):
            _place(out, starts[index] + RECORD_BYTES, gather(raw, index))
    return out.tobytes()


def _place(
    out: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    rows: npt.NDArray[np.uint8],
) -> None:
    """Copy each row to where it starts: `gather` the other way round."""
    length = rows.shape[1]
    if rows.size:
        piece = f"V{length}"
        pieces: npt.NDArray[np.void] = np.ndarray(
            (len(out) - length + 1,), piece, out, 0, (1,)
        )
        pieces[starts] = np.ascontiguousarray(rows).view(piece)[:, 0]


class PcapWriter:
    """A new pcap file with nanoseconds, while entered."""

    def __init__(self, path: Path, link_type: int) -> None:
        """Name the file; it is made on entry.

        Args:
            path: Where; there must be none yet.
            link_type: Of all packets.
        """
        self.path = path
        self.link_type = link_type
        self.n_packets = 0
        self.n_bytes = 0
        """Length of the file."""
        self._descriptor = _CLOSED

    def __enter__(self) -> Self:
        """Make the file.

        Raises:
            FileExistsError: There is one; what was captured is never written over.
            OSError: It cannot be made.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o666)
        self._append(pcap_head(self.link_type))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, raw: RawFrames) -> None:
        """Append packets: all of them, or none.

        Raises:
            CaptureError: They are of another link type, or as `pcap_records` says.
            OSError: The disk is full or gone; the file ends with the last whole batch.
        """
        if raw.link_type != self.link_type:
            raise CaptureError(
                f"{self.path} holds packets of link type {self.link_type}, these are "
                f"of {raw.link_type}; begin another file"
            )
        self._append(pcap_records(raw))
        self.n_packets += len(raw)

    def sync(self) -> None:
        """Wait until all of it is on the disk.

        Raises:
            OSError: It cannot be written there.
        """
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; again does nothing."""
        if self._descriptor != _CLOSED:
            descriptor, self._descriptor = self._descriptor, _CLOSED
            os.close(descriptor)

    def _append(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            # Half a record would be read as damage for ever after.
            os.ftruncate(self._descriptor, self.n_bytes)
            raise
        self.n_bytes += len(data)
