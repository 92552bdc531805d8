"""What the agent says to the person at the terminal: results out, talk on the side."""

import contextlib
import os
import sys
from datetime import datetime
from typing import TextIO

from edge_agent.errors import OutputError

_WIDEST = 100
"""Characters of progress where the terminal does not tell its width."""


class Console:
    """Standard output for results, standard error for everything else."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._progress_shown = False

    def result(self, line: str) -> None:
        """Write one line of results, at once: the reader may be a pipe.

        Raises:
            BrokenPipeError: The reader has gone.
            OutputError: They cannot be written for another reason; the stream is closed
                then.
        """
        self._clear_progress()
        try:
            self._out.write(line + "\n")
            self._out.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            close_quietly(self._out)
            raise OutputError(
                f"cannot write to standard output: {error.strerror or error}"
            ) from error

    def say(self, line: str) -> None:
        """Write one line of talk."""
        self._clear_progress()
        self._err.write(line + "\n")
        self._err.flush()

    def caution(self, sentence: str) -> None:
        """Say what is not as it should be, and that work goes on all the same."""
        self.say(f"caution: {sentence}")

    def ask(self, question: str) -> None:
        """Write a question of talk; the line is left open for the answer."""
        self._clear_progress()
        self._err.write(question)
        self._err.flush()

    def progress(self, line: str) -> None:
        """Show a line that the next one replaces; nothing where nobody watches."""
        if self._err.isatty():
            self._err.write(f"\r\x1b[K{line[: self._width()]}")
            self._err.flush()
            self._progress_shown = True

    def _width(self) -> int:
        """Return how many characters of progress stay on one line."""
        try:
            columns = os.get_terminal_size(self._err.fileno()).columns
        except OSError:
            columns = 0
        return min(_WIDEST, columns - 1) if columns > 0 else _WIDEST

    def _clear_progress(self) -> None:
        if self._progress_shown:
            self._err.write("\r\x1b[K")
            self._progress_shown = False


def close_quietly(stream: TextIO) -> None:
    """Close a stream that takes no more, so that nothing complains at exit."""
    with contextlib.suppress(OSError):
        stream.close()


def clock(time_ns: int) -> str:
    """Return a time [ns since the UNIX epoch] as clocks here show it: 23:59:00."""
    return f"{datetime.fromtimestamp(time_ns / 1e9).astimezone():%H:%M:%S}"


def table(header: list[str], rows: list[list[str]], *, right: set[int]) -> list[str]:
    """Return aligned lines of text.

    Args:
        header: Column titles.
        rows: Cells, as many per row as there are titles.
        right: Columns that are aligned to the right (numbers).
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]
