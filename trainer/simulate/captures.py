"""Write packets to a pcapng file that says it is simulated.

Blocks: draft-ietf-opsawg-pcapng. One section, one Ethernet interface, microseconds.
"""

import struct
from collections.abc import Iterable
from pathlib import Path

from edge_agent.csi.raw import LINK_ETHERNET
from edge_agent.csi.simulated import SIMULATED_COMMENT

_SECTION, _INTERFACE, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
_SNAP_LENGTH = 65535


def write_capture(path: Path, packets: Iterable[tuple[int, bytes]]) -> int:
    """Write packets, oldest first.

    Args:
        path: File to write.
        packets: Capture time [µs since the UNIX epoch] and bytes of each packet.

    Returns:
        Number of packets written.
    """
    comment = SIMULATED_COMMENT.encode()
    option = struct.pack("<HH", 1, len(comment)) + comment + _padding(comment)
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option + bytes(4)
    n_packets = 0
    with path.open("wb") as file:
        file.write(_block(_SECTION, section))
        interface = struct.pack("<HHI", LINK_ETHERNET, 0, _SNAP_LENGTH)
        file.write(_block(_INTERFACE, interface))
        for time_us, packet in packets:
            head = struct.pack(
                "<IIIII",
                0,
                time_us >> 32,
                time_us & 0xFFFFFFFF,
                len(packet),
                len(packet),
            )
            file.write(_block(_ENHANCED_PACKET, head + packet + _padding(packet)))
            n_packets += 1
    return n_packets


def _padding(data: bytes) -> bytes:
    return bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length
