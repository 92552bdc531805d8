"""The files of a model bundle, whatever kind of model it is, verified to the last byte.

    manifest.json   schema, kind, name, what the kind needs, size and SHA-256 of each
                    of the other files
    manifest.sig    who vouches for the manifest, and by it for everything else;
                    `edge_agent.bundles.signatures`; may be absent
    ...             what the manifest lists; nothing else in the directory is read

A bundle is immutable. What a device learns goes to its own state directory.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from edge_agent.bundles.terms import Terms
from edge_agent.errors import BundleError

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"

SCHEMA_NUMBER = 2
BUNDLE_SCHEMA = f"metaloc.bundle/{SCHEMA_NUMBER}"

_MAX_MANIFEST = 1 << 20
_MAX_SIGNATURE = 4096
_MAX_FILES = 256
_MAX_BYTES = 256_000_000
"""Of all files together."""

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SCHEMA = re.compile(r"metaloc\.bundle/([0-9]{1,9})")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Kind(StrEnum):
    """What a bundle's model locates from."""

    CSI = "csi"
    """CSI images, `edge_agent.bundles.bundle`."""

    RSS = "rss"
    """Received power alone, `edge_agent.rss.bundle`."""


@dataclass(frozen=True, slots=True, eq=False)
class BundleFiles:
    """A bundle's manifest and files, as they were written."""

    directory: Path
    document: dict[str, Any]
    """The manifest; schema, kind, name and files are checked, the rest is not."""

    contents: Mapping[str, bytes]
    """By file name."""

    manifest: bytes
    """The text of the document."""

    signature: bytes | None
    """The signature file, whoever wrote it."""

    signer: str | None
    """Which trusted key signed it; None where nobody asked."""

    terms: Terms
    """On which it was taken."""

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, and by its entries of everything else."""
        return hashlib.sha256(self.manifest).hexdigest()

    @property
    def kind(self) -> Kind:
        """What the model locates from."""
        return Kind(self.document["kind"])

    @property
    def name(self) -> str:
        """What the model is called in every published location."""
        return str(self.document["name"])

    @classmethod
    def load(cls, directory: Path, terms: Terms | None = None) -> Self:
        """Read a bundle and verify every byte of it.

        Args:
            directory: Where it is.
            terms: On which to take it; by default anybody's.

        Raises:
            BundleError: The manifest is missing or makes no sense, is of another
                schema, is signed by nobody who is trusted, lists more than is allowed,
                or a file has another size or checksum than it says.
        """
        terms = terms or Terms()
        path = directory / MANIFEST
        text = _read(path, _MAX_MANIFEST)
        signature = _read_signature(directory)
        signer = None
        if terms.trust is not None:
            try:
                signer = terms.trust.check(text, signature)
            except BundleError as error:
                raise BundleError(f"{directory}: {error}") from error
        try:
            document = json.loads(text.decode("utf-8"))
            listed = _check(document, terms)
        except KeyError as error:
            raise BundleError(f"{path}: lacks {error}") from error
        except (RecursionError, TypeError, ValueError) as error:
            raise BundleError(f"{path}: {error}") from error
        contents = {
            name: _verified(directory / name, size, digest)
            for name, (size, digest) in listed.items()
        }
        return cls(directory, document, contents, text, signature, signer, terms)

    def content(self, name: str) -> bytes:
        """Return a file that a bundle of this kind must have.

        Raises:
            BundleError: The manifest does not list it.
        """
        if name not in self.contents:
            raise BundleError(f"{self.directory / MANIFEST} does not list {name}")
        return self.contents[name]


def claimed(directory: Path) -> tuple[str, Kind] | None:
    """Return name and kind that a bundle gives itself, whoever wrote them.

    Nothing is verified: it is for telling people what was refused. None: its manifest
    cannot be read or does not tell.
    """
    try:
        document = json.loads(_read(directory / MANIFEST, _MAX_MANIFEST))
        return _identity(document)
    except (BundleError, KeyError, RecursionError, TypeError, ValueError):
        return None


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


def _check(
    document: Any,  # noqa: ANN401  (JSON)
    terms: Terms,
) -> dict[str, tuple[int, str]]:
    """Return size and checksum of each file."""
    _identity(document)
    files = document["files"]
    if not isinstance(files, dict):
        raise TypeError("files is not an object")
    if len(files) > _MAX_FILES:
        raise ValueError(f"lists {len(files)} files, more than {_MAX_FILES}")
    listed = {name: _entry(name, item) for name, item in files.items()}
    total = sum(size for size, _ in listed.values())
    if total > _MAX_BYTES:
        raise ValueError(f"lists {total} bytes of files, more than {_MAX_BYTES}")
    if total > terms.max_memory:
        raise ValueError(
            f"lists {total / 1e6:.0f} MB of files, allowed are {terms.max_memory_mb} "
            "(model.max_memory_mb)"
        )
    return listed


def _identity(document: Any) -> tuple[str, Kind]:  # noqa: ANN401  (JSON)
    """Return name and kind."""
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
    return name, Kind(document["kind"])


def _other_schema(schema: object) -> str:
    found = _SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
    remedy = ""
    if found and int(found[1]) > SCHEMA_NUMBER:
        remedy = ": it is newer; update the agent"
    elif found:
        remedy = ": it is older; export the checkpoint again"
    return f"schema is {schema!r}, this agent reads {BUNDLE_SCHEMA!r}{remedy}"


def _entry(name: str, item: Any) -> tuple[int, str]:  # noqa: ANN401  (JSON)
    if not _FILE_NAME.fullmatch(name) or name in (MANIFEST, SIGNATURE):
        raise ValueError(f"files lists {name!r}, which is no name of a bundle's file")
    size, digest = item["bytes"], item["sha256"]
    if type(size) is not int or size < 0:
        raise ValueError(f"{name} has {size!r} bytes, not a whole number")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise ValueError(f"sha256 of {name} is {digest!r}, not 64 hexadecimal digits")
    return size, digest


def _read_signature(directory: Path) -> bytes | None:
    path = directory / SIGNATURE
    return _read(path, _MAX_SIGNATURE) if os.path.lexists(path) else None


def _read(path: Path, limit: int) -> bytes:
    """Return a file of at most so many bytes."""
    try:
        status = path.stat()
        # A named pipe would keep us waiting for whoever put it there.
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(f"{path} is not a regular file")
        if status.st_size > limit:
            raise BundleError(f"{path} is larger than {limit} bytes")
        with path.open("rb") as file:
            return file.read(status.st_size)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error


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
