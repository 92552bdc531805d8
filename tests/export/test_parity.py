"""Bundles that not every back end computes alike are not exported."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_agent.bundles.bundle import ADAPT, PREDICT, Bundle
from edge_agent.learning.adaptation import Stepped
from edge_agent.learning.network import Architecture, Statistics
from export.adapt_graph import build_adapt_graph
from export.bundle_writer import ExportError
from export.parity import TOLERANCE, check_parity, difference
from export.predict_graph import build_predict_graph
from export.write_bundle import write_bundle
from tests.trainer.builders import (
    PAPER_NETWORK,
    SMALL,
    SMALL_NETWORK,
    checkpoint,
    random_parameters,
)

OTHER = Architecture(SMALL.shape, filters=(3, 4), pixel_mean=0.4, pixel_std=0.3)
"""Takes and gives the same as the small network, and scales its input otherwise."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_bundle(
        checkpoint(), tmp_path_factory.mktemp("model") / "bundle", name="x"
    )


def with_file(bundle, name, data):
    contents = {**bundle.files.contents, name: data}
    return replace(bundle, files=replace(bundle.files, contents=contents))


def test_back_ends_agree_far_below_the_tolerance(bundle):
    assert 0 < check_parity(bundle) < TOLERANCE / 3


def test_back_ends_agree_on_the_paper_s_network(bundle):
    """Made of the other's files: there are many close decisions on large images."""
    graph = build_predict_graph(PAPER_NETWORK)
    parameters = random_parameters(
        PAPER_NETWORK, np.random.default_rng(0), dtype=np.float32
    )
    manifest = replace(
        bundle.manifest,
        architecture=PAPER_NETWORK,
        spec=type(bundle.manifest.spec)(),
        predict_slots=graph.slots,
    )
    adapt = build_adapt_graph(PAPER_NETWORK).SerializeToString()
    files = {**bundle.files.contents, ADAPT: adapt, PREDICT: graph.data}
    paper = Bundle(manifest, parameters, replace(bundle.files, contents=files))

    assert 0 < check_parity(paper) < TOLERANCE / 3


def test_a_step_of_another_network_is_refused(bundle):
    other = build_adapt_graph(OTHER).SerializeToString()

    with pytest.raises(
        ExportError,
        match=r"onnxruntime does not compute what numpy does: by 0\.\d+ in a step",
    ):
        check_parity(with_file(bundle, ADAPT, other))


def test_predictions_of_another_network_are_refused(bundle):
    other = build_predict_graph(OTHER).data

    with pytest.raises(ExportError, match=r"and 0\.\d+ in a probability, more than"):
        check_parity(with_file(bundle, PREDICT, other))


def test_a_step_that_forgets_the_padding_is_refused(bundle):
    """Every shot counts as one: the graph is right where there is none."""
    model = build_adapt_graph(SMALL_NETWORK)
    (sign,) = (
        node
        for node in model.graph.node
        if node.op_type == "Sign" and list(node.input) == ["weights"]
    )
    sign.op_type = "Pow"
    sign.input.append("nothing")  # what to the power of 0 is 1, 0 as well
    zero = numpy_helper.from_array(np.float32(0)[...], "nothing")
    model.graph.initializer.append(zero)

    with pytest.raises(ExportError, match="onnxruntime does not compute what numpy"):
        check_parity(with_file(bundle, ADAPT, model.SerializeToString()))


@pytest.mark.parametrize("name", [ADAPT, PREDICT])
def test_a_graph_that_computes_no_number_is_refused(bundle, name):
    model = onnx.load_from_string(bundle.files.contents[name])
    for constant in model.graph.initializer:
        array = numpy_helper.to_array(constant)
        if array.dtype == np.float32 and array.shape == ():
            broken = np.full_like(array, np.nan)
            constant.CopyFrom(numpy_helper.from_array(broken, constant.name))

    with pytest.raises(
        ExportError, match=r"by inf in a step|by inf in a prob|and inf in a prob"
    ):
        check_parity(with_file(bundle, name, model.SerializeToString()))


def test_a_step_that_makes_a_number_of_what_is_none_is_refused(bundle):
    """Then an adaptation would take a step into the void for progress."""
    model = build_adapt_graph(SMALL_NETWORK)
    (loss,) = (node for node in model.graph.node if list(node.output) == ["loss"])
    loss.output[0] = "honest"
    largest = numpy_helper.from_array(np.float32(1e9)[...], "largest")
    model.graph.initializer.append(largest)
    nodes = [
        helper.make_node("IsNaN", ["honest"], ["is_none"]),
        helper.make_node("Where", ["is_none", "largest", "honest"], ["loss"]),
    ]
    model.graph.node.extend(nodes)

    with pytest.raises(
        ExportError, match=r"onnxruntime gives a loss of 1e\+09 where there is none"
    ):
        check_parity(with_file(bundle, ADAPT, model.SerializeToString()))


def test_a_step_that_fails_on_what_is_no_number_is_refused(bundle):
    """As MaxUnpool of ONNX Runtime 1.16 does without care for its indices."""
    model = build_adapt_graph(SMALL_NETWORK)
    (loss,) = (node for node in model.graph.node if list(node.output) == ["loss"])
    loss.output[0] = "honest"
    only = numpy_helper.from_array(np.zeros(1, np.float32), "only")
    model.graph.initializer.append(only)
    nodes = [
        helper.make_node("IsNaN", ["honest"], ["is_none"]),
        helper.make_node("Cast", ["is_none"], ["outside"], to=TensorProto.INT64),
        helper.make_node("Gather", ["only", "outside"], ["zero"], axis=0),
        helper.make_node("Add", ["honest", "zero"], ["loss"]),
    ]
    model.graph.node.extend(nodes)

    with pytest.raises(ExportError, match=r"cannot run the bundle's graph adapt\.onnx"):
        check_parity(with_file(bundle, ADAPT, model.SerializeToString()))


@pytest.mark.parametrize("name", [ADAPT, PREDICT])
def test_a_graph_that_cannot_be_loaded_is_refused(bundle, name):
    with pytest.raises(ExportError, match=f"refuses the bundle's graph {name}"):
        check_parity(with_file(bundle, name, b"no graph"))


def test_a_network_that_is_too_steep_is_refused(bundle):
    """Nothing but rounding: activations of 1e30 leave no digit of a probability."""
    steep = {
        name: array * np.float32(1e12) for name, array in bundle.parameters.items()
    }

    with pytest.raises(ExportError, match="too steep, or not finite"):
        check_parity(replace(bundle, parameters=steep))


def test_differences_are_relative_above_one():
    def outcome(loss, mean, variance, weight):
        statistics = [Statistics(np.array([mean]), np.array([variance]))]
        return Stepped(loss, statistics, {"w": np.array([weight])})

    exact = outcome(10.0, 0.1, 1.0, -100.0)

    assert difference(exact, exact) == 0
    assert difference(outcome(11, 0.1, 1, -100), exact) == pytest.approx(0.1)
    assert difference(outcome(10, 0.3, 1, -100), exact) == pytest.approx(0.2)
    assert difference(outcome(10, 0.1, 1.4, -100), exact) == pytest.approx(0.4)
    assert difference(outcome(10, 0.1, 1, -150), exact) == pytest.approx(0.5)
    assert np.isnan(difference(outcome(float("nan"), 0.1, 1, -100), exact))
