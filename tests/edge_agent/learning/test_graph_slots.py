"""Places for a site's parameters in a graph's bytes."""

import struct

import numpy as np
import pytest

from edge_agent.learning.graph_slots import GraphSlots, slot_shapes
from edge_agent.learning.network import Architecture, Statistics

NETWORK = Architecture((1, 2, 2), filters=(1,))
NAN = struct.pack("<f", float("nan"))
SIZES = {  # floats
    "conv0.weight": 9,
    "conv0.bias": 1,
    "norm0.scale": 1,
    "norm0.shift": 1,
    "norm0.mean": 1,
    "norm0.variance": 1,
}


def laid_out(gap=b"!"):
    """A graph of slots with a byte between them, and their offsets."""
    graph, offsets = b"", {}
    for name, size in SIZES.items():
        graph += gap
        offsets[name] = len(graph)
        graph += NAN * size
    return graph + gap, offsets


def test_the_slots_are_the_body_s_parameters_and_the_statistics():
    shapes = slot_shapes(NETWORK)

    assert {name: int(np.prod(shape)) for name, shape in shapes.items()} == SIZES
    assert shapes["conv0.weight"] == (1, 1, 3, 3)


def test_a_site_s_values_take_their_places_and_nothing_else_moves():
    graph, offsets = laid_out()
    slots = GraphSlots(offsets)
    slots.check(NETWORK, graph)
    parameters = {
        "conv0.weight": np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3),
        "conv0.bias": np.array([9.0]),  # in double precision
        "norm0.scale": np.array([10], np.float32),
        "norm0.shift": np.array([11], ">f4"),
        "head.weight": np.array([[99]], np.float32),
    }
    statistics = [Statistics(np.array([12], np.float32), np.array([13], np.float32))]

    filled = slots.filled(graph, parameters, statistics)

    values = iter(range(14))
    expected = b"!" + b"!".join(
        b"".join(struct.pack("<f", next(values)) for _ in range(size))
        for size in SIZES.values()
    )
    assert filled == expected + b"!"
    assert graph == laid_out()[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv0.bias": None}, r"no slots for \['conv0.bias'\]"),
        ({"conv9.bias": 0}, r"slots for \['conv9.bias'\], which the network lacks"),
        ({"conv0.bias": -1}, "conv0.bias has 4 bytes from -1 on, in a graph of 63"),
        ({"norm0.variance": 60}, "norm0.variance has 4 bytes from 60 on, in a graph"),
        ({"norm0.variance": 1 << 70}, "norm0.variance has 4 bytes from 118"),
        ({"conv0.bias": 5}, "conv0.bias begins at 5, before conv0.weight ends at 37"),
        ({"conv0.bias": 37}, "bytes 37 to 41 of the graph are no slot"),
        ({"conv0.bias": 38.0}, "conv0.bias begins at 38.0, not a whole number"),
        ({"conv0.bias": True}, "conv0.bias begins at True, not a whole number"),
        ({"conv0.bias": "38"}, "conv0.bias begins at '38', not a whole number"),
    ],
)
def test_places_that_are_none_are_refused(change, message):
    graph, offsets = laid_out()
    changed = {k: v for k, v in (offsets | change).items() if v is not None}

    with pytest.raises(ValueError, match=message):
        GraphSlots(changed).check(NETWORK, graph)
