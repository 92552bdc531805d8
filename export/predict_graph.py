"""The prediction graph: images in, probabilities out, for one site's parameters.

The parameters of the body and the statistics are constants, which ONNX Runtime folds
and lays out as the processor likes them: with parameters as inputs a prediction takes
twice as long. A site's own are put in their place by the device, which has no onnx: the
bytes of each are one run of the file, and `PredictGraph.slots` says where. Until then
they are not numbers, and so is whatever the graph computes.

The head stays an input, for it has a row per point of the site; to fold it, too, would
gain a twentieth.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.learning.graph_slots import GraphSlots, slot_shapes
from edge_agent.learning.network import NORM_EPSILON, Architecture
from export.graph_nodes import GraphBuilder, convolution, scaled_pixels
from export.raw_data import locate_raw_data


@dataclass(frozen=True, slots=True)
class PredictGraph:
    """A serialised model, and where a site's values go."""

    data: bytes
    slots: GraphSlots


def build_predict_graph(architecture: Architecture) -> PredictGraph:
    """Return the graph of `edge_agent.learning.network.forward` with frozen statistics.

    Inputs: ``images`` uint8 (n, n_channels, n_packets, n_tones), ``heard`` bool (n,
    n_channels), ``head.weight`` (n_points, n_features), ``head.bias`` (n_points,).
    Constants to be filled: every other parameter, ``norm<i>.mean`` and
    ``norm<i>.variance``. Output: ``probabilities`` float32 (n, n_points).
    """
    graph = GraphBuilder()
    x = scaled_pixels(graph, architecture)
    shapes = slot_shapes(architecture)
    for name, shape in shapes.items():
        graph.parameter(name, np.full(shape, np.nan))
    graph.input("head.weight", ["n_points", architecture.n_features])
    graph.input("head.bias", ["n_points"])
    for layer in range(len(architecture.filters)):
        x = graph.add(
            "BatchNormalization",
            convolution(graph, x, layer),
            *(f"norm{layer}.{part}" for part in ("scale", "shift", "mean", "variance")),
            epsilon=NORM_EPSILON,
        )
        if layer < len(architecture.filters) - 1:
            x = graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    features = graph.add("Flatten", x, axis=1)
    logits = graph.add("Gemm", features, "head.weight", "head.bias", transB=1)
    graph.add("Softmax", logits, name="probabilities", axis=-1)
    graph.output("probabilities", ["n", "n_points"])
    data = graph.model("metaloc_predict").SerializeToString(deterministic=True)
    where = locate_raw_data(data)
    return PredictGraph(data, GraphSlots({name: where[name].start for name in shapes}))
