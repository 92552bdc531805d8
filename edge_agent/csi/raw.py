"""Captured packets before decoding: the one seam between every source and the decoder.

A file, a pipe, an interface or a test produces `RawFrames`; everything behind it is the
same code.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

LINK_ETHERNET = 1
LINK_RAW_IP = (12, 101, 228)
LINK_SLL = 113
LINK_SLL2 = 276
LINK_RADIOTAP = 127
LINK_80211 = (105, 119, LINK_RADIOTAP, 163)
"""802.11 frames with or without radio headers: made on a monitor interface."""

CSI_LINK_TYPES = (LINK_ETHERNET, LINK_SLL, LINK_SLL2, *LINK_RAW_IP)
"""Link types (https://www.tcpdump.org/linktypes.html) in which CSI datagrams arrive."""


@dataclass(frozen=True, slots=True, eq=False)
class RawFrames:
    """Packets of one link type in the order of their arrival."""

    data: npt.NDArray[np.uint8]
    """The buffer that holds all packets, shape (n_bytes,)."""

    offsets: npt.NDArray[np.int64]
    """Where each packet starts in ``data``, shape (n_packets,)."""

    lengths: npt.NDArray[np.int64]
    """Captured bytes of each packet, shape (n_packets,)."""

    time_ns: npt.NDArray[np.int64]
    """Capture time [ns since the UNIX epoch], shape (n_packets,); 0 when unknown."""

    link_type: int

    stride: int | None = None
    """Distance of neighbouring packets in ``data`` where it and their length are one
    and the same throughout; None when unknown or varying."""

    def __post_init__(self) -> None:
        # That packets lie inside the buffer is for the source to see to: it knows how.
        n = len(self.offsets)
        if not (len(self.lengths) == len(self.time_ns) == n):
            raise ValueError("offsets, lengths and time_ns must have equal length")

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, rows: slice) -> Self:
        """Return some of the packets, sharing the buffer."""
        return type(self)(
            self.data,
            self.offsets[rows],
            self.lengths[rows],
            self.time_ns[rows],
            self.link_type,
            self.stride if rows.step in (None, 1) else None,
        )
