"""Captures, packets and frames made by hand; what a test is not about has a default.

Wire formats are written with `struct` and share no code with the package: the tests
compare two descriptions of one format.
"""

import struct
from collections import Counter

import numpy as np

from edge_agent.csi.capture_format import CaptureReader
from edge_agent.csi.decode import Decoded
from edge_agent.csi.frame import FrameBatch, Generation
from edge_agent.csi.raw import RawFrames

TRANSMITTER = bytes.fromhex("dca632010203")
CHANSPECS = {64: 0xD024, 128: 0xD826, 255: 0, 256: 0xE02A}  # 36/20, 36/40, 36/80


# -- the UDP payload -------------------------------------------------------------------


def int16_words(pairs):
    """Words whose first and second part are given, as u32."""
    return [second % 2**16 << 16 | first % 2**16 for first, second in pairs]


def ramp_words(n_words=64):
    """Words whose parts are k and -k, in this order on the wire."""
    return int16_words((k, -k) for k in range(n_words))


def csi_header(
    generation=Generation.NEW,
    *,
    mac=TRANSMITTER,
    rssi=-60,
    frame_control=0x80,
    seq_ctl=0x0FA0,
    core_stream=0,
    chanspec=CHANSPECS[64],
    chip=0x65,
    agc_gain=0,
):
    """Header of a payload; what a generation does not carry is ignored."""
    ids = struct.pack("<HHH", core_stream, chanspec, chip)
    tail = mac + struct.pack("<H", seq_ctl) + ids
    match generation:
        case Generation.MOBISYS_2018:
            return b"\x11\x11\x11\x11" + mac + b"\xaa\xbb\xcc\xdd"
        case Generation.OLD:
            return b"\x11\x11\x11\x11" + tail
        case Generation.NEW:
            return b"\x11\x11" + struct.pack("<bB", rssi, frame_control) + tail
        case Generation.PR169:
            return b"\x11\x11\0\0" + struct.pack("<bB", rssi, frame_control) + tail
        case Generation.PLUS:
            addresses = b"\x01" * 6 + mac + b"\x03" * 6
            measured = struct.pack("<HHh", frame_control, seq_ctl, rssi)
            return b"\x11\x11\x11\x11" + addresses + measured + b"GOODDECODE" + ids
        case Generation.GAIN:
            new = b"\x11\x11" + struct.pack("<bB", rssi, frame_control) + tail
            return new + b"\x22" * 48 + struct.pack("<hh", agc_gain, 0)


def csi_payload(generation=Generation.NEW, *, words=None, **header_fields):
    """UDP payload with one CSI frame; the chanspec follows the number of words."""
    if words is None:
        words = ramp_words(255 if generation is Generation.MOBISYS_2018 else 64)
    fields = {"chanspec": CHANSPECS.get(len(words), 0)} | header_fields
    return csi_header(generation, **fields) + struct.pack(f"<{len(words)}I", *words)


# -- packets ---------------------------------------------------------------------------


def udp(data, *, port=5500, source_port=5500, length=None):
    length = 8 + len(data) if length is None else length
    return struct.pack(">HHHH", source_port, port, length, 0) + data


def ipv4(
    segment,
    *,
    source=bytes([10, 10, 10, 10]),
    protocol=17,
    version=4,
    options=b"",
    header_words=None,
    total_length=None,
    fragment=0,
):
    """IPv4 packet; the lengths are true unless given."""
    size = 20 + len(options)
    words = size // 4 if header_words is None else header_words
    total = size + len(segment) if total_length is None else total_length
    fixed = struct.pack(
        ">BBHHHBBH", version << 4 | words, 0, total, 1, fragment, 1, protocol, 0
    )
    return fixed + source + b"\xff" * 4 + options + segment


def ethernet(packet, *, source=b"NEXMON", protocol=0x0800, tags=()):
    """Ethernet II frame with VLAN tags of the given types, outermost first."""
    kinds = [*tags, protocol]
    between = b"\x00\x07".join(struct.pack(">H", kind) for kind in kinds)
    return b"\xff" * 6 + source + between + packet


def linux_cooked(packet, *, source=b"NEXMON", protocol=0x0800):
    """Linux cooked v1 frame: broadcast, Ethernet, address length 6."""
    return struct.pack(">HHH6sxxH", 1, 1, 6, source, protocol) + packet


def linux_cooked_2(packet, *, source=b"NEXMON", protocol=0x0800):
    """Linux cooked v2 frame: interface 3, Ethernet, broadcast, address length 6."""
    return struct.pack(">HHIHBB6sxx", protocol, 0, 3, 1, 1, 6, source) + packet


