"""What a person or a program is told of a bundle."""

import json
from typing import Any

from edge_agent.bundles.files import BundleFiles
from edge_agent.bundles.signature_file import SignatureFile
from edge_agent.console import table
from edge_agent.errors import BundleError

_APART = ("schema", "kind", "name", "files")
"""Parts of the manifest that are shown in a way of their own."""

_NOT_FOR_PEOPLE = ("files", "predict_slots")


def description(files: BundleFiles) -> dict[str, Any]:
    """Return a verified bundle in JSON values.

    ``signature`` is None without one, else ``key``, as the signature itself says, and
    ``trusted``: true where that was verified, None where nobody is trusted or not.
    """
    parts = {k: v for k, v in files.document.items() if k not in _APART}
    return {
        "name": files.name,
        "kind": str(files.kind),
        "digest": files.digest,
        "directory": str(files.directory),
        "files": {name: len(data) for name, data in sorted(files.contents.items())},
        "signature": _signature(files),
        **parts,
    }


def lines(files: BundleFiles) -> list[str]:
    """Return the same for a person."""
    facts = description(files)
    sizes = facts["files"]
    facts["signature"] = signed_by(files)
    rows = [
        [f"{_word(name)}:", _in_words(value)]
        for name, value in facts.items()
        if name not in _NOT_FOR_PEOPLE
    ]
    rows.append(["files:", f"{sum(sizes.values())} bytes in {len(sizes)}"])
    width = max(len(row[0]) for row in rows)
    listed = table(
        ["file", "bytes"], [[n, str(size)] for n, size in sizes.items()], right={1}
    )
    return [
        *(f"{name:<{width}} {value}" for name, value in rows),
        *(f"  {line}" for line in listed),
    ]


def signed_by(files: BundleFiles) -> str:
    """Return in words whether a bundle is signed, by whom, and what that is worth."""
    if files.signer is not None:
        return f"signed by {files.signer}, who is trusted"
    signature = _signature(files)
    if signature is None:
        return "not signed"
    if signature["key"] is None:
        return "a signature file that makes no sense"
    return f"signed by {signature['key']}, not verified: no model.trusted_keys"


def _signature(files: BundleFiles) -> dict[str, Any] | None:
    if files.signer is not None:
        return {"key": files.signer, "trusted": True}
    if files.signature is None:
        return None
    try:
        key = SignatureFile.from_bytes(files.signature).key
    except BundleError:
        return {"key": None, "trusted": None}
    return {"key": key, "trusted": None}


def _in_words(value: Any) -> str:  # noqa: ANN401  (JSON)
    """Return JSON in one line, without its marks where it is plain."""
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "; ".join(map(_in_words, value))
    if isinstance(value, dict):
        return ", ".join(f"{_word(k)} {_nested(v)}" for k, v in value.items())
    return _word(value) if isinstance(value, str) else json.dumps(value)


def _nested(value: Any) -> str:  # noqa: ANN401  (JSON)
    words = _in_words(value)
    return f"({words})" if isinstance(value, dict) else words


def _word(text: str) -> str:
    """Return a text that does nothing to a terminal, whoever wrote it."""
    return text if text.isprintable() else json.dumps(text)
