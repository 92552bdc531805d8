"""Where packets come from, and what that makes of a location."""

import os
import sys
import threading
import time

import pytest

from edge_agent.csi.simulated import SIMULATED_COMMENT
from edge_agent.errors import CaptureError
from edge_agent.payload import Source
from edge_agent.sources import FileSource, LiveSource, StreamSource
from tests.builders import (
    packets_of,
    pcap,
    pcapng_interface,
    pcapng_packet,
    pcapng_section,
)
from tests.edge_agent.sites import REAL, START_US, packets_at, pcapng_bytes

MINUTE_NS = 60_000_000_000


@pytest.fixture
def stream(write, monkeypatch):
    """A source that reads this from standard input."""
    opened = []

    def stream(data, *options):
        opened.append(write(data).open())
        monkeypatch.setattr(sys, "stdin", opened[-1])
        return StreamSource(*options)

    yield stream
    for file in opened:
        file.close()


def read(source):
    """All packets, as bytes."""
    parts = [part for part in source.packets(lambda: 1) if part is not None]
    return [packet for packet, _, _ in packets_of(parts)]


def test_a_file_gives_its_packets_and_its_name(write):
    packets = packets_at(0, n=10)
    source = FileSource(write(pcapng_bytes(packets)))

    assert read(source) == [packet for _, packet in packets]
    assert source.name.endswith("walk.pcapng")
    assert not source.losses()


def test_a_file_can_be_replayed_at_a_pace(write):
    packets = packets_at(0, n=6)  # 5 intervals of 40 ms, and 1 ms
    source = FileSource(write(pcapng_bytes(packets)), speed=2)

    started = time.monotonic()
    assert read(source) == [packet for _, packet in packets]

    assert 0.09 <= time.monotonic() - started < 2


def test_without_a_pace_a_file_takes_no_time(write):
    source = FileSource(write(pcap([b"packet"] * 60)))  # a minute

    started = time.monotonic()
    assert len(read(source)) == 60

    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("comment", "kind"),
    [
        (None, Source.REPLAY),
        ("the kitchen", Source.REPLAY),
        (SIMULATED_COMMENT, Source.SIMULATED),
    ],
)
def test_a_file_is_a_replay_unless_it_says_that_it_is_simulated(write, comment, kind):
    source = FileSource(write(pcapng_bytes(packets_at(0), comment=comment)))

    read(source)

    assert source.kind(time.time_ns()) is kind


@pytest.mark.parametrize("comment", [None, SIMULATED_COMMENT])
def test_whether_it_is_simulated_is_known_before_it_is_replayed(write, stream, comment):
    packets = packets_at(0)
    data = pcapng_bytes(packets, comment=comment)

    for source in (FileSource(write(data)), stream(data)):
        assert source.check() is (comment is not None)
        assert read(source) == [packet for _, packet in packets]


