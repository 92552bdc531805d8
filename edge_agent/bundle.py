"""The model bundle: what a trainer hands to a device, and how it is checked.

    manifest.json   schema, image specification, architecture, adaptation defaults,
                    training provenance, size and SHA-256 of the other files
    theta.npz       meta-parameters θ* by name
    predict.onnx    images, heard, parameters... -> probabilities

A bundle is immutable. What a device learns goes to its own state directory.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from edge_agent.arrays import Arrays, ArraysError, unpack_arrays
from edge_agent.csi.image import ImageSpec
from edge_agent.errors import BundleError
from edge_agent.network import Architecture, Parameters, check_parameters

BUNDLE_SCHEMA = "metaloc.bundle/1"
THETA_SCHEMA = "metaloc.theta/1"
MANIFEST = "manifest.json"
THETA = "theta.npz"
PREDICT = "predict.onnx"

_MAX_FILE = 64 << 20
_MAX_ARRAYS = 256 << 20


@dataclass(frozen=True, slots=True)
class AdaptationDefaults:
    """How the trainer found that a site should be adapted to."""

    alpha: float
    """Step size α of the inner loop."""

    n_steps: int
    """Q."""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.alpha) and self.alpha > 0):
            raise ValueError(f"alpha is {self.alpha}, not positive")
        if type(self.n_steps) is not int or not 0 <= self.n_steps <= 10_000:
            raise ValueError(f"n_steps is {self.n_steps}, not a whole number to 10000")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description that a bundle carries."""

    name: str
    """What the model is called in every published location, e.g. ``rooms-2026.11``."""

    spec: ImageSpec
    architecture: Architecture
    adaptation: AdaptationDefaults
    training: dict[str, Any]
    """Provenance: data, seed, iterations, versions. For people."""

    files: dict[str, tuple[int, str]]
    """Bytes and SHA-256 of each file."""

    def to_json(self) -> str:
        """Return the text of ``manifest.json``."""
        document = {
            "schema": BUNDLE_SCHEMA,
            "name": self.name,
            "image": asdict(self.spec),
            "architecture": asdict(self.architecture),
            "adaptation": asdict(self.adaptation),
            "training": self.training,
            "files": {
                name: {"bytes": size, "sha256": digest}
                for name, (size, digest) in self.files.items()
            },
        }
        return json.dumps(document, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the manifest that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: Anything is missing or makes no sense.
        """
        document = json.loads(text)
        if not isinstance(document, dict):
            raise TypeError("not a JSON object")
        if document.get("schema") != BUNDLE_SCHEMA:
            raise ValueError(
                f"schema is {document.get('schema')!r}, this agent reads "
                f"{BUNDLE_SCHEMA!r}"
            )
        architecture = dict(document["architecture"])
        architecture["image_shape"] = tuple(architecture["image_shape"])
        architecture["filters"] = tuple(architecture["filters"])
        manifest = cls(
            str(document["name"]),
            ImageSpec(**document["image"]),
            Architecture(**architecture),
            AdaptationDefaults(**document["adaptation"]),
            dict(document["training"]),
            {
                str(name): (int(item["bytes"]), str(item["sha256"]))
                for name, item in document["files"].items()
            },
        )
        if manifest.architecture.image_shape != manifest.spec.shape:
            raise ValueError(
                f"the network takes images of {manifest.architecture.image_shape}, the "
                f"specification gives {manifest.spec.shape}"
            )
        return manifest


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A verified bundle."""

    manifest: Manifest
    parameters: Parameters
    """θ*: the network without a head."""

    predict_graph: bytes
    """ONNX model."""

    digest: str
    """SHA-256 of the manifest, and by its entries of everything else."""

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read a bundle and verify every byte of it.

        Raises:
            BundleError: A file is missing, has another size or checksum, the schema is
                unknown, or the parameters do not fit the architecture.
        """
        text = _read(directory / MANIFEST, 1 << 20)
        try:
            manifest = Manifest.from_json(text.decode())
        except (KeyError, TypeError, ValueError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise BundleError(f"{directory / MANIFEST}: {reason}") from error
        contents = {
            name: _verified(directory, manifest, name) for name in (THETA, PREDICT)
        }
        parameters = _parameters(directory / THETA, contents[THETA])
        try:
            check_parameters(manifest.architecture, parameters)
        except ValueError as error:
            raise BundleError(f"{directory / THETA}: {error}") from error
        return cls(
            manifest, parameters, contents[PREDICT], hashlib.sha256(text).hexdigest()
        )


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    if len(data) > limit:
        raise BundleError(f"{path} is larger than {limit} bytes")
    return data


def _verified(directory: Path, manifest: Manifest, name: str) -> bytes:
    if name not in manifest.files:
        raise BundleError(f"{directory / MANIFEST} does not list {name}")
    size, digest = manifest.files[name]
    data = _read(directory / name, _MAX_FILE)
    if len(data) != size:
        raise BundleError(
            f"{directory / name} has {len(data)} bytes, the manifest says {size}: "
            "copy the bundle again"
        )
    if hashlib.sha256(data).hexdigest() != digest:
        raise BundleError(
            f"{directory / name} does not have the checksum of the manifest: it was "
            "changed or damaged; copy the bundle again"
        )
    return data


def _parameters(path: Path, data: bytes) -> Parameters:
    try:
        _, arrays = unpack_arrays(data, schema=THETA_SCHEMA, max_bytes=_MAX_ARRAYS)
    except ArraysError as error:
        raise BundleError(f"{path} {error}") from error
    return as_float32(arrays)


def as_float32(arrays: Arrays) -> Parameters:
    """Return arrays in the precision of the device."""
    return {name: array.astype(np.float32) for name, array in arrays.items()}
