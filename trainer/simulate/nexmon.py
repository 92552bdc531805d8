"""Write CSI as a chip's firmware would: bytes that no reader can tell from a chip's.

    Ethernet II  ff:ff:ff:ff:ff:ff <- 4e:45:58:4d:4f:4e ("NEXMON"), 0800       14 bytes
    IPv4         10.10.10.10 -> 255.255.255.255, id 1, TTL 1, checksum         20 bytes
    UDP          5500 -> 5500, checksum 0 (none)                                8 bytes
    header       as the generation has it, edge_agent/csi/header.py      14 to 70 bytes
    words        one per subcarrier, edge_agent/csi/words.py        255 to 1024 bytes

Whole captures at once, as one record array. Byte tables and what the fields are worth
on which chip: firmware_notes/csi_udp_format.md.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from edge_agent.csi.chanspec import decode_chanspec
from edge_agent.csi.decode import phystatus_start
from edge_agent.csi.frame import Generation
from edge_agent.csi.header import OLD_RSSI_AND_FRAME_CONTROL, PLUS_SIGNATURE
from edge_agent.csi.link import CSI_PORT, FIRMWARE_IP, FIRMWARE_MAC
from edge_agent.csi.raw import LINK_ETHERNET, RawFrames
from edge_agent.csi.simulated import SIMULATED_PREFIX
from trainer.simulate.firmware import Firmware, FirmwareError, FrameKind
from trainer.simulate.null_words import fill_null_words
from trainer.simulate.words import pack_words

BROADCAST = b"\xff" * 6
_MAX_STREAM = 3
_SIX_MBIT_S = 12
"""Rate of the 2018 header, in units of 500 kbit/s."""

_NO_CORE = 0x80
_LEFTOVER_FRAME_CONTROL = 0x5A
"""The microcode of bcm4339 and bcm4358 never writes that byte; any value will do."""

_FRAME_CONTROL_IS_REAL, _FRAME_CONTROL_IS_ZERO = "bcm43455c0", "bcm4366c0"
_STATUS_IN_WORD_1 = "bcm4366c0"
"""Chip whose PhyRxStatus has the sub-bands elsewhere."""

RSSI_RANGE_DBM = (-127, -1)
"""-128 in PhyRxStatus means that there is no such core; no radio receives at 0 dBm."""


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """What the chip has to report of received Wi-Fi frames, in order of arrival."""

    time_ns: npt.NDArray[np.int64]
    """When the host gets the report [ns since the UNIX epoch], shape (n,)."""

    csi: npt.NDArray[np.complex64]
    """Gains I+jQ that the chip's words hold exactly (`words.nearest` rounds others),
    shape (n, n_tones)."""

    tones: npt.NDArray[np.intp]
    """Subcarrier k of each column, shape (n_tones,)."""

    mac: npt.NDArray[np.uint8]
    """Transmitter address, shape (n, 6), or (6,) for all."""

    rssi_dbm: npt.NDArray[np.int8] | int
    """Received power, shape (n,) or one for all; lost where the header has none."""

    sequence: npt.NDArray[np.int64] | int
    """802.11 sequence number, modulo 4096, shape (n,) or one for all; fragment 0."""

    core: npt.NDArray[np.int64] | int = 0
    """Receive core, shape (n,) or one for all."""

    stream: npt.NDArray[np.int64] | int = 0
    """Spatial stream, shape (n,) or one for all."""

    agc_gain: npt.NDArray[np.int16] | int = 0
    """Only `Generation.GAIN` sends it, shape (n,) or one for all."""

    kind: FrameKind = FrameKind.BEACON


def simulated_mac(site: int, access_point: int) -> bytes:
    """Return an address below the prefix that is reserved for simulations."""
    return SIMULATED_PREFIX + bytes([site & 0xFF, access_point & 0xFF])


def encode_frames(
    firmware: Firmware, measured: Measurements, rng: np.random.Generator
) -> RawFrames:
    """Return the Ethernet frames that the firmware hands to its host, side by side.

    Words without a tone get what chips leave in them, and those that PhyRxStatus
    overwrites are overwritten, whatever ``measured.csi`` has there.

    Args:
        firmware: Who writes.
        measured: What.
        rng: Source of the leftovers in null words.

    Raises:
        FirmwareError: A core, stream, tone or power that the chip cannot have, or a
            gain that its words cannot hold.
    """
    _check(firmware, measured)
    n = len(measured.csi)
    packet = np.zeros(n, packet_type(firmware))
    packet["transport"] = np.frombuffer(_transport(packet.itemsize), np.uint8)
    _fill_header(packet["header"], firmware, measured)
    used = measured.tones % firmware.fft_size
    words = np.zeros((n, firmware.n_words), "<u4")
    words[:, used] = pack_words(
        measured.csi,
        firmware.word_format,
        imaginary_first=firmware.stores_imaginary_first,
    )
    fill_null_words(words, used, measured.csi, firmware, rng)
    if firmware.writes_phystatus:
        start = phystatus_start(firmware.n_words)
        words[:, start : start + 3] = _phystatus(firmware, measured).view("<u4")
    packet["words"] = words
    size = packet.itemsize
    return RawFrames(
        packet.view(np.uint8),
        size * np.arange(n, dtype=np.int64),
        np.full(n, size, np.int64),
        measured.time_ns,
        LINK_ETHERNET,
        stride=size,
    )


def packet_type(firmware: Firmware) -> np.dtype[np.void]:
    """Return the record of one Ethernet frame: transport, header, words."""
    return np.dtype(
        [
            ("transport", "u1", 42),
            ("header", firmware.layout.record),
            ("words", "<u4", firmware.n_words),
        ]
    )


def _check(firmware: Firmware, measured: Measurements) -> None:
    low, high = RSSI_RANGE_DBM
    _check_range("RSSI [dBm]", measured.rssi_dbm, low, high)
    _check_range(
        f"core of {firmware.chip_name}", measured.core, 0, firmware.n_cores - 1
    )
    _check_range("stream", measured.stream, 0, _MAX_STREAM)
    oldest = firmware.generation is Generation.MOBISYS_2018
    if oldest and (np.any(measured.core) or np.any(measured.stream)):
        raise FirmwareError("the 2018 header has no field for a core or a stream")
    tones, half = measured.tones, firmware.fft_size // 2
    _check_range(f"tone of {firmware.bandwidth_mhz} MHz", tones, -half, half - 1)
    if oldest and bool((tones == -1).any()):
        raise FirmwareError("the 2018 extractor leaves out the word of tone -1")
    if len(np.unique(tones)) != len(tones):
        raise FirmwareError("a tone stands twice among the tones")
    n_frames, n_tones = len(measured.time_ns), len(tones)
    if measured.csi.shape != (n_frames, n_tones):
        raise FirmwareError(
            f"gains of shape {measured.csi.shape} for {n_frames} times and {n_tones} "
            "tones"
        )


def _check_range(
    name: str, values: npt.NDArray[np.generic] | int, low: int, high: int
) -> None:
    array = np.asarray(values)
    wrong = array[(array < low) | (array > high)]
    if wrong.size:
        raise FirmwareError(f"{name} is {wrong.flat[0]}, not {low} to {high}")


def _fill_header(
    header: npt.NDArray[np.void], firmware: Firmware, measured: Measurements
) -> None:
    header["magic"] = firmware.layout.magic
    header["mac"] = measured.mac
    if firmware.generation is Generation.MOBISYS_2018:
        header["rate"] = _SIX_MBIT_S
        return
    if firmware.generation is Generation.OLD:
        header["rssi"] = header["frame_control"] = OLD_RSSI_AND_FRAME_CONTROL
    else:
        header["rssi"] = measured.rssi_dbm
        header["frame_control"] = _frame_control(firmware, measured.kind)
    header["seq_ctl"] = np.asarray(measured.sequence) % 4096 << 4
    core_stream = np.asarray(measured.core) | np.asarray(measured.stream) << 3
    header["core_stream"] = core_stream << firmware.chip.core_stream_shift
    header["chanspec"] = firmware.chanspec
    header["chip"] = firmware.chip_field
    if firmware.generation is Generation.PLUS:
        header["receiver"] = np.frombuffer(BROADCAST, np.uint8)
        header["address3"] = measured.mac
        header["signature"] = PLUS_SIGNATURE
        header["signature_rest"] = b"ODDECODE"
    elif firmware.generation is Generation.GAIN:
        header["agc_gain"] = measured.agc_gain


def _frame_control(firmware: Firmware, kind: FrameKind) -> int:
    """Return what stands in the byte; only one of the chips writes it."""
    if firmware.chip_name == _FRAME_CONTROL_IS_REAL:
        return kind
    is_zero = firmware.chip_name == _FRAME_CONTROL_IS_ZERO
    return 0 if is_zero else _LEFTOVER_FRAME_CONTROL


def _phystatus(firmware: Firmware, measured: Measurements) -> npt.NDArray[np.uint16]:
    """Return PhyRxStatus, shape (n, 6); every core hears equally well."""
    status = np.zeros((len(measured.csi), 6), "<u2")
    subbands = firmware.subbands(measured.kind)
    in_5_ghz = decode_chanspec(firmware.chanspec).band_ghz == 5
    status[:, 0] = firmware.phy(measured.kind) | in_5_ghz << 5
    if firmware.chip_name == _STATUS_IN_WORD_1:
        status[:, 1] = subbands << 9
    else:
        status[:, 0] |= subbands << 12
    heard = np.asarray(measured.rssi_dbm, np.int64) & 0xFF
    power = [heard if core < firmware.n_cores else _NO_CORE for core in range(4)]
    status[:, 2] = power[0] << 8
    status[:, 3] = power[1] | power[2] << 8
    status[:, 4] = power[3]
    return status


@lru_cache(maxsize=32)
def _transport(n_bytes: int) -> bytes:
    """Return Ethernet, IP and UDP headers of a frame of so many bytes."""
    udp_length = n_bytes - 34
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
    return BROADCAST + FIRMWARE_MAC + b"\x08\x00" + bytes(ip) + udp


def _ip_checksum(header: bytes) -> int:
    total: int = sum(struct.unpack(">10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
