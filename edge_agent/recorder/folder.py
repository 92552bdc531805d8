"""A recording as a folder: captures that rotate, and the list of those with a label.

    000001.pcap              under way, or nobody said where
    000002-kitchen-1.pcap    at one point all the time; the visit behind the name
    survey.csv               of those at a point, as `edge_agent.survey` reads it

A capture is listed once it has packets, and it has one label from its first packet to
its last: whenever the power goes, what is listed is true. When there is no more room,
captures without a label go first, the oldest first. Those with one are never removed.
"""

import contextlib
import errno
import fcntl
import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.arrays import sync_directory
from edge_agent.errors import OutputError, SurveyError, UsageError
from edge_agent.pcap_writer import PcapWriter
from edge_agent.survey import (
    SURVEY_FILE,
    Point,
    SurveyedCapture,
    read_survey,
    write_survey,
)

_NUMBERED = re.compile(r"(\d{6,})(-.+)?\.pcap")
_UNSAFE = re.compile(r"[^A-Za-z0-9._]+")
_LONGEST_NAME = 40
_CLOSED = -1


@dataclass(slots=True)
class _File:
    """One capture of the folder."""

    path: Path
    n_bytes: int
    is_labelled: bool


class RecordingFolder:
    """The captures of a recording, while entered; nobody else writes there then."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        """Name the folder; it is made on entry.

        Args:
            path: The folder; a recording that is there is continued.
            max_bytes: What all captures together may take.
        """
        self.path = path
        self._max_bytes = max_bytes
        self._lock = _CLOSED
        self._is_new = False
        self._rows: list[SurveyedCapture] = []
        self._files: list[_File] = []
        self._number = 0

    @property
    def survey(self) -> Path:
        """Where the list is, once there is one."""
        return self.path / SURVEY_FILE

    @property
    def points(self) -> tuple[Point, ...]:
        """All that are listed."""
        return tuple(dict.fromkeys(row.point for row in self._rows))

    @property
    def n_bytes(self) -> int:
        """What all captures take."""
        return sum(file.n_bytes for file in self._files)

    @property
    def n_labelled(self) -> int:
        """Captures that are listed."""
        return len(self._rows)

    def __enter__(self) -> Self:
        """Make the folder, or read what it holds.

        Raises:
            OutputError: It cannot be made or written.
            SurveyError: Its list is damaged.
            UsageError: Somebody else records there.
        """
        try:
            self._is_new = not self.path.exists()
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._unlock()
            raise UsageError(
                f"another edge_agent record writes to {self.path}; name another folder"
            ) from error
        except OSError as error:
            raise cannot_write(self.path, error) from error
        try:
            self._read()
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_new:  # and goes again, unless there is something in it by now
            with contextlib.suppress(OSError):
                self.path.rmdir()
        self._unlock()

    def next_visit(self, point: Point) -> int:
        """Return which visit of a point the next one is, from 1."""
        visits = [row.visit for row in self._rows if row.point == point]
        numbers = [int(visit) for visit in visits if visit.isdecimal()]
        return max([len(set(visits)), *numbers], default=0) + 1

    def new_file(self, label: tuple[Point, int] | None) -> Path:
        """Return what the next capture is called.

        Args:
            label: Point and visit; None where nobody says.
        """
        self._number += 1
        name = f"{self._number:06d}"
        if label is not None:
            point, visit = label
            safe = _UNSAFE.sub("-", point.name).strip("-")[:_LONGEST_NAME]
            name += f"-{safe or 'point'}-{visit}"
        path = self.path / f"{name}.pcap"
        self._files.append(_File(path, 0, is_labelled=False))
        return path

    def grew(self, writer: PcapWriter) -> None:
        """Note how long the newest capture is."""
        self._files[-1].n_bytes = writer.n_bytes

    def list(self, path: Path, point: Point, visit: int) -> None:
        """List a capture; the list on disk is replaced as a whole.

        Raises:
            OutputError: It cannot be written; the old one is untouched.
        """
        environment = self.path.resolve().name
        self._rows.append(SurveyedCapture(path, point, str(visit), environment))
        self._files[-1].is_labelled = True
        unfinished = self.path / f".{SURVEY_FILE}"
        try:
            write_survey(unfinished, self._rows)
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(self.survey)
            sync_directory(self.path)
        except OSError as error:
            raise cannot_write(self.survey, error) from error

    def make_room(self, n_bytes: int, *, keep: Path | None) -> bool:
        """Remove captures without a label, oldest first, until so much fits.

        Args:
            n_bytes: That are to be written.
            keep: The capture that is being written, which stays.

        Returns:
            Whether it fits now.

        Raises:
            OutputError: One cannot be removed.
        """
        while self.n_bytes + n_bytes > self._max_bytes:
            oldest = next(
                (f for f in self._files if not f.is_labelled and f.path != keep), None
            )
            if oldest is None:
                return False
            try:
                oldest.path.unlink(missing_ok=True)
            except OSError as error:
                raise cannot_write(oldest.path, error) from error
            self._files.remove(oldest)
        return True

    def _read(self) -> None:
        if self.survey.is_file():
            self._rows = read_survey(self.survey)
        listed = {row.capture.resolve() for row in self._rows}
        numbered = [
            (int(match[1]), path)
            for path in self.path.iterdir()
            if (match := _NUMBERED.fullmatch(path.name)) and path.is_file()
        ]
        for number, path in sorted(numbered):
            is_labelled = path.resolve() in listed
            self._files.append(_File(path, path.stat().st_size, is_labelled))
            self._number = max(self._number, number)
        strange = [row for row in self._rows if row.capture.parent != self.path]
        if strange:
            raise SurveyError(
                f"{self.survey} lists {strange[0].capture}, which is not in its "
                "folder: edge_agent record has not written it. Name another folder"
            )

    def _unlock(self) -> None:
        if self._lock != _CLOSED:
            os.close(self._lock)
            self._lock = _CLOSED


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Return what says that a disk takes no more, and what to do."""
    advice = {
        errno.ENOSPC: "the disk is full; what is recorded stays. Remove what is not "
        "needed, or set --max-mb",
        errno.EDQUOT: "the quota is used up; what is recorded stays",
        errno.EROFS: "the file system is read-only; name another folder",
        errno.EACCES: "no permission; name another folder, or use sudo",
    }.get(error.errno or 0, error.strerror or str(error))
    return OutputError(f"cannot write {path}: {advice}")
