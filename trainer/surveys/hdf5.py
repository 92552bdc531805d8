"""HDF5 files: arrays that are in the file itself.

A file may also say that an array is a link to another, is put together from others, or
is any bytes of any file: such arrays are refused, not followed.
"""

from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from trainer.surveys.report import SurveyDataError

_MAX_BYTES = 256 << 20
_MAX_TEXT_BYTES = 1 << 20
_DAMAGE = (OSError, ValueError, TypeError, KeyError, RuntimeError, MemoryError)


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of these names.

    Text, of fixed or variable length, comes as an array of bytes or objects.

    Raises:
        SurveyDataError: The file is missing or damaged, an array is missing, not of
            numbers or text, not in this file, or would take more than 256 MiB.
    """
    try:
        with h5py.File(path, "r") as file:
            return {name: _read(path, file, name) for name in names}
    except _DAMAGE as error:
        raise SurveyDataError(f"{path} cannot be read: {error}") from error


def _read(path: Path, file: h5py.File, name: str) -> npt.NDArray[Any]:
    link = file.get(name, getlink=True)
    if link is None:
        raise SurveyDataError(f"{path} has no array {name}; it has {sorted(file)[:9]}")
    found = file[name] if isinstance(link, h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset) or found.is_virtual or found.external:
        raise SurveyDataError(f"{path}: {name} is no array in this file; get it anew")
    is_text = h5py.check_string_dtype(found.dtype) is not None
    if not (is_text or found.dtype.kind in "fiu") or found.shape is None:
        raise SurveyDataError(
            f"{path}: {name} is of type {found.dtype}, not of numbers or text"
        )
    n_bytes = found.dtype.itemsize * max(found.size, prod(found.chunks or ()))
    if n_bytes > _MAX_BYTES:
        raise SurveyDataError(f"{path}: {name} says to have {n_bytes} bytes")
    if found.dtype.kind == "O":
        return _texts(path, found)
    return np.asarray(found[()])


def _texts(path: Path, found: h5py.Dataset) -> npt.NDArray[Any]:
    """Return texts of variable length: each may be all of the file, as may the next."""
    flat: list[bytes] = []
    n_bytes = 0
    for where in np.ndindex(found.shape):
        flat.append(found[where])
        n_bytes += len(flat[-1])
        if n_bytes > _MAX_TEXT_BYTES:
            raise SurveyDataError(
                f"{path}: {found.name} has more than {_MAX_TEXT_BYTES} bytes of text"
            )
    texts = np.empty(len(flat), object)
    texts[:] = flat
    return texts.reshape(found.shape)
