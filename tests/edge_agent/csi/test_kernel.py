"""The C kernel: the same answers as numpy, and no trust in its caller."""

import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi import Decoder, FrameBatch, Generation, IqOrder, kernel
from edge_agent.csi.chips import WordFormat
from edge_agent.csi.meaning import Meaning
from tests.builders import (
    csi_payload,
    datagram,
    ethernet,
    ipv4,
    pcap_record,
    ramp_words,
    raw_frames,
    udp,
)
from tests.conftest import ROOT

needs_kernel = pytest.mark.skipif(
    not kernel.AVAILABLE, reason="the C kernel was not built: no compiler"
)


# -- the same answers ------------------------------------------------------------------

GOOD = [
    *(datagram(csi_payload(generation)) for generation in Generation),
    *(datagram(csi_payload(words=ramp_words(n))) for n in (128, 256)),
    datagram(csi_payload(Generation.OLD, words=ramp_words(256))),
    datagram(csi_payload(Generation.OLD, chip=0xDEAD)),
    datagram(csi_payload(chip=0x03)),
    datagram(csi_payload(chip=0x6A)),
    datagram(csi_payload(core_stream=0x09)),
    datagram(csi_payload(rssi=0x11, frame_control=0x80)),
    datagram(csi_payload(rssi=0x11, frame_control=0x11)),
    datagram(csi_payload(), trailer=bytes(4)),
    ethernet(ipv4(udp(csi_payload())), tags=(0x8100,)),
]
BAD = [
    b"",
    b"x",
    datagram()[:-1],
    datagram(csi_payload(chanspec=0x6863)),
    datagram(csi_payload(chip=0x64)),
    ethernet(ipv4(udp(csi_payload(), port=53))),
    ethernet(ipv4(udp(csi_payload())), source=b"\x02\0\0\0\0\1"),
]


@st.composite
def mixtures(draw):
    """Runs of like packets, some with another byte behind the IP addresses."""
    packets = []
    for packet in draw(st.lists(st.sampled_from(GOOD + BAD), min_size=1, max_size=12)):
        packets += [packet] * draw(st.integers(1, 4))
    for i in draw(st.lists(st.integers(0, len(packets) - 1), max_size=4)):
        changed = bytearray(packets[i])
        if len(changed) > 34:
            position = 34 + draw(st.integers(0, 100)) % (len(changed) - 34)
            changed[position] ^= draw(st.integers(1, 255))
        packets[i] = bytes(changed)
    return packets


def decode(raw, order, *, with_kernel):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "AVAILABLE", with_kernel)
        patch.setattr(kernel, "_WORTH_IT", 1)
        return Decoder(order).decode(raw)


@needs_kernel
@settings(max_examples=200, deadline=None)
@given(packets=mixtures(), order=st.sampled_from([IqOrder.IQ, IqOrder.QI]))
def test_any_packets_decode_alike_with_and_without(packets, order):
    raw = raw_frames(packets, times_ns=np.arange(len(packets)))

    found = decode(raw, order, with_kernel=True)
    expected = decode(raw, order, with_kernel=False)

    assert found.refused == expected.refused
    assert len(found.batches) == len(expected.batches)
    for one, other in zip(found.batches, expected.batches, strict=True):
        for field in fields(FrameBatch):
            np.testing.assert_array_equal(
                getattr(one, field.name), getattr(other, field.name), field.name
            )
            assert getattr(one, field.name).dtype == getattr(other, field.name).dtype


