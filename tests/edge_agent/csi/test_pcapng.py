"""pcapng streams written by hand, cut into any chunks."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi import Refusal
from edge_agent.csi.pcap import MAX_PACKET
from edge_agent.csi.simulated import SIMULATED_COMMENT
from tests.builders import (
    packets_of,
    pcapng_block,
    pcapng_interface,
    pcapng_option,
    pcapng_packet,
    pcapng_section,
    read_in_pieces,
)

START = pcapng_section() + pcapng_interface()
COMMENT, TSRESOL, TSOFFSET = 1, 9, 14


def read(data, *, cuts=()):
    """Packets of a stream that arrives in pieces, and the reader after it."""
    raws, reader = read_in_pieces(data, cuts)
    return packets_of(raws), reader


def contents(data):
    packets, _ = read(data)
    return [packet for packet, _, _ in packets]


def simple_packet(packet, *, order="<", original=None):
    original = len(packet) if original is None else original
    return pcapng_block(3, struct.pack(order + "I", original) + packet, order=order)


def old_packet(packet, *, order="<", interface=0, drops=9, ticks=0):
    high, low = divmod(ticks, 2**32)
    sizes = len(packet), len(packet)
    body = struct.pack(order + "HHIIII", interface, drops, high, low, *sizes)
    return pcapng_block(2, body + packet, order=order)


def time_of(ticks, *options, order="<"):
    """The time [ns] that a time stamp means to an interface with these options."""
    data = pcapng_section(order=order)
    data += pcapng_interface(order=order, options=b"".join(options))
    packets, _ = read(data + pcapng_packet(b"one", order=order, ticks=ticks))
    ((_, time_ns, _),) = packets
    return time_ns


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_kind_of_packet_block_is_read_in_either_byte_order(order):
    data = pcapng_section(order=order) + pcapng_interface(order=order)
    data += pcapng_packet(b"enhanced", order=order, ticks=2**32 + 5)
    data += simple_packet(b"simple", order=order)
    data += old_packet(b"old", order=order, ticks=2**32 + 7)

    packets, reader = read(data)

    assert packets == [
        (b"enhanced", (2**32 + 5) * 1000, 1),
        (b"simple", 0, 1),  # carries no time
        (b"old", (2**32 + 7) * 1000, 1),
    ]
    assert reader.damage is None
    assert not reader.refused


def test_blocks_of_other_kinds_are_skipped():
    statistics, names, own = (pcapng_block(kind, b"12345678") for kind in (5, 4, 0xBAD))

    assert contents(
        START + names + pcapng_packet(b"one") + own + pcapng_packet(b"two") + statistics
    ) == [b"one", b"two"]


def test_options_of_a_packet_are_no_part_of_it():
    block = pcapng_packet(b"four" + pcapng_option(COMMENT, b"x"), captured=4)

    assert contents(START + block) == [b"four"]


def test_padding_is_no_part_of_a_packet():
    data = START + pcapng_packet(b"12345") + old_packet(b"123456")

    assert contents(data + simple_packet(b"1234567")) == [
        b"12345",
        b"123456",
        b"1234567",
    ]


# -- time ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resolution", "ticks", "time_ns"),
    [
        (None, 1_500_000, 1_500_000_000),  # microseconds
        (b"", 1_500_000, 1_500_000_000),
        (b"\x06", 1_500_000, 1_500_000_000),
        (b"\x00", 3, 3_000_000_000),
        (b"\x03", 1500, 1_500_000_000),
        (b"\x09", 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        (b"\x0c", 1_999, 1),  # picoseconds, rounded down
        (b"\x7f", 2**64 - 1, 0),
        (b"\x80", 3, 3_000_000_000),  # powers of two from here on
        (b"\x8a", 1536, 1_500_000_000),
        (b"\xff", 2**64 - 1, 0),
    ],
)
def test_resolution(resolution, ticks, time_ns):
    options = [] if resolution is None else [pcapng_option(TSRESOL, resolution)]

    assert time_of(ticks, *options) == time_ns


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("offset_s", [0, 1_700_000_000, -5])
def test_offset(order, offset_s):
    offset = struct.pack(order + "q", offset_s)

    time_ns = time_of(
        7_000_001, pcapng_option(TSOFFSET, offset, order=order), order=order
    )

    assert time_ns == (7 + offset_s) * 10**9 + 1000


@pytest.mark.parametrize(
    ("ticks", "offset_s"), [(0, -1), (0, 2**62), (2**64 - 1, 0), (0, -(2**63))]
)
def test_times_that_fit_no_calendar_are_unknown(ticks, offset_s):
    offset = pcapng_option(TSOFFSET, struct.pack("<q", offset_s))

    assert time_of(ticks, pcapng_option(TSRESOL, b"\x00"), offset) == 0


def test_the_last_nanosecond_that_fits():
    resolution = pcapng_option(TSRESOL, b"\x09")

    assert time_of(2**63 - 1, resolution) == 2**63 - 1
    assert time_of(2**63, resolution) == 0


# -- options ---------------------------------------------------------------------------


def comment(text):
    return pcapng_option(COMMENT, text)


def test_comments_of_the_capture_are_kept_in_order():
    data = pcapng_section(options=comment(b"room 3") + comment("Flur, früh".encode()))
    data += pcapng_interface(options=comment(b"wlan0"))

    _, reader = read(data)

    assert reader.comments == ["room 3", "Flur, früh", "wlan0"]


def test_a_comment_that_is_no_utf8_is_still_shown():
    _, reader = read(pcapng_section(options=comment(b"caf\xe9")))

    assert reader.comments == ["caf\ufffd"]


def test_comments_cannot_fill_the_memory():
    data = pcapng_section(options=comment(b"1") * 60)
    data += pcapng_section(options=comment(b"2") * 60)

    _, reader = read(data)

    assert reader.comments == ["1"] * 60 + ["2"] * 4


def test_what_is_simulated_is_told_behind_any_number_of_comments():
    mark = SIMULATED_COMMENT.encode()
    data = pcapng_section(options=comment(b"1") * 100)
    data += pcapng_section(options=comment(mark) * 100)

    _, reader = read(data)

    assert reader.comments == ["1"] * 64 + [SIMULATED_COMMENT]


def test_nothing_is_read_behind_the_end_of_the_options():
    _, reader = read(pcapng_section(options=pcapng_option(0, b"") + comment(b"no")))

    assert reader.comments == []


def test_an_option_longer_than_its_block_is_not_read():
    lying = struct.pack("<HH", COMMENT, 400) + b"text"

    _, reader = read(pcapng_section(options=comment(b"good") + lying))

    assert reader.comments == ["good"]


# -- interfaces and sections -----------------------------------------------------------


def test_each_packet_has_the_link_type_and_clock_of_its_interface():
    nanoseconds = pcapng_option(TSRESOL, b"\x09")
    data = START + pcapng_interface(link_type=113, options=nanoseconds)
    data += pcapng_packet(b"a", ticks=3) + pcapng_packet(b"b", interface=1, ticks=3)
    data += pcapng_packet(b"c", interface=1, ticks=4) + pcapng_packet(b"d", ticks=4)

    packets, _ = read(data)

    assert packets == [
        (b"a", 3000, 1),
        (b"b", 3, 113),
        (b"c", 4, 113),
        (b"d", 4000, 1),
    ]


def test_packets_of_interfaces_without_csi_are_counted():
    data = START + pcapng_interface(link_type=127)
    data += pcapng_packet(b"radio", interface=1) + pcapng_packet(b"one")

    packets, reader = read(data)

    assert packets == [(b"one", 0, 1)]
    assert reader.refused == {Refusal.LINK_TYPE: 1}


def test_a_section_has_its_own_byte_order_and_interfaces():
    second = pcapng_section(order=">") + pcapng_interface(order=">", link_type=113)
    data = START + pcapng_packet(b"one", ticks=1)
    data += second + pcapng_packet(b"two", order=">", ticks=2)

    packets, _ = read(data)

    assert packets == [(b"one", 1000, 1), (b"two", 2000, 113)]


def test_interfaces_of_an_earlier_section_are_gone():
    data = START + pcapng_packet(b"one") + pcapng_section() + pcapng_packet(b"two")

    packets, reader = read(data)

    assert packets == [(b"one", 0, 1)]
    assert reader.refused == {Refusal.BAD_BLOCK: 1}


# -- lies ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "block",
    [
        pcapng_packet(b"lost", interface=1),
        pcapng_packet(b"lost", interface=2**32 - 1),
        pcapng_packet(b"lost", captured=5),
        pcapng_packet(b"lost", captured=2**32 - 1),
        pcapng_block(6, bytes(16)),
        pcapng_block(6, b""),
        old_packet(b"lost", interface=1),
        pcapng_block(2, bytes(16)),
        simple_packet(b"lost", original=5),
        simple_packet(b"lost", original=2**32 - 1),
        pcapng_block(3, b""),
    ],
)
def test_a_packet_block_that_contradicts_itself_is_counted_and_skipped(block):
    packets, reader = read(START + block + pcapng_packet(b"one"))

    assert packets == [(b"one", 0, 1)]
    assert reader.refused == {Refusal.BAD_BLOCK: 1}
    assert reader.damage is None


def test_packets_before_any_interface_are_counted_and_skipped():
    blocks = simple_packet(b"lost") + old_packet(b"lost") + pcapng_packet(b"lost")

    packets, reader = read(pcapng_section() + blocks)

    assert packets == []
    assert reader.refused == {Refusal.BAD_BLOCK: 3}


def test_a_simple_packet_is_cut_at_the_snap_length():
    data = pcapng_section() + pcapng_interface(snap_length=6)

    assert contents(data + simple_packet(b"123456\0\0", original=100)) == [b"123456"]
    assert contents(data + simple_packet(b"1234", original=4)) == [b"1234"]


def block_of(length, *, kind=6, closing=None):
    """A block whose lengths are as given, without its body."""
    opening = struct.pack("<II", kind, length)
    body = bytes(max(0, length - 12)) if length < 1000 else b""
    return opening + body + struct.pack("<I", length if closing is None else closing)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (block_of(0), "a block claims 0 bytes"),
        (block_of(8), "a block claims 8 bytes"),
        (block_of(37), "a block claims 37 bytes"),
        (
            block_of(0xFFFFFFFC),
            "a block claims 4294967292 bytes, more than the longest packet",
        ),
        (
            block_of(MAX_PACKET + 65_536 + 4),
            "a block claims 327684 bytes, more than the longest packet",
        ),
        (
            block_of(40, closing=44),
            "a block starts with length 40 and ends with 44",
        ),
        (
            pcapng_block(1, bytes(4)),
            "an interface block is too short for its own header",
        ),
        (
            pcapng_block(0x0A0D0D0A, b"\x12\x34\x56\x78" + bytes(12)),
            "a section header has byte-order magic 12 34 56 78",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_followed_ends_the_stream(block, message):
    data = START + pcapng_packet(b"one") + block + pcapng_packet(b"two")

    packets, reader = read(data)

    assert packets == [(b"one", 0, 1)]
    assert reader.damage == f"{message}; reading stopped there"


def test_interfaces_cannot_fill_the_memory():
    most = pcapng_section() + pcapng_interface() * 4096

    packets, reader = read(most + pcapng_packet(b"one", interface=4095))
    _, flooded = read(most + pcapng_interface())

    assert packets == [(b"one", 0, 1)]
    assert reader.damage is None
    assert flooded.damage == "more than 4096 interfaces; reading stopped there"


def test_the_longest_packet_with_options_is_read():
    packet = bytes(MAX_PACKET)
    options = pcapng_option(COMMENT, bytes(65_480))
    block = pcapng_packet(packet + options, captured=MAX_PACKET)

    packets, reader = read(START + block + pcapng_packet(b"one"), cuts=[200_000])

    assert [len(p) for p, _, _ in packets] == [MAX_PACKET, 3]
    assert reader.damage is None


# -- whatever the blocks and the cuts are ----------------------------------------------

PACKET_BLOCKS = st.tuples(
    st.sampled_from([pcapng_packet, old_packet, simple_packet]),
    st.binary(max_size=20),
)
OTHER_BLOCKS = st.binary(max_size=20).map(lambda body: (None, body))


@settings(max_examples=200, deadline=None)
@given(
    blocks=st.lists(PACKET_BLOCKS | OTHER_BLOCKS, max_size=10),
    orders=st.lists(st.sampled_from("<>"), min_size=1, max_size=3),
    cuts=st.lists(st.floats(0, 1), max_size=6),
    kept=st.floats(0, 1) | st.just(1.0),
)
def test_any_stream_gives_its_packets_however_it_is_cut(blocks, orders, cuts, kept):
    data, ends, expected = b"", [], []
    for order in orders:
        data += pcapng_section(order=order)
        ends.append(len(data))
        data += pcapng_interface(order=order)
        ends.append(len(data))
        for write, body in blocks:
            if write is None:
                data += pcapng_block(0xBAD, body, order=order)
            else:
                data += write(body, order=order)
                expected.append((len(data), body))
            ends.append(len(data))
    size = max(28, round(kept * len(data)))

    packets, reader = read(data[:size], cuts=sorted(round(cut * size) for cut in cuts))

    assert [p for p, _, _ in packets] == [body for end, body in expected if end <= size]
    n_left = size - max(end for end in ends if end <= size)
    assert reader.damage == (
        f"ends in the middle of a packet ({n_left} bytes of it)" if n_left else None
    )
