"""Who sent an 802.11 frame, as far as its first bytes tell.

    0   frame control   2 bytes: version (2 bits), type (2), subtype (4), flags (8)
    2   duration        2 bytes
    4   address 1       6 bytes, receiver
    10  address 2       6 bytes, transmitter: in management and data frames

Source: IEEE Std 802.11-2020, 9.2.4 and 9.3.
"""

from typing import NamedTuple

from edge_agent.rss.refusal import RssRefusal

_MANAGEMENT, _DATA = 0, 2
_PROBE_RESPONSE, _BEACON = 5, 8
_ADDRESS_2 = slice(10, 16)
_GROUP = 0x01


class Sender(NamedTuple):
    """Who sent a frame."""

    address: bytes
    """6 bytes."""

    is_access_point: bool
    """Whether only access points send such frames: beacons and probe responses."""


def read_sender(frame: bytes) -> Sender | RssRefusal:
    """Return who sent a frame, or why that cannot be told.

    Args:
        frame: From the frame control on.
    """
    if not frame:
        return RssRefusal.TRUNCATED
    version, kind, subtype = frame[0] & 3, frame[0] >> 2 & 3, frame[0] >> 4
    if version != 0:
        return RssRefusal.BAD_VERSION
    if kind not in (_MANAGEMENT, _DATA):
        return RssRefusal.NO_TRANSMITTER
    address = frame[_ADDRESS_2]
    if len(address) < 6:
        return RssRefusal.TRUNCATED
    if address[0] & _GROUP:
        return RssRefusal.GROUP_ADDRESS
    is_beacon = kind == _MANAGEMENT and subtype in (_PROBE_RESPONSE, _BEACON)
    return Sender(address, is_beacon)
