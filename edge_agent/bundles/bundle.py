"""A bundle whose model locates from CSI images: the paper's network, ready to adapt.

theta.npz       meta-parameters θ* by name
adapt.onnx      one gradient step: shots, parameters -> loss, parameters, statistics
predict.onnx    images, heard, head -> probabilities; the rest is filled in per site
neighbours.npz  whitened neighbours, where the trainer learnt them
trust.npz       how far off its answers were where it was replayed, likewise
theta.<n>.npz   meta-parameters θ_i* of one environment, where it learnt them apart
similarity.npz  with these: what the tasks of each environment were like
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from edge_agent.arrays import Arrays, ArraysError, unpack_arrays
from edge_agent.bundles.files import MANIFEST, BundleFiles, Kind
from edge_agent.bundles.parameter_sets import (
    NO_CHOICE,
    TOTAL,
    ParameterSet,
    ParameterSets,
    Reason,
    SetChoice,
    check_sets,
)
from edge_agent.bundles.terms import Terms
from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment
from edge_agent.errors import BundleError
from edge_agent.estimators import Estimator
from edge_agent.learning.graph_slots import GraphSlots
from edge_agent.learning.memory import check_model
from edge_agent.learning.network import Architecture, Parameters, check_parameters
from edge_agent.neighbours.estimator import Neighbours
from edge_agent.neighbours.file import NEIGHBOURS, unpack_neighbours
from edge_agent.task_similarity.history import SIMILARITY, TaskHistory
from edge_agent.trust.prior import TRUST, Prior, unpack_priors

THETA_SCHEMA = "metaloc.theta/1"
THETA = "theta.npz"
ADAPT = "adapt.onnx"
PREDICT = "predict.onnx"

_HEADER_BYTES = 1 << 20
"""Of an array file, at most; parameters may be doubles."""


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
class Capacity:
    """Up to which size of a site the model is meant to be adapted."""

    n_shots: int = 2000
    n_points: int = 1000

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) is not int or not 1 <= value <= 1_000_000:
                raise ValueError(
                    f"capacity: {name} is {value!r}, not a whole number to 1000000"
                )


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manifest says of the model."""

    name: str
    """What the model is called in every published location, e.g. ``rooms-2026.11``."""

    spec: ImageSpec
    architecture: Architecture
    adaptation: AdaptationDefaults
    training: dict[str, Any]
    """Provenance: data, seed, iterations, versions. For people."""

    predict_slots: GraphSlots
    """Where a site's parameters go in the prediction graph."""

    capacity: Capacity = Capacity()
    estimator: Estimator = Estimator.NETWORK
    """What the trainer recommends to locate with."""

    sets: tuple[ParameterSet, ...] = ()
    """θ_i* of environments; empty where there is θ* alone."""

    def to_document(self) -> dict[str, Any]:
        """Return what `edge_agent.bundles.files.manifest_text` takes."""
        document: dict[str, Any] = {
            "kind": str(Kind.CSI),
            "name": self.name,
            "image": asdict(self.spec),
            "architecture": asdict(self.architecture),
            "adaptation": asdict(self.adaptation),
            "training": self.training,
            "predict_slots": dict(self.predict_slots.offsets),
            "capacity": asdict(self.capacity),
            "estimator": str(self.estimator),
        }
        if self.sets:
            document["sets"] = [asdict(each) for each in self.sets]
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return the manifest that `to_document` described.

        Raises:
            KeyError, TypeError, ValueError: Anything is missing or makes no sense.
        """
        architecture = dict(document["architecture"])
        architecture["image_shape"] = tuple(architecture["image_shape"])
        architecture["filters"] = tuple(architecture["filters"])
        manifest = cls(
            str(document["name"]),
            ImageSpec(**document["image"]),
            Architecture(**architecture),
            AdaptationDefaults(**document["adaptation"]),
            dict(document["training"]),
            GraphSlots(dict(document["predict_slots"])),
            Capacity(**document["capacity"]),
            Estimator(document.get("estimator", Estimator.NETWORK)),
            check_sets(tuple(ParameterSet(**s) for s in document.get("sets", ()))),
        )
        if manifest.architecture.image_shape != manifest.spec.shape:
            raise ValueError(
                f"the network takes images of {manifest.architecture.image_shape}, the "
                f"specification gives {manifest.spec.shape}"
            )
        if manifest.estimator not in (Estimator.NETWORK, Estimator.NEIGHBOURS):
            raise ValueError(
                f"estimator is '{manifest.estimator}', not what the trainer recommends"
            )
        return manifest


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A verified bundle."""

    manifest: Manifest
    parameters: Parameters
    """θ*: the network without a head."""

    files: BundleFiles
    neighbours: Neighbours | None = None
    """None where the bundle has the network alone."""

    sets: ParameterSets | None = None
    """None where the bundle has no parameters but θ*."""

    trust: Mapping[Estimator, Prior] | None = None
    """What to expect of each estimator at a site without a past; None: nobody knows."""

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, and by its entries of everything else."""
        return self.files.digest

    @classmethod
    def load(cls, directory: Path, terms: Terms | None = None) -> Self:
        """Read a bundle and verify every byte of it.

        Raises:
            BundleError: As `BundleFiles.load` and `from_files`.
        """
        return cls.from_files(BundleFiles.load(directory, terms))

    def choose_set(self, shots: Environment, asked: str | None = None) -> SetChoice:
        """Return which parameters a site starts from: Algorithm 2, lines 10-11.

        Args:
            shots: The site's.
            asked: Name of the set that is to be taken, or ``total``; None: what the
                shots are like.

        Raises:
            BundleError: There is no such set.
        """
        if asked is not None:
            self._file_of(asked)
            return SetChoice(asked, Reason.ASKED)
        return self.sets.choose(shots) if self.sets else NO_CHOICE

    def parameters_of(self, name: str) -> Parameters:
        """Return the parameters of a set; `TOTAL` is θ*.

        They are read when they are asked for: a bundle may have many.

        Raises:
            BundleError: There is no such set, or its file is damaged or does not fit
                the architecture.
        """
        if name == TOTAL:
            return self.parameters
        return _parameters(self.files, self._file_of(name), self.manifest.architecture)

    def _file_of(self, name: str) -> str:
        files = {TOTAL: THETA} | {each.name: each.file for each in self.manifest.sets}
        if name not in files:
            raise BundleError(
                f"the bundle {self.manifest.name} has no parameter set {name!r}; it "
                f"has {', '.join(files)}"
            )
        return files[name]

    def check_sets(self) -> None:
        """Read the parameters of every set once.

        Raises:
            BundleError: As of `parameters_of`.
        """
        for each in self.manifest.sets:
            self.parameters_of(each.name)

    @classmethod
    def from_files(cls, files: BundleFiles) -> Self:
        """Return the model that verified files hold.

        Raises:
            BundleError: It is of another kind, a file is not listed, the manifest lacks
                something, adapting takes more memory than is allowed, or the parameters
                do not fit the architecture, or the neighbours the images.
        """
        if files.kind is not Kind.CSI:
            raise BundleError(
                f"{files.directory} locates from {files.kind}, not from CSI images"
            )
        try:
            manifest = Manifest.from_document(files.document)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise BundleError(f"{files.directory / MANIFEST}: {reason}") from error
        check_model(manifest.architecture, files)
        files.content(ADAPT)
        try:
            manifest.predict_slots.check(manifest.architecture, files.content(PREDICT))
        except ValueError as error:
            raise BundleError(f"{files.directory / MANIFEST}: {error}") from error
        return cls(
            manifest,
            _parameters(files, THETA, manifest.architecture),
            files,
            _neighbours(files, manifest),
            _sets(files, manifest),
            _trust(files),
        )


def _sets(files: BundleFiles, manifest: Manifest) -> ParameterSets | None:
    if not manifest.sets:
        return None
    for each in manifest.sets:
        files.content(each.file)
    try:
        history = TaskHistory.from_bytes(
            files.content(SIMILARITY), manifest.spec, len(manifest.sets)
        )
    except ValueError as error:
        raise BundleError(f"{files.directory / SIMILARITY}: {error}") from error
    return ParameterSets(manifest.sets, history)


def _neighbours(files: BundleFiles, manifest: Manifest) -> Neighbours | None:
    if NEIGHBOURS not in files.contents:
        if manifest.estimator is Estimator.NEIGHBOURS:
            raise BundleError(
                f"{files.directory / MANIFEST} recommends neighbours and does not list "
                f"{NEIGHBOURS}"
            )
        return None
    try:
        return unpack_neighbours(files.content(NEIGHBOURS), manifest.spec)
    except ValueError as error:
        raise BundleError(f"{files.directory / NEIGHBOURS}: {error}") from error


def _trust(files: BundleFiles) -> Mapping[Estimator, Prior] | None:
    if TRUST not in files.contents:
        return None
    try:
        return unpack_priors(files.content(TRUST))
    except ValueError as error:
        raise BundleError(f"{files.directory / TRUST}: {error}") from error


def _parameters(
    files: BundleFiles, name: str, architecture: Architecture
) -> Parameters:
    """Return the parameters that a file holds, if they fit the architecture."""
    path, data = files.directory / name, files.content(name)
    values = sum(map(math.prod, architecture.parameter_shapes().values()))
    most = values * np.dtype(np.float64).itemsize + _HEADER_BYTES
    try:
        _, arrays = unpack_arrays(data, schema=THETA_SCHEMA, max_bytes=most)
        parameters = as_float32(arrays)
        check_parameters(architecture, parameters)
    except ArraysError as error:
        raise BundleError(f"{path} {error}") from error
    except ValueError as error:
        raise BundleError(f"{path}: {error}") from error
    return parameters


def as_float32(arrays: Arrays) -> Parameters:
    """Return arrays in the precision of the device."""
    return {name: array.astype(np.float32) for name, array in arrays.items()}
