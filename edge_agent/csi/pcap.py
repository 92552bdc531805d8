"""Find the packets of a pcap stream.

    record   4 bytes seconds, 4 bytes micro- or nanoseconds, 4 bytes captured length,
             4 bytes original length, then the packet

Where packets start is known only by walking from one to the next. Two shortcuts make
the walk vectorised and stay exact, because every step of the chain is verified: all
records have one length; or each carries the firmware's address at the same place.
"""

import struct
from collections import Counter

import numpy as np
import numpy.typing as npt

from edge_agent.csi.raw import LINK_ETHERNET, LINK_SLL, RawFrames
from edge_agent.csi.refusal import Refusal

MAX_PACKET = 262_144
"""No capture program writes longer packets (libpcap's MAXIMUM_SNAPLEN)."""

_RECORD = 16
_MARK = int.from_bytes(b"XMON", "little")
_MARK_AT = _RECORD + 8
"""From the start of a record to the last four letters of the sender "NEXMON"."""

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
        run, stride = self._equal_records(data, start)
        end = start + run * stride
        if run and len(data) - end < _RECORD:
            packets = self._packets(data, start + stride * np.arange(run), stride)
        else:
            marked = self._marked_records(data, start)
            records = self._walk(data, start) if marked is None else marked
            packets = self._packets(data, records, None)
            end = start
            if len(records):
                end = int(packets.offsets[-1] + packets.lengths[-1])
        self._check_next(data, end)
        return [packets], end

    def _packets(self, data: bytes, records: Offsets, stride: int | None) -> RawFrames:
        fields = [self._field(data, records, stride, at) for at in (0, 4, 8)]
        time_ns = fields[0].astype(np.int64) * 1_000_000_000
        time_ns += fields[1].astype(np.int64) * self._ns_per_tick
        return RawFrames(
            np.frombuffer(data, np.uint8),
            records + _RECORD,
            fields[2].astype(np.int64),
            time_ns,
            self._link_type,
            stride,
        )

    def _field(
        self, data: bytes, records: Offsets, stride: int | None, at: int
    ) -> npt.NDArray[np.uint32]:
        """Read one 32-bit field of every record."""
        if len(records) == 0:
            return np.empty(0, np.uint32)
        if stride is not None:
            first = int(records[0]) + at
            return np.ndarray((len(records),), self._u4, data, first, (stride,))
        every_byte: npt.NDArray[np.uint32] = np.ndarray(
            (len(data) - 3,), self._u4, data, 0, (1,)
        )
        return every_byte[records + at]

    def _length_at(self, data: bytes, record: int) -> int:
        return int(struct.unpack_from(self._order + "I", data, record + 8)[0])

    def _equal_records(self, data: bytes, start: int) -> tuple[int, int]:
        """Return how many records are as long as the first, and their distance."""
        if len(data) - start < _RECORD:
            return 0, _RECORD
        length = self._length_at(data, start)
        stride = _RECORD + length
        n_possible = (len(data) - start) // stride
        if length > MAX_PACKET or n_possible == 0:
            return 0, stride
        lengths = np.ndarray((n_possible,), self._u4, data, start + 8, (stride,))
        equal = lengths == length
        return (n_possible if equal.all() else int(equal.argmin())), stride

    def _marked_records(self, data: bytes, start: int) -> Offsets | None:
        """Find all records by the sender's address; None unless the chain is whole."""
        if self._link_type not in (LINK_ETHERNET, LINK_SLL):
            return None
        n_words = (len(data) - start) // 4
        words = np.frombuffer(data, "<u4", n_words, start)
        records = np.flatnonzero(words == _MARK) * 4 + (start - _MARK_AT)
        if len(records) == 0 or records[0] != start:
            return None
        lengths = self._field(data, records, None, 8).astype(np.int64)
        ends = records + _RECORD + lengths
        if (ends[:-1] != records[1:]).any() or lengths[-1] > MAX_PACKET:
            return None
        if ends[-1] > len(data):  # the last one is not complete yet
            records = records[:-1]
        elif len(data) - ends[-1] >= _RECORD:  # followed by one without the mark
            return None
        return records

    def _walk(self, data: bytes, start: int) -> Offsets:
        """Follow the chain one record at a time, to its end or to the first damage."""
        length_of = struct.Struct(self._order + "I").unpack_from
        records, size = [], len(data)
        while size - start >= _RECORD:
            (length,) = length_of(data, start + 8)
            end = start + _RECORD + length
            if length > MAX_PACKET or end > size:
                break
            records.append(start)
            start = end
        return np.array(records, np.int64)

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
