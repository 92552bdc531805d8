"""Where packets come from: an interface, a file, a pipe. One seam for all of them."""

import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Protocol

from edge_agent.capture_file import STANDARD_INPUT, CaptureFile
from edge_agent.csi.raw import CSI_LINK_TYPES, RawFrames
from edge_agent.csi.refusal import Refusal
from edge_agent.csi.simulated import says_simulated
from edge_agent.payload import Source
from edge_agent.replay import paced

_LIVE_WITHIN_NS = 60_000_000_000
_TICK_S = 0.05


class PacketSource(Protocol):
    """A run of packets."""

    name: str
    """For people."""

    doing: str
    """What is done with it, e.g. ``capturing on wlan0``; said once it is open."""

    def check(self) -> bool:
        """Find out, before anything else is begun, whether it can be opened.

        Returns:
            Whether it already says that its frames are simulated.

        Raises:
            CaptureError: It cannot.
        """

    def packets(
        self, wanted: Callable[[], int]
    ) -> Generator[RawFrames | None, None, None]:
        """Yield packets as they arrive, and None now and then when none do.

        May be called again: a file begins anew, an interface and standard input go on.

        Args:
            wanted: How many packets the next step needs at least.

        Raises:
            CaptureError: The source cannot be opened or breaks.
        """

    def kind(self, newest_ns: int) -> Source:
        """Return what a location made now is.

        Args:
            newest_ns: Time of its newest packet [ns since the UNIX epoch].
        """

    def losses(self) -> Counter[str]:
        """Return what was lost on the way, by reason."""


class LiveSource:
    """An interface of this machine."""

    def __init__(
        self,
        interface: str,
        buffer_frames: int,
        link_types: tuple[int, ...] = CSI_LINK_TYPES,
    ) -> None:
        """Name the interface.

        Args:
            interface: For example ``wlan0``.
            buffer_frames: Packets kept while the agent is busy.
            link_types: Those that are asked for; an interface of others is refused.
        """
        self.link_types = link_types
        self.name = interface
        self.doing = f"capturing on {interface}"
        self._buffer_frames = buffer_frames
        self._losses: Counter[str] = Counter()

    def check(self) -> bool:
        """Open the interface and close it again."""
        from edge_agent.live import LiveCapture

        with LiveCapture(self.name, link_types=self.link_types):
            return False

    def packets(
        self, wanted: Callable[[], int]
    ) -> Generator[RawFrames | None, None, None]:
        """Yield packets until the interface goes away."""
        from edge_agent.live import LiveCapture  # scapy is slow to import

        with LiveCapture(
            self.name, buffer_frames=self._buffer_frames, link_types=self.link_types
        ) as capture:
            try:
                while True:
                    yield capture.read(at_least=wanted(), timeout_s=_TICK_S)
            finally:
                counters = capture.counters
                self._losses["dropped by the kernel"] = counters.dropped_by_kernel
                self._losses["dropped while busy"] = counters.dropped_by_agent

    def kind(self, newest_ns: int) -> Source:
        """Return `Source.LIVE`."""
        return Source.LIVE

    def losses(self) -> Counter[str]:
        """Return packets lost between the interface and the decoder."""
        return +self._losses


class FileSource:
    """A recorded capture."""

    def __init__(
        self,
        path: str | Path,
        *,
        speed: float | None = None,
        link_types: tuple[int, ...] = CSI_LINK_TYPES,
    ) -> None:
        """Name the capture.

        Args:
            path: A pcap or pcapng file.
            speed: Pace relative to the recording; as fast as possible when None.
            link_types: Those that are asked for; a capture of none of them is refused.
        """
        self._link_types = link_types
        self.name = str(path)
        self.doing = f"replaying {path}"
        self._path, self._file = path, CaptureFile(path, link_types)
        self._speed = speed
        self._refused: Counter[Refusal] = Counter()

    def check(self) -> bool:
        """Read the first packets of a file; wait for those of a pipe, and keep them."""
        if not self.is_recording:
            return self._wait()
        with CaptureFile(self._path, self._link_types) as file:
            next(iter(file), None)
            return says_simulated(file.comments)

    def _wait(self) -> bool:
        with self._file as file:
            file.read_ahead()
            return says_simulated(file.comments)

    def packets(
        self, wanted: Callable[[], int]
    ) -> Generator[RawFrames | None, None, None]:
        """Yield the packets; None, in turn, while a pipe brings none."""
        if self.is_recording:
            self._file = CaptureFile(self._path, self._link_types)
        with self._file as file:
            if self._speed is None:
                yield from file.arrivals(_TICK_S)
            else:
                yield from paced(file, speed=self._speed)

    @property
    def is_recording(self) -> bool:
        """Whether it can be read again; a pipe brings what it brings once."""
        return Path(self._path).is_file()

    def kind(self, newest_ns: int) -> Source:
        """Return `Source.REPLAY`, or simulated where the capture says so."""
        simulated = says_simulated(self._file.comments)
        return Source.SIMULATED if simulated else Source.REPLAY

    def losses(self) -> Counter[str]:
        """Return what the container hid from the decoder."""
        losses = Counter({str(k): n for k, n in self._file.refused.items()})
        if self._file.damage:
            losses[f"damaged capture: {self._file.damage}"] = 1
        return losses


class StreamSource(FileSource):
    """A capture on standard input: live from a pipe, or a file that was piped in."""

    def __init__(self, link_types: tuple[int, ...] = CSI_LINK_TYPES) -> None:
        super().__init__(STANDARD_INPUT, link_types=link_types)
        self.name = "standard input"
        self.doing = "reading standard input"

    @property
    def is_recording(self) -> bool:
        """False, though a file may stand behind it."""
        return False

    def kind(self, newest_ns: int) -> Source:
        """Return live where the packets are as old as the clock says, else replay."""
        kind = super().kind(newest_ns)
        if kind is Source.REPLAY and abs(time.time_ns() - newest_ns) < _LIVE_WITHIN_NS:
            return Source.LIVE
        return kind
