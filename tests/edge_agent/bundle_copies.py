"""Bundles to be installed, damaged and signed."""

import hashlib
import json
import shutil

from edge_agent.bundles.files import MANIFEST, manifest_text

CONTENTS = {"a.npz": bytes(range(256)), "b.onnx": b"graph"}
DOCUMENT = {"kind": "csi", "name": "rooms-1", "colour": "green"}


def write_files(directory, contents=CONTENTS, **changes):
    """Write a bundle of no model in particular."""
    directory.mkdir(parents=True)
    for name, data in contents.items():
        (directory / name).write_bytes(data)
    text = manifest_text(DOCUMENT | changes, contents)
    (directory / MANIFEST).write_text(text)
    return directory


def manifest_of(directory):
    return json.loads((directory / MANIFEST).read_text())


def change_manifest(directory, **changes):
    text = json.dumps(manifest_of(directory) | changes)
    (directory / MANIFEST).write_text(text)


def replace_file(directory, name, data):
    """Put another file into a bundle, with a manifest that vouches for it."""
    (directory / name).write_bytes(data)
    document = manifest_of(directory)
    document["files"][name] = {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    (directory / MANIFEST).write_text(json.dumps(document))


def renamed(directory, target, name):
    """Copy a bundle under another name, which makes it another one."""
    shutil.copytree(directory, target)
    change_manifest(target, name=name)
    return target


def damage(path):
    """Flip a bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
