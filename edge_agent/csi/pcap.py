"""Find the packets of a pcap stream.

    record   4 bytes seconds, 4 bytes micro- or nanoseconds, 4 bytes captured length,
             4 bytes original length, then the packet

Where packets start is known only by walking from one to the next: in C where the kernel
was built; else at once where all records have one length, and one by one where not.
"""

import struct
from collections import Counter

import numpy as np
import numpy.typing as npt

from edge_agent.csi import kernel
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.refusal import Refusal

MAX_PACKET = 262_144
"""No capture program writes longer packets (libpcap's MAXIMUM_SNAPLEN)."""

_RECORD = 16

Offsets = npt.NDArray[np.int64]


class PcapSplitter:
    """Splits what follows a pcap file's global header."""

    def __init__(self, order: str, ns_per_tick: int, link_type: int) -> None:
        self._order = order
        self._u4 = np.dtype(order + "u4")
        self._ns_per_tick = ns_per_tick
        self._link_type = link_type
        self.damage: str | None = None
        self.comments: list[str] = []
        self.refused: Counter[Refusal] = Counter()
        self.other_link_types: set[int] = set()

    def split(self, data: bytes, *, start: int) -> tuple[list[RawFrames], int]:
        """Return the complete packets from ``start`` on, and where they end."""
        packets = self._walk_in_c(data, start)
        if packets is None:
            packets = self._equal_records(data, start) or self._walk(data, start)
        end = start
        if len(packets):
            end = int(packets.offsets[-1] + packets.lengths[-1])
        self._check_next(data, end)
        return [packets], end

    def _walk_in_c(self, data: bytes, start: int) -> RawFrames | None:
        if not kernel.AVAILABLE:
            return None
        most = (len(data) - start) // _RECORD
        # Room for the worst case only where records are much shorter than the first: it
        # is ten times what most captures need, and memory never used before is slow.
        for room in (min(self._guess_records(data, start), most), most):
            offsets, lengths, times = np.empty((3, room), np.int64)
            n = kernel.walk(
                data,
                start,
                self._order == ">",
                self._ns_per_tick,
                MAX_PACKET,
                offsets,
                lengths,
                times,
            )
            if n < room:
                break
        buffer = np.frombuffer(data, np.uint8)
        return RawFrames(buffer, offsets[:n], lengths[:n], times[:n], self._link_type)

    def _guess_records(self, data: bytes, start: int) -> int:
        """Return twice the records there are if all are like the first."""
        size = len(data) - start
        if size < _RECORD:
            return 0
        return 2 * (size // (_RECORD + self._length_at(data, start))) + 1

    def _equal_records(self, data: bytes, start: int) -> RawFrames | None:
        """Return the packets if all that are complete have one length."""
        if len(data) - start < _RECORD:
            return None
        length = self._length_at(data, start)
        stride = _RECORD + length
        n = (len(data) - start) // stride
        rest = len(data) - start - n * stride
        if length > MAX_PACKET or n == 0 or rest >= _RECORD:
            return None
        lengths = self._column(data, start + 8, n, stride)
        if (lengths != length).any():
            return None
        records = start + stride * np.arange(n)
        times = self._times(
            self._column(data, start, n, stride),
            self._column(data, start + 4, n, stride),
        )
        return self._packets(data, records, lengths, times, stride)

    def _walk(self, data: bytes, start: int) -> RawFrames:
        """Follow the chain one record at a time, to its end or to the first damage."""
        record_at = struct.Struct(self._order + "III").unpack_from
        records, fields, size = [], [], len(data)
        while size - start >= _RECORD:
            seconds, ticks, length = record_at(data, start)
            end = start + _RECORD + length
            if length > MAX_PACKET or end > size:
                break
            records.append(start)
            fields.append((seconds, ticks, length))
            start = end
        columns = np.array(fields, np.uint32).reshape(-1, 3).T
        times = self._times(columns[0], columns[1])
        return self._packets(data, np.array(records, np.int64), columns[2], times, None)

    def _packets(
        self,
        data: bytes,
        records: Offsets,
        lengths: npt.NDArray[np.uint32],
        times: npt.NDArray[np.int64],
        stride: int | None,
    ) -> RawFrames:
        return RawFrames(
            np.frombuffer(data, np.uint8),
            records + _RECORD,
            lengths.astype(np.int64),
            times,
            self._link_type,
            stride,
        )

    def _times(
        self, seconds: npt.NDArray[np.uint32], ticks: npt.NDArray[np.uint32]
    ) -> npt.NDArray[np.int64]:
        times = seconds.astype(np.int64) * 1_000_000_000
        times += ticks.astype(np.int64) * self._ns_per_tick
        return times

    def _column(
        self, data: bytes, first: int, n: int, stride: int
    ) -> npt.NDArray[np.uint32]:
        """Return one 32-bit field of evenly spaced records."""
        return np.ndarray((n,), self._u4, data, first, (stride,))

    def _length_at(self, data: bytes, record: int) -> int:
        return int(struct.unpack_from(self._order + "I", data, record + 8)[0])

    def _check_next(self, data: bytes, record: int) -> None:
        """Note as damage a record that no further data can make valid."""
        if len(data) - record < _RECORD:
            return
        length = self._length_at(data, record)
        if length > MAX_PACKET:
            self.damage = (
                f"a record claims {length} bytes, more than any capture program "
                f"writes ({MAX_PACKET}); reading stopped there"
            )
