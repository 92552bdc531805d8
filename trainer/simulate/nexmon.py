"""Write CSI as the firmware would: bytes that no reader can tell from a chip's.

The new 18-byte header of a bcm43455c0 on a 20 MHz channel, PhyRxStatus included. Byte
table: firmware_notes/csi_udp_format.md.
"""

import struct

import numpy as np
import numpy.typing as npt

from edge_agent.csi.chips import CHIPS
from edge_agent.csi.link import CSI_PORT, FIRMWARE_IP, FIRMWARE_MAC
from edge_agent.csi.simulated import SIMULATED_PREFIX

CHANSPEC = 0xD024
"""Channel 36, 20 MHz."""

_N_WORDS = 64
_BEACON = 0x80
_PHYSTATUS_AT = 28
_STALE_WORDS = {0: 0x1ABC0F21, **{k: 0x11F3E90A + k for k in range(31, 36)}}
"""DC and guard words hold constants larger than the signal, as in real captures."""


def simulated_mac(site: int, access_point: int) -> bytes:
    """Return an address below the prefix that is reserved for simulations."""
    return SIMULATED_PREFIX + bytes([site & 0xFF, access_point & 0xFF])


def pack_words(
    csi: npt.NDArray[np.complex64], tones: npt.NDArray[np.intp]
) -> npt.NDArray[np.uint32]:
    """Return int16 words in I,Q and FFT order, shape (n_packets, 64).

    Args:
        csi: Whole numbers within int16, shape (n_packets, n_tones).
        tones: Subcarrier of each column.
    """
    words = np.zeros((len(csi), _N_WORDS), np.uint32)
    for word, value in _STALE_WORDS.items():
        words[:, word] = value
    parts = np.ascontiguousarray(csi).view(np.float32).astype("<i2")
    words[:, tones % _N_WORDS] = parts.view("<u4")
    return words


def encode_frame(
    words: npt.NDArray[np.uint32], *, mac: bytes, rssi_dbm: int, sequence: int
) -> bytes:
    """Return the Ethernet frame that carries the CSI of one beacon.

    Args:
        words: From `pack_words`, shape (64,).
        mac: Transmitter address, six bytes.
        rssi_dbm: Received power [dBm].
        sequence: 802.11 sequence number; taken modulo 4096.
    """
    header = struct.pack(
        "<HbB6sHHHH",
        0x1111,
        rssi_dbm,
        _BEACON,
        mac,
        sequence % 4096 << 4,
        0,  # core 0, stream 0
        CHANSPEC,
        _CHIP,
    )
    status = struct.pack("<6H", 0x1021, 0, (rssi_dbm & 0xFF) << 8, 0x8080, 0x0080, 0)
    body = bytearray(words.astype("<u4").tobytes())
    body[4 * _PHYSTATUS_AT : 4 * _PHYSTATUS_AT + len(status)] = status
    return _datagram(header + bytes(body))


_CHIP = next(chip.number for chip in CHIPS.values() if chip.name == "bcm43455c0")


def _datagram(payload: bytes) -> bytes:
    udp_length = 8 + len(payload)
    udp = struct.pack(">HHHH", CSI_PORT, CSI_PORT, udp_length, 0)
    ip = bytearray(
        struct.pack(
            ">BBHHHBBH4s4s",
            0x45,
            0,
            20 + udp_length,
            1,
            0,
            1,
            17,
            0,
            FIRMWARE_IP,
            b"\xff\xff\xff\xff",
        )
    )
    ip[10:12] = struct.pack(">H", _ip_checksum(bytes(ip)))
    return b"\xff" * 6 + FIRMWARE_MAC + b"\x08\x00" + bytes(ip) + udp + payload


def _ip_checksum(header: bytes) -> int:
    total: int = sum(struct.unpack(">10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
