"""Whether the originals of a survey are those that its loader was written with.

The tables in ``checksums`` cover the files that were at hand, not the complete surveys:
a file that no table lists is read all the same, it is only not known to be intact.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from trainer.surveys.report import SurveyDataError

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as its authors published it."""

    digest: str
    """SHA-256, hexadecimal."""

    size: int
    """[bytes]."""

    path: str
    """Relative to the folder of the survey."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What was found of the files that are known."""

    n_intact: int

    missing: tuple[str, ...]
    """Paths of known files that are not there."""

    damaged: tuple[str, ...]
    """Path of each file that differs, and how."""


def known_files(name: str) -> tuple[KnownFile, ...]:
    """Return the files of a survey whose checksums are known; perhaps none."""
    table = resources.files("trainer.surveys.checksums") / f"{name}.txt"
    if not table.is_file():
        return ()
    lines = table.read_text(encoding="utf-8").splitlines()
    rows = (line.split(" ", 2) for line in lines)
    return tuple(KnownFile(digest, int(size), path) for digest, size, path in rows)


def check_files(root: Path, known: tuple[KnownFile, ...]) -> FileCheck:
    """Compare the files in a folder with what is known of them.

    Raises:
        SurveyDataError: A file cannot be read.
    """
    n_intact = 0
    missing: list[str] = []
    damaged: list[str] = []
    for file in known:
        path = _path(root, file)
        if not path.is_file():
            missing.append(file.path)
            continue
        try:
            size = path.stat().st_size
            digest = _digest(path) if size == file.size else ""
        except OSError as error:
            raise SurveyDataError(f"{path} cannot be read: {error.strerror}") from error
        if size != file.size:
            damaged.append(f"{file.path}: {size} bytes, not {file.size}")
        elif digest != file.digest:
            damaged.append(f"{file.path}: other content, SHA-256 {digest[:12]}...")
        else:
            n_intact += 1
    return FileCheck(n_intact, tuple(missing), tuple(damaged))


def _path(root: Path, file: KnownFile) -> Path:
    """Return where a file is to be, also where the folder is one of the archive's."""
    first, _, rest = file.path.partition("/")
    return root / (rest if first == root.name else file.path)


def _digest(path: Path) -> str:
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
    return sha256.hexdigest()
