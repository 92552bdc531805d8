"""A file from which an interrupted training goes on.

    header     schema, settings, iteration, loss, seconds, state of the generator
    theta/*    θ by name
    optimizer/<name>/<key>   the optimizer's moments, by parameter

Arrays and plain facts, no pickle; replaced as a whole, so that a power cut leaves the
old state or the new one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import ArraysError, pack_arrays, unpack_arrays, write_atomically
from trainer.errors import ResumeError

_SCHEMA = "metaloc.training/1"
_MAX_BYTES = 1 << 30
_THETA = "theta/"
_OPTIMIZER = "optimizer/"

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingState:
    """An outer loop between two iterations."""

    iteration: int
    """Iterations that are done."""

    loss: float
    """Smoothed meta-loss."""

    seconds: float
    """Spent so far."""

    rng: Mapping[str, Any]
    """State of the generator, in JSON values."""

    theta: dict[str, Array]
    optimizer: dict[str, dict[str, Array]]
    """Moments by parameter and by the optimizer's own names; empty ones for SGD."""


class ResumeFile:
    """Where the state of one training is kept."""

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, Any],
        shapes: Mapping[str, tuple[int, ...]],
    ) -> None:
        """Say what the file must be of.

        Args:
            path: The file; there need not be one yet.
            settings: All that decides how training goes on, in JSON values. A state of
                other settings is refused.
            shapes: Of θ, by name.
        """
        self.path = path
        self._settings: dict[str, Any] = json.loads(json.dumps(settings))
        self._shapes = dict(shapes)

    def save(self, state: TrainingState) -> None:
        """Replace the file.

        Raises:
            ResumeError: It cannot be written.
        """
        header = {
            "schema": _SCHEMA,
            "settings": self._settings,
            "iteration": state.iteration,
            "loss": state.loss,
            "seconds": state.seconds,
            "rng": dict(state.rng),
        }
        arrays = {_THETA + name: array for name, array in state.theta.items()}
        for name, moments in state.optimizer.items():
            for key, array in moments.items():
                arrays[f"{_OPTIMIZER}{name}/{key}"] = array
        try:
            write_atomically(self.path, pack_arrays(header, arrays))
        except OSError as error:
            raise ResumeError(f"cannot write {self.path}: {error.strerror}") from error

    def load(self) -> TrainingState | None:
        """Return what the file holds, None where there is no file.

        Raises:
            ResumeError: It is damaged, or of a training with other settings.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ResumeError(f"{self.path}: {error.strerror}") from error
        try:
            header, arrays = unpack_arrays(data, schema=_SCHEMA, max_bytes=_MAX_BYTES)
            self._check_settings(dict(header["settings"]))
            theta = {
                name.removeprefix(_THETA): array
                for name, array in arrays.items()
                if name.startswith(_THETA)
            }
            self._check_shapes(theta)
            return TrainingState(
                int(header["iteration"]),
                float(header["loss"]),
                float(header["seconds"]),
                _generator_state(header["rng"]),
                theta,
                {name: _moments(arrays, name, theta[name]) for name in theta},
            )
        except KeyError as error:
            raise ResumeError(f"{self.path} lacks {error}; {_REMEDY}") from error
        except (ArraysError, TypeError, ValueError) as error:
            raise ResumeError(f"{self.path} {error}; {_REMEDY}") from error

    def discard(self) -> None:
        """Remove the file, if there is one: training is done."""
        self.path.unlink(missing_ok=True)

    def _check_settings(self, found: dict[str, Any]) -> None:
        different = [
            f"{key} was {found.get(key)!r}, is {self._settings.get(key)!r}"
            for key in sorted(found.keys() | self._settings.keys())
            if found.get(key) != self._settings.get(key)
        ]
        if different:
            raise ValueError(f"is of another training: {', '.join(different)}")

    def _check_shapes(self, theta: dict[str, Array]) -> None:
        found = {name: array.shape for name, array in theta.items()}
        if found != self._shapes:
            raise ValueError(
                f"holds parameters of shapes {found}, expected {self._shapes}"
            )


_REMEDY = "delete it to start again, or use the options it was written with"


def _generator_state(state: Any) -> dict[str, Any]:  # noqa: ANN401  (from JSON)
    """Return the state of a generator, if numpy accepts it.

    Raises:
        TypeError, ValueError: It does not.
    """
    try:
        np.random.default_rng(0).bit_generator.state = state
    except (AttributeError, KeyError, OverflowError) as error:
        raise ValueError(f"has no state of a generator ({error})") from error
    return dict(state)


def _moments(arrays: dict[str, Array], name: str, value: Array) -> dict[str, Array]:
    """Return the optimizer's arrays of one parameter.

    Raises:
        ValueError: One has neither the parameter's shape nor that of a number.
    """
    prefix = f"{_OPTIMIZER}{name}/"
    moments = {
        key.removeprefix(prefix): array
        for key, array in arrays.items()
        if key.startswith(prefix)
    }
    for key, array in moments.items():
        if array.shape not in {(), value.shape}:
            raise ValueError(f"holds {key} of {name} with shape {array.shape}")
    return moments
