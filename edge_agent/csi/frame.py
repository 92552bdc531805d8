"""Decoded CSI frames, column by column.

One UDP datagram is one frame: what one receive core measured of one spatial stream of
one received Wi-Fi frame. Frames travel in batches, because a column of a thousand
frames costs numpy hardly more than a single one.
"""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Self

import numpy as np
import numpy.typing as npt

from edge_agent.csi.chips import CHIPS, WordFormat

NO_RSSI = -32768
"""Value of `FrameBatch.rssi` where the firmware sends none."""

NO_FRAME_CONTROL = -1
"""Value of `FrameBatch.frame_control` where the firmware or the chip gives none."""


class Generation(IntEnum):
    """Header generations; names and bytes: firmware_notes/csi_udp_format.md."""

    MOBISYS_2018 = 0
    """14-byte header of the first extractor (Nexus 5 only), 255 words."""

    OLD = 1
    """18 bytes, magic 11 11 11 11, no RSSI: nexmon_csi until 11 December 2021."""

    NEW = 2
    """18 bytes with RSSI and frame control; PhyRxStatus overwrites three words."""

    PLUS = 3
    """44 bytes, nexmonster "-plus" branches: three addresses, RSSI."""

    GAIN = 4
    """70 bytes, T3rO's gain fork: the new header and the receive gains."""

    PR169 = 5
    """20 bytes, nexmon_csi pull request 169: RSSI, int16 in Q,I order."""


PHYSTATUS_GENERATIONS = (Generation.NEW, Generation.GAIN)
"""Generations whose firmware writes PhyRxStatus over three CSI words."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameBatch:
    """CSI frames with equally many subcarriers, in order of arrival."""

    index: npt.NDArray[np.int64]
    """Position of each frame among the packets it came with, shape (n,)."""

    time_ns: npt.NDArray[np.int64]
    """Capture time [ns since the UNIX epoch], shape (n,); 0 when unknown."""

    mac: npt.NDArray[np.uint8]
    """Transmitter address as printed, shape (n, 6)."""

    rssi: npt.NDArray[np.int16]
    """Received power [dBm], shape (n,); `NO_RSSI` when the firmware sends none."""

    frame_control: npt.NDArray[np.int16]
    """First byte of the 802.11 frame control, shape (n,); `NO_FRAME_CONTROL` when
    absent. Real on bcm43455c0 only: the other chips leave whatever was there."""

    seq_ctl: npt.NDArray[np.uint16]
    """802.11 sequence control, shape (n,); meaningless for control frames."""

    core: npt.NDArray[np.uint8]
    """Receive core, shape (n,)."""

    stream: npt.NDArray[np.uint8]
    """Spatial stream, shape (n,)."""

    chanspec: npt.NDArray[np.uint16]
    """Broadcom channel specification, shape (n,); 0 in the 2018 extractor."""

    chip: npt.NDArray[np.uint16]
    """Chip field as sent, shape (n,); 0xdead in firmware before 28 October 2019."""

    generation: npt.NDArray[np.uint8]
    """`Generation` of each frame's header, shape (n,)."""

    word_format: npt.NDArray[np.uint8]
    """Index into `WORD_FORMATS`, shape (n,)."""

    imaginary_first: npt.NDArray[np.bool_]
    """Whether the words were stored in Q,I order, shape (n,); `csi` is I+jQ anyway."""

    phystatus: npt.NDArray[np.uint16]
    """PhyRxStatus words, shape (n, 6); zeros where the generation has none."""

    agc_gain: npt.NDArray[np.int16]
    """Receive gain, shape (n,); 0 except in `Generation.GAIN`. Unit not documented."""

    csi: npt.NDArray[np.complex64]
    """Complex gains I+jQ as received, shape (n, n_subcarriers), FFT order, linear,
    unscaled: word k belongs to subcarrier k, or k - n_subcarriers in the upper half.
    Null, guard and overwritten words are still in it; see `edge_agent.csi.subcarriers`.
    """

    def __len__(self) -> int:
        return len(self.time_ns)

    def __getitem__(self, rows: slice | npt.NDArray[np.intp]) -> Self:
        """Return some of the frames."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))

    @property
    def n_subcarriers(self) -> int:
        """64, 128 or 256; 255 in the 2018 extractor."""
        return int(self.csi.shape[1])

    @property
    def has_rssi(self) -> npt.NDArray[np.bool_]:
        """Whether each frame carries a received power, shape (n,)."""
        return np.not_equal(self.rssi, NO_RSSI)

    @classmethod
    def concatenate(cls, batches: list[Self]) -> Self:
        """Return the frames of several batches with equally many subcarriers.

        Raises:
            ValueError: No batch, or different numbers of subcarriers.
        """
        if not batches:
            raise ValueError("nothing to concatenate")
        if len(batches) == 1:
            return batches[0]
        return cls(
            *(
                np.concatenate([getattr(b, f.name) for b in batches])
                for f in fields(cls)
            )
        )


WORD_FORMATS = tuple(WordFormat)


def chip_name(number: int, word_format: WordFormat) -> str:
    """Return the chip's name, as far as header and words tell it."""
    if number in CHIPS:
        return CHIPS[number].name
    if word_format is WordFormat.INT16:
        return "bcm4339 or bcm43455c0"
    return next(c.name for c in CHIPS.values() if c.word_format is word_format)


def format_mac(mac: npt.NDArray[np.uint8]) -> str:
    """Return six bytes as ``aa:bb:cc:dd:ee:ff``."""
    return mac.tobytes().hex(":")
