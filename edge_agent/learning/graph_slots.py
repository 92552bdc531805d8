"""Where a site's parameters go in a bundle's prediction graph.

The graph holds them as constants, so that ONNX Runtime folds them. The device writes
the adapted ones over the bytes of a copy, which works with every ONNX Runtime and needs
no onnx. (What looks made for it, ``SessionOptions.add_initializer``, gives wrong
results silently: the layout for this processor is made from the file's values.)
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_agent.learning.network import Architecture, Array, Parameters, Statistics

_FLOAT = np.dtype("<f4")
"""What raw data in an ONNX model are, on every machine."""


def slot_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the shape of everything that a site fills in, by name."""
    shapes = architecture.parameter_shapes()
    for layer, n_filters in enumerate(architecture.filters):
        for part in ("mean", "variance"):
            shapes[f"norm{layer}.{part}"] = (n_filters,)
    return shapes


@dataclass(frozen=True, slots=True)
class GraphSlots:
    """Where each array's bytes begin in the graph's file."""

    offsets: Mapping[str, int]
    """[bytes], by the names of `slot_shapes`."""

    def check(self, architecture: Architecture, graph: bytes) -> None:
        """Check that these are places for the network's arrays.

        Raises:
            ValueError: Names are missing or unknown; a slot is outside the file,
                overlaps another, or holds something else than what is to be filled in:
                values that are not numbers.
        """
        shapes = slot_shapes(architecture)
        for name, offset in self.offsets.items():
            if type(offset) is not int:
                raise ValueError(f"{name} begins at {offset!r}, not a whole number")
        if missing := shapes.keys() - self.offsets.keys():
            raise ValueError(f"no slots for {sorted(missing)}")
        if unknown := self.offsets.keys() - shapes.keys():
            raise ValueError(f"slots for {sorted(unknown)}, which the network lacks")
        end, before = 0, "the beginning"
        for name, offset in sorted(self.offsets.items(), key=lambda item: item[1]):
            size = _size(shapes[name])
            if offset < 0 or offset + size > len(graph):
                raise ValueError(
                    f"{name} has {size} bytes from {offset} on, in a graph of "
                    f"{len(graph)}"
                )
            if offset < end:
                raise ValueError(
                    f"{name} begins at {offset}, before {before} ends at {end}"
                )
            end, before = offset + size, name
            if not np.isnan(np.frombuffer(graph[offset:end], _FLOAT)).all():
                raise ValueError(f"bytes {offset} to {end} of the graph are no slot")

    def filled(
        self, graph: bytes, parameters: Parameters, statistics: list[Statistics]
    ) -> bytes:
        """Return a copy of the graph with a site's values in their places.

        Args:
            graph: That was checked.
            parameters: Of the site; its head is not looked at.
            statistics: One per layer.
        """
        copy = bytearray(graph)
        for name, array in _values(parameters, statistics).items():
            if name in self.offsets:
                data = array.astype(_FLOAT).tobytes()
                start = self.offsets[name]
                copy[start : start + len(data)] = data
        return bytes(copy)


def _size(shape: tuple[int, ...]) -> int:
    return math.prod(shape) * _FLOAT.itemsize


def _values(
    parameters: Parameters, statistics: list[Statistics]
) -> Mapping[str, Array]:
    values = dict(parameters)
    for layer, used in enumerate(statistics):
        values[f"norm{layer}.mean"] = used.mean
        values[f"norm{layer}.variance"] = used.variance
    return values
