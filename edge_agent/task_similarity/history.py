"""``similarity.npz`` of a bundle: what its environments' tasks were like.

    header    schema, has_level
    vectors   of `edge_agent.task_similarity.features`, float16 (n, n_features)
    set_of    number of each vector's parameter set, uint16 (n,)
    task_of   number of its task within the set, uint16 (n,)

A bundle with parameter sets has this file. It is bounded by the number of sets: the
comparison takes a fraction of a second, whoever made the bundle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from edge_agent.arrays import Arrays, ArraysError, pack_arrays, unpack_arrays
from edge_agent.csi.image import ImageSpec
from edge_agent.task_similarity.features import n_features
from edge_agent.task_similarity.mmd import Sample

SIMILARITY = "similarity.npz"
SIMILARITY_SCHEMA = "metaloc.similarity/1"

MAX_VECTORS: Final = 200
"""Of a set, over all of its tasks."""

MAX_TASKS: Final = 16
"""Of a set."""

_HEADER_BYTES: Final = 1 << 20
_ARRAYS: Final = {"vectors", "set_of", "task_of"}


@dataclass(frozen=True, slots=True, eq=False)
class TaskHistory:
    """Features of the tasks that each of several parameter sets was learnt on."""

    tasks: tuple[tuple[Sample, ...], ...]
    """By set; each task has shape (n, n_features)."""

    has_level: bool
    """Whether the received power was known wherever the sets were learnt."""

    def to_bytes(self) -> bytes:
        """Return the file."""
        numbered = [
            (number, task, vectors)
            for number, tasks in enumerate(self.tasks)
            for task, vectors in enumerate(tasks)
        ]
        lengths = [len(vectors) for _, _, vectors in numbered]
        set_of = np.repeat([number for number, _, _ in numbered], lengths)
        task_of = np.repeat([task for _, task, _ in numbered], lengths)
        return pack_arrays(
            {"schema": SIMILARITY_SCHEMA, "has_level": self.has_level},
            {
                "vectors": np.concatenate([v for _, _, v in numbered]).astype(
                    np.float16
                ),
                "set_of": set_of.astype(np.uint16),
                "task_of": task_of.astype(np.uint16),
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes, spec: ImageSpec, n_sets: int) -> Self:
        """Return what `to_bytes` wrote.

        Args:
            data: The file.
            spec: What the bundle's images look like.
            n_sets: Parameter sets of the bundle.

        Raises:
            ValueError: It is damaged, of another schema, for other images or other
                sets, larger than they allow, or holds what is no number.
        """
        width = n_features(spec)
        largest = n_sets * MAX_VECTORS * (2 * width + 2 + 2)
        header, arrays = unpack_arrays(
            data, schema=SIMILARITY_SCHEMA, max_bytes=largest + _HEADER_BYTES
        )
        has_level = header.get("has_level")
        if type(has_level) is not bool:
            raise ArraysError(f"has_level is {has_level!r}, not true or false")
        _check(arrays, width, n_sets)
        vectors = arrays["vectors"].astype(np.float64)
        return cls(
            tuple(
                _tasks(vectors[of_set], arrays["task_of"][of_set], number)
                for number in range(n_sets)
                for of_set in [arrays["set_of"] == number]
            ),
            has_level,
        )


def _check(arrays: Arrays, width: int, n_sets: int) -> None:
    if arrays.keys() != _ARRAYS:
        raise ArraysError(f"holds {sorted(arrays)}, not {sorted(_ARRAYS)}")
    n = len(arrays["vectors"]) if arrays["vectors"].ndim else 0
    expected: dict[str, tuple[type, tuple[int, ...]]] = {
        "vectors": (np.float16, (n, width)),
        "set_of": (np.uint16, (n,)),
        "task_of": (np.uint16, (n,)),
    }
    for name, (kind, shape) in expected.items():
        array = arrays[name]
        if array.dtype != kind or array.shape != shape:
            raise ArraysError(
                f"{name} is {array.dtype} {array.shape}, not {np.dtype(kind)} {shape}"
            )
    if not np.isfinite(arrays["vectors"]).all():
        raise ArraysError("a vector is not finite")
    if (strange := np.unique(arrays["set_of"][arrays["set_of"] >= n_sets])).size:
        raise ArraysError(f"has vectors of set {strange[0]}, the bundle has {n_sets}")


def _tasks(vectors: Sample, task_of: Sequence[int], number: int) -> tuple[Sample, ...]:
    """Return one set's tasks."""
    tasks = np.unique(task_of)
    if len(vectors) > MAX_VECTORS or len(tasks) > MAX_TASKS:
        raise ArraysError(
            f"set {number} has {len(vectors)} vectors of {len(tasks)} tasks, more than "
            f"{MAX_VECTORS} of {MAX_TASKS}"
        )
    return tuple(vectors[task_of == task] for task in tasks)
