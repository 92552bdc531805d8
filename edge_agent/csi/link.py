"""Find the UDP payload in a captured packet.

Nexmon's firmware builds Ethernet II / IPv4 / UDP frames from 4e:45:58:4d:4f:4e
("NEXMON"), 10.10.10.10 to port 5500; they never were on the air. Anything else on that
port is somebody else's, and is refused. Source: firmware_notes/csi_udp_format.md,
section 1.

    link type           link header                                  NEXMON address at
    1    Ethernet       14 bytes, 802.1Q / 802.1ad tags of 4 bytes    6
    113  Linux cooked   16 bytes, protocol at 14                      6
    276  Linux cooked 2 20 bytes, protocol at 0                       12
    101, 228, 12 raw IP none                                          -
"""

from typing import NamedTuple

from edge_agent.csi.raw import LINK_ETHERNET, LINK_RAW_IP, LINK_SLL, LINK_SLL2
from edge_agent.csi.refusal import Refusal

CSI_PORT = 5500
FIRMWARE_MAC = b"NEXMON"
FIRMWARE_IP = bytes([10, 10, 10, 10])

_IPV4 = 0x0800
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
_MAX_VLAN_TAGS = 2
_UDP = 17
_IP_HEADER = 20
_UDP_HEADER = 8

_LINK_HEADERS = {
    LINK_ETHERNET: (14, 12, 6),
    LINK_SLL: (16, 14, 6),
    LINK_SLL2: (20, 0, 12),
}
"""Per link type: header bytes, offset of the protocol, offset of the sender."""


class Located(NamedTuple):
    """Verdict on one packet; packets that agree in what was examined share it."""

    examined: int
    """Leading bytes that decided; in an accepted packet the payload starts here."""

    length: int = 0
    """Payload bytes, from the UDP header: Ethernet trailer bytes do not count."""

    refusal: Refusal | None = None


def find_udp_payload(packet: bytes, link_type: int) -> Located:
    """Return where the CSI datagram's payload lies, or why there is none.

    The verdict depends on the ``examined`` leading bytes and on the captured length,
    and on nothing else.

    Args:
        packet: The packet from its link header on, as captured.
        link_type: One of `edge_agent.csi.raw.CSI_LINK_TYPES`.
    """
    if not packet:
        return Located(0, refusal=Refusal.EMPTY)
    try:
        return _find_udp_payload(packet, link_type)
    except _RefusedError as refused:
        return Located(refused.examined, refusal=refused.refusal)


class _RefusedError(Exception):
    def __init__(self, refusal: Refusal, examined: int) -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.examined = examined


def _find_udp_payload(packet: bytes, link_type: int) -> Located:
    ip, from_firmware = _skip_link_header(packet, link_type)
    udp, end = _skip_ip_header(packet, ip)
    payload = udp + _UDP_HEADER
    if _be16(packet, udp + 2) != CSI_PORT:
        raise _RefusedError(Refusal.OTHER_PORT, payload)
    if not (from_firmware and packet[ip + 12 : ip + 16] == FIRMWARE_IP):
        raise _RefusedError(Refusal.SPOOFED, payload)
    udp_length = _be16(packet, udp + 4)
    if not _UDP_HEADER <= udp_length <= end - udp:
        raise _RefusedError(Refusal.BAD_UDP_LENGTH, payload)
    return Located(payload, udp_length - _UDP_HEADER)


def _be16(packet: bytes, offset: int) -> int:
    return packet[offset] << 8 | packet[offset + 1]


def _require(packet: bytes, size: int) -> None:
    if len(packet) < size:
        raise _RefusedError(Refusal.TRUNCATED, len(packet))


def _skip_link_header(packet: bytes, link_type: int) -> tuple[int, bool]:
    """Return where the IP header starts, and whether the address is the firmware's."""
    if link_type in LINK_RAW_IP:
        return 0, True
    if link_type not in _LINK_HEADERS:
        raise _RefusedError(Refusal.LINK_TYPE, 0)
    header, protocol_at, address_at = _LINK_HEADERS[link_type]
    _require(packet, header)
    protocol = _be16(packet, protocol_at)
    for _ in range(_MAX_VLAN_TAGS):
        if protocol not in _VLAN_TAGS:
            break
        _require(packet, header + 4)
        protocol = _be16(packet, header + 2)
        header += 4
    if protocol != _IPV4:
        raise _RefusedError(Refusal.NOT_IPV4, header)
    return header, packet[address_at : address_at + 6] == FIRMWARE_MAC


def _skip_ip_header(packet: bytes, ip: int) -> tuple[int, int]:
    """Return where the UDP header starts and where the IP packet ends."""
    _require(packet, ip + _IP_HEADER)
    fixed_part = ip + _IP_HEADER
    if packet[ip] >> 4 != 4:
        raise _RefusedError(Refusal.NOT_IPV4, fixed_part)
    header = 4 * (packet[ip] & 0x0F)
    total = _be16(packet, ip + 2)
    if header < _IP_HEADER or total < header:
        raise _RefusedError(Refusal.BAD_IP_HEADER, fixed_part)
    if _be16(packet, ip + 6) & 0x3FFF:  # more fragments, or not the first one
        raise _RefusedError(Refusal.FRAGMENT, fixed_part)
    if packet[ip + 9] != _UDP:
        raise _RefusedError(Refusal.NOT_UDP, fixed_part)
    if total < header + _UDP_HEADER:
        raise _RefusedError(Refusal.BAD_IP_HEADER, fixed_part)
    _require(packet, ip + total)
    return ip + header, ip + total
