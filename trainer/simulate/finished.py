"""The log of finished captures: one line each, with name, bytes and CRC-32."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_LINE = re.compile(r"(\S+) (\d+) ([0-9a-f]{8})\n")


@dataclass(frozen=True, slots=True)
class Finished:
    """A capture that was written to its end."""

    name: str
    """Below the folder."""

    n_bytes: int
    crc: int

    @classmethod
    def of(cls, name: str, data: bytes) -> Self:
        """Return what is to be remembered of a capture's bytes."""
        return cls(name, len(data), zlib.crc32(data))

    @property
    def line(self) -> str:
        """How the log has it."""
        return f"{self.name} {self.n_bytes} {self.crc:08x}\n"

    def is_intact(self, folder: Path) -> bool:
        """Tell whether the capture is there, and as it was written."""
        try:
            data = (folder / self.name).read_bytes()
        except OSError:
            return False
        return Finished.of(self.name, data) == self


def read_finished(path: Path) -> list[Finished]:
    """Return what a log says; a line that was cut short says nothing.

    Raises:
        OSError: It is there and cannot be read.
    """
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return []
    found = {m[1]: Finished(m[1], int(m[2]), int(m[3], 16)) for m in _matches(text)}
    return list(found.values())


def _matches(text: str) -> Iterator[re.Match[str]]:
    for line in text.splitlines(keepends=True):
        if (match := _LINE.fullmatch(line)) is not None:
            yield match
