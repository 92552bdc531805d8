"""The writer of captures, against bytes written by hand and the reader."""

import errno
import os
import struct

import numpy as np
import pytest

from edge_agent.capture_file import CaptureFile
from edge_agent.errors import CaptureError
from edge_agent.pcap_writer import (
    HEAD_BYTES,
    RECORD_BYTES,
    PcapWriter,
    pcap_head,
    pcap_records,
)
from tests.builders import packets_of, pcap_header, pcap_record, raw_frames

NANOSECONDS = 0xA1B23C4D


def mixture(rng, n=40, *, empty=True):
    """Packets of a few lengths in no order, some of them without a byte."""
    lengths = rng.choice([0 if empty else 7, 1, 60, 61, 300], n)
    packets = [rng.bytes(int(length)) for length in lengths]
    times = np.sort(rng.integers(0, 4 * 10**18, n)).tolist()
    return packets, times


def by_hand(packets, times):
    return b"".join(
        pcap_record(p, seconds=t // 10**9, fraction=t % 10**9)
        for p, t in zip(packets, times, strict=True)
    )


def test_the_head_is_that_of_the_standard():
    expected = pcap_header(magic=NANOSECONDS, link_type=127)
    assert len(pcap_head(127)) == HEAD_BYTES == len(expected)
    assert pcap_head(127)[:16] == expected[:16]
    assert struct.unpack("<I", pcap_head(127)[20:]) == (127,)


@pytest.mark.parametrize("n", [0, 1, 40])
def test_records_of_any_lengths_equal_those_written_by_hand(rng, n):
    packets, times = mixture(rng, n)
    assert pcap_records(raw_frames(packets, times_ns=times)) == by_hand(packets, times)


def test_records_of_one_length_equal_those_written_by_hand(rng):
    packets = [rng.bytes(274) for _ in range(30)]
    times = [1_767_225_600_000_000_000 + 7 * i for i in range(30)]
    assert pcap_records(raw_frames(packets, times_ns=times)) == by_hand(packets, times)


def test_what_is_written_is_read_back_with_times_and_link_type(rng, tmp_path):
    packets, times = mixture(rng, empty=False)
    raw = raw_frames(packets, times_ns=times)
    with PcapWriter(tmp_path / "a.pcap", raw.link_type) as writer:
        writer.write(raw[:13])
        writer.write(raw[13:])
        assert writer.n_packets == len(packets)
        assert writer.n_bytes == (tmp_path / "a.pcap").stat().st_size
    with CaptureFile(tmp_path / "a.pcap") as capture:
        assert packets_of(capture) == [
            (p, t, raw.link_type) for p, t in zip(packets, times, strict=True)
        ]
        assert capture.damage is None


def test_what_was_written_is_in_the_file_before_it_is_closed(rng, tmp_path):
    raw = raw_frames([rng.bytes(100)], times_ns=[1])
    with PcapWriter(tmp_path / "a.pcap", 1) as writer:
        writer.write(raw)
        writer.sync()
        length = HEAD_BYTES + RECORD_BYTES + 100
        assert (tmp_path / "a.pcap").stat().st_size == length


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    (tmp_path / "a.pcap").write_bytes(b"precious")
    with pytest.raises(FileExistsError), PcapWriter(tmp_path / "a.pcap", 1):
        pass
    assert (tmp_path / "a.pcap").read_bytes() == b"precious"


def test_closing_twice_closes_nobody_elses_file(tmp_path):
    with PcapWriter(tmp_path / "a.pcap", 1) as writer:
        writer.close()
        other = os.open(tmp_path / "a.pcap", os.O_RDONLY)  # gets the same number
    os.fstat(other)
    os.close(other)


def test_packets_of_another_link_type_are_refused(rng, tmp_path):
    with PcapWriter(tmp_path / "a.pcap", 127) as writer:
        with pytest.raises(CaptureError, match="of link type 127, these are of 1"):
            writer.write(raw_frames([rng.bytes(9)], times_ns=[1]))
        assert writer.n_packets == 0


@pytest.mark.parametrize("time_ns", [-1, 2**32 * 10**9])
def test_a_time_that_the_format_cannot_hold_is_refused(time_ns):
    with pytest.raises(CaptureError, match=f"the time {time_ns} ns"):
        pcap_records(raw_frames([b"x"], times_ns=[time_ns]))


def test_the_last_time_that_the_format_can_hold_is_held():
    last = 2**32 * 10**9 - 1
    assert pcap_records(raw_frames([b"x"], times_ns=[last])) == by_hand([b"x"], [last])


def test_a_packet_that_no_reader_would_take_is_refused():
    with pytest.raises(CaptureError, match="262145 bytes"):
        pcap_records(raw_frames([bytes(262_145)], times_ns=[1]))


def test_a_full_disk_leaves_a_file_that_ends_with_a_whole_packet(
    rng, tmp_path, monkeypatch
):
    """The disk takes a part of what is written, then nothing."""
    raw = raw_frames([rng.bytes(100) for _ in range(4)], times_ns=[1, 2, 3, 4])
    genuine, room = os.write, [HEAD_BYTES + 2 * (RECORD_BYTES + 100) + 50]

    def write(descriptor, data):
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        n_written = genuine(descriptor, bytes(data)[: room[0]])
        room[0] -= n_written
        return n_written

    monkeypatch.setattr(os, "write", write)
    with PcapWriter(tmp_path / "a.pcap", 1) as writer:
        writer.write(raw[:2])
        with pytest.raises(OSError, match="No space left"):
            writer.write(raw[2:])
        assert writer.n_packets == 2
    with CaptureFile(tmp_path / "a.pcap") as capture:
        assert len(packets_of(capture)) == 2
        assert capture.damage is None
