"""What both graphs are made of: an ONNX graph as it grows, operator by operator.

Written without torch: the result is small, the same on every machine, and holds no
traces of the machine it was made on.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge_agent.learning.network import Architecture

OPSET = 18
"""Read by every ONNX Runtime since 1.14; below, axes of a sum are attributes."""

IR_VERSION = 8

IMAGES, HEARD = "images", "heard"
"""Inputs of both graphs: uint8 (n, n_channels, n_packets, n_tones), bool (n,
n_channels)."""


class GraphBuilder:
    """A graph in the making; every value has a name, every name is a value once."""

    def __init__(self, dtype: npt.DTypeLike = np.float32) -> None:
        self._dtype = np.dtype(dtype)
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    @property
    def real(self) -> int:
        """ONNX's number of the type of real values."""
        return helper.np_dtype_to_tensor_dtype(self._dtype)

    def input(self, name: str, shape: Sequence[int | str], kind: int = 0) -> str:
        """Declare an input, real unless of another kind, and return its name."""
        info = helper.make_tensor_value_info(name, kind or self.real, shape)
        self._inputs.append(info)
        return name

    def output(self, name: str, shape: Sequence[int | str], kind: int = 0) -> None:
        """Declare that a value is an output, real unless of another kind."""
        info = helper.make_tensor_value_info(name, kind or self.real, shape)
        self._outputs.append(info)

    def parameter(self, name: str, value: npt.NDArray[np.floating]) -> str:
        """Add a constant under a name of its own, its bytes as they are in memory."""
        array = value.astype(self._dtype)
        self._initializers[name] = numpy_helper.from_array(array, name)
        return name

    def real_constant(self, *values: float, shape: tuple[int, ...] = ()) -> str:
        """Return the name of a real constant."""
        return self._constant(np.reshape(np.array(values, self._dtype), shape))

    def integers(self, *values: int) -> str:
        """Return the name of a constant list of whole numbers."""
        return self._constant(np.array(values, np.int64))

    def integer(self, value: int) -> str:
        """Return the name of a constant whole number."""
        return self._constant(np.array(value, np.int64))

    def _constant(self, array: npt.NDArray[np.generic]) -> str:
        known = self._constants.setdefault(
            (array.dtype.str, array.shape, array.tobytes()),
            f"constant{len(self._constants)}",
        )
        if known not in self._initializers:
            self._initializers[known] = numpy_helper.from_array(array, known)
        return known

    def add(
        self,
        operator: str,
        *inputs: str,
        name: str = "",
        **attributes: float | Sequence[int],
    ) -> str:
        """Add an operator and return the name of its output."""
        name = name or f"{operator}_{len(self._nodes)}"
        self._append(operator, inputs, [name], attributes)
        return name

    def add_pair(
        self, operator: str, *inputs: str, **attributes: float | Sequence[int]
    ) -> tuple[str, str]:
        """Add an operator and return the names of its two outputs."""
        stem = f"{operator}_{len(self._nodes)}"
        names = stem, f"{stem}_second"
        self._append(operator, inputs, names, attributes)
        return names

    def _append(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: Mapping[str, float | Sequence[int]],
    ) -> None:
        node = helper.make_node(operator, inputs, outputs)
        node.attribute.extend(
            helper.make_attribute(key, value)
            for key, value in sorted(attributes.items())
        )
        self._nodes.append(node)

    def model(self, name: str) -> onnx.ModelProto:
        """Return the finished model.

        Raises:
            onnx.checker.ValidationError: It is no valid one.
        """
        graph = helper.make_graph(
            self._nodes,
            name,
            self._inputs,
            self._outputs,
            list(self._initializers.values()),
        )
        model = helper.make_model(
            graph,
            producer_name="metaloc",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def scaled_pixels(graph: GraphBuilder, architecture: Architecture) -> str:
    """Declare the images and return what the first layer sees of them.

    (images / 255 - mean) / std, zero where not heard, with few passes over the pixels:
    (images - 255 mean) times a gain per image and channel, 1 / (255 std) or zero. Apart
    from the last bit, `edge_agent.learning.network.scale_input`.
    """
    n_channels, n_packets, n_tones = architecture.image_shape
    graph.input(IMAGES, ["n", n_channels, n_packets, n_tones], TensorProto.UINT8)
    graph.input(HEARD, ["n", n_channels], TensorProto.BOOL)
    real = graph.add("Cast", IMAGES, to=graph.real)
    mean = graph.real_constant(255 * architecture.pixel_mean)
    flags = graph.add("Cast", HEARD, to=graph.real)
    gain = graph.real_constant(1 / (255 * architecture.pixel_std))
    gains = graph.add("Mul", flags, gain)
    return graph.add(
        "Mul",
        graph.add("Sub", real, mean),
        graph.add("Unsqueeze", gains, graph.integers(2, 3)),
        name="scaled",
    )


def convolution(graph: GraphBuilder, x: str, layer: int) -> str:
    """Return ReLU of a layer's 3x3 convolution with zero padding."""
    convolved = graph.add(
        "Conv",
        x,
        f"conv{layer}.weight",
        f"conv{layer}.bias",
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
    )
    return graph.add("Relu", convolved, name=f"rectified{layer}")
