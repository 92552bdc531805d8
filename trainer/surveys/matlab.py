"""Matrices in MATLAB files of version 5: what ``save`` writes, unless with ``-v7.3``.

      0  116 bytes of text, 8 that do not matter here
    124  u16  version, 0x0100
    126  u16  0x4d49, in the order of bytes of all numbers
    128  elements, each followed by zeros up to a multiple of 8 bytes, but type 15

    element        u32 type, u32 n, n bytes
    small element  u32 n << 16 | type, 4 bytes, of which n count

    type 15: a zlib stream, which holds one element
    type 14: a matrix, which holds elements
         6  u32  class in the lowest byte (6 to 15 are numbers), 0x800: complex; u32
         5  i32  dimensions
         1  name
         1 to 13, see `_NUMBERS`: values, first index fastest, in any type that fits

"MAT-File Level 5 File Format", The MathWorks.

Nothing is inflated but the matrix that is asked for, and that no further than its
dimensions allow: scipy's reader believes every length in the file.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer.surveys.report import SurveyDataError

_MAX_FILE_BYTES = 64 << 20
_MAX_BYTES = 256 << 20
"""Most that a matrix may take in double precision."""

_HEADER_BYTES = 128
_TAG_BYTES = 8
_MATRIX = 14
_COMPRESSED = 15
_COMPLEX = 0x800
_HEAD = (6, 5, 1)
"""Types of what comes before the values: class and flags, dimensions, name."""

_NUMERIC_CLASSES = range(6, 16)
_NUMBERS = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_LONGEST_HEAD = 1024
"""Bytes in which flags, dimensions and name end: a name has at most 63."""


@dataclass(frozen=True, slots=True)
class _Matrix:
    """A matrix without its values."""

    name: str
    shape: tuple[int, ...]

    is_real: bool
    """Whether it holds real numbers."""

    values_start: int
    """Where its values start in the content [bytes]."""

    content: memoryview
    """As far as it is inflated."""

    compressed: memoryview | None
    """The stream that holds it; None where it is not compressed."""


def read_matrix(path: Path, name: str) -> npt.NDArray[np.float64]:
    """Return a matrix of real numbers.

    Args:
        path: The file.
        name: Of the variable.

    Returns:
        Shape (n_rows, n_columns).

    Raises:
        SurveyDataError: The file is missing, damaged, of another version, or larger
            than 64 MiB; it has no such matrix, or two; or the matrix would take more
            than 256 MiB.
    """
    data = _read_file(path)
    order = {b"IM": "<", b"MI": ">"}.get(data[126:_HEADER_BYTES])
    if order is None or struct.unpack(f"{order}H", data[124:126]) != (0x0100,):
        raise SurveyDataError(
            f"{path} cannot be read: it is no MATLAB file of version 5; get it "
            "anew, or save it with -v7"
        )
    try:
        found = list(_found(memoryview(data)[_HEADER_BYTES:], order, name))
    except (ValueError, zlib.error) as error:
        raise SurveyDataError(f"{path} cannot be read: {error}") from error
    if len(found) > 1:
        raise SurveyDataError(f"{path} has {len(found)} matrices {name}, expected one")
    if not found or not found[0].is_real or len(found[0].shape) != 2:
        raise SurveyDataError(f"{path} has no matrix {name} of real numbers")
    n_bytes = 8 * prod(found[0].shape)
    if n_bytes > _MAX_BYTES:
        raise SurveyDataError(f"{path}: {name} says to have {n_bytes} bytes")
    try:
        return _values(found[0], order)
    except (ValueError, zlib.error) as error:
        raise SurveyDataError(f"{path}: {name} cannot be read: {error}") from error


def _read_file(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size <= _MAX_FILE_BYTES:
            return path.read_bytes()
    except OSError as error:
        raise SurveyDataError(f"{path} cannot be read: {error.strerror}") from error
    raise SurveyDataError(f"{path} has {size} bytes, more than {_MAX_FILE_BYTES}")


def _element(data: memoryview, start: int, order: str) -> tuple[int, memoryview, int]:
    """Return type and content of an element, and where the next one starts.

    Raises:
        ValueError: It does not fit into the data.
    """
    if len(data) - start < _TAG_BYTES:
        raise ValueError("it ends in the middle of an element")
    kind, n = struct.unpack_from(f"{order}II", data, start)
    first, end = start + _TAG_BYTES, start + _TAG_BYTES
    if kind >> 16:
        kind, n, first = kind & 0xFFFF, kind >> 16, start + _TAG_BYTES // 2
    else:
        end += n if kind == _COMPRESSED else n + -n % 8
    if first + n > min(end, len(data)):
        raise ValueError(f"an element says to have {n} bytes, more than there are")
    return kind, data[first : first + n], end


def _found(data: memoryview, order: str, name: str) -> Iterator[_Matrix]:
    """Yield what has this name."""
    start = 0
    while start < len(data):
        kind, content, start = _element(data, start, order)
        compressed = None
        if kind == _COMPRESSED:
            compressed = content
            head = zlib.decompressobj().decompress(content, _LONGEST_HEAD)
            if len(head) < _TAG_BYTES:
                raise ValueError("a compressed element is empty")
            kind = struct.unpack_from(f"{order}I", head)[0]
            content = memoryview(head)[_TAG_BYTES:]
        if kind == _MATRIX:
            matrix = _matrix(content, compressed, order)
            if matrix is not None and matrix.name == name:
                yield matrix


def _matrix(
    content: memoryview, compressed: memoryview | None, order: str
) -> _Matrix | None:
    """Return a matrix without its values; None for what is no array."""
    parts, start = [], 0
    for expected in _HEAD:
        kind, part, start = _element(content, start, order)
        if kind != expected:
            return None
        parts.append(part)
    flags, shape = (np.frombuffer(part, f"{order}i4").tolist() for part in parts[:2])
    if not flags or min(shape, default=0) < 0:
        raise ValueError(f"a matrix says to have flags {flags}, dimensions {shape}")
    return _Matrix(
        bytes(parts[2]).decode("latin-1"),
        tuple(shape),
        flags[0] & 0xFF in _NUMERIC_CLASSES and not flags[0] & _COMPLEX,
        start,
        content,
        compressed,
    )


def _values(matrix: _Matrix, order: str) -> npt.NDArray[np.float64]:
    """Return the values of a matrix of real numbers.

    Raises:
        ValueError: There are more or fewer than its dimensions say.
    """
    n, content = prod(matrix.shape), matrix.content
    if matrix.compressed is not None:
        longest = _TAG_BYTES + matrix.values_start + _TAG_BYTES + 8 * n
        inflater = zlib.decompressobj()
        data = inflater.decompress(matrix.compressed, longest + 1)
        if not inflater.eof:  # neither is the checksum compared
            raise ValueError("it does not end where its dimensions say")
        _, content, _ = _element(memoryview(data), 0, order)
    kind, part, _ = _element(content, matrix.values_start, order)
    if kind not in _NUMBERS:
        raise ValueError(f"values of type {kind} are no numbers")
    dtype = np.dtype(order + _NUMBERS[kind])
    if len(part) != n * dtype.itemsize:
        raise ValueError(f"it has {len(part)} bytes, expected {n * dtype.itemsize}")
    values = np.frombuffer(part, dtype).reshape(matrix.shape, order="F")
    return values.astype(np.float64, order="C")
