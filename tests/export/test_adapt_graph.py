"""The gradient step as a graph, against torch's own derivatives."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.learning.adaptation import with_head
from edge_agent.learning.layer_step import LayerStep
from edge_agent.learning.network import Architecture
from export.adapt_graph import build_adapt_graph
from tests.conftest import ROOT
from tests.export.graphs import assert_close, in_onnxruntime, in_reference, problem
from tests.trainer.builders import PAPER_NETWORK, SMALL_NETWORK

EXACT = 1e-10
SINGLE = 1e-5

ONE_LAYER = Architecture((1, 2, 3), filters=(2,), pixel_mean=0.1, pixel_std=0.7)
THREE_LAYERS = Architecture((3, 13, 11), filters=(3, 18, 5), pixel_mean=0.9)
NETWORKS = pytest.mark.parametrize(
    "architecture",
    [SMALL_NETWORK, ONE_LAYER, THREE_LAYERS],
    ids=["small", "one layer", "three layers"],
)


def exact_graph(architecture):
    """In double precision, by operators that onnx's own runtime has."""
    return build_adapt_graph(architecture, dtype=np.float64, scatter=True)


# -- the mathematics -------------------------------------------------------------------


@NETWORKS
def test_in_double_precision_the_step_is_that_of_autograd(architecture, rng):
    given = problem(architecture, rng)

    found = in_reference(exact_graph(architecture), given.feeds(np.float64))

    assert_close(found, given.answer(), EXACT)
    moved = [found[f"new.{name}"] - a for name, a in given.parameters.items()]
    assert min(np.abs(change).max() for change in moved) > 1e-6


def test_a_scale_may_be_negative(rng):
    """Then a maximum of normalised pixels is a minimum of the others."""
    given = problem(THREE_LAYERS, rng)
    for layer in range(3):
        given.parameters[f"norm{layer}.scale"][::2] *= -1

    found = in_reference(exact_graph(THREE_LAYERS), given.feeds(np.float64))

    assert_close(found, given.answer(), EXACT)


def test_a_scale_of_zero_moves_by_a_subgradient_and_nothing_else_does(rng):
    given = problem(SMALL_NETWORK, rng)
    given.parameters["norm0.scale"][1] = 0

    found = in_reference(exact_graph(SMALL_NETWORK), given.feeds(np.float64))

    expected = given.answer()
    ambiguous = "new.norm0.scale"
    assert np.isfinite(found.pop(ambiguous)).all()
    del expected[ambiguous]
    assert_close(found, expected, EXACT)


def test_of_equal_pixels_the_first_in_reading_order_is_the_maximum(rng):
    """Unheard channels are all one pixel, and where they are convolved it is a tie.

    With a negative scale, too, where what ReLU cut off ties.
    """
    given = problem(SMALL_NETWORK, rng)
    given.support.heard[:, 1] = False
    given.support.images[:, 0] = given.support.images[:, 0, :1, :1]
    given.parameters["norm0.scale"][0] *= -1

    found = in_reference(exact_graph(SMALL_NETWORK), given.feeds(np.float64))

    assert_close(found, given.answer(), EXACT)


@pytest.mark.parametrize(("n", "n_points"), [(1, 1), (1, 2), (2, 5), (91, 90)])
def test_one_graph_serves_any_number_of_shots_and_points(rng, n, n_points):
    given = problem(ONE_LAYER, rng, n=n, n_points=n_points)

    found = in_reference(exact_graph(ONE_LAYER), given.feeds(np.float64))

    assert_close(found, given.answer(), EXACT)


@settings(max_examples=10, deadline=None)
@given(
    filters=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    n_channels=st.integers(1, 3),
    extra=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_architecture_has_a_graph(filters, n_channels, extra, seed):
    least = 1 << (len(filters) - 1)
    shape = (n_channels, least + extra[0], least + extra[1])
    architecture = Architecture(shape, filters=tuple(filters))
    given = problem(architecture, np.random.default_rng(seed), n=4, n_padding=1)

    found = in_reference(exact_graph(architecture), given.feeds(np.float64))

    # A filter that hardly ever fires is amplified, with the last bit of its sums.
    assert_close(found, given.answer(), 1e-7)


# -- padding ---------------------------------------------------------------------------


def test_shots_of_weight_zero_are_no_part_of_anything(rng):
    given = problem(THREE_LAYERS, rng, n=5, n_padding=3)

    found = in_reference(exact_graph(THREE_LAYERS), given.feeds(np.float64))

    assert_close(found, given.answer(), EXACT)


def test_what_padding_shows_has_no_influence_in_onnxruntime(rng):
    given = problem(SMALL_NETWORK, rng, n=5, n_padding=3)
    model = build_adapt_graph(SMALL_NETWORK)
    before = in_onnxruntime(model, given.feeds())
    padding = given.support.weights == 0
    given.support.images[padding] = 255 - given.support.images[padding]
    given.support.heard[padding] = ~given.support.heard[padding]
    given.support.points[padding] = 0

    after = in_onnxruntime(model, given.feeds())

    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value, err_msg=name)


# -- the graph that is shipped ---------------------------------------------------------


