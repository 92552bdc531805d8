"""The adaptation graph: one gradient step, parameters in and out.

    loss = L(θ) = Σ_i weights_i * cross-entropy of shot i
    new  = θ - α ∇L(θ)                                              Eq. (14)

A shot of weight zero is padding. The statistics of the normalisation are those of the
shots. `export.layer_graph` has the derivatives; tests hold them to torch's own.
"""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto

from edge_agent.learning.network import Architecture
from export.graph_nodes import GraphBuilder, scaled_pixels
from export.layer_graph import LayerGraph, SupportMask, Traced


def build_adapt_graph(
    architecture: Architecture,
    *,
    dtype: npt.DTypeLike = np.float32,
    scatter: bool = False,
) -> onnx.ModelProto:
    """Return the graph of one gradient step.

    Inputs: ``images`` uint8 (n, n_channels, n_packets, n_tones), ``heard`` bool (n,
    n_channels), ``points`` int64 (n,), ``weights`` (n,), ``alpha`` (), and every
    parameter, with a head of ``n_points`` rows. Outputs: ``loss`` () at the given
    parameters, ``new.<parameter>``, and ``norm<i>.mean``, ``norm<i>.variance`` of the
    shots at the given parameters.

    Args:
        architecture: Of the network.
        dtype: Precision of all that is real; ONNX Runtime convolves in single only.
        scatter: Say the gradient of a maximum with ScatterElements, which every runtime
            knows, instead of MaxUnpool, which takes less time.
    """
    graph = GraphBuilder(dtype)
    x = scaled_pixels(graph, architecture)
    graph.input("points", ["n"], TensorProto.INT64)
    graph.input("weights", ["n"])
    graph.input("alpha", [])
    for name, shape in architecture.parameter_shapes(n_points=1).items():
        head = name.startswith("head.")
        graph.input(name, ["n_points", *shape[1:]] if head else shape)
    support = SupportMask.of(graph, "weights")
    layers = [
        LayerGraph(graph, architecture, number, support, scatter=scatter)
        for number in range(len(architecture.filters))
    ]
    traces: list[Traced] = []
    for layer in layers:
        traces.append(layer.forward(x))
        x = traces[-1].out
    features = graph.add("Flatten", x, axis=1)
    logits = graph.add("Gemm", features, "head.weight", "head.bias", transB=1)
    d_logits = _loss(graph, logits)
    gradient = {
        "head.weight": graph.add("Gemm", d_logits, features, transA=1),
        "head.bias": graph.add("ReduceSum", d_logits, graph.integers(0), keepdims=0),
    }
    d_features = graph.add("MatMul", d_logits, "head.weight")
    d_x = graph.add("Reshape", d_features, graph.add("Shape", x))
    for layer, traced in zip(reversed(layers), reversed(traces), strict=True):
        of_layer, d_x = layer.backward(traced, d_x)
        gradient |= of_layer
    _outputs(graph, architecture, gradient)
    return graph.model("metaloc_adapt")


def _loss(graph: GraphBuilder, logits: str) -> str:
    """Add the loss and return its gradient with respect to the logits."""
    log_likelihood = graph.add("LogSoftmax", logits, axis=-1)
    n_points = graph.add("Squeeze", graph.add("Shape", "head.bias"))
    numbers = graph.add("Range", graph.integer(0), n_points, graph.integer(1))
    wanted = graph.add("Unsqueeze", "points", graph.integers(1))
    hits = graph.add("Cast", graph.add("Equal", wanted, numbers), to=graph.real)
    weights = graph.add("Unsqueeze", "weights", graph.integers(1))
    targets = graph.add("Mul", hits, weights)
    gained = graph.add("ReduceSum", graph.add("Mul", targets, log_likelihood))
    graph.add("Neg", graph.add("Squeeze", gained), name="loss")
    guessed = graph.add("Mul", graph.add("Exp", log_likelihood), weights)
    return graph.add("Sub", guessed, targets)


def _outputs(
    graph: GraphBuilder, architecture: Architecture, gradient: dict[str, str]
) -> None:
    """Add the step and declare what comes out."""
    graph.output("loss", [])
    for name, shape in architecture.parameter_shapes(n_points=1).items():
        step = graph.add("Mul", gradient[name], "alpha")
        new = graph.add("Sub", name, step, name=f"new.{name}")
        head = name.startswith("head.")
        graph.output(new, ["n_points", *shape[1:]] if head else shape)
    for number, n_filters in enumerate(architecture.filters):
        for part in ("mean", "variance"):
            graph.output(f"norm{number}.{part}", [n_filters])
