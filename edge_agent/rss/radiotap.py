"""Read radiotap headers: what the driver of a monitor interface says of each frame.

    0   it_version   1 byte, 0
    1   it_pad       1 byte
    2   it_len       2 bytes, of the whole header
    4   it_present   4 bytes; bit 31: another such word follows
    ... fields       those whose bit is set, lowest bit of the first word first, each
                     aligned to its own size from the start of the header

All numbers are little-endian. Bit 29 of a word: the next one starts again at bit 0, of
another antenna; bit 30: the next one is a vendor's, whose data is skipped. A field of
unknown size ends the walk, as nothing behind it can be found; what was found counts.

Drivers that know several antennas give the power of all of them in the first word, and
that of each in a word of its own. Where the first has none, the strongest counts.

Sources: radiotap.org (radiotap, and the list of defined fields); Linux,
net/wireless/radiotap.c, for the alignments.
"""

import struct
from typing import NamedTuple

from edge_agent.rss.refusal import RssRefusal

_FIXED = struct.Struct("<BxHI")
_WORD = struct.Struct("<I")
_FLAGS, _DBM_ANTENNA_SIGNAL = 1, 5
_BAD_CHECKSUM = 0x40
_RADIOTAP_NAMESPACE, _VENDOR_NAMESPACE, _EXTENSION = 29, 30, 31
_VENDOR_ALIGN, _VENDOR_SIZE, _VENDOR_SKIP_AT = 2, 6, 4

_FIELDS = (
    (8, 8),  # 0 TSFT
    (1, 1),  # 1 flags
    (1, 1),  # 2 rate
    (2, 4),  # 3 channel
    (2, 2),  # 4 FHSS
    (1, 1),  # 5 antenna signal [dBm]
    (1, 1),  # 6 antenna noise [dBm]
    (2, 2),  # 7 lock quality
    (2, 2),  # 8 TX attenuation
    (2, 2),  # 9 TX attenuation [dB]
    (1, 1),  # 10 TX power [dBm]
    (1, 1),  # 11 antenna
    (1, 1),  # 12 antenna signal [dB]
    (1, 1),  # 13 antenna noise [dB]
    (2, 2),  # 14 RX flags
    (2, 2),  # 15 TX flags
    (1, 1),  # 16 RTS retries
    (1, 1),  # 17 data retries
    (4, 8),  # 18 extended channel
    (1, 3),  # 19 MCS
    (4, 8),  # 20 A-MPDU status
    (2, 12),  # 21 VHT
    (8, 12),  # 22 timestamp
    (2, 12),  # 23 HE
    (2, 12),  # 24 HE-MU
    (2, 6),  # 25 HE-MU other user
    (1, 1),  # 26 zero-length PSDU
    (2, 4),  # 27 L-SIG
)
"""Alignment and size of the fields by bit; 28 is a list of fields of any size."""


class Radiotap(NamedTuple):
    """What counts of a header."""

    length: int
    """Bytes; the 802.11 frame starts here."""

    signal_dbm: int | None
    """Received power [dBm], -128 to 127; None where the header has none."""

    is_damaged: bool
    """Whether the frame check sequence is wrong."""


def read_radiotap(packet: bytes) -> Radiotap | RssRefusal:
    """Return what a packet's radiotap header says, or why it says nothing.

    Args:
        packet: As captured, from the header on.
    """
    if len(packet) < _FIXED.size:
        return RssRefusal.TRUNCATED
    version, length, word = _FIXED.unpack_from(packet)
    if version != 0 or length < _FIXED.size:
        return RssRefusal.BAD_RADIOTAP
    if length > len(packet):
        return RssRefusal.TRUNCATED
    words, at = [word], _FIXED.size
    while words[-1] >> _EXTENSION:
        if at + _WORD.size > length:
            return RssRefusal.BAD_RADIOTAP
        words += _WORD.unpack_from(packet, at)
        at += _WORD.size
    return _walk(packet[:length], words, at)


def _walk(header: bytes, words: list[int], at: int) -> Radiotap | RssRefusal:
    """Go through the fields, which start at ``at``."""
    flags = 0
    signals: list[int] = []
    of_all: int | None = None
    is_radiotap = True
    for number, word in enumerate(words):
        if is_radiotap:
            for bit in _set_bits(word):
                if bit >= len(_FIELDS):
                    return _result(header, flags, of_all, signals)
                align, size = _FIELDS[bit]
                at += -at % align
                if at + size > len(header):
                    return RssRefusal.BAD_RADIOTAP
                if bit == _FLAGS and number == 0:
                    flags = header[at]
                elif bit == _DBM_ANTENNA_SIGNAL:
                    (signal,) = struct.unpack_from("b", header, at)
                    signals.append(signal)
                    of_all = signal if number == 0 else of_all
                at += size
        if word >> _VENDOR_NAMESPACE & 1:
            at += -at % _VENDOR_ALIGN
            if at + _VENDOR_SIZE > len(header):
                return RssRefusal.BAD_RADIOTAP
            (skip,) = struct.unpack_from("<H", header, at + _VENDOR_SKIP_AT)
            at += _VENDOR_SIZE + skip
            if at > len(header):
                return RssRefusal.BAD_RADIOTAP
            is_radiotap = False
        elif word >> _RADIOTAP_NAMESPACE & 1:
            is_radiotap = True
        elif is_radiotap:  # bits from 32 on, of which none is defined
            break
    return _result(header, flags, of_all, signals)


def _result(
    header: bytes, flags: int, of_all: int | None, signals: list[int]
) -> Radiotap:
    strongest = max(signals, default=None)
    return Radiotap(
        len(header),
        strongest if of_all is None else of_all,
        bool(flags & _BAD_CHECKSUM),
    )


def _set_bits(word: int) -> list[int]:
    """Return which bits below those of the namespaces are set, lowest first."""
    return [bit for bit in range(_RADIOTAP_NAMESPACE) if word >> bit & 1]