@pytest.mark.parametrize("scatter", [False, True])
@pytest.mark.parametrize("architecture", [SMALL_NETWORK, THREE_LAYERS, PAPER_NETWORK])
def test_in_single_precision_a_step_of_onnxruntime_is_that_of_autograd(
    architecture, scatter
):
    """On shots where no activation is so close to zero that rounding decides."""
    given = problem(
        architecture, np.random.default_rng(2), n=9, n_padding=1, alpha=0.05
    )
    for layer in range(len(architecture.filters)):
        given.parameters[f"norm{layer}.scale"][0] *= -1

    found = in_onnxruntime(
        build_adapt_graph(architecture, scatter=scatter), given.feeds()
    )

    assert_close(found, given.answer(), SINGLE)
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}


def test_maxunpool_and_scatterelements_give_the_same_bits(rng):
    given = problem(THREE_LAYERS, rng)

    fast, known = (
        in_onnxruntime(build_adapt_graph(THREE_LAYERS, scatter=scatter), given.feeds())
        for scatter in (False, True)
    )

    for name, value in fast.items():
        np.testing.assert_array_equal(known[name], value, err_msg=name)


def test_a_step_of_zero_goes_nowhere_and_tells_loss_and_statistics(rng):
    given = problem(SMALL_NETWORK, rng)._replace(alpha=0.0)

    found = in_onnxruntime(build_adapt_graph(SMALL_NETWORK), given.feeds())

    for name, value in given.parameters.items():
        np.testing.assert_array_equal(found[f"new.{name}"], value.astype(np.float32))
    assert_close(found, given.answer(), SINGLE)


def test_many_filters_and_few_give_the_same_gradient(rng, monkeypatch):
    """One matrix product for all taps, or one for each."""
    given = problem(THREE_LAYERS, rng)
    expected = in_reference(exact_graph(THREE_LAYERS), given.feeds(np.float64))
    for threshold in (0, 100):
        monkeypatch.setattr("export.kernel_gradient._FEW_INPUTS", threshold)
        model = exact_graph(THREE_LAYERS)

        assert_close(in_reference(model, given.feeds(np.float64)), expected, EXACT)


def test_ten_steps_end_where_numpy_ends(rng):
    """Not parameter by parameter: trajectories part at the first tie."""
    given = problem(SMALL_NETWORK, rng, n=12)
    support = replace(given.support, weights=np.full(12, 0.25))
    body = {
        name: value.astype(np.float32)
        for name, value in given.parameters.items()
        if not name.startswith("head")
    }
    start = with_head(SMALL_NETWORK, body, 3)
    step, model = LayerStep(SMALL_NETWORK, support), build_adapt_graph(SMALL_NETWORK)
    ours, graphs = start, start
    for _ in range(10):
        feeds = given._replace(parameters=graphs, support=support, alpha=0.05).feeds()
        found = in_onnxruntime(model, feeds)
        graphs = {name: found[f"new.{name}"] for name in start}
        stepped = step(ours, 0.05)
        ours = stepped.after

    assert found["loss"] == pytest.approx(stepped.loss, rel=0.02)
    assert found["loss"] < 0.8 * 3 * np.log(3)


# -- what it is ------------------------------------------------------------------------


def test_the_graph_is_one_that_old_runtimes_read():
    model = build_adapt_graph(PAPER_NETWORK)

    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    assert model.ir_version == 8
    assert not any(node.domain for node in model.graph.node)
    assert "Where" not in {node.op_type for node in model.graph.node}
    onnx.checker.check_model(model, full_check=True)


def test_inputs_and_outputs_have_their_names_types_and_axes():
    graph = build_adapt_graph(ONE_LAYER).graph

    assert declared(graph.input) == {
        "images": ("UINT8", ["n", 1, 2, 3]),
        "heard": ("BOOL", ["n", 1]),
        "points": ("INT64", ["n"]),
        "weights": ("FLOAT", ["n"]),
        "alpha": ("FLOAT", []),
        "conv0.weight": ("FLOAT", [2, 1, 3, 3]),
        "conv0.bias": ("FLOAT", [2]),
        "norm0.scale": ("FLOAT", [2]),
        "norm0.shift": ("FLOAT", [2]),
        "head.weight": ("FLOAT", ["n_points", 12]),
        "head.bias": ("FLOAT", ["n_points"]),
    }
    assert declared(graph.output) == {
        "loss": ("FLOAT", []),
        "new.conv0.weight": ("FLOAT", [2, 1, 3, 3]),
        "new.conv0.bias": ("FLOAT", [2]),
        "new.norm0.scale": ("FLOAT", [2]),
        "new.norm0.shift": ("FLOAT", [2]),
        "new.head.weight": ("FLOAT", ["n_points", 12]),
        "new.head.bias": ("FLOAT", ["n_points"]),
        "norm0.mean": ("FLOAT", [2]),
        "norm0.variance": ("FLOAT", [2]),
    }


def test_the_same_network_gives_the_same_bytes_without_a_trace_of_the_machine():
    first, again = (
        build_adapt_graph(PAPER_NETWORK).SerializeToString(deterministic=True)
        for _ in range(2)
    )

    assert first == again
    assert len(first) < 50_000
    for folder in (ROOT, Path.home(), Path(onnx.__file__).parent):
        assert str(folder).encode() not in first or str(folder) == "/"


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
