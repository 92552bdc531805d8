"""A bundle whose model locates from received power alone: ``kind: rss``.

theta.npz       meta-parameters θ* by name
predict.onnx    inputs, origins, parameters -> locations
adapt.onnx      inputs, targets, weights, alpha, parameters -> loss, new parameters
golden.npz      a task, and what the network must make of it: `edge_agent.rss.golden`

The network is so small that the device computes it in NumPy, whatever its back end;
the graphs serve other runtimes, and are held to NumPy when the bundle is written.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from edge_agent.arrays import ArraysError, unpack_arrays
from edge_agent.bundles.bundle import AdaptationDefaults, as_float32
from edge_agent.bundles.files import MANIFEST, BundleFiles, Kind
from edge_agent.bundles.terms import Terms
from edge_agent.errors import BundleError
from edge_agent.rss.fingerprints import FLOOR_DBM, LENGTH_M, LEVEL_DB
from edge_agent.rss.network import Parameters, RssArchitecture, check_parameters
from edge_agent.rss.window import RssSpec

THETA_SCHEMA = "metaloc.rss-theta/1"
THETA = "theta.npz"
PREDICT = "predict.onnx"
ADAPT = "adapt.onnx"

_MAX_ARRAYS = 64 << 20
_SCALES = {"length_m": LENGTH_M, "level_db": LEVEL_DB, "floor_dbm": FLOOR_DBM}
"""In which units fingerprints are, so that another agent does not guess."""


@dataclass(frozen=True, slots=True)
class RssManifest:
    """What the manifest says of the model."""

    name: str
    """What the model is called in every published location."""

    spec: RssSpec
    architecture: RssArchitecture
    adaptation: AdaptationDefaults
    training: dict[str, Any]
    """Provenance: data, seed, iterations, versions. For people."""

    def to_document(self) -> dict[str, Any]:
        """Return what `edge_agent.bundles.files.manifest_text` takes."""
        return {
            "kind": str(Kind.RSS),
            "name": self.name,
            "windows": asdict(self.spec),
            "fingerprint": _SCALES,
            "architecture": asdict(self.architecture),
            "adaptation": asdict(self.adaptation),
            "training": self.training,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Return the manifest that `to_document` described.

        Raises:
            KeyError, TypeError, ValueError: Anything is missing or makes no sense.
        """
        if document["fingerprint"] != _SCALES:
            raise ValueError(
                f"fingerprints are scaled by {document['fingerprint']}, this agent "
                f"computes them with {_SCALES}"
            )
        sizes = document["architecture"]
        return cls(
            str(document["name"]),
            RssSpec(**document["windows"]),
            RssArchitecture(**sizes | {"hidden": tuple(sizes["hidden"])}),
            AdaptationDefaults(**document["adaptation"]),
            dict(document["training"]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class RssBundle:
    """A verified bundle."""

    manifest: RssManifest
    parameters: Parameters
    """θ*, float32."""

    files: BundleFiles

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

    @classmethod
    def from_files(cls, files: BundleFiles) -> Self:
        """Return the model that verified files hold.

        Raises:
            BundleError: It is of another kind, a file is not listed, the manifest lacks
                something, or the parameters do not fit the network.
        """
        if files.kind is not Kind.RSS:
            raise BundleError(
                f"{files.directory} locates from {files.kind}, not from received power"
            )
        try:
            manifest = RssManifest.from_document(files.document)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise BundleError(f"{files.directory / MANIFEST}: {reason}") from error
        for name in (PREDICT, ADAPT):
            files.content(name)
        path = files.directory / THETA
        try:
            _, arrays = unpack_arrays(
                files.content(THETA),
                schema=THETA_SCHEMA,
                max_bytes=min(_MAX_ARRAYS, files.terms.max_memory),
            )
        except ArraysError as error:
            raise BundleError(f"{path} {error}") from error
        expected = manifest.architecture.parameter_shapes()
        # In the order of the layers, not of the archive.
        parameters = as_float32({n: arrays[n] for n in expected if n in arrays})
        parameters |= as_float32({n: a for n, a in arrays.items() if n not in expected})
        try:
            check_parameters(manifest.architecture, parameters)
        except ValueError as error:
            raise BundleError(f"{path}: {error}") from error
        return cls(manifest, parameters, files)
