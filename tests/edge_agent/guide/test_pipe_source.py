"""Packets from a named pipe while somebody writes them."""

import os

import pytest

from edge_agent.errors import CaptureError
from edge_agent.guide.pipe_source import PipeSource
from tests.edge_agent.sites import packets_at, pcapng_bytes

DATA = pcapng_bytes(packets_at(0, n=20))


@pytest.fixture
def pipe(tmp_path):
    """A source, and the writer's end of its pipe."""
    path = tmp_path / "csi"
    os.mkfifo(path)
    # Both ends at once, so that opening waits for nobody.
    keeper = os.open(path, os.O_RDWR)
    source = PipeSource(path)
    yield source, keeper
    source.close()
    os.close(keeper)


def test_packets_come_as_they_are_written_and_silence_is_heard(pipe):
    source, sink = pipe
    packets = source.packets(lambda: 1)

    assert next(packets) is None
    os.write(sink, DATA[: len(DATA) // 2])
    first = next(packets)
    assert 0 < len(first) < 40
    assert next(packets) is None
    os.write(sink, DATA[len(DATA) // 2 :])
    assert len(first) + len(next(packets)) == 40


def test_who_looks_again_goes_on(pipe):
    source, sink = pipe
    half = len(DATA) // 2
    os.write(sink, DATA[:half])
    for raw in source.packets(lambda: 1):
        n_seen = len(raw)
        break
    os.write(sink, DATA[half:])

    assert n_seen + len(next(source.packets(lambda: 1))) == 40


def test_it_ends_with_its_writer(tmp_path):
    path = tmp_path / "csi"
    path.write_bytes(DATA)
    source = PipeSource(path)

    assert sum(map(len, source.packets(lambda: 1))) == 40
    assert list(source.packets(lambda: 1)) == []


def test_what_is_no_capture_is_refused(tmp_path):
    path = tmp_path / "csi"
    path.write_bytes(b"no capture at all, but text")

    with pytest.raises(CaptureError, match="csi "):
        next(PipeSource(path).packets(lambda: 1))
