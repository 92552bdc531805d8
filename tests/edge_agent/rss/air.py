"""Radiotap and 802.11 frames by hand: an encoder that shares nothing with the package.

Offsets and sizes are written out as radiotap.org lists them.
"""

import struct

AP = bytes.fromhex("dca632010203")
OTHER_AP = bytes.fromhex("dca632010204")
BEACON, PROBE_RESPONSE, PROBE_REQUEST, DATA, RTS = 0x80, 0x50, 0x40, 0x08, 0xB4

ENCODERS = {
    0: (8, "<Q"),
    1: (1, "<B"),
    2: (1, "<B"),
    3: (2, "<HH"),
    4: (2, "<BB"),
    5: (1, "<b"),
    6: (1, "<b"),
    7: (2, "<H"),
    8: (2, "<H"),
    9: (2, "<H"),
    10: (1, "<b"),
    11: (1, "<B"),
    12: (1, "<B"),
    13: (1, "<B"),
    14: (2, "<H"),
    15: (2, "<H"),
    16: (1, "<B"),
    17: (1, "<B"),
    19: (1, "<BBB"),
    20: (4, "<IHBB"),
    21: (2, "<HBB4sBBH"),
    22: (8, "<QHBB"),
    23: (2, "<6H"),
    24: (2, "<HHBBBBBBBB"),
    25: (2, "<HHBB"),
    26: (1, "<B"),
    27: (2, "<HH"),
}
"""Alignment and layout of each field."""


def zeros_of(layout):
    return [b"" if code == "s" else 0 for code in layout if code.isalpha()]


def field(bit, value=None):
    """Alignment and bytes of a field whose first number is ``value``."""
    align, layout = ENCODERS[bit]
    count = len(struct.unpack(layout, bytes(struct.calcsize(layout))))
    values = [0] * count
    if bit == 21:
        values[3] = b""
    if value is not None:
        values[0] = value
    return align, struct.pack(layout, *values)


def radiotap(*words, words_only=None, length=None, version=0, tail=b""):
    """A header.

    Args:
        *words: For each presence word a list of (bit, value), lowest bit first; other
            entries are (bit, bytes): bit 30 a vendor's six bytes and data.
        words_only: Presence words that replace the true ones.
        length: Instead of the true one.
        version: Of the header.
        tail: Bytes at its end that no field accounts for.
    """
    present, body = [], b""
    start = 4 + 4 * len(words)
    for number, entries in enumerate(words):
        word = sum(1 << bit for bit, _ in entries)
        if number < len(words) - 1:
            word |= 1 << 31
        present.append(word)
        for bit, value in entries:
            if bit in (28, 29):
                continue
            if bit == 30:
                align, data = 2, value
            else:
                align, data = field(bit, value)
            body += bytes(-(start + len(body)) % align) + data
    present = present if words_only is None else words_only
    body += tail
    total = start + len(body) if length is None else length
    head = struct.pack("<BBH", version, 0, total)
    return head + struct.pack(f"<{len(present)}I", *present) + body


def dot11(kind=BEACON, *, address=AP, flags=0, body=b"\0" * 12 + b"\0\0"):
    """A frame with three addresses; a beacon has twelve fixed bytes and an empty SSID.

    Args:
        kind: First byte of the frame control.
        address: Transmitter.
        flags: Second byte of the frame control.
        body: Behind the sequence control.
    """
    return (
        bytes([kind, flags]) + b"\0\0" + b"\xff" * 6 + address + address + b"\0\0"
    ) + body


def heard(address=AP, dbm=-50, *, kind=BEACON, flags=0x00):
    """What a mac80211 driver hands over: flags, rate, channel, power, antenna."""
    header = radiotap(
        [(0, 1234567), (1, flags), (2, 12), (3, 2437), (5, dbm), (11, 0), (14, 0)]
    )
    return header + dot11(kind, address=address)
