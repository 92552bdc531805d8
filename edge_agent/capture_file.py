"""Read captured packets from a file or from standard input."""

import os
import select
import stat
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.csi.capture_format import CaptureFormatError, CaptureReader
from edge_agent.csi.raw import CSI_LINK_TYPES, RawFrames
from edge_agent.csi.refusal import Refusal
from edge_agent.errors import CaptureError

STANDARD_INPUT = "-"

_FILE_CHUNK = 1 << 23
_PIPE_CHUNK = 1 << 16
_CLOSED = -1


class CaptureFile:
    """The packets of one capture, a few thousand at a time, whatever its size."""

    def __init__(
        self, path: str | Path, link_types: tuple[int, ...] = CSI_LINK_TYPES
    ) -> None:
        """Name the capture; it is opened on entry.

        Args:
            path: A pcap or pcapng file, or ``-`` for standard input.
            link_types: Those that are asked for; a capture of none of them is refused.
        """
        self._is_stdin = str(path) == STANDARD_INPUT
        self.name = "standard input" if self._is_stdin else str(path)
        self._path = path
        self.is_file = False
        """Whether it is a regular file, once open: reading that takes nothing away."""
        self._reader = CaptureReader(link_types)
        self._ahead: list[RawFrames] = []
        self._is_ahead = False
        self._descriptor = _CLOSED

    def __enter__(self) -> Self:
        """Open the capture, unless it is still open since it was read ahead.

        Raises:
            CaptureError: It cannot be opened.
        """
        if self._descriptor != _CLOSED:
            return self
        if self._is_stdin:
            self._descriptor = sys.stdin.fileno()
            return self
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY)
        except OSError as error:
            raise CaptureError(f"{self.name}: {error.strerror}") from error
        # A path may also lead to a pipe, as in the shell's <(tcpdump ...).
        self.is_file = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Closing a pipe would lose what was read ahead, and break the writer's end.
        if self._is_stdin or (self._is_ahead and exc is None):
            return
        os.close(self._descriptor)
        self._descriptor = _CLOSED

    def read_ahead(self) -> None:
        """Wait for the first bytes; what they tell of the capture is known then.

        Nothing is lost: what is read is yielded first, and the capture stays open
        until that is done.

        Raises:
            CaptureError: As when iterating.
        """
        self._is_ahead = True
        try:
            if chunk := os.read(self._descriptor, self._chunk_size()):
                self._ahead += self._reader.feed(chunk)
        except CaptureFormatError as error:
            raise CaptureError(f"{self.name} {error}") from error
        except OSError as error:
            raise CaptureError(f"{self.name}: {error.strerror}") from error

    def __iter__(self) -> Iterator[RawFrames]:
        """Yield packets as they can be read.

        Raises:
            CaptureError: This is no capture, or reading fails.
        """
        return (raw for raw in self.arrivals(None) if raw is not None)

    def arrivals(self, tick_s: float | None) -> Iterator[RawFrames | None]:
        """Yield packets as they can be read, and None while a pipe brings none.

        Who stops and begins again goes on where it was.

        Args:
            tick_s: How often None is yielded [s]; never when None.

        Raises:
            CaptureError: This is no capture, or reading fails.
        """
        self._is_ahead = False
        try:
            while True:
                while self._ahead:
                    yield self._ahead.pop(0)
                while not self._is_readable(tick_s):
                    yield None
                chunk = os.read(self._descriptor, self._chunk_size())
                if not chunk:
                    break
                self._ahead += self._reader.feed(chunk)
                if self.is_file and self._reader.n_pending < len(chunk):
                    self._read_again()
            self._reader.finish()
        except CaptureFormatError as error:
            raise CaptureError(f"{self.name} {error}") from error
        except OSError as error:
            raise CaptureError(f"{self.name}: {error.strerror}") from error

    def _is_readable(self, tick_s: float | None) -> bool:
        """Wait until a pipe brings something; files always do."""
        if self.is_file or tick_s is None:
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(1000 * tick_s))

    def _read_again(self) -> None:
        """Go back to the start of the packet that was cut.

        Cheaper than joining it to the next chunk, which copies both.
        """
        if self._n_left() > 0:
            os.lseek(self._descriptor, -self._reader.n_pending, os.SEEK_CUR)
            self._reader.forget_pending()

    def _chunk_size(self) -> int:
        """Return how much to read: what is there, so that small files stay small."""
        if not self.is_file:
            return _PIPE_CHUNK
        return min(max(self._n_left(), 1), _FILE_CHUNK)

    def _n_left(self) -> int:
        position = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        return os.fstat(self._descriptor).st_size - position

    @property
    def damage(self) -> str | None:
        """Where and why reading ended early, or None; final after the last packet."""
        return self._reader.damage

    @property
    def comments(self) -> list[str]:
        """Comments of the capture as a whole (pcapng)."""
        return self._reader.comments

    @property
    def refused(self) -> Counter[Refusal]:
        """Packets that never reach the decoder, by reason."""
        return self._reader.refused
