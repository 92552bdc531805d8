"""Put a bundle in its place, whole and proven, or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_agent.bundles.files import MANIFEST, SIGNATURE, BundleFiles, manifest_text
from edge_agent.bundles.signatures import SigningKey
from edge_agent.bundles.terms import Terms
from edge_agent.errors import AgentError


class ExportError(AgentError):
    """The bundle could not be written, or does not compute what it should."""


def write_files(
    directory: Path,
    document: Mapping[str, Any],
    contents: Mapping[str, bytes],
    check: Callable[[BundleFiles], None],
    key: SigningKey | None = None,
) -> BundleFiles:
    """Write a bundle to a temporary place, check it, and rename it.

    Args:
        directory: Where the bundle will be; must not exist yet.
        document: The manifest, without schema and files.
        contents: The files, by name.
        check: Raises where the bundle, as it was read back, is not what it should be.
        key: Signs the manifest.

    Raises:
        ExportError: The directory exists or cannot be written; nothing is left behind,
            as with everything that ``check`` raises.
    """
    if directory.exists() or directory.is_symlink():
        raise ExportError(
            f"{directory} exists already; remove it or choose another name"
        )
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        work = Path(
            tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent)
        )
    except OSError as error:
        raise ExportError(f"cannot write {directory}: {error.strerror}") from error
    try:
        for name, data in contents.items():
            (work / name).write_bytes(data)
        manifest = manifest_text(document, contents).encode()
        (work / MANIFEST).write_bytes(manifest)
        if key is not None:
            (work / SIGNATURE).write_bytes(key.sign(manifest))
        files = BundleFiles.load(work, Terms(trust=key.public if key else None))
        check(files)
        work.chmod(0o755)
        work.rename(directory)
    except OSError as error:
        shutil.rmtree(work, ignore_errors=True)
        raise ExportError(f"cannot write {directory}: {error.strerror}") from error
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return replace(files, directory=directory)
