"""The four Broadcom chips that Nexmon patches for CSI.

Source: firmware_notes/csi_udp_format.md, sections 2 and 3.
"""

from dataclasses import dataclass
from enum import StrEnum


class WordFormat(StrEnum):
    """How one subcarrier's complex gain is packed into a 32-bit word."""

    INT16 = "int16"
    """Two signed 16-bit integers."""

    FLOAT_9_5 = "float 9+9+5"
    """Sign and 8-bit magnitude, twice, and a shared 5-bit exponent."""

    FLOAT_12_6 = "float 12+12+6"
    """Sign and 11-bit magnitude, twice, and a shared 6-bit exponent."""


@dataclass(frozen=True, slots=True)
class Chip:
    """What the decoder must know about one chip."""

    number: int
    """Value of the header's chip field."""

    name: str

    word_format: WordFormat

    core_stream_shift: int
    """Bits by which the core/stream field is shifted to the left."""


CHIPS = {
    chip.number: chip
    for chip in (
        Chip(0x0001, "bcm4339", WordFormat.INT16, 0),
        Chip(0x0003, "bcm4358", WordFormat.FLOAT_9_5, 0),
        Chip(0x0065, "bcm43455c0", WordFormat.INT16, 0),
        Chip(0x006A, "bcm4366c0", WordFormat.FLOAT_12_6, 8),
    )
}

UNNAMED_CHIP = 0xDEAD
"""What firmware before 28 October 2019 wrote into the chip field of every chip."""
