"""MATLAB files."""

import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.io

from trainer.surveys.report import SurveyDataError

_MAX_BYTES = 1 << 30
_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    NotImplementedError,  # version 7.3, which is HDF5
    MemoryError,
    OverflowError,
    scipy.io.matlab.MatReadError,
    zlib.error,
)
"""What scipy lets through for a file that is none or damaged."""


def read_matrix(path: Path, name: str) -> npt.NDArray[np.float64]:
    """Return a matrix of real numbers.

    Raises:
        SurveyDataError: The file is missing, damaged, or has no such matrix.
    """
    _check_size(path, name)
    try:
        found = scipy.io.loadmat(path, variable_names=[name]).get(name)
    except _DAMAGE as error:
        raise SurveyDataError(f"{path} cannot be read: {error}") from error
    if (
        not isinstance(found, np.ndarray)
        or found.ndim != 2
        or found.dtype.kind not in "fiu"
    ):
        raise SurveyDataError(f"{path} has no matrix {name} of real numbers")
    return found.astype(np.float64)


def _check_size(path: Path, name: str) -> None:
    """Refuse a matrix that says to be larger than any survey."""
    try:
        shapes = {n: shape for n, shape, _ in scipy.io.whosmat(path)}
    except _DAMAGE as error:
        raise SurveyDataError(f"{path} cannot be read: {error}") from error
    n_bytes = 8 * float(np.prod([float(n) for n in shapes.get(name, ())]))
    if n_bytes > _MAX_BYTES:
        raise SurveyDataError(f"{path}: {name} says to have {n_bytes:.0f} bytes")
