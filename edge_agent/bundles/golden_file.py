"""golden.npz: a small task, and what the bundle's network must make of it.

    shots.images      (n, C, P, K)  uint8     the support set
    shots.heard       (n, C)        bool
    shots.points      (n,)          int64
    shots.weights     (n,)          float64   of a shot's cross-entropy; 0: padding
    queries.images    (q, C, P, K)  uint8
    queries.heard     (q, C)        bool
    head.weight       (N, F)        float32   θ_0 = θ* and this head
    head.bias         (N,)          float32
    expected.loss     ()            float64   L(θ_0), its step size is ``alpha``
    expected.mean<i>, expected.variance<i>    statistics of the shots at θ_0
    expected.after.<parameter>      `digest` of θ_1 = θ_0 - alpha ∇L(θ_0)
    expected.stepped  (q, N)        probabilities of the queries with θ_1
    expected.losses   (Q+1,)        of `edge_agent.learning.adaptation.adapt` from θ*
    expected.adapted  (q, N)        probabilities of the queries after it

Written by `export.golden`, in double precision and by another implementation than
those that are checked against it: `edge_agent.bundles.golden`.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import Arrays, ArraysError, pack_arrays, unpack_arrays
from edge_agent.errors import BundleError
from edge_agent.learning.network import Architecture, Parameters, Statistics
from edge_agent.learning.support import Support

GOLDEN = "golden.npz"

_SCHEMA = "metaloc.golden/1"
_MAX_BYTES = 16 << 20
_MAX_IMAGES = 64
_MAX_POINTS = 16
_MAX_STEPS = 100
_DIGEST = 16

Doubles = npt.NDArray[np.float64]


def digest(values: npt.NDArray[np.floating]) -> Doubles:
    """Return sixteen numbers in which every value has its part.

    The sum of every sixteenth value, divided by the root of their number: independent
    errors of the values come out as large as they went in. Signs alternate without a
    period (those of Fibonacci hashing): the gradients of the head's rows add up to
    zero, and without signs their changes would too.
    """
    flat = values.reshape(-1).astype(np.float64)
    hashed = np.arange(len(flat), dtype=np.uint32) * np.uint32(0x9E3779B1)
    padded = np.zeros(-(-len(flat) // _DIGEST) * _DIGEST)
    padded[: len(flat)] = np.where(hashed >> 31, -flat, flat)
    rows = padded.reshape(-1, _DIGEST)
    return np.asarray(rows.sum(axis=0) / np.sqrt(len(rows)))


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Shots to adapt to, and images to locate then."""

    shots: Support

    query_images: npt.NDArray[np.uint8]
    """Shape (q, n_channels, n_packets, n_tones)."""

    query_heard: npt.NDArray[np.bool_]
    """Shape (q, n_channels)."""

    head: Parameters
    """``head.weight`` and ``head.bias`` from which the single step starts: from a head
    of zeros no gradient would reach the layers below."""

    alpha: float
    """Step size of the single step."""

    adapt_alpha: float
    """Step size of the adaptation from a head of zeros."""

    n_steps: int
    """Of the adaptation."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a network makes of a task."""

    loss: float
    """L(θ_0), the sum over shots of weight times cross-entropy."""

    statistics: list[Statistics]
    """Of the shots at θ_0, one per layer."""

    after: dict[str, Doubles]
    """`digest` of each parameter after one step."""

    stepped: Doubles
    """Probabilities of the queries after one step, (q, n_points)."""

    losses: Doubles
    """Loss per point before each step of the adaptation and after the last."""

    adapted: Doubles
    """Probabilities of the queries after the adaptation, (q, n_points)."""


