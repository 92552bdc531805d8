"""Results on one stream, talk on the other."""

import fcntl
import io
import os
import pty
import struct
import termios
from pathlib import Path

import pytest

from edge_agent.console import Console, clock, close_quietly, table
from edge_agent.errors import OutputError


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self):
        return True


def test_results_and_talk_go_apart(capsys):
    console = Console()

    console.result("a location")
    console.say("a remark")

    assert capsys.readouterr() == ("a location\n", "a remark\n")


def test_a_caution_is_talk_that_begins_with_the_word(capsys):
    Console().caution("the lid is open")

    assert capsys.readouterr() == ("", "caution: the lid is open\n")


def test_a_result_leaves_at_once_for_a_reader_at_the_other_end_of_a_pipe():
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as out, os.fdopen(reader) as received:
        Console(out).result("a location")

        assert received.readline() == "a location\n"


def test_progress_is_not_shown_where_nobody_watches():
    err = io.StringIO()

    Console(io.StringIO(), err).progress("step 1")

    assert err.getvalue() == ""


def test_progress_replaces_itself_and_goes_before_anything_else_is_said():
    out, err = Terminal(), Terminal()
    console = Console(out, err)

    console.progress("step 1")
    console.progress("step 2")
    console.result("done")
    console.say("bye")

    clear = "\r\x1b[K"
    assert err.getvalue() == f"{clear}step 1{clear}step 2{clear}bye\n"
    assert out.getvalue() == "done\n"


def test_progress_never_fills_more_than_a_line():
    err = Terminal()

    Console(io.StringIO(), err).progress("x" * 300)

    assert err.getvalue() == "\r\x1b[K" + "x" * 100


def test_a_real_terminal_shows_progress():
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as err:
        Console(io.StringIO(), err).progress("step 1")

        assert os.read(master, 100) == b"\r\x1b[Kstep 1"
    os.close(master)


def test_progress_fits_a_narrow_terminal():
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    with os.fdopen(slave, "w") as err:
        Console(io.StringIO(), err).progress("x" * 300)

        assert os.read(master, 1000) == b"\r\x1b[K" + b"x" * 39
    os.close(master)


def test_a_question_leaves_its_line_open_for_the_answer():
    err = Terminal()
    console = Console(io.StringIO(), err)

    console.progress("step 1")
    console.ask("where? > ")

    assert err.getvalue() == "\r\x1b[Kstep 1\r\x1b[Kwhere? > "


def test_a_stream_whose_reader_has_gone_closes_without_complaint():
    reader, writer = os.pipe()
    out = os.fdopen(writer, "w")
    out.write("a location")
    os.close(reader)

    close_quietly(out)

    assert out.closed


def test_a_table_is_aligned_and_ends_without_blanks():
    lines = table(
        ["name", "frames", ""], [["ap 1", "7", "x"], ["a", "1234567", ""]], right={1}
    )

    assert lines == [
        "name   frames",
        "ap 1        7  x",
        "a     1234567",
    ]


def test_a_table_without_rows_is_its_header():
    assert table(["a", "b"], [], right=set()) == ["a  b"]


def test_a_row_of_another_length_is_a_fault():
    with pytest.raises(ValueError, match="zip"):
        table(["a", "b"], [["1"]], right=set())


def test_results_that_find_no_room_are_an_error_and_nothing_complains_at_exit():
    out = Path("/dev/full").open("w")  # noqa: SIM115  (the console closes it)

    with pytest.raises(OutputError, match="output: No space left on device"):
        Console(out).result("a location")

    assert out.closed


def test_a_reader_that_has_gone_is_no_failure_to_write():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        with pytest.raises(BrokenPipeError):
            Console(out).result("a location")
        close_quietly(out)


def test_a_time_is_shown_as_clocks_show_it(utc):
    assert clock(1_795_391_940_999_000_000) == "23:59:00"
