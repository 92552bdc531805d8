"""A capture that somebody else writes while we read it: tcpdump on a phone, a pipe."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from edge_agent.capture_file import CaptureFile
from edge_agent.csi.raw import CSI_LINK_TYPES, RawFrames
from edge_agent.sources import FileSource

_TICK_S = 0.05


class PipeSource(FileSource):
    """Packets as they come out of a pipe; looked at twice, it goes on where it was."""

    def __init__(
        self, path: str | Path, link_types: tuple[int, ...] = CSI_LINK_TYPES
    ) -> None:
        """Name the pipe.

        Args:
            path: A named pipe, or one of the shell's: ``<(adb exec-out ...)``.
            link_types: Those that are asked for; a capture of none of them is refused.
        """
        super().__init__(path, link_types=link_types)
        self.doing = f"reading {path}"
        self._packets = self._ticking(self._file)

    def packets(self, wanted: Callable[[], int]) -> Iterator[RawFrames | None]:
        """Yield packets as they arrive, and None now and then when none do."""
        # The loop of the caller may end; the pipe must not be closed with it.
        while True:
            try:
                raw = next(self._packets)
            except StopIteration:
                return
            yield raw

    def close(self) -> None:
        """Let go of the pipe."""
        self._packets.close()

    @staticmethod
    def _ticking(file: CaptureFile) -> Generator[RawFrames | None, None, None]:
        with file:
            yield from file.arrivals(_TICK_S)
