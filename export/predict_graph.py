"""The prediction graph: images and a site's parameters in, probabilities out.

Written operator by operator, without torch: the result is small, the same on every
machine, and holds no traces of the machine it was made on. Parameters are inputs,
because each site has its own, with as many head rows as it has points.
"""

import onnx
from onnx import TensorProto, helper

from edge_agent.network import NORM_EPSILON, Architecture

OPSET = 18
"""Read by every ONNX Runtime since 1.14."""

IR_VERSION = 8


def build_predict_graph(architecture: Architecture) -> onnx.ModelProto:
    """Return the graph of `edge_agent.network.forward` with frozen statistics.

    Inputs: ``images`` uint8 (n, n_channels, n_packets, n_tones), ``heard`` bool
    (n, n_channels), every parameter, and ``norm<i>.mean``, ``norm<i>.variance``.
    Output: ``probabilities`` float32 (n, n_points).
    """
    nodes = _input_nodes(architecture)
    x = "scaled"
    for layer in range(len(architecture.filters)):
        last = layer == len(architecture.filters) - 1
        nodes += _layer_nodes(layer, x, last=last)
        x = f"layer{layer}"
    nodes += [
        helper.make_node("Flatten", [x], ["features"], axis=1),
        helper.make_node(
            "Gemm", ["features", "head.weight", "head.bias"], ["logits"], transB=1
        ),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "metaloc_predict",
        _inputs(architecture),
        [_value("probabilities", TensorProto.FLOAT, ["n", "n_points"])],
        _constants(architecture),
    )
    model = helper.make_model(
        graph,
        producer_name="metaloc",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _value(name: str, kind: int, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _inputs(architecture: Architecture) -> list[onnx.ValueInfoProto]:
    n_channels, n_packets, n_tones = architecture.image_shape
    images: list[int | str] = ["n", n_channels, n_packets, n_tones]
    values = [
        _value("images", TensorProto.UINT8, images),
        _value("heard", TensorProto.BOOL, ["n", n_channels]),
    ]
    for name, shape in architecture.parameter_shapes(n_points=1).items():
        dimensions: list[int | str] = list(shape)
        if name.startswith("head."):
            dimensions[0] = "n_points"
        values.append(_value(name, TensorProto.FLOAT, dimensions))
    for layer, n_filters in enumerate(architecture.filters):
        for part in ("mean", "variance"):
            values.append(_value(f"norm{layer}.{part}", TensorProto.FLOAT, [n_filters]))
    return values


def _constants(architecture: Architecture) -> list[onnx.TensorProto]:
    def scalar(name: str, value: float) -> onnx.TensorProto:
        return helper.make_tensor(name, TensorProto.FLOAT, [], [value])

    return [
        scalar("full_scale", 255.0),
        scalar("pixel_mean", architecture.pixel_mean),
        scalar("pixel_std", architecture.pixel_std),
        helper.make_tensor("last_axes", TensorProto.INT64, [2], [2, 3]),
    ]


def _input_nodes(architecture: Architecture) -> list[onnx.NodeProto]:
    """(images / 255 - mean) / std, zero where not heard."""
    return [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["pixels", "full_scale"], ["unit"]),
        helper.make_node("Sub", ["unit", "pixel_mean"], ["centred"]),
        helper.make_node("Div", ["centred", "pixel_std"], ["normal"]),
        helper.make_node("Cast", ["heard"], ["weights"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["weights", "last_axes"], ["mask"]),
        helper.make_node("Mul", ["normal", "mask"], ["scaled"]),
    ]


def _layer_nodes(layer: int, x: str, *, last: bool) -> list[onnx.NodeProto]:
    def own(name: str) -> str:
        return f"{name}{layer}"

    nodes = [
        helper.make_node(
            "Conv",
            [x, f"conv{layer}.weight", f"conv{layer}.bias"],
            [own("convolved")],
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
        ),
        helper.make_node("Relu", [own("convolved")], [own("rectified")]),
        helper.make_node(
            "BatchNormalization",
            [
                own("rectified"),
                f"norm{layer}.scale",
                f"norm{layer}.shift",
                f"norm{layer}.mean",
                f"norm{layer}.variance",
            ],
            [own("layer") if last else own("normalised")],
            epsilon=NORM_EPSILON,
        ),
    ]
    if not last:
        nodes.append(
            helper.make_node(
                "MaxPool",
                [own("normalised")],
                [own("layer")],
                kernel_shape=[2, 2],
                strides=[2, 2],
            )
        )
    return nodes
