"""pcap streams written by hand, cut into any chunks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi import CaptureReader, kernel
from edge_agent.csi.pcap import MAX_PACKET
from tests.builders import (
    ethernet,
    ipv4,
    packets_of,
    pcap,
    pcap_header,
    pcap_record,
    read_in_pieces,
    udp,
)

pytestmark = pytest.mark.usefixtures("either_way")

MICRO, NANO = 0xA1B2C3D4, 0xA1B23C4D


def read(data, *, cuts=()):
    """Packets of a stream that arrives in pieces, and the damage."""
    raws, reader = read_in_pieces(data, cuts)
    return packets_of(raws), reader.damage


def firmware_packet(n_payload):
    return ethernet(ipv4(udp(bytes(n_payload))))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "ns_per_tick"), [(MICRO, 1000), (NANO, 1)])
def test_byte_order_and_resolution(order, magic, ns_per_tick):
    data = pcap_header(order=order, magic=magic)
    data += pcap_record(b"one", order=order, seconds=1_700_000_000, fraction=123_456)
    data += pcap_record(b"three", order=order, seconds=5, fraction=0)

    packets, damage = read(data)

    assert packets == [
        (b"one", 1_700_000_000_000_000_000 + 123_456 * ns_per_tick, 1),
        (b"three", 5_000_000_000, 1),
    ]
    assert damage is None


@pytest.mark.parametrize(
    ("seconds", "fraction", "time_ns"),
    [
        (0, 0, 0),
        (1, 2_500_000, 3_500_000_000),  # microseconds beyond a second
        (2**32 - 1, 999_999, 4_294_967_295_999_999_000),  # the year 2106
        (2**32 - 1, 2**32 - 1, (2**32 - 1) * 1_000_001_000),
    ],
)
def test_impossible_times_are_computed_without_overflow(seconds, fraction, time_ns):
    record = pcap_record(b"one", seconds=seconds, fraction=fraction)

    packets, _ = read(pcap_header() + record)

    assert packets == [(b"one", time_ns, 1)]


def test_the_original_length_does_not_matter():
    record = bytearray(pcap_record(b"one"))
    record[12:16] = b"\xff\xff\xff\xff"

    packets, damage = read(pcap_header() + bytes(record))

    assert [packet for packet, _, _ in packets] == [b"one"]
    assert damage is None


FAKE_RECORD = pcap_record(firmware_packet(6))

SHAPES = {
    "none": [],
    "one": [firmware_packet(1042)],
    "empty packets": [b""] * 5,
    "all of one length": [firmware_packet(1042)] * 5,
    "one length, then another": [b"12345"] * 3 + [b"123456"],
    "one length, then one of nothing": [b"12345"] * 3 + [b""],
    "lengths vary": [firmware_packet(n) for n in (1042, 1046, 538, 1042)],
    "odd lengths": [firmware_packet(n) for n in (5, 6, 7, 6)],
    "records inside a packet": [
        firmware_packet(2) + FAKE_RECORD * 3,
        firmware_packet(6),
        bytes(24) + FAKE_RECORD,
    ],
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("packets", SHAPES.values(), ids=SHAPES)
def test_every_shape_of_stream_is_split_where_it_should(packets, order):
    records = [
        pcap_record(packet, order=order, seconds=i, fraction=2)
        for i, packet in enumerate(packets)
    ]
    data = pcap_header(order=order) + b"".join(records)

    found, damage = read(data)

    expected = [(packet, i * 10**9 + 2000, 1) for i, packet in enumerate(packets)]
    assert found == expected
    assert damage is None


def test_without_the_kernel_records_of_one_length_are_found_at_once(monkeypatch):
    monkeypatch.setattr(kernel, "AVAILABLE", False)
    record = pcap_record(firmware_packet(1042))

    (raw,) = CaptureReader().feed(pcap_header() + record * 7 + record[:15])

    assert (len(raw), raw.stride) == (7, len(record))


@pytest.mark.parametrize("length", [MAX_PACKET + 1, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("packets", SHAPES.values(), ids=SHAPES)
def test_a_record_too_long_to_exist_ends_the_stream(packets, length):
    records = b"".join(map(pcap_record, packets))
    impossible = pcap_record(firmware_packet(6), length=length)

    found, damage = read(pcap_header() + records + impossible + records)

    assert [packet for packet, _, _ in found] == packets
    assert damage == (
        f"a record claims {length} bytes, more than any capture program "
        f"writes ({MAX_PACKET}); reading stopped there"
    )


def test_a_record_too_long_to_exist_is_known_by_its_header():
    impossible = pcap_record(b"", length=MAX_PACKET + 1)

    _, damage = read(pcap_header() + impossible)
    _, cut_damage = read(pcap_header() + impossible[:-1])

    assert damage.startswith(f"a record claims {MAX_PACKET + 1} bytes")
    assert cut_damage == "ends in the middle of a packet (15 bytes of it)"


def test_a_record_too_long_to_exist_is_not_skipped():
    records = [
        pcap_record(packet) for packet in (b"one", bytes(MAX_PACKET + 1), b"two")
    ]

    found, damage = read(pcap_header() + b"".join(records))

    assert [packet for packet, _, _ in found] == [b"one"]
    assert damage.startswith(f"a record claims {MAX_PACKET + 1} bytes")


def test_the_longest_record_that_can_exist_is_read():
    data = pcap_header() + pcap_record(bytes(MAX_PACKET)) + pcap_record(b"one")

    found, damage = read(data, cuts=[100_000, 200_000])

    assert [packet for packet, _, _ in found] == [bytes(MAX_PACKET), b"one"]
    assert damage is None


# -- whatever the packets and the cuts are ---------------------------------------------

ODD_PACKETS = st.binary(max_size=40) | st.sampled_from(
    [packet for packets in SHAPES.values() for packet in packets if len(packet) < 300]
)
STREAMS = st.lists(ODD_PACKETS, max_size=12) | st.tuples(
    ODD_PACKETS, st.integers(0, 12), st.lists(ODD_PACKETS, max_size=2)
).map(lambda equal: [equal[0]] * equal[1] + equal[2])


@settings(max_examples=300, deadline=None)
@given(
    packets=STREAMS,
    order=st.sampled_from("<>"),
    cuts=st.lists(st.floats(0, 1), max_size=6),
    kept=st.floats(0, 1) | st.just(1.0),
)
def test_any_stream_gives_its_packets_however_it_is_cut(packets, order, cuts, kept):
    data = pcap_header(order=order)
    ends = []
    for packet in packets:
        data += pcap_record(packet, order=order)
        ends.append(len(data))
    size = max(24, round(kept * len(data)))

    found, damage = read(data[:size], cuts=sorted(round(cut * size) for cut in cuts))

    n_whole = sum(end <= size for end in ends)
    assert [packet for packet, _, _ in found] == packets[:n_whole]
    n_left = size - (ends[n_whole - 1] if n_whole else 24)
    assert damage == (
        f"ends in the middle of a packet ({n_left} bytes of it)" if n_left else None
    )


@pytest.mark.parametrize("n_short", [1, 63, 64, 65, 500])
def test_many_short_packets_after_a_long_one_are_all_found(n_short):
    packets = [bytes(1000), *(bytes([n % 256]) for n in range(n_short))]

    found, damage = read(pcap(packets))

    assert [data for data, _, _ in found] == packets
    assert damage is None
