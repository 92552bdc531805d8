"""Lines from a pipe, without waiting and without bound on what a peer may send."""

import os
import threading
import time

import pytest

from edge_agent.guide.line_reader import LineReader


@pytest.fixture
def pipe():
    """A reader, and a function that writes to it (None: closes)."""
    source, sink = os.pipe()
    sinks = [sink]

    def write(data):
        if data is None:
            os.close(sinks.pop())
        else:
            os.write(sink, data)

    yield LineReader(source), write
    os.close(source)
    for left in sinks:
        os.close(left)


def test_lines_come_whole(pipe):
    reader, write = pipe
    write(b"go\nke")

    assert reader.take() == ["go"]
    assert reader.take() == []
    write(b"ep\r\n\n")
    assert reader.take() == ["keep", ""]
    assert not reader.at_end


def test_nothing_is_waited_for(pipe):
    reader, _ = pipe
    started = time.monotonic()

    assert reader.take() == []
    assert time.monotonic() - started < 0.5


def test_it_waits_as_long_as_it_is_told(pipe):
    reader, write = pipe
    threading.Timer(0.1, write, [b"late\n"]).start()

    assert reader.take(10) == ["late"]


def test_the_end_is_an_end_of_line(pipe):
    reader, write = pipe
    write(b"qu")
    write(b"it")
    write(None)

    assert reader.take() == []
    assert reader.take() == ["quit"]
    assert reader.at_end
    assert reader.take(10) == []


def test_the_end_of_nothing_is_no_line(pipe):
    reader, write = pipe
    write(None)

    assert reader.take() == []
    assert reader.at_end


def test_of_a_line_without_end_the_beginning_is_taken(pipe):
    reader, write = pipe
    taken = []
    for _ in range(40):
        write(b"x" * 1000)
        taken += reader.take()
    write(b"y\nnext\n")

    assert taken == ["x" * 4096]
    assert reader.take() == ["next"]


def test_what_is_no_text_is_a_line_all_the_same(pipe):
    reader, write = pipe
    write(b"\xff\n")

    assert reader.take() == ["\N{REPLACEMENT CHARACTER}"]


def test_a_terminal_that_went_away_is_the_end():
    outer, inner = os.openpty()
    reader = LineReader(inner)
    os.close(outer)
    try:
        assert reader.take(5) == []
        assert reader.at_end
    finally:
        os.close(inner)
