"""What training on received power leaves behind: arrays and plain facts, no pickle."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from edge_agent.arrays import ArraysError, pack_arrays, unpack_arrays, write_atomically
from edge_agent.bundles.bundle import AdaptationDefaults, as_float32
from edge_agent.rss.network import Parameters, RssArchitecture, check_parameters
from edge_agent.rss.window import RssSpec
from trainer.errors import CheckpointError

RSS_SCHEMA = "metaloc.rss-checkpoint/1"
_MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, eq=False)
class RssCheckpoint:
    """A meta-trained network."""

    spec: RssSpec
    architecture: RssArchitecture
    parameters: Parameters
    """θ*."""

    adaptation: AdaptationDefaults
    training: dict[str, Any]
    """Provenance, in JSON values."""

    def save(self, path: Path) -> None:
        """Write the checkpoint; the file is replaced as a whole.

        Raises:
            CheckpointError: It cannot be written.
        """
        header = {
            "schema": RSS_SCHEMA,
            "spec": asdict(self.spec),
            "architecture": asdict(self.architecture),
            "adaptation": asdict(self.adaptation),
            "training": self.training,
        }
        try:
            write_atomically(path, pack_arrays(header, dict(self.parameters)))
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
                path.read_bytes(), schema=RSS_SCHEMA, max_bytes=_MAX_BYTES
            )
            sizes = dict(header["architecture"])
            architecture = RssArchitecture(**sizes | {"hidden": tuple(sizes["hidden"])})
            check_parameters(architecture, arrays)
            names = architecture.parameter_shapes()
            return cls(
                RssSpec(**header["spec"]),
                architecture,
                as_float32({name: arrays[name] for name in names}),
                AdaptationDefaults(**header["adaptation"]),
                dict(header["training"]),
            )
        except OSError as error:
            raise CheckpointError(f"{path}: {error.strerror}") from error
        except KeyError as error:
            raise CheckpointError(f"{path} lacks {error}") from error
        except (ArraysError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path}: {error}") from error


def is_rss_checkpoint(path: Path) -> bool:
    """Tell whether a file is such a checkpoint; what else it may be is not said."""
    try:
        unpack_arrays(path.read_bytes(), schema=RSS_SCHEMA, max_bytes=_MAX_BYTES)
    except (ArraysError, OSError):
        return False
    return True
