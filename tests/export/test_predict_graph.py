"""The prediction graph in two runtimes against the device's NumPy, filled as there."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from edge_agent.learning.network import (
    Architecture,
    forward,
    probabilities,
    scale_input,
)
from export.predict_graph import build_predict_graph
from tests.conftest import ROOT
from tests.export.graphs import in_onnxruntime, in_reference
from tests.trainer.builders import (
    PAPER_NETWORK,
    SMALL_NETWORK,
    random_images,
    random_parameters,
)

TOLERANCE = 1e-5
"""Of a probability, in single precision: sums of a thousand terms in another order."""

NETWORKS = pytest.mark.parametrize(
    "architecture",
    [
        SMALL_NETWORK,
        Architecture((1, 2, 3), filters=(2,), pixel_mean=0.1, pixel_std=0.7),
        Architecture((4, 11, 17), filters=(3, 5, 2), pixel_mean=0.9, pixel_std=0.05),
        PAPER_NETWORK,
    ],
    ids=["small", "one layer", "three layers", "paper"],
)


class Site(NamedTuple):
    """What a device fills in and feeds, and what its NumPy makes of it."""

    parameters: dict
    statistics: list
    feeds: dict
    expected: np.ndarray

    def run(self, architecture, runtime):
        graph = build_predict_graph(architecture)
        filled = graph.slots.filled(graph.data, self.parameters, self.statistics)
        return runtime(onnx.load_from_string(filled), self.feeds)["probabilities"]


def problem(architecture, rng, *, n=5, n_points=4):
    parameters = random_parameters(
        architecture, rng, n_points=n_points, dtype=np.float32
    )
    parameters["norm0.scale"][0] *= -1
    # Statistics of other images, as a site's shots would leave them.
    shots = scale_input(architecture, *random_images(architecture, rng, 6))
    statistics = [layer.statistics for layer in forward(parameters, shots).layers]
    images, heard = random_images(architecture, rng, n)
    inputs = scale_input(architecture, images, heard)
    expected = probabilities(forward(parameters, inputs, statistics).logits)
    feeds = {name: parameters[name] for name in ("head.weight", "head.bias")}
    feeds |= {"images": images, "heard": heard}
    return Site(parameters, statistics, feeds, expected)


def assert_probabilities(found, expected):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    # Neither answer is trivial.
    assert np.ptp(expected) > 0.05


# -- what it computes ------------------------------------------------------------------


@NETWORKS
@pytest.mark.parametrize("runtime", [in_onnxruntime, in_reference])
def test_the_graph_computes_what_the_device_computes(architecture, runtime, rng):
    site = problem(architecture, rng)

    assert_probabilities(site.run(architecture, runtime), site.expected)


@pytest.mark.parametrize(("n", "n_points"), [(1, 2), (1, 1), (3, 90)])
def test_one_graph_serves_any_number_of_images_and_points(rng, n, n_points):
    site = problem(SMALL_NETWORK, rng, n=n, n_points=n_points)

    found = site.run(SMALL_NETWORK, in_onnxruntime)

    assert found.shape == (n, n_points)
    np.testing.assert_allclose(found, site.expected, rtol=0, atol=TOLERANCE)


def test_channels_that_were_not_heard_do_not_count(rng):
    site = problem(SMALL_NETWORK, rng)
    site.feeds["heard"] = np.tile([True, False], (5, 1))
    images = site.feeds["images"]

    before = site.run(SMALL_NETWORK, in_onnxruntime)
    images[:, 1] = 255 - images[:, 1]
    after = site.run(SMALL_NETWORK, in_onnxruntime)
    images[:, 0] = 255 - images[:, 0]
    changed = site.run(SMALL_NETWORK, in_onnxruntime)

    np.testing.assert_array_equal(before, after)
    assert np.abs(before - changed).max() > 0.01


def test_until_a_site_fills_it_in_it_computes_no_number(rng):
    site = problem(SMALL_NETWORK, rng)
    unfilled = onnx.load_from_string(build_predict_graph(SMALL_NETWORK).data)

    found = in_onnxruntime(unfilled, site.feeds)["probabilities"]

    assert np.isnan(found).all()


def test_every_value_of_a_site_has_its_influence(rng):
    """None is left out, none is where another belongs: onnx itself finds them."""
    site = problem(SMALL_NETWORK, rng)
    graph = build_predict_graph(SMALL_NETWORK)

    filled = onnx.load_from_string(
        graph.slots.filled(graph.data, site.parameters, site.statistics)
    )

    found = {i.name: numpy_helper.to_array(i) for i in filled.graph.initializer}
    for name, value in site.parameters.items():
        if not name.startswith("head."):
            np.testing.assert_array_equal(found[name], value)
    for layer, used in enumerate(site.statistics):
        np.testing.assert_array_equal(found[f"norm{layer}.mean"], used.mean)
        np.testing.assert_array_equal(found[f"norm{layer}.variance"], used.variance)


@settings(max_examples=25, deadline=None)
@given(
    filters=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    n_channels=st.integers(1, 4),
    extra=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_architecture_has_a_graph(filters, n_channels, extra, seed):
    least = 1 << (len(filters) - 1)
    shape = (n_channels, least + extra[0], least + extra[1])
    architecture = Architecture(shape, filters=tuple(filters))

    site = problem(architecture, np.random.default_rng(seed))
    found = site.run(architecture, in_onnxruntime)

    # A filter that hardly ever fires is amplified, with the last bit of its sums.
    np.testing.assert_allclose(found, site.expected, rtol=0, atol=10 * TOLERANCE)


# -- what it is ------------------------------------------------------------------------


def loaded(architecture):
    return onnx.load_from_string(build_predict_graph(architecture).data)


@NETWORKS
def test_the_graph_is_valid(architecture):
    onnx.checker.check_model(loaded(architecture), full_check=True)


def test_the_graph_is_one_that_old_runtimes_read():
    model = loaded(PAPER_NETWORK)

    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    assert model.ir_version == 8
    assert model.producer_name == "metaloc"


def test_inputs_and_outputs_have_their_names_types_and_axes():
    graph = loaded(SMALL_NETWORK).graph

    def declared(values):
        return {
            value.name: (
                onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type),
                [
                    axis.dim_param or axis.dim_value
                    for axis in value.type.tensor_type.shape.dim
                ],
            )
            for value in values
        }

    assert declared(graph.input) == {
        "images": ("UINT8", ["n", 2, 7, 9]),
        "heard": ("BOOL", ["n", 2]),
        "head.weight": ("FLOAT", ["n_points", 4 * 3 * 4]),
        "head.bias": ("FLOAT", ["n_points"]),
    }
    assert declared(graph.output) == {"probabilities": ("FLOAT", ["n", "n_points"])}


def test_the_graph_holds_no_trace_of_the_machine():
    model = loaded(PAPER_NETWORK)
    data = model.SerializeToString()

    for folder in (ROOT, Path.home(), Path.cwd(), Path(onnx.__file__).parent):
        assert str(folder).encode() not in data or str(folder) == "/"
    assert not model.doc_string
    assert not model.graph.doc_string
    assert not model.metadata_props
    described = [*model.graph.node, *model.graph.input, *model.graph.output]
    described += [*model.graph.initializer]
    described += [a for node in model.graph.node for a in node.attribute]
    assert not any(thing.doc_string for thing in described)


def test_the_same_network_gives_the_same_bytes():
    first, again, other = (
        build_predict_graph(architecture).data
        for architecture in (
            SMALL_NETWORK,
            Architecture(
                SMALL_NETWORK.image_shape, filters=(3, 4), pixel_mean=0.4, pixel_std=0.2
            ),
            PAPER_NETWORK,
        )
    )

    assert first == again
    assert first != other
