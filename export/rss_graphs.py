"""The graphs of ``kind: rss``: fingerprints to locations, and one gradient step.

predict.onnx   inputs (n, 3 K), origins (n, 2) float64 [m], parameters
               -> locations (n, 2) float64 [m]
adapt.onnx     inputs (n, 3 K), targets (n, 2), weights (n,), alpha (), parameters
               -> loss (), new.<parameter>

Everything else is float32. The step is `edge_agent.rss.network.step`, operator by
operator; locations are in double precision, as a site's frame may be far from its
origin.
"""

import onnx
from onnx import TensorProto

from edge_agent.rss.fingerprints import LENGTH_M
from edge_agent.rss.network import LOSS_EPSILON, RssArchitecture
from export.graph_nodes import GraphBuilder

NEW = "new."
"""In front of the names of parameters after the step."""


def build_rss_predict_graph(architecture: RssArchitecture) -> onnx.ModelProto:
    """Return the graph that locates fingerprints.

    Args:
        architecture: Sizes.
    """
    graph = GraphBuilder()
    graph.input("inputs", ["n", architecture.n_inputs])
    graph.input("origins", ["n", 2], int(TensorProto.DOUBLE))
    _parameter_inputs(graph, architecture)
    answers = _layers(graph, architecture)[-1]
    metres = graph.add("Mul", answers, graph.real_constant(LENGTH_M))
    doubles = graph.add("Cast", metres, to=int(TensorProto.DOUBLE))
    graph.add("Add", "origins", doubles, name="locations")
    graph.output("locations", ["n", 2], int(TensorProto.DOUBLE))
    return graph.model("metaloc_rss_predict")


def build_rss_adapt_graph(architecture: RssArchitecture) -> onnx.ModelProto:
    """Return the graph of one gradient step, Eq. (6).

    Args:
        architecture: Sizes.
    """
    graph = GraphBuilder()
    graph.input("inputs", ["n", architecture.n_inputs])
    graph.input("targets", ["n", 2])
    graph.input("weights", ["n"])
    graph.input("alpha", [])
    _parameter_inputs(graph, architecture)
    values = _layers(graph, architecture)
    missed = graph.add("Sub", values[-1], "targets")
    squares = graph.add(
        "ReduceSum", graph.add("Mul", missed, missed), graph.integers(1), keepdims=0
    )
    total = graph.add("ReduceSum", "weights", keepdims=0)
    weighted = graph.add("ReduceSum", graph.add("Mul", "weights", squares), keepdims=0)
    mean = graph.add("Div", weighted, total)
    padded = graph.add("Add", mean, graph.real_constant(LOSS_EPSILON))
    graph.add("Sqrt", padded, name="loss")
    graph.output("loss", [])
    scale = graph.add("Div", "weights", graph.add("Mul", "loss", total))
    back = graph.add("Mul", missed, graph.add("Unsqueeze", scale, graph.integers(1)))
    for layer in reversed(range(len(values) - 1)):
        weight, bias = f"layer{layer}.weight", f"layer{layer}.bias"
        of_weight = graph.add("Gemm", back, values[layer], transA=1)
        of_bias = graph.add("ReduceSum", back, graph.integers(0), keepdims=0)
        if layer:
            below = graph.add("MatMul", back, weight)
            is_on = graph.add("Greater", values[layer], graph.real_constant(0.0))
            back = graph.add("Mul", below, graph.add("Cast", is_on, to=graph.real))
        for name, gradient in ((weight, of_weight), (bias, of_bias)):
            change = graph.add("Mul", "alpha", gradient)
            graph.add("Sub", name, change, name=NEW + name)
            graph.output(NEW + name, architecture.parameter_shapes()[name])
    return graph.model("metaloc_rss_adapt")


def _parameter_inputs(graph: GraphBuilder, architecture: RssArchitecture) -> None:
    for name, shape in architecture.parameter_shapes().items():
        graph.input(name, shape)


def _layers(graph: GraphBuilder, architecture: RssArchitecture) -> list[str]:
    """Return the inputs, what each hidden layer gives, and the answers."""
    n_layers = len(architecture.hidden) + 1
    values = ["inputs"]
    for layer in range(n_layers):
        linear = graph.add(
            "Gemm", values[-1], f"layer{layer}.weight", f"layer{layer}.bias", transB=1
        )
        values.append(linear if layer == n_layers - 1 else graph.add("Relu", linear))
    return values
