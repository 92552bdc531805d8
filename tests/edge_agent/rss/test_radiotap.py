"""Radiotap headers by hand, by chance, and as tshark reads them."""

import shutil
import struct
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.rss.radiotap import Radiotap, read_radiotap
from edge_agent.rss.refusal import RssRefusal
from tests.builders import pcap
from tests.edge_agent.rss.air import ENCODERS, dot11, heard, radiotap

TWO_ANTENNAS = bytes.fromhex(
    "00 00 2600"  # version, padding, 38 bytes
    "2f4000a0 200800a0 20080000"  # the frame; antenna 0; antenna 1
    "1516171800000000 10 02 6c09 a000"  # TSFT, flags, rate, channel and its flags
    "d3 00 0000"  # -45 dBm of both, padding, RX flags
    "d1 00 cd 01"  # -47 dBm of antenna 0, -51 dBm of antenna 1
)
"""As mac80211 writes them."""


def test_a_header_of_a_driver_with_two_antennas_gives_the_power_of_both_together():
    assert read_radiotap(TWO_ANTENNAS) == Radiotap(38, -45, is_damaged=False)


def test_fields_are_aligned_from_the_start_of_the_header():
    """Flags at 8, a byte of padding, channel at 10, power at 14."""
    packet = struct.pack("<BBHI", 0, 0, 15, 0b101010) + bytes.fromhex(
        "00 ff 6c09 a000 c4"
    )

    assert read_radiotap(packet) == Radiotap(15, -60, is_damaged=False)


@pytest.mark.parametrize("bit", sorted(set(ENCODERS) - {1, 5}))
def test_every_field_has_its_place(bit):
    """Behind a byte that unaligns it, and in front of a word with the power."""
    header = radiotap([(1, 0), (bit, None), (29, None)], [(5, -33)])
    if bit == 0:
        header = radiotap([(0, None), (1, 0), (29, None)], [(5, -33)])

    assert read_radiotap(header) == Radiotap(len(header), -33, is_damaged=False)


def test_of_several_antennas_without_a_sum_the_strongest_counts():
    header = radiotap(
        [(1, 0), (29, None)], [(5, -70), (11, 0), (29, None)], [(5, -64), (11, 1)]
    )

    assert read_radiotap(header).signal_dbm == -64


def test_a_vendors_data_is_skipped():
    vendor = b"\x00\x50\xf2\x01" + struct.pack("<H", 5) + b"\x11" * 5
    header = radiotap([(1, 0), (30, vendor)], [(5, 0), (29, None)], [(5, -41)])
    # The bits of the vendor's word mean nothing to us: its data was skipped.
    at = header.index(b"\x11" * 5) + 5
    without = header[:at] + header[at + 1 :]
    header = struct.pack("<BBH", 0, 0, len(without)) + without[4:]

    assert read_radiotap(header).signal_dbm == -41


def test_an_unknown_field_ends_the_walk_and_what_was_found_counts():
    known = radiotap([(5, -50), (28, None)], [(5, -20)], tail=b"\x01\x02\x03")
    nothing = radiotap([(28, None)], tail=b"\x01\x02\x03")

    assert read_radiotap(known).signal_dbm == -50
    assert read_radiotap(nothing).signal_dbm is None


def test_bits_beyond_the_first_word_are_no_antenna_without_its_mark():
    header = radiotap([(1, 0)], [(5, -20)])

    assert read_radiotap(header).signal_dbm is None


def test_a_header_without_power_has_none():
    assert read_radiotap(radiotap([(2, 12)])) == Radiotap(9, None, is_damaged=False)


def test_a_wrong_frame_check_sequence_is_said():
    assert read_radiotap(heard(flags=0x50)).is_damaged
    assert not read_radiotap(heard(flags=0x10)).is_damaged


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"", RssRefusal.TRUNCATED),
        (radiotap([(5, -50)])[:7], RssRefusal.TRUNCATED),
        (radiotap([(5, -50)], length=10), RssRefusal.TRUNCATED),
        (radiotap([(5, -50)], version=1), RssRefusal.BAD_RADIOTAP),
        (radiotap([(5, -50)], length=7), RssRefusal.BAD_RADIOTAP),
        (radiotap([(5, -50)], length=8), RssRefusal.BAD_RADIOTAP),
        (radiotap([], words_only=[1 << 31]), RssRefusal.BAD_RADIOTAP),
        (radiotap([], words_only=[1 << 30]), RssRefusal.BAD_RADIOTAP),
        (
            radiotap([(30, b"\0\0\0\0" + struct.pack("<H", 9) + b"\0" * 8)]),
            RssRefusal.BAD_RADIOTAP,
        ),
    ],
)
def test_headers_that_contradict_themselves_are_refused(packet, reason):
    assert read_radiotap(packet) is reason


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_no_bytes_break_it(data):
    found = read_radiotap(data)

    if isinstance(found, Radiotap):
        assert 8 <= found.length <= len(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=60, max_size=60), st.integers(8, 60))
def test_no_presence_words_break_it(data, length):
    found = read_radiotap(b"\0\0" + struct.pack("<H", length) + data)

    assert isinstance(found, Radiotap | RssRefusal)


FIELDS = st.sets(st.sampled_from(sorted(ENCODERS)), max_size=12)


@st.composite
def headers(draw):
    """Headers such as drivers write: a first word, then one per antenna."""
    words = [
        [
            (bit, draw(st.integers(-100, -1)) if bit == 5 else None)
            for bit in sorted(draw(FIELDS))
        ]
    ]
    for antenna in range(draw(st.integers(0, 3))):
        words[-1].append((29, None))
        words.append([(5, draw(st.integers(-100, -1))), (11, antenna)])
    return words


@settings(max_examples=200, deadline=None)
@given(headers())
def test_what_was_written_is_read(words):
    header = radiotap(*words)
    signals = [value for word in words for bit, value in word if bit == 5]
    of_all = dict(words[0]).get(5)

    found = read_radiotap(header + b"frame")

    assert found.length == len(header)
    assert found.signal_dbm == (
        of_all if of_all is not None else max(signals, default=None)
    )


def test_tshark_reads_the_same(tmp_path, rng):
    if shutil.which("tshark") is None:
        pytest.skip("needs tshark")
    packets = []
    for _ in range(200):
        # Fields whose content tshark does not doubt when it is zero.
        bits = sorted(rng.choice([0, 1, 2, 3, 5, 6, 11, 14], rng.integers(1, 8), False))
        words = [[(b, int(rng.integers(-99, 0)) if b == 5 else None) for b in bits]]
        for antenna in range(rng.integers(0, 3)):
            words[-1].append((29, None))
            words.append([(5, int(rng.integers(-99, 0))), (11, antenna)])
        packets.append(radiotap(*words) + dot11())
    path = tmp_path / "air.pcap"
    path.write_bytes(pcap(packets, link_type=127))

    done = subprocess.run(
        [
            *("tshark", "-n", "-r", path, "-T", "fields"),
            *("-e", "radiotap.length", "-e", "radiotap.dbm_antsignal"),
            *("-e", "_ws.malformed"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == len(packets)
    for packet, (length, signals, malformed) in zip(packets, rows, strict=True):
        found = read_radiotap(packet)
        assert malformed == ""
        assert found.length == int(length)
        known = [int(text) for text in signals.split(",") if text]
        has_sum = packet[4] & 1 << 5
        expected = (known[0] if has_sum else max(known)) if known else None
        assert found.signal_dbm == expected
