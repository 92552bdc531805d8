"""The header generations of the UDP payload, as numpy records.

Little endian throughout, whatever the capture file's byte order. A generation is told
by the payload's total length, which never collides, then by its magic bytes.

    generation    bytes  words       layout
    MOBISYS_2018     14  255         u32 11111111, mac[6], u32 rate
    OLD              18  64 128 256  u32 11111111, mac[6], seq, css, chanspec, chip
    NEW              18  64 128 256  u16 1111, i8 rssi, u8 fc, mac[6], seq, css,
                                     chanspec, chip
    PR169            20  64 128 256  u32 00001111, i8 rssi, u8 fc, mac[6], seq, css,
                                     chanspec, chip
    PLUS             44  64 128 256  u32 11111111, addr1[6], addr2[6], addr3[6], u16 fc,
                                     seq, i16 rssi, "GOODDECODE", css, chanspec, chip
    GAIN             70  64 128 256  NEW, then i8 gains[48], i16 agc gain, i16 0

Source: firmware_notes/csi_udp_format.md, section 2.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.csi.frame import Generation

_TAIL = [
    ("seq_ctl", "<u2"),
    ("core_stream", "<u2"),
    ("chanspec", "<u2"),
    ("chip", "<u2"),
]
_RSSI = [("rssi", "i1"), ("frame_control", "u1"), ("mac", "u1", 6)]

_RECORDS = {
    Generation.MOBISYS_2018: np.dtype(
        [("magic", "<u4"), ("mac", "u1", 6), ("rate", "<u4")]
    ),
    Generation.NEW: np.dtype([("magic", "<u2"), *_RSSI, *_TAIL]),
    Generation.PR169: np.dtype([("magic", "<u4"), *_RSSI, *_TAIL]),
    Generation.PLUS: np.dtype(
        [
            ("magic", "<u4"),
            ("receiver", "u1", 6),
            ("mac", "u1", 6),
            ("address3", "u1", 6),
            ("frame_control", "<u2"),
            ("seq_ctl", "<u2"),
            ("rssi", "<i2"),
            ("signature", "<u2"),
            ("signature_rest", "V8"),
            *_TAIL[1:],
        ]
    ),
    Generation.GAIN: np.dtype(
        [
            ("magic", "<u2"),
            *_RSSI,
            *_TAIL,
            ("gains", "i1", 48),
            ("agc_gain", "<i2"),
            ("zero", "<i2"),
        ]
    ),
}

_MAGIC = {
    Generation.MOBISYS_2018: 0x11111111,
    Generation.NEW: 0x1111,
    Generation.PR169: 0x00001111,
    Generation.PLUS: 0x11111111,
    Generation.GAIN: 0x1111,
}

OLD_RSSI_AND_FRAME_CONTROL = 0x11
"""Both bytes where the old header repeats its magic. No radio receives at +17 dBm, and
no 802.11 frame has version 1, so the pair cannot come from the new header."""

PLUS_SIGNATURE = int.from_bytes(b"GO", "little")
"""Only these two bytes of "GOODDECODE" are reliable at 20 MHz."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a payload of one length is laid out."""

    generation: Generation
    """NEW stands for OLD as well: they differ in two bytes, not in length."""

    record: np.dtype[np.void]
    magic: int
    n_subcarriers: int


def _layouts() -> dict[int, Layout]:
    layouts = {}
    for generation, record in _RECORDS.items():
        oldest = generation is Generation.MOBISYS_2018
        for n_subcarriers in (255,) if oldest else (64, 128, 256):
            layouts[record.itemsize + 4 * n_subcarriers] = Layout(
                generation, record, _MAGIC[generation], n_subcarriers
            )
    return layouts


LAYOUTS = _layouts()
"""Layout by payload length [bytes]; other lengths carry no CSI."""