@dataclass(frozen=True, slots=True, eq=False)
class GoldenFile:
    """Task and expectation."""

    task: Task
    expected: Outcome

    def to_bytes(self) -> bytes:
        """Return the file."""
        task, expected = self.task, self.expected
        header = {
            "schema": _SCHEMA,
            "alpha": task.alpha,
            "adapt_alpha": task.adapt_alpha,
            "n_steps": task.n_steps,
        }
        arrays: Arrays = {
            "shots.images": task.shots.images,
            "shots.heard": task.shots.heard,
            "shots.points": task.shots.points.astype(np.int64),
            "shots.weights": task.shots.weights,
            "queries.images": task.query_images,
            "queries.heard": task.query_heard,
            **task.head,
            "expected.loss": np.array(expected.loss),
            "expected.stepped": expected.stepped,
            "expected.losses": expected.losses,
            "expected.adapted": expected.adapted,
        }
        for layer, statistics in enumerate(expected.statistics):
            arrays[f"expected.mean{layer}"] = statistics.mean
            arrays[f"expected.variance{layer}"] = statistics.variance
        for name, values in expected.after.items():
            arrays[f"expected.after.{name}"] = values
        return pack_arrays(header, arrays)

    @classmethod
    def from_bytes(cls, data: bytes, architecture: Architecture) -> Self:
        """Read the file and check that it fits a network.

        Raises:
            BundleError: It is damaged, of another schema or network, or larger than
                such a file is.
        """
        try:
            header, arrays = unpack_arrays(data, schema=_SCHEMA, max_bytes=_MAX_BYTES)
            return cls(
                _task(header, arrays, architecture),
                _expected(header, arrays, architecture),
            )
        except (ArraysError, KeyError, TypeError, ValueError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else error
            raise BundleError(f"{GOLDEN}: {reason}") from error


def _task(header: dict[str, Any], arrays: Arrays, architecture: Architecture) -> Task:
    n_channels, n_features = architecture.image_shape[0], architecture.n_features
    n, q = len(arrays["shots.images"]), len(arrays["queries.images"])
    n_points = len(arrays["head.bias"])
    for count, limit, what in (
        (n, _MAX_IMAGES, "shots"),
        (q, _MAX_IMAGES, "queries"),
        (n_points, _MAX_POINTS, "points"),
    ):
        if not 1 <= count <= limit:
            raise ValueError(f"has {count} {what}, not 1 to {limit}")
    return Task(
        Support(
            _array(arrays, "shots.images", (n, *architecture.image_shape), "u"),
            _array(arrays, "shots.heard", (n, n_channels), "b"),
            _array(arrays, "shots.points", (n,), "i").astype(np.intp),
            n_points,
            _array(arrays, "shots.weights", (n,), "f").astype(np.float64),
        ),
        _array(arrays, "queries.images", (q, *architecture.image_shape), "u"),
        _array(arrays, "queries.heard", (q, n_channels), "b"),
        {
            name: _array(arrays, name, shape, "f").astype(np.float32)
            for name, shape in (
                ("head.weight", (n_points, n_features)),
                ("head.bias", (n_points,)),
            )
        },
        _step_size(header, "alpha"),
        _step_size(header, "adapt_alpha"),
        _n_steps(header),
    )


def _expected(
    header: dict[str, Any], arrays: Arrays, architecture: Architecture
) -> Outcome:
    n_points = len(arrays["head.bias"])
    answers = (len(arrays["queries.images"]), n_points)

    def doubles(name: str, shape: tuple[int, ...]) -> Doubles:
        return _array(arrays, f"expected.{name}", shape, "f").astype(np.float64)

    return Outcome(
        float(doubles("loss", ())),
        [
            Statistics(doubles(f"mean{i}", (n,)), doubles(f"variance{i}", (n,)))
            for i, n in enumerate(architecture.filters)
        ],
        {
            name: doubles(f"after.{name}", (_DIGEST,))
            for name in architecture.parameter_shapes(n_points)
        },
        doubles("stepped", answers),
        doubles("losses", (_n_steps(header) + 1,)),
        doubles("adapted", answers),
    )


def _array(
    arrays: Arrays, name: str, shape: tuple[int, ...], kind: str
) -> npt.NDArray[Any]:
    """Return an array of that shape and kind of number, all of them finite."""
    values = arrays[name]
    if values.shape != shape or values.dtype.kind != kind:
        raise ValueError(
            f"{name} is {values.dtype} {values.shape}, expected {kind} {shape}"
        )
    if kind == "u" and values.dtype != np.uint8:
        raise ValueError(f"{name} is {values.dtype}, not uint8")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds values that are not finite")
    return values


def _step_size(header: dict[str, Any], name: str) -> float:
    value = header[name]
    if type(value) is not float or not 0 < value < float("inf"):
        raise ValueError(f"{name} is {value!r}, not a positive number")
    return value


def _n_steps(header: dict[str, Any]) -> int:
    value = header["n_steps"]
    if type(value) is not int or not 0 <= value <= _MAX_STEPS:
        raise ValueError(f"n_steps is {value!r}, not 0 to {_MAX_STEPS}")
    return value