def datagram(data=None, *, trailer=b""):
    """The Ethernet frame in which the firmware sends a payload."""
    return ethernet(ipv4(udp(csi_payload() if data is None else data))) + trailer


def raw_frames(packets, *, times_ns=None, link_type=1):
    """Packets as a source hands them to the decoder, with gaps of three bytes."""
    gap = b"gap"
    data = b"".join(gap + packet for packet in packets)
    lengths = np.array([len(packet) for packet in packets], np.int64)
    times = np.zeros(len(packets)) if times_ns is None else times_ns
    return RawFrames(
        np.frombuffer(data, np.uint8),
        np.cumsum(len(gap) + lengths) - lengths,
        lengths,
        np.asarray(times, np.int64),
        link_type,
    )


def packets_of(raws):
    """All packets as (bytes, time [ns], link type), in order."""
    return [
        (raw.data[offset : offset + length].tobytes(), time_ns, raw.link_type)
        for raw in raws
        for offset, length, time_ns in zip(
            raw.offsets.tolist(),
            raw.lengths.tolist(),
            raw.time_ns.tolist(),
            strict=True,
        )
    ]


# -- capture files ---------------------------------------------------------------------


def read_in_pieces(data, cuts):
    """What a capture holds that arrives in pieces, and the reader after it."""
    reader = CaptureReader()
    raws = []
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        raws += reader.feed(data[start:end])
    reader.finish()
    return raws, reader


def pcap_record(packet, *, order="<", seconds=0, fraction=0, length=None):
    length = len(packet) if length is None else length
    return struct.pack(order + "IIII", seconds, fraction, length, length) + packet


def pcap_header(*, order="<", magic=0xA1B2C3D4, link_type=1):
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)


def pcap(packets, *, order="<", link_type=1):
    """Capture file, one packet a second."""
    records = (
        pcap_record(packet, order=order, seconds=i) for i, packet in enumerate(packets)
    )
    return pcap_header(order=order, link_type=link_type) + b"".join(records)


def pcapng_block(kind, body, *, order="<"):
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def pcapng_option(code, value, *, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng_section(*, order="<", options=b""):
    body = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)
    return pcapng_block(0x0A0D0D0A, body + options, order=order)


def pcapng_interface(*, order="<", link_type=1, snap_length=0, options=b""):
    body = struct.pack(order + "HHI", link_type, 0, snap_length)
    return pcapng_block(1, body + options, order=order)


def pcapng_packet(packet, *, order="<", interface=0, ticks=0, captured=None):
    """Enhanced packet block."""
    captured = len(packet) if captured is None else captured
    high, low = divmod(ticks, 2**32)
    body = struct.pack(order + "IIIII", interface, high, low, captured, len(packet))
    return pcapng_block(6, body + packet, order=order)


# -- decoded frames --------------------------------------------------------------------

_COLUMNS = {
    "index": (np.int64, None),
    "time_ns": (np.int64, 0),
    "mac": (np.uint8, list(TRANSMITTER)),
    "rssi": (np.int16, -60),
    "frame_control": (np.int16, 0x80),
    "seq_ctl": (np.uint16, 0),
    "core": (np.uint8, 0),
    "stream": (np.uint8, 0),
    "chanspec": (np.uint16, None),
    "chip": (np.uint16, 0x65),
    "generation": (np.uint8, Generation.NEW),
    "word_format": (np.uint8, 0),
    "imaginary_first": (np.bool_, False),
    # Bits 1-0: legacy OFDM. Bits 15-12: in the lowest 20 MHz.
    "phystatus": (np.uint16, [0x1001, 0, 0, 0, 0, 0]),
    "agc_gain": (np.int16, 0),
}
"""Type and default of each column: Raspberry Pi, new header."""


def frame_batch(csi=None, **columns):
    """Frames with these gains, a single one of ones by default.

    A column given as one value holds for all frames.
    """
    csi = np.ones((1, 64)) if csi is None else np.asarray(csi)
    defaults = {name: default for name, (_, default) in _COLUMNS.items()}
    own = {"index": np.arange(len(csi)), "chanspec": CHANSPECS[csi.shape[1]]}
    values = {}
    for name, value in (defaults | own | columns).items():
        width = (6,) if name in ("mac", "phystatus") else ()
        values[name] = np.broadcast_to(value, (len(csi), *width)).astype(
            _COLUMNS[name][0]
        )
    return FrameBatch(**values, csi=csi.astype(np.complex64))


def decoded(*batches):
    """The decoder's answer that consists of these batches."""
    return Decoded(tuple(batches), Counter(), sum(map(len, batches)))