def test_a_pipe_is_opened_once_and_loses_nothing(tmp_path):
    """As in the shell's <(tcpdump ...): who writes would not survive a second time."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    packets = packets_at(0)
    data = pcapng_bytes(packets, comment=SIMULATED_COMMENT)
    half = len(data) // 2
    found, broken = [], []

    def write():
        try:
            with pipe.open("wb", 0) as stream:
                stream.write(data[:half])
                time.sleep(0.1)  # long enough to notice that nobody reads any more
                stream.write(data[half:])
        except BrokenPipeError as error:
            broken.append(error)

    def read_all():
        source.check()
        time.sleep(0.02)
        found.extend(read(source))

    source = FileSource(pipe)
    # Threads that may be left behind: a pipe opened twice would wait for ever.
    threads = [threading.Thread(target=work, daemon=True) for work in (write, read_all)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert broken == []
    assert found == [packet for _, packet in packets]
    assert source.kind(0) is Source.SIMULATED


def test_a_file_can_be_read_again_even_after_it_was_left_in_the_middle(write):
    packets = packets_at(0, n=10)
    source = FileSource(write(pcapng_bytes(packets)))

    left = source.packets(lambda: 1)
    next(left)
    left.close()

    for _ in range(2):
        assert read(source) == [packet for _, packet in packets]


def test_a_stream_that_is_left_in_the_middle_goes_on_there(stream):
    """A pcapng chunk whose link types alternate comes in several parts."""
    data = b"".join(
        [
            pcapng_section(),
            pcapng_interface(),
            pcapng_interface(link_type=113),
            *(pcapng_packet(bytes([n]), interface=n % 2) for n in range(6)),
        ]
    )
    source = stream(data)
    left = source.packets(lambda: 1)
    first = [packet for packet, _, _ in packets_of([next(left)])]
    left.close()

    assert first == [b"\0"]
    assert read(source) == [bytes([n]) for n in range(1, 6)]


def test_a_pipe_that_brings_nothing_yields_none_until_it_does(monkeypatch):
    reader, writer = os.pipe()
    with os.fdopen(reader) as stdin, os.fdopen(writer, "wb", 0) as pipe:
        monkeypatch.setattr(sys, "stdin", stdin)
        packets = StreamSource().packets(lambda: 1)

        assert [next(packets), next(packets)] == [None, None]
        pipe.write(pcapng_bytes(packets_at(0, n=2, macs=REAL[:1])))
        found = next(packets)
        assert len(found) == 2
        assert next(packets) is None
        pipe.close()
        assert list(packets) == []


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(CaptureError, match="No such file"):
        read(FileSource(tmp_path / "none.pcap"))


def test_damage_of_a_file_is_a_loss(write):
    source = FileSource(write(pcapng_bytes(packets_at(0))[:-10]))

    read(source)

    ((reason, count),) = source.losses().items()
    assert reason.startswith("damaged capture: ends in the middle of a packet")
    assert count == 1


def test_packets_that_never_reach_the_decoder_are_losses(write):
    radio = pcapng_interface(link_type=127)
    source = FileSource(
        write(
            pcapng_section()
            + radio
            + pcapng_interface()
            + pcapng_packet(b"radiotap") * 3
            + pcapng_packet(b"ethernet", interface=1)
        )
    )

    assert read(source) == [b"ethernet"]
    assert source.losses() == {"link type cannot carry CSI": 3}


def test_802_11_frames_are_packets_to_who_asks_for_them(write, stream):
    data = pcap([b"beacon"], link_type=127)
    path = write(data)

    for source in (FileSource(path, link_types=(1, 127)), stream(data, (1, 127))):
        assert source.check() is False
        assert read(source) == [b"beacon"]
    for source in (FileSource(path), stream(data)):
        with pytest.raises(CaptureError, match=r"802\.11 frames"):
            source.check()


def test_a_stream_is_standard_input(stream):
    packets = packets_at(0, n=10)
    source = stream(pcapng_bytes(packets))

    assert read(source) == [packet for _, packet in packets]
    assert source.name == "standard input"


@pytest.mark.parametrize(
    ("age_ns", "kind"),
    [
        (0, Source.LIVE),
        (MINUTE_NS - 5_000_000_000, Source.LIVE),
        (5_000_000_000 - MINUTE_NS, Source.LIVE),  # the sender's clock is ahead
        (MINUTE_NS, Source.REPLAY),
        (-2 * MINUTE_NS, Source.REPLAY),
    ],
)
def test_a_stream_is_live_where_its_packets_are_as_old_as_the_clock_says(
    stream, age_ns, kind
):
    source = stream(pcapng_bytes(packets_at(0)))

    read(source)

    assert source.kind(time.time_ns() - age_ns) is kind


def test_a_stream_without_time_stamps_is_a_replay(stream):
    source = stream(pcapng_bytes(packets_at(0)))

    assert source.kind(0) is Source.REPLAY


def test_a_simulated_stream_is_never_live(stream):
    source = stream(pcapng_bytes(packets_at(0), comment=SIMULATED_COMMENT))

    read(source)

    assert source.kind(time.time_ns()) is Source.SIMULATED
    assert source.kind(START_US * 1000) is Source.SIMULATED


def test_an_interface_is_live_and_has_lost_nothing_yet():
    source = LiveSource("wlan0", buffer_frames=64)

    assert source.name == "wlan0"
    assert source.kind(0) is Source.LIVE
    assert not source.losses()
