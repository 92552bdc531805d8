"""Packets into the captures of a recording, each with one label."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import numpy as np

from edge_agent.csi.raw import RawFrames
from edge_agent.errors import ConfigError, OutputError
from edge_agent.guide.typed_point import typed_point
from edge_agent.pcap_writer import HEAD_BYTES, RECORD_BYTES, PcapWriter
from edge_agent.recorder.folder import RecordingFolder, cannot_write
from edge_agent.site_file import is_mixed
from edge_agent.survey import Point

NO_LABEL = "-"
"""What somebody types who goes away."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a capture ends and the next begins."""

    rotate_bytes: int
    rotate_ns: int | None = None
    """By the packets' own time [ns]; None: never."""


class Recorder:
    """Writes packets to a recording, while entered."""

    def __init__(
        self,
        folder: RecordingFolder,
        limits: Limits,
        on_file: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Start without a label.

        Args:
            folder: Entered by the caller.
            limits: Of a single capture.
            on_file: Called with a line for people when a stay begins or ends.
        """
        self._folder, self._limits, self._on_file = folder, limits, on_file
        self._writer: PcapWriter | None = None
        self._first_ns = 0
        self._label: tuple[Point, int] | None = None
        self._n_at_label = 0
        self.n_packets = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end_stay()

    def label(self, point: Point | None) -> None:
        """Say where what comes next is recorded.

        Args:
            point: A new visit of it begins; None: under way.

        Raises:
            OutputError: What was written cannot be kept.
        """
        self._end_stay()
        self._label = None
        if point is not None:
            self._label = point, self._folder.next_visit(point)
            self._on_file(f"at {point.name}, visit {self._label[1]}")

    def write(self, raw: RawFrames) -> None:
        """Store packets.

        Raises:
            CaptureError: No pcap file can hold them.
            OutputError: The disk, or the room that was given, is full; everything
                before them is kept.
        """
        while len(raw):
            if self._writer is not None and self._is_full(self._writer, raw):
                self._close()
            n = self._n_until_full(raw)
            self._append(raw[:n])
            raw = raw[n:]

    def _append(self, raw: RawFrames) -> None:
        """Write packets to one capture."""
        n_bytes = int(raw.lengths.sum()) + RECORD_BYTES * len(raw)
        self._make_room(n_bytes + (HEAD_BYTES if self._writer is None else 0))
        try:
            writer = self._writer or self._open(raw)
            writer.write(raw)
            is_to_list = self._label is not None and writer.n_packets == len(raw)
            if is_to_list:
                writer.sync()  # what is listed is there, also after a power cut
        except OSError as error:
            raise cannot_write(self._folder.path, error) from error
        self._folder.grew(writer)
        self.n_packets += len(raw)
        self._n_at_label += len(raw)
        if self._label is not None and is_to_list:
            self._folder.list(writer.path, *self._label)

    def _is_full(self, writer: PcapWriter, raw: RawFrames) -> bool:
        """Tell whether the next packet belongs to another capture."""
        limits = self._limits
        age_ns = int(raw.time_ns[0]) - self._first_ns
        return (
            writer.link_type != raw.link_type
            or writer.n_bytes >= limits.rotate_bytes
            or (limits.rotate_ns is not None and age_ns >= limits.rotate_ns)
        )

    def _n_until_full(self, raw: RawFrames) -> int:
        """Return how many packets the capture takes: the one that fills it as well."""
        limits, writer = self._limits, self._writer
        used = HEAD_BYTES if writer is None else writer.n_bytes
        ends = used + np.cumsum(raw.lengths + RECORD_BYTES)
        n = int(np.searchsorted(ends, limits.rotate_bytes)) + 1
        if limits.rotate_ns is not None:
            first_ns = int(raw.time_ns[0]) if writer is None else self._first_ns
            late = np.flatnonzero(raw.time_ns - first_ns >= limits.rotate_ns)
            n = min(n, int(late[0])) if len(late) else n
        return max(n, 1)

    def _make_room(self, n_bytes: int) -> None:
        keep = self._writer.path if self._writer else None
        if self._folder.make_room(n_bytes, keep=keep):
            return
        if self._writer is not None and self._label is None:
            self._close()
            if self._folder.make_room(n_bytes + HEAD_BYTES, keep=None):
                return
        raise OutputError(
            f"{self._folder.path} holds {self._folder.n_bytes / 1e6:.1f} MB, as much "
            "as --max-mb allows, and none of it without a label: nothing more is "
            "recorded. Name another folder, or allow more"
        )

    def _open(self, raw: RawFrames) -> PcapWriter:
        writer = PcapWriter(self._folder.new_file(self._label), raw.link_type)
        self._writer = writer.__enter__()
        self._first_ns = int(raw.time_ns[0])
        return writer

    def _end_stay(self) -> None:
        self._close()
        if self._label is not None:
            point, visit = self._label
            self._on_file(
                f"was at {point.name}, visit {visit}: {self._n_at_label} packets"
            )
        self._n_at_label = 0

    def _close(self) -> None:
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        try:
            writer.sync()
        except OSError as error:
            raise cannot_write(writer.path, error) from error
        finally:
            writer.close()


def labelled_point(text: str, known: tuple[Point, ...]) -> Point | None:
    """Return where somebody says to be.

    Args:
        text: A name, or what `edge_agent.guide.typed_point` takes; ``-`` or nothing for
            nowhere in particular.
        known: Points with their places, which a name alone recalls.

    Raises:
        ConfigError: It is no point, a known one at another place, or one without
            coordinates among others with them.
    """
    name = text.strip()
    if name in ("", NO_LABEL):
        return None
    for point in known:
        if point.name == name:
            return point
    point = _as_listed(typed_point(name))
    other = next((one for one in known if one.name == point.name), point)
    if other != point:
        raise ConfigError(
            f"{point.name!r} is at another place already ({_where(other)}); give this "
            "one another name"
        )
    if is_mixed((*known, point)):
        raise ConfigError(
            f"{point.name!r} has {'' if point.is_placed else 'no '}coordinates, other "
            "points of this recording are otherwise; give them to all points, or to "
            "none"
        )
    return point


def _as_listed(point: Point) -> Point:
    """Return a point with the digits of its coordinates that lists have."""
    if point.x is None or point.y is None:
        return point
    return replace(point, x=float(f"{point.x:g}"), y=float(f"{point.y:g}"))


def _where(point: Point) -> str:
    x, y = point.location
    place = f"{x:g}, {y:g}" if point.is_placed else ""
    return ", ".join(part for part in (point.room or "", place) if part) or "outside"
