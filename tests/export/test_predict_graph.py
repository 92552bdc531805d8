"""The prediction graph in two runtimes against the device's NumPy."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from edge_agent.network import Architecture, forward, probabilities, scale_input
from export.predict_graph import build_predict_graph
from tests.conftest import ROOT
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


def in_onnxruntime(model, feeds):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(["probabilities"], feeds)[0]


def in_reference(model, feeds):
    return ReferenceEvaluator(model).run(["probabilities"], feeds)[0]


def problem(architecture, rng, *, n=5, n_points=4):
    """Inputs of the graph, and what the device's NumPy makes of them."""
    parameters = random_parameters(
        architecture, rng, n_points=n_points, dtype=np.float32
    )
    # Statistics of other images, as a site's shots would leave them.
    shots = scale_input(architecture, *random_images(architecture, rng, 6))
    statistics = [layer.statistics for layer in forward(parameters, shots).layers]
    images, heard = random_images(architecture, rng, n)
    inputs = scale_input(architecture, images, heard)
    expected = probabilities(forward(parameters, inputs, statistics).logits)
    feeds = parameters | {"images": images, "heard": heard}
    for layer, used in enumerate(statistics):
        feeds |= {
            f"norm{layer}.mean": used.mean,
            f"norm{layer}.variance": used.variance,
        }
    return feeds, expected


def assert_probabilities(found, expected):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    # Neither answer is trivial.
    assert np.ptp(expected) > 0.05


# -- what it computes ------------------------------------------------------------------


@NETWORKS
@pytest.mark.parametrize("run", [in_onnxruntime, in_reference])
def test_the_graph_computes_what_the_device_computes(architecture, run, rng):
    feeds, expected = problem(architecture, rng)

    found = run(build_predict_graph(architecture), feeds)

    assert_probabilities(found, expected)


@pytest.mark.parametrize(("n", "n_points"), [(1, 2), (1, 1), (3, 90)])
def test_one_graph_serves_any_number_of_images_and_points(rng, n, n_points):
    feeds, expected = problem(SMALL_NETWORK, rng, n=n, n_points=n_points)

    found = in_onnxruntime(build_predict_graph(SMALL_NETWORK), feeds)

    assert found.shape == (n, n_points)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_channels_that_were_not_heard_do_not_count(rng):
    feeds, _ = problem(SMALL_NETWORK, rng)
    feeds["heard"] = np.tile([True, False], (5, 1))
    model = build_predict_graph(SMALL_NETWORK)

    before = in_onnxruntime(model, feeds)
    feeds["images"][:, 1] = 255 - feeds["images"][:, 1]
    after = in_onnxruntime(model, feeds)
    feeds["images"][:, 0] = 255 - feeds["images"][:, 0]
    changed = in_onnxruntime(model, feeds)

    np.testing.assert_array_equal(before, after)
    assert np.abs(before - changed).max() > 0.01


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

    feeds, expected = problem(architecture, np.random.default_rng(seed))
    found = in_onnxruntime(build_predict_graph(architecture), feeds)

    # A filter that hardly ever fires is amplified, with the last bit of its sums.
    np.testing.assert_allclose(found, expected, rtol=0, atol=10 * TOLERANCE)


# -- what it is ------------------------------------------------------------------------


@NETWORKS
def test_the_graph_is_valid(architecture):
    onnx.checker.check_model(build_predict_graph(architecture), full_check=True)


def test_the_graph_is_one_that_old_runtimes_read():
    model = build_predict_graph(PAPER_NETWORK)

    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    assert model.ir_version == 8
    assert model.producer_name == "metaloc"


def test_inputs_and_outputs_have_their_names_types_and_axes():
    graph = build_predict_graph(SMALL_NETWORK).graph

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
        "conv0.weight": ("FLOAT", [3, 2, 3, 3]),
        "conv0.bias": ("FLOAT", [3]),
        "norm0.scale": ("FLOAT", [3]),
        "norm0.shift": ("FLOAT", [3]),
        "norm0.mean": ("FLOAT", [3]),
        "norm0.variance": ("FLOAT", [3]),
        "conv1.weight": ("FLOAT", [4, 3, 3, 3]),
        "conv1.bias": ("FLOAT", [4]),
        "norm1.scale": ("FLOAT", [4]),
        "norm1.shift": ("FLOAT", [4]),
        "norm1.mean": ("FLOAT", [4]),
        "norm1.variance": ("FLOAT", [4]),
        "head.weight": ("FLOAT", ["n_points", 4 * 3 * 4]),
        "head.bias": ("FLOAT", ["n_points"]),
    }
    assert declared(graph.output) == {"probabilities": ("FLOAT", ["n", "n_points"])}


def test_the_graph_holds_no_trace_of_the_machine():
    model = build_predict_graph(PAPER_NETWORK)
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
        build_predict_graph(architecture).SerializeToString()
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
