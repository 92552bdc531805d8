"""HDF5 files."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from trainer.surveys.report import SurveyDataError

_MAX_BYTES = 1 << 30
_DAMAGE = (OSError, ValueError, TypeError, KeyError, RuntimeError, MemoryError)


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of these names.

    Raises:
        SurveyDataError: The file is missing or damaged, an array is missing or would
            take more than 1 GiB.
    """
    try:
        with h5py.File(path, "r") as file:
            return {name: _read(path, file, name) for name in names}
    except _DAMAGE as error:
        raise SurveyDataError(f"{path} cannot be read: {error}") from error


def _read(path: Path, file: h5py.File, name: str) -> npt.NDArray[Any]:
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        raise SurveyDataError(f"{path} has no array {name}; it has {sorted(file)[:9]}")
    if found.size * found.dtype.itemsize > _MAX_BYTES:
        raise SurveyDataError(f"{path}: {name} says to have {found.size} elements")
    return np.asarray(found[()])
