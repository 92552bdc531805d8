"""The files of a model bundle, whatever kind of model it is, verified to the last byte.

    manifest.json   schema, kind, name, what the kind needs, size and SHA-256 of each
                    of the other files
    ...             what the manifest lists; nothing else in the directory is read

A bundle is immutable. What a device learns goes to its own state directory.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from edge_agent.errors import BundleError

MANIFEST = "manifest.json"

SCHEMA_NUMBER = 2
BUNDLE_SCHEMA = f"metaloc.bundle/{SCHEMA_NUMBER}"

_MAX_MANIFEST = 1 << 20
_MAX_FILES = 256
_MAX_BYTES = 256 << 20
"""Of all files together."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SCHEMA = re.compile(r"metaloc\.bundle/([0-9]{1,9})")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Kind(StrEnum):
    """What a bundle's model locates from."""

    CSI = "csi"
    """CSI images, `edge_agent.bundle`."""


@dataclass(frozen=True, slots=True, eq=False)
class BundleFiles:
    """A bundle's manifest and files, as they were written."""

    directory: Path
    document: dict[str, Any]
    """The manifest; schema, kind, name and files are checked, the rest is not."""

    contents: Mapping[str, bytes]
    """By file name."""

    digest: str
    """SHA-256 of the manifest, and by its entries of everything else."""

    @property
    def kind(self) -> Kind:
        """What the model locates from."""
        return Kind(self.document["kind"])

    @property
    def name(self) -> str:
        """What the model is called in every published location."""
        return str(self.document["name"])

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read a bundle and verify every byte of it.

        Raises:
            BundleError: The manifest is missing or makes no sense, is of another
                schema, or a file has another size or checksum than it says.
        """
        path = directory / MANIFEST
        text = _read(path, _MAX_MANIFEST)
        try:
            document = json.loads(text)
            listed = _check(document)
        except KeyError as error:
            raise BundleError(f"{path}: lacks {error}") from error
        except (RecursionError, TypeError, ValueError) as error:
            raise BundleError(f"{path}: {error}") from error
        contents = {
            name: _verified(directory / name, size, digest)
            for name, (size, digest) in listed.items()
        }
        return cls(directory, document, contents, hashlib.sha256(text).hexdigest())

    def content(self, name: str) -> bytes:
        """Return a file that a bundle of this kind must have.

        Raises:
            BundleError: The manifest does not list it.
        """
        if name not in self.contents:
            raise BundleError(f"{self.directory / MANIFEST} does not list {name}")
        return self.contents[name]


def manifest_text(document: Mapping[str, Any], contents: Mapping[str, bytes]) -> str:
    """Return the text of ``manifest.json``.

    Args:
        document: Kind, name, and what the kind needs.
        contents: All other files.
    """
    files = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in contents.items()
    }
    whole = {**document, "schema": BUNDLE_SCHEMA, "files": files}
    return json.dumps(whole, indent=2, sort_keys=True) + "\n"


def _check(document: Any) -> dict[str, tuple[int, str]]:  # noqa: ANN401  (JSON)
    """Return size and checksum of each file."""
    if not isinstance(document, dict):
        raise TypeError("not a JSON object")
    schema = document.get("schema")
    if schema != BUNDLE_SCHEMA:
        raise ValueError(_other_schema(schema))
    kinds = [str(kind) for kind in Kind]
    if document["kind"] not in kinds:
        raise ValueError(f"kind is {document['kind']!r}, not one of {', '.join(kinds)}")
    name = document["name"]
    if not isinstance(name, str) or not 1 <= len(name) <= 100 or not name.isprintable():
        raise ValueError(f"name is {name!r}, not 1 to 100 printable characters")
    files = document["files"]
    if not isinstance(files, dict) or len(files) > _MAX_FILES:
        raise ValueError(f"files must be an object of at most {_MAX_FILES} entries")
    listed = {name: _entry(name, item) for name, item in files.items()}
    if (total := sum(size for size, _ in listed.values())) > _MAX_BYTES:
        raise ValueError(f"lists {total} bytes of files, more than {_MAX_BYTES}")
    return listed


def _other_schema(schema: object) -> str:
    found = _SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
    remedy = ""
    if found and int(found[1]) > SCHEMA_NUMBER:
        remedy = ": it is newer; update the agent"
    elif found:
        remedy = ": it is older; export the checkpoint again"
    return f"schema is {schema!r}, this agent reads {BUNDLE_SCHEMA!r}{remedy}"


def _entry(name: str, item: Any) -> tuple[int, str]:  # noqa: ANN401  (JSON)
    if not _FILE_NAME.fullmatch(name) or name == MANIFEST:
        raise ValueError(f"files lists {name!r}, which is no name of a bundle's file")
    size, digest = item["bytes"], item["sha256"]
    if type(size) is not int or size < 0:
        raise ValueError(f"{name} has {size!r} bytes, not a whole number")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise ValueError(f"sha256 of {name} is {digest!r}, not 64 hexadecimal digits")
    return size, digest


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    if len(data) > limit:
        raise BundleError(f"{path} is larger than {limit} bytes")
    return data


def _verified(path: Path, size: int, digest: str) -> bytes:
    data = _read(path, _MAX_BYTES)
    if len(data) != size:
        raise BundleError(
            f"{path} has {len(data)} bytes, the manifest says {size}: copy the bundle "
            "again"
        )
    if hashlib.sha256(data).hexdigest() != digest:
        raise BundleError(
            f"{path} does not have the checksum of the manifest: it was changed or "
            "damaged; copy the bundle again"
        )
    return data
