"""Finished units on disk: written whole or not at all, and read again on resumption."""

import io
import json
import os
import zipfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainer.benchmark.digest import digest_of_text
from trainer.benchmark.errors import BenchmarkError
from trainer.benchmark.metrics import Outcome

_DAMAGE: Final = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    zipfile.BadZipFile,
)
"""What numpy and json raise for a file that is not whole."""

_ARRAYS: Final = tuple(field.name for field in fields(Outcome))


@dataclass(frozen=True, slots=True)
class UnitKey:
    """What a result depends on; equal keys have equal results."""

    survey: str
    protocol: str
    """Digest of the protocol and of the role of the target."""

    data: str
    """Digest of the survey's samples."""

    target: str
    regime: str
    method: str
    seed: int
    code: str
    """Digest of the method's settings and source, and of the benchmark's."""

    @property
    def file(self) -> str:
        """Name of the unit's file."""
        return f"{digest_of_text(json.dumps(asdict(self)))}.npz"


@dataclass(frozen=True, slots=True)
class Effort:
    """What an outcome took."""

    images: int
    """Labelled samples of the target."""

    points: int
    """Points that they were taken at."""

    learn_s: float
    """Learning from history, shared by all units with the same [s]."""

    calibrate_s: float
    locate_s: float
    """All queries of the unit together [s]."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One method on one episode."""

    key: UnitKey
    same_visit: bool
    outcome: Outcome | None
    """None where the method did not answer."""

    effort: Effort | None

    reason: str = ""
    """Why there is no outcome."""


class UnitStore:
    """A folder of units."""

    def __init__(self, folder: Path) -> None:
        """Make the folder.

        Raises:
            BenchmarkError: It cannot be written.
        """
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BenchmarkError(f"cannot write {folder}: {error.strerror}") from error
        if not os.access(folder, os.W_OK):
            raise BenchmarkError(f"cannot write {folder}: it is not writable")

    def __contains__(self, key: UnitKey) -> bool:
        return (self._folder / key.file).is_file()

    def save(self, unit: Unit) -> None:
        """Write a unit; after a crash it is there whole or not at all.

        Raises:
            BenchmarkError: The disk is full, for example.
        """
        about: dict[str, Any] = {
            "key": asdict(unit.key),
            "same_visit": unit.same_visit,
            "effort": None if unit.effort is None else asdict(unit.effort),
            "reason": unit.reason,
        }
        arrays = {}
        if unit.outcome is not None:
            arrays = {name: getattr(unit.outcome, name) for name in _ARRAYS}
        buffer = io.BytesIO()
        np.savez(buffer, about=np.array(json.dumps(about)), **arrays)
        path = self._folder / unit.key.file
        # A name per process: two workers never write one unit, two runs might.
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            part.write_bytes(buffer.getvalue())
            part.replace(path)
        except OSError as error:
            raise BenchmarkError(f"cannot write {path}: {error.strerror}") from error

    def load(self, key: UnitKey) -> Unit:
        """Read a unit.

        Raises:
            BenchmarkError: The file is damaged, or is not there.
        """
        path = self._folder / key.file
        try:
            # From memory: numpy forgets to close a file that is no archive.
            content = io.BytesIO(path.read_bytes())
            with np.load(content, allow_pickle=False) as stored:
                about = json.loads(str(stored["about"]))
                arrays = {
                    name: stored[name] for name in stored.files if name in _ARRAYS
                }
            effort = about["effort"]
            return Unit(
                UnitKey(**about["key"]),
                about["same_visit"],
                Outcome(**arrays) if arrays else None,
                None if effort is None else Effort(**effort),
                about["reason"],
            )
        except _DAMAGE as error:
            raise BenchmarkError(
                f"{path} is no finished unit ({error}); delete it and run again"
            ) from error
