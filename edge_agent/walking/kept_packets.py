"""The packets of a shot that go to disk: few, whatever a peer sends."""

from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.csi.payloads import gather, indices_by_length
from edge_agent.csi.raw import RawFrames

MAX_TRANSMITTERS: Final = 16
"""Of which packets are kept; an image has at most so many channels."""

LONGEST_PACKET: Final = 2048
"""No firmware sends CSI in longer ones; headers and 256 words are 1.2 kB [bytes]."""

_LEAST_STRANGERS: Final = 4
"""Transmitters for which there is room though all that are expected are heard."""

TIMES_NEEDED: Final = 4
"""Most packets of a transmitter, in images."""


class KeptPackets:
    """Copies of packets with CSI, bounded per transmitter and in all."""

    def __init__(self, n_needed: int, expected: tuple[str, ...]) -> None:
        """Keep nothing yet.

        Args:
            n_needed: Frames of an image.
            expected: Transmitters for which there is always room.
        """
        self._most = TIMES_NEEDED * n_needed
        self._strangers = max(_LEAST_STRANGERS, MAX_TRANSMITTERS - len(expected))
        self._counts: Counter[str] = Counter(dict.fromkeys(expected, 0))
        self._parts: list[RawFrames] = []
        self._link_type = 0

    def admits(self, raw: RawFrames) -> bool:
        """Tell whether packets can go to the same file as those that were kept."""
        return not self._parts or raw.link_type == self._link_type

    def knows(self, mac: str) -> bool:
        """Tell whether there is room for a transmitter, which has it from now on."""
        if mac not in self._counts:
            if self._strangers == 0:
                return False
            self._strangers -= 1
            self._counts[mac] = 0
        return True

    def choose(self, mac: str, n: int) -> int:
        """Return how many of the next packets of a known transmitter to keep."""
        room = max(0, min(n, self._most - self._counts[mac]))
        self._counts[mac] += room
        return room

    def add(self, raw: RawFrames, rows: npt.NDArray[np.intp]) -> None:
        """Copy packets.

        Args:
            raw: Of the link type of all packets so far.
            rows: Which of them, in ascending order, without doubles.
        """
        if not self._parts:
            self._link_type = raw.link_type
        if len(rows):
            self._parts.append(_copied(raw, rows))

    def all(self) -> RawFrames:
        """Return what was kept, in the order of arrival."""
        lengths = _joined([part.lengths for part in self._parts])
        ends = np.cumsum(lengths)
        return RawFrames(
            np.concatenate([np.empty(0, np.uint8), *(p.data for p in self._parts)]),
            ends - lengths,
            lengths,
            _joined([part.time_ns for part in self._parts]),
            self._link_type,
        )


def _joined(columns: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *columns])


def _copied(raw: RawFrames, rows: npt.NDArray[np.intp]) -> RawFrames:
    """Return packets in a buffer of their own, one after another."""
    lengths = raw.lengths[rows]
    ends = np.cumsum(lengths)
    starts = ends - lengths
    data = np.empty(int(ends[-1]), np.uint8)
    for index in indices_by_length(raw, rows.astype(np.intp)):
        packets = gather(raw, index)
        where = starts[np.searchsorted(rows, index)]
        data[where[:, None] + np.arange(packets.shape[1])] = packets
    return RawFrames(data, starts, lengths, raw.time_ns[rows], raw.link_type)
