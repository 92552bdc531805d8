"""Named arrays on disk: written whole or not at all, read within bounds."""

import hashlib
import io
import json
import os
import tempfile
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]

_HEADER = "header"
_NAMES = "arrays"

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    KeyError,
    ValueError,
    NotImplementedError,  # a compression that zipfile does not know
    RuntimeError,  # an encrypted member
    MemoryError,  # an array header that claims more than there is memory
    SyntaxError,  # in an array header, and what numpy's second look at one may raise
    tokenize.TokenError,
)
"""What numpy and zipfile raise for a file with a flipped bit."""


class ArraysError(ValueError):
    """A file of arrays is damaged, too large, or of another schema."""


def pack_arrays(header: dict[str, Any], arrays: Arrays) -> bytes:
    """Return an .npz file with a JSON header, which also lists the arrays."""
    described = header | {_NAMES: sorted(arrays)}
    text = np.frombuffer(json.dumps(described, sort_keys=True).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{_HEADER: text}, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def unpack_arrays(
    data: bytes, *, schema: str, max_bytes: int
) -> tuple[dict[str, Any], Arrays]:
    """Return header and arrays of an .npz file.

    Args:
        data: The file.
        schema: What the header's ``schema`` must be.
        max_bytes: Most that the arrays may take in memory.

    Raises:
        ArraysError: Not such a file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        header, arrays = _load(data) if size <= max_bytes else (None, {})
    except DAMAGE as error:
        raise ArraysError(f"is damaged or no array file ({error})") from error
    if size > max_bytes:
        raise ArraysError(f"holds {size} bytes of arrays, more than {max_bytes}")
    found = header.get("schema") if isinstance(header, dict) else None
    if not isinstance(header, dict) or found != schema:
        raise ArraysError(f"has schema {found!r}, expected {schema!r}")
    if header.pop(_NAMES, None) != sorted(arrays):  # a directory with a flipped bit
        raise ArraysError("is damaged: it does not hold the arrays that it lists")
    return header, arrays


def _load(data: bytes) -> tuple[Any, Arrays]:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays: Arrays = dict(file)
    return json.loads(arrays.pop(_HEADER).tobytes()), arrays


def digest_of(header: dict[str, Any], arrays: Arrays) -> str:
    """Return the SHA-256 of what `pack_arrays` would write, however it is packed."""
    content = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, array in arrays.items():
        content.update(f"{name} {array.dtype.str} {array.shape}".encode())
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file so that a power cut leaves the old one or the new one.

    Raises:
        OSError: It cannot be written; the old file is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Have the names in a directory outlast a power cut.

    Raises:
        OSError: It is none, or the disk fails.
    """
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
