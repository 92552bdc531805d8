"""Finished units on disk: written whole or not at all, and read again on resumption.

    <out>/units/<name>-<seed>-<digest>.npz      arrays by name, and ``about``

The digest is of the unit's settings, of the source that it runs, and of the same of the
units that it needs: a stale result is never taken for a new one.
"""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trainer.benchmark.digest import CodeDigests
from trainer.figures.errors import FigureError
from trainer.figures.units import Unit

_ABOUT: Final = "about"
_DAMAGE: Final = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    zipfile.BadZipFile,
)
"""What numpy and json raise for a file that is not whole."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What a unit left."""

    arrays: Mapping[str, npt.NDArray[Any]]
    seconds: float
    """That it took."""


class UnitStore:
    """A folder of units."""

    def __init__(self, folder: Path) -> None:
        """Make the folder.

        Raises:
            FigureError: It cannot be written.
        """
        self._folder = folder
        self._digests = CodeDigests()
        self._paths: dict[tuple[Unit, int], Path] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FigureError(f"cannot write {folder}: {error.strerror}") from error
        if not os.access(folder, os.W_OK):
            raise FigureError(f"cannot write {folder}: it is not writable")

    def path(self, unit: Unit, seed: int) -> Path:
        """Return where a unit of a seed is, or will be.

        The same for the whole run, even if sources are edited meanwhile.
        """
        if (unit, seed) not in self._paths:
            name = f"{unit.name}-{seed}-{self._digests.of(unit)}.npz"
            self._paths[unit, seed] = self._folder / name
        return self._paths[unit, seed]

    def has(self, unit: Unit, seed: int) -> bool:
        """Return whether it is done."""
        return self.path(unit, seed).is_file()

    def load(self, unit: Unit, seed: int) -> Stored:
        """Read a unit.

        Raises:
            FigureError: The file is damaged, or is not there.
        """
        return read_unit(self.path(unit, seed))


def write_unit(
    path: Path, arrays: Mapping[str, npt.NDArray[Any]], seconds: float
) -> None:
    """Write a unit; after a crash it is there whole or not at all.

    Args:
        path: From `UnitStore.path`.
        arrays: By name; ``about`` is taken.
        seconds: That it took.

    Raises:
        FigureError: The disk is full, for example.
    """
    buffer = io.BytesIO()
    about = np.array(json.dumps({"seconds": seconds}))
    contents: dict[str, Any] = {_ABOUT: about, **arrays}
    np.savez(buffer, **contents)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_bytes(buffer.getvalue())
        part.replace(path)
    except OSError as error:
        raise FigureError(f"cannot write {path}: {error.strerror}") from error


def read_unit(path: Path) -> Stored:
    """Read a unit.

    Raises:
        FigureError: The file is damaged, or is not there.
    """
    try:
        # From memory: numpy forgets to close a file that is no archive.
        content = io.BytesIO(path.read_bytes())
        with np.load(content, allow_pickle=False) as stored:
            about = json.loads(str(stored[_ABOUT]))
            arrays = {name: stored[name] for name in stored.files if name != _ABOUT}
        return Stored(arrays, float(about["seconds"]))
    except _DAMAGE as error:
        raise FigureError(
            f"{path} is no finished unit ({error}); delete it and run again"
        ) from error
