"""Compact copies: one .npz file per survey, with the arrays of its originals."""

import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import DAMAGE
from trainer.surveys.report import SurveyDataError

Arrays = Mapping[str, npt.NDArray[Any]]

_MAX_BYTES = 4 << 30
"""Most that the arrays of a copy may take in memory."""

_REAL = "biuf"
_TEXT = "U"
"""Kinds of arrays, as numpy has them."""

_EXACT_BELOW = 1 << 53
"""Up to here every whole number is one in double precision."""


def read_compact(path: Path) -> Arrays:
    """Return all arrays of a compact copy.

    Raises:
        SurveyDataError: It cannot be read, or would take more than 4 GiB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except DAMAGE as error:
        raise SurveyDataError(f"{path} is damaged or no array file: {error}") from error
    if size > _MAX_BYTES:
        raise SurveyDataError(
            f"{path} holds {size} bytes of arrays, more than {_MAX_BYTES}"
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: _read(path, file, name) for name in file.files}
    except DAMAGE as error:
        raise SurveyDataError(f"{path} is damaged or no array file: {error}") from error


def _read(path: Path, file: Any, name: str) -> npt.NDArray[Any]:  # noqa: ANN401
    """Return one array, or say which one is damaged."""
    try:
        array: npt.NDArray[Any] = file[name]
    except DAMAGE as error:
        raise SurveyDataError(f"{path}: array {name} is damaged: {error}") from error
    return array


def check_shapes(
    source: Path,
    arrays: Arrays,
    shapes: Mapping[str, tuple[int | str, ...]],
    *,
    text: Collection[str] = (),
) -> None:
    """Check that arrays are there, fit together, and are of numbers or of text.

    Args:
        source: Named in the error.
        arrays: Of a copy.
        shapes: Expected shape by name; equal words stand for equal sizes, e.g.
            ``{"amp": ("n", 30, 3), "day": ("n",)}``.
        text: Names of the arrays that are of text; the others are of real numbers.

    Raises:
        SurveyDataError: An array is missing, of another type, or of another shape.
    """
    sizes: dict[str, int] = {}
    for name, expected in shapes.items():
        if name not in arrays:
            raise SurveyDataError(f"{source} lacks the array {name}")
        _check_type(source, arrays, name, _TEXT if name in text else _REAL)
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


def scalar(source: Path, arrays: Arrays, name: str, default: float) -> float:
    """Return the one number in an array; the default where there is no such array.

    Args:
        source: Named in the error.
        arrays: Of a copy.
        name: Of the array, e.g. ``missing``. NaN is a number here.
        default: Where it is not there.

    Raises:
        SurveyDataError: It holds text, or more or fewer than one number.
    """
    if name not in arrays:
        return default
    _check_type(source, arrays, name, _REAL)
    if arrays[name].size != 1:
        raise SurveyDataError(
            f"{source}: array {name} has shape {arrays[name].shape}, expected one "
            "number"
        )
    return float(arrays[name].item())


def whole_numbers(source: Path, arrays: Arrays, name: str) -> npt.NDArray[np.int64]:
    """Return an array of whole numbers, of whatever type they are stored in.

    Raises:
        SurveyDataError: One is NaN, has a fraction, or is too large to be exact.
    """
    values = arrays[name]
    wrong = ~(np.abs(values.astype(np.float64)) < _EXACT_BELOW)
    if values.dtype.kind == "f":
        wrong |= values != np.rint(values)
    if wrong.any():
        raise SurveyDataError(
            f"{source}: array {name} holds {values[wrong][0]}, which is no whole number"
        )
    return values.astype(np.int64)


def indices(
    source: Path, arrays: Arrays, name: str, n: int, of: str
) -> npt.NDArray[np.int64]:
    """Return an array of numbers that count from 0, e.g. a point of each sample.

    Args:
        source: Named in the error.
        arrays: Of a copy.
        name: Of the array.
        n: How many there are of what is counted.
        of: What is counted, plural; named in the error.

    Raises:
        SurveyDataError: One is no whole number, negative, or n or more.
    """
    values = whole_numbers(source, arrays, name)
    wrong = (values < 0) | (values >= n)
    if wrong.any():
        raise SurveyDataError(
            f"{source}: array {name} holds {values[wrong][0]}, which is none of the "
            f"{n} {of}, counted from 0"
        )
    return values


def _check_type(source: Path, arrays: Arrays, name: str, kinds: str) -> None:
    if arrays[name].dtype.kind not in kinds:
        expected = "text" if kinds == _TEXT else "real numbers"
        raise SurveyDataError(
            f"{source}: array {name} is of {arrays[name].dtype}, expected {expected}"
        )