def test_the_package_works_where_the_kernel_was_not_built():
    script = (
        "import sys\n"
        "sys.modules['edge_agent.csi._kernel'] = None\n"
        "from edge_agent.csi import Decoder, kernel\n"
        "from tests.builders import datagram, raw_frames\n"
        "assert not kernel.AVAILABLE\n"
        "assert Decoder().decode(raw_frames([datagram()] * 20)).n_frames == 20\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr


# -- what it takes on ------------------------------------------------------------------


def varied(generation, n=20, **header_fields):
    """Frames that differ in all that frames of one kind may differ in."""
    return [
        datagram(
            csi_payload(
                generation,
                mac=bytes([2, 0, 0, 0, 0, i]),
                seq_ctl=16 * i,
                rssi=-i,
                frame_control=8 * i,
                agc_gain=i,
                **header_fields,
            ),
            trailer=bytes(4 * (i % 2)),
        )
        for i in range(n)
    ]


def take_on(packets, *, todo=None):
    return kernel.convert_like(raw_frames(packets), todo, imaginary_first=False)


@needs_kernel
@pytest.mark.parametrize("chip", [0x01, 0x65])
@pytest.mark.parametrize(
    "generation", [g for g in Generation if g is not Generation.MOBISYS_2018]
)
def test_frames_of_one_kind_are_one_run(generation, chip):
    run = take_on(varied(generation, chip=chip, core_stream=0x19, chanspec=0xD030))

    assert run.index.tolist() == list(range(20))
    assert run.meaning == Meaning(
        generation, chip, WordFormat.INT16, chanspec=0xD030, core=1, stream=3
    )
    assert run.headers["seq_ctl"].tolist() == [16 * i for i in range(20)]
    k = np.arange(64)
    np.testing.assert_array_equal(run.csi, [k - 1j * k] * 20)


@needs_kernel
def test_a_run_is_of_the_first_packet_s_kind():
    old, new = varied(Generation.OLD), varied(Generation.NEW)
    mixed = [packet for pair in zip(old, new, strict=True) for packet in pair]

    of_all = take_on(mixed)
    of_some = take_on(mixed, todo=np.arange(11, 40))

    assert of_all.meaning.generation is Generation.OLD
    assert of_all.index.tolist() == list(range(0, 40, 2))
    assert of_some.meaning.generation is Generation.NEW
    assert of_some.index.tolist() == list(range(11, 40, 2))


@needs_kernel
@pytest.mark.parametrize(
    "packet",
    [
        *BAD,
        datagram(csi_payload(Generation.MOBISYS_2018)),
        datagram(csi_payload(chip=0x03)),
        datagram(csi_payload(chip=0x6A)),
        datagram(csi_payload(Generation.OLD, chip=0xDEAD)),
        datagram(b"\x12" + csi_payload()[1:]),
        datagram(csi_payload(Generation.PLUS).replace(b"GO", b"NO")),
        datagram(b"console print"),
    ],
)
def test_what_is_no_int16_frame_is_left_to_numpy(packet):
    assert take_on([packet] * 20 + [datagram()]) is None


@needs_kernel
def test_a_packet_or_two_are_left_to_numpy():
    assert take_on([datagram()]) is None
    assert take_on([datagram()] * 20, todo=np.array([3, 4])) is None


# -- convert ---------------------------------------------------------------------------

PACKETS = [b"AbHH" + bytes([1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 0xFF, 0xFF])] * 3


def convert(packets=PACKETS, **arguments):
    """Call the kernel; by default for packets of a 4-byte header and 3 words."""
    n, n_words = len(packets), 3
    raw = raw_frames(packets)
    given = {
        "data": raw.data,
        "offsets": raw.offsets,
        "lengths": raw.lengths,
        "needed": 16,
        "template": b"Ab",
        "mask": b"\xff\xff",
        "header_at": 2,
        "words_at": 4,
        "swap": False,
        "matched": np.full(n, -1, np.int64),
        "headers": np.zeros((n, 2), np.uint8),
        "csi": np.zeros((n, n_words), np.complex64),
    } | arguments
    n_matched = kernel.convert(*given.values())
    return (
        given["matched"][:n_matched].tolist(),
        [row.tobytes() for row in given["headers"][:n_matched]],
        given["csi"][:n_matched].tolist(),
    )


@needs_kernel
@pytest.mark.parametrize(
    ("swap", "gains"),
    [(False, [1 + 2j, 3 + 4j, 5 - 1j]), (True, [2 + 1j, 4 + 3j, -1 + 5j])],
)
def test_headers_and_words_are_converted(swap, gains):
    assert convert(swap=swap) == ([0, 1, 2], [b"HH"] * 3, [gains] * 3)


@needs_kernel
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("n_words", [1, 3, 4, 7, 64, 255, 256])
def test_any_number_of_words_is_converted(n_words, swap):
    pairs = np.arange(2 * n_words, dtype="<i2") * 100 - 20_000
    packet = b"AbHH" + pairs.tobytes()

    _, _, csi = convert(
        [packet] * 2,
        needed=len(packet),
        swap=swap,
        csi=np.zeros((2, n_words), np.complex64),
    )

    first, second = pairs[0::2].tolist(), pairs[1::2].tolist()
    real, imag = (second, first) if swap else (first, second)
    assert csi == [[complex(re, im) for re, im in zip(real, imag, strict=True)]] * 2


@needs_kernel
@pytest.mark.parametrize(
    ("template", "mask", "matched"),
    [
        (b"Ab", b"\xff\xff", [0, 3]),
        (b"Ab", b"\xff\x00", [0, 1, 3]),
        (b"A\x00", b"\xff\x00", [0, 1, 3]),
        (b"ab", b"\xdf\xff", [0, 2, 3]),  # but for the bit that makes it a capital
        (b"", b"", [0, 1, 2, 3]),
    ],
)
def test_packets_match_where_the_mask_says_so(template, mask, matched):
    rest = PACKETS[0][2:]
    packets = [b"Ab" + rest, b"Ac" + rest, b"ab" + rest, b"Ab" + rest + b"trailer"]

    assert convert(packets, template=template, mask=mask)[0] == matched


@needs_kernel
@pytest.mark.parametrize("position", range(16))
def test_every_byte_of_the_template_counts(position):
    template = PACKETS[0]
    other = bytearray(template)
    other[position] ^= 1

    found = convert([bytes(other), template], template=template, mask=b"\xff" * 16)

    assert found[0] == [1]


@needs_kernel
def test_packets_that_are_too_short_do_not_match():
    assert convert([PACKETS[0][:-1], PACKETS[0], b""])[0] == [1]


@needs_kernel
def test_no_packets_are_converted_to_nothing():
    assert convert([]) == ([], [], [])


ONE = np.zeros(1, np.int64)


@needs_kernel
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lengths": ONE}, "offsets, lengths and matched differ in length"),
        ({"matched": ONE}, "offsets, lengths and matched differ in length"),
        ({"headers": np.zeros(7, np.uint8)}, "output sizes are no multiple"),
        ({"csi": np.zeros(7, np.complex64)}, "output sizes are no multiple"),
        ({"csi": np.zeros((3, 257), np.complex64)}, "more words or a longer template"),
        ({"template": bytes(257), "mask": bytes(257)}, "more words or a longer templ"),
        ({"mask": b"\xff"}, "template and mask differ in length"),
        ({"header_at": -1}, "reach beyond the bytes needed"),
        ({"words_at": -1}, "reach beyond the bytes needed"),
        ({"words_at": 5}, "reach beyond the bytes needed"),
        ({"header_at": 15}, "reach beyond the bytes needed"),
        ({"needed": 15}, "reach beyond the bytes needed"),
        ({"template": bytes(17), "mask": bytes(17)}, "reach beyond the bytes needed"),
        ({"offsets": np.array([0, -1, 0])}, "a packet leaves the buffer"),
        ({"offsets": np.array([0, 0, 99])}, "a packet leaves the buffer"),
        ({"offsets": np.array([0, 0, 2**62])}, "a packet leaves the buffer"),
        ({"lengths": np.array([16, 16, 2**62])}, "a packet leaves the buffer"),
        ({"lengths": np.array([16, 16, -1])}, "a packet leaves the buffer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arguments_that_contradict_each_other_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        convert(**arguments)


# -- walk ------------------------------------------------------------------------------


def walk(data, *, start=0, big_endian=False, ns_per_tick=1000, longest=100, room=9):
    columns = [np.zeros(room, np.int64) for _ in range(3)]
    n = kernel.walk(data, start, big_endian, ns_per_tick, longest, *columns)
    assert n <= room
    return [tuple(column[:n].tolist()) for column in columns]


RECORDS = b"".join(pcap_record(p, seconds=5, fraction=7) for p in (b"one", b"", b"3"))


@needs_kernel
def test_records_are_followed_one_by_one():
    assert walk(RECORDS) == [(16, 35, 51), (3, 0, 1), (5_000_007_000,) * 3]
    assert walk(b"skip" + RECORDS, start=4, room=1) == [(20,), (3,), (5_000_007_000,)]


@needs_kernel
@pytest.mark.parametrize("start", [len(RECORDS), len(RECORDS) + 1, 2**62])
def test_behind_the_end_there_are_no_records(start):
    assert walk(RECORDS, start=start) == [(), (), ()]


@needs_kernel
def test_a_negative_start_is_refused():
    with pytest.raises(ValueError, match="start is negative"):
        walk(RECORDS, start=-1)


@needs_kernel
@pytest.mark.parametrize("short", [3, 4, 5])
def test_outputs_of_unequal_length_are_refused(short):
    arguments = [
        RECORDS,
        0,
        False,
        1000,
        100,
        *(np.zeros(9, np.int64) for _ in range(3)),
    ]
    arguments[short + 2] = np.zeros(8, np.int64)

    with pytest.raises(ValueError, match="outputs differ in length"):
        kernel.walk(*arguments)
