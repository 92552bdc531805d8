"""Compact copies: one .npz file per survey, with the arrays of its originals."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.surveys.report import SurveyDataError

Arrays = Mapping[str, npt.NDArray[Any]]

_MAX_BYTES = 4 << 30
"""Most that the arrays of a copy may take in memory."""

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    KeyError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    SyntaxError,  # of the header of an array
)
"""What numpy and zipfile raise for a file with a flipped bit."""


def read_compact(path: Path) -> Arrays:
    """Return all arrays of a compact copy.

    Raises:
        SurveyDataError: It cannot be read, or would take more than 4 GiB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except _DAMAGE as error:
        raise SurveyDataError(f"{path} is damaged or no array file: {error}") from error
    if size > _MAX_BYTES:
        raise SurveyDataError(
            f"{path} holds {size} bytes of arrays, more than {_MAX_BYTES}"
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: _read(path, file, name) for name in file.files}
    except _DAMAGE as error:
        raise SurveyDataError(f"{path} is damaged or no array file: {error}") from error


def _read(path: Path, file: Any, name: str) -> npt.NDArray[Any]:  # noqa: ANN401
    """Return one array, or say which one is damaged."""
    try:
        array: npt.NDArray[Any] = file[name]
    except _DAMAGE as error:
        raise SurveyDataError(f"{path}: array {name} is damaged: {error}") from error
    return array


def check_shapes(
    source: Path, arrays: Arrays, shapes: Mapping[str, tuple[int | str, ...]]
) -> None:
    """Check that arrays are there and fit together.

    Args:
        source: Named in the error.
        arrays: Of a copy.
        shapes: Expected shape by name; equal words stand for equal sizes, e.g.
            ``{"amp": ("n", 30, 3), "day": ("n",)}``.

    Raises:
        SurveyDataError: An array is missing, no array of numbers or text, or of another
            shape.
    """
    sizes: dict[str, int] = {}
    for name, expected in shapes.items():
        if name not in arrays:
            raise SurveyDataError(f"{source} lacks the array {name}")
        found = arrays[name].shape
        wanted = tuple(
            sizes.setdefault(size, found[axis] if axis < len(found) else -1)
            if isinstance(size, str)
            else size
            for axis, size in enumerate(expected)
        )
        if found != wanted:
            text = ", ".join(map(str, expected))
            raise SurveyDataError(
                f"{source}: array {name} has shape {found}, expected ({text})"
                + "".join(f", {word} = {n}" for word, n in sizes.items())
            )
