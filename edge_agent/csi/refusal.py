"""Why a captured packet is not a usable CSI frame.

Refused packets are counted by reason and reported together, never logged one by one:
anybody within radio range, or on the same wire, can send as many as they like.
"""

from enum import StrEnum


class Refusal(StrEnum):
    """Reason for which a packet gives no CSI frame; the value is for humans."""

    EMPTY = "empty packet"
    BAD_BLOCK = "capture block contradicts itself"
    NOT_IPV4 = "not IPv4"
    BAD_IP_HEADER = "damaged IP header"
    FRAGMENT = "IP fragment"
    NOT_UDP = "not UDP"
    OTHER_PORT = "UDP, but not to port 5500"
    TRUNCATED = "cut short by the capture (snap length)"
    BAD_UDP_LENGTH = "UDP length contradicts the IP length"
    SPOOFED = "not sent by the Wi-Fi firmware (foreign sender on port 5500)"
    LINK_TYPE = "link type cannot carry CSI"
    NOT_CSI = "no CSI: other length (debug text, foreign program)"
    BAD_MAGIC = "no CSI: magic bytes differ"
    UNKNOWN_CHIP = "unknown chip"
    BAD_CHANSPEC = "impossible chanspec (interface down or firmware crashed)"
    BANDWIDTH_MISMATCH = "chanspec bandwidth contradicts the number of subcarriers"
    BAD_CORE_STREAM = "receive core or spatial stream out of range"
