"""What training leaves behind, and export reads: arrays and plain facts, no pickle."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from edge_agent.arrays import (
    Arrays,
    ArraysError,
    pack_arrays,
    unpack_arrays,
    write_atomically,
)
from edge_agent.bundles.bundle import AdaptationDefaults, as_float32
from edge_agent.csi.image import ImageSpec
from edge_agent.learning.network import Architecture, Parameters, check_parameters
from trainer.errors import CheckpointError

_SCHEMA = "metaloc.checkpoint/1"
_MAX_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A meta-trained network."""

    spec: ImageSpec
    architecture: Architecture
    parameters: Parameters
    """θ*: the network without a head."""

    adaptation: AdaptationDefaults
    training: dict[str, Any]
    """Provenance, in JSON values."""

    attachments: Arrays = field(default_factory=dict)
    """What else was learnt, ``<what>/<array>`` by name; export knows what it is."""

    def save(self, path: Path) -> None:
        """Write the checkpoint; the file is replaced as a whole."""
        header = {
            "schema": _SCHEMA,
            "spec": asdict(self.spec),
            "architecture": asdict(self.architecture),
            "adaptation": asdict(self.adaptation),
            "training": self.training,
        }
        try:
            write_atomically(
                path, pack_arrays(header, self.parameters | self.attachments)
            )
        except OSError as error:
            raise CheckpointError(f"cannot write {path}: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a checkpoint.

        Raises:
            CheckpointError: There is none, or it is damaged or of another schema.
        """
        try:
            header, arrays = unpack_arrays(
                path.read_bytes(), schema=_SCHEMA, max_bytes=_MAX_BYTES
            )
            attachments = {k: arrays.pop(k) for k in list(arrays) if "/" in k}
            architecture = dict(header["architecture"])
            checkpoint = cls(
                ImageSpec(**header["spec"]),
                Architecture(
                    **architecture
                    | {
                        "image_shape": tuple(architecture["image_shape"]),
                        "filters": tuple(architecture["filters"]),
                    }
                ),
                as_float32(arrays),
                AdaptationDefaults(**header["adaptation"]),
                dict(header["training"]),
                attachments,
            )
            check_parameters(checkpoint.architecture, checkpoint.parameters)
            checkpoint._check_shapes()
        except OSError as error:
            raise CheckpointError(f"{path}: {error.strerror}") from error
        except KeyError as error:
            raise CheckpointError(f"{path} lacks {error}") from error
        except (ArraysError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path}: {error}") from error
        return checkpoint

    def _check_shapes(self) -> None:
        if self.architecture.image_shape != self.spec.shape:
            raise ValueError(
                f"the network takes images of {self.architecture.image_shape}, the "
                f"specification gives {self.spec.shape}"
            )
