"""Captures from files and from standard input."""

import os
import sys
import threading

import pytest

from edge_agent.capture_file import CaptureFile
from edge_agent.csi.refusal import Refusal
from edge_agent.errors import CaptureError
from tests.builders import (
    packets_of,
    pcap,
    pcapng_interface,
    pcapng_packet,
    pcapng_section,
)
from tests.edge_agent.sites import packets_at, pcapng_bytes

PACKETS = packets_at(0, n=10)


@pytest.fixture
def pipe(monkeypatch):
    """Standard input that is a pipe; the function writes to it and closes it."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as stdin, os.fdopen(writer, "wb", 0) as stdout:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield stdout


def packets(capture):
    return [packet for packet, _, _ in packets_of(capture)]


def test_packets_come_in_order_with_their_times(write):
    with CaptureFile(write(pcapng_bytes(PACKETS))) as capture:
        read = packets_of(capture)

    assert read == [(packet, time_us * 1000, 1) for time_us, packet in PACKETS]
    assert capture.damage is None
    assert capture.refused.total() == 0


def test_a_path_may_be_text(write):
    path = write(pcap([b"one", b"two"]))

    with CaptureFile(str(path)) as capture:
        assert packets(capture) == [b"one", b"two"]
    assert capture.name == str(path)


def test_what_is_read_ahead_is_yielded_first(pipe):
    data = pcapng_bytes(PACKETS, comment="the kitchen")
    pipe.write(data[:700])

    with CaptureFile("-") as capture:
        capture.read_ahead()  # waits for no more than there is
        assert capture.comments == ["the kitchen"]
        pipe.write(data[700:])
        pipe.close()
        assert packets(capture) == [packet for _, packet in PACKETS]
        assert packets(capture) == []


def test_an_empty_pipe_can_be_read_ahead(pipe):
    pipe.close()

    with CaptureFile("-") as capture:
        capture.read_ahead()
        assert capture.comments == []
        with pytest.raises(CaptureError, match="standard input is empty"):
            list(capture)


def test_reading_ahead_tells_what_is_no_capture(pipe):
    pipe.write(b"hello, is this a capture?")

    with (
        CaptureFile("-") as capture,
        pytest.raises(CaptureError, match="expected pcap"),
    ):
        capture.read_ahead()


def test_reading_ahead_of_a_folder_says_why_not(tmp_path):
    with (
        CaptureFile(tmp_path) as capture,
        pytest.raises(CaptureError, match="Is a directory"),
    ):
        capture.read_ahead()


def test_a_hyphen_is_standard_input(pipe):
    pipe.write(pcap([b"one", b"two"]))
    pipe.close()

    with CaptureFile("-") as capture:
        assert packets(capture) == [b"one", b"two"]
    assert capture.name == "standard input"


def test_standard_input_stays_open(pipe):
    pipe.write(pcap([b"one"]))

    with CaptureFile("-"):
        pass

    assert os.read(sys.stdin.fileno(), 4) == pcap([])[:4]


def test_packets_of_a_pipe_are_there_before_it_ends(pipe):
    data = pcap([b"one", b"two"])
    with CaptureFile("-") as capture:
        pipe.write(data[:-1])
        parts = iter(capture)

        first = next(part for part in parts if len(part))

        pipe.write(data[-1:])
        pipe.close()
        assert packets([first]) == [b"one"]
        assert packets(parts) == [b"two"]


def test_a_capture_larger_than_one_read_loses_nothing(pipe):
    many = packets_at(0, n=400)  # 250 kB, four times what is read at once
    sender = threading.Thread(
        target=lambda: (pipe.write(pcapng_bytes(many)), pipe.close())
    )
    sender.start()

    with CaptureFile("-") as capture:
        assert packets(capture) == [packet for _, packet in many]
    sender.join()


@pytest.mark.parametrize("chunk_size", [1, 7, 100, 333, 350, 1000, 4096, 100_000])
@pytest.mark.parametrize("cut", [0, 10])
def test_a_file_is_the_same_however_much_is_read_at_once(
    write, monkeypatch, chunk_size, cut
):
    data = pcapng_bytes(packets_at(0, n=30))
    with CaptureFile(write(data[: len(data) - cut])) as capture:
        whole = packets_of(capture)
        damage = capture.damage

    monkeypatch.setattr("edge_agent.capture_file._FILE_CHUNK", chunk_size)
    with CaptureFile(capture.name) as again:
        assert packets_of(again) == whole
        assert again.damage == damage
    assert len(whole) == 60 - (1 if cut else 0)


def test_the_path_of_a_pipe_is_read_like_a_pipe(tmp_path):
    """As the shell's <(tcpdump ...) gives it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    many = packets_at(0, n=400)
    sender = threading.Thread(target=path.write_bytes, args=[pcapng_bytes(many)])
    sender.start()

    with CaptureFile(path) as capture:
        assert packets(capture) == [packet for _, packet in many]
    sender.join()


def test_a_capture_that_ends_early_says_where(write):
    with CaptureFile(write(pcapng_bytes(PACKETS)[:-10])) as capture:
        read = packets(capture)

    assert len(read) == len(PACKETS) - 1
    assert capture.damage is not None
    assert "ends in the middle of a packet" in capture.damage


def test_comments_of_the_capture_are_handed_on(write):
    with CaptureFile(write(pcapng_bytes(PACKETS, comment="the kitchen"))) as capture:
        packets(capture)

    assert capture.comments == ["the kitchen"]


def test_packets_of_interfaces_that_cannot_carry_csi_are_counted(write):
    data = (
        pcapng_section()
        + pcapng_interface()
        + pcapng_interface(link_type=127)
        + pcapng_packet(b"ethernet", interface=0)
        + pcapng_packet(b"radiotap", interface=1)
    )

    with CaptureFile(write(data)) as capture:
        assert packets(capture) == [b"ethernet"]

    assert capture.refused == {Refusal.LINK_TYPE: 1}


def test_a_capture_that_is_not_there_says_so(tmp_path):
    with (
        pytest.raises(CaptureError, match=r"none.pcap: No such file or directory"),
        CaptureFile(tmp_path / "none.pcap"),
    ):
        pass


def test_a_folder_is_no_capture(tmp_path):
    with (
        pytest.raises(CaptureError, match="Is a directory"),
        CaptureFile(tmp_path) as capture,
    ):
        packets(capture)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"walk.pcapng is empty"),
        (b"\x1f\x8b" + bytes(30), r"walk.pcapng is gzip data: decompress it first"),
        (pcap([], link_type=127), "link type 127 holds 802.11 frames"),
    ],
)
def test_what_is_no_capture_says_what_it_is(write, data, reason):
    with (
        pytest.raises(CaptureError, match=reason),
        CaptureFile(write(data)) as capture,
    ):
        packets(capture)
