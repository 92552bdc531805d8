"""Why a captured packet says nothing of received power.

Counted by reason and reported together, never one by one: anybody within radio range
can send as many as they like.
"""

from enum import StrEnum


class RssRefusal(StrEnum):
    """Reason for which a packet gives no received power; the value is for humans."""

    TRUNCATED = "cut short by the capture (snap length)"
    BAD_RADIOTAP = "radiotap header contradicts itself"
    NO_SIGNAL = "no received power in the radiotap header"
    IMPOSSIBLE_SIGNAL = "received power outside -127 to 0 dBm"
    BAD_CHECKSUM = "damaged on the air (bad frame check sequence)"
    BAD_VERSION = "no 802.11 frame (protocol version is not 0)"
    NO_TRANSMITTER = "control or extension frame"
    GROUP_ADDRESS = "transmitter address is a group's"
    NOT_ACCESS_POINT = "802.11, but no beacon or probe response of an access point"
    CSI_WITHOUT_RSSI = "CSI frame, but its firmware sends no RSSI"
    LATER_STREAM = "CSI of a second or later spatial stream of the same frame"


class RssUnused(StrEnum):
    """Why received power entered no window; the value is for humans."""

    OTHER_TRANSMITTER = "transmitter is not part of the calibration"
    NO_TIME = "the capture gives no time"
    CLOCK = "discarded because the clock jumped back"
    CROWDED = "more frames than can arrive within a window"
