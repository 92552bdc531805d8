"""The adaptation graph: one gradient step, parameters in and out.

    loss = L(θ) = Σ_i weights_i * cross-entropy of shot i
    new  = θ - α ∇L(θ)                                              Eq. (14)

The backward pass is written out, as `edge_agent.adaptation` does it, for ONNX Runtime
has no derivatives; tests hold it to torch's own. Per layer, forwards:

    r = ReLU(convolution);  m, v = mean and variance of r over the support set
    z = s (r - m),  s = ±1 the sign of the scale, so that a maximum of z is one of the
                    normalised values
    z' = maximum of each 2x2 cell of z (not in the last layer)
    out = |scale| z' / sqrt(v + ε) + shift

and backwards, with g the gradient of out, N the pixels of the support set, i = 1 /
sqrt(v + ε), and U what puts a value where its maximum was found:

    d shift = Σ g            d scale = s i Σ g z'          sums over a quarter of pixels
    d r = U(scale i g) - scale i (d shift + s i d scale z) / N
    d convolution = d r where r > 0

A shot of weight zero is padding: it is no part of m, v and N, and its d r is zero. Both
are said to values per image and filter, never to pixels.

Where a scale is exactly zero all pixels of a cell are its maximum; the gradient of the
scale is then that of the largest, in `edge_agent.network` of the first. Both are
subgradients.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto

from edge_agent.network import NORM_EPSILON, Architecture
from export.graph_nodes import GraphBuilder, convolution, scaled_pixels

_PIXELS = (2, 3)
_FEW_INPUTS = 16
"""Of a layer; see `_kernel_gradient`. Measured."""


class _Area(NamedTuple):
    """Pixels of one filter of a layer."""

    height: int
    width: int


@dataclass(frozen=True, slots=True)
class _Layer:
    """Names of what the backward pass needs of one layer."""

    x: str
    rectified: str
    z: str
    maxima: str
    """z', or z in the last layer."""

    indices: str
    """Of the maxima within all of z; empty in the last layer."""

    sign: str
    inverse: str
    """1 / sqrt(v + ε), as `sign` of shape (1, n_filters, 1, 1)."""

    n_pixels: str
    """N."""


@dataclass(frozen=True, slots=True)
class _Support:
    """Names of values that every layer needs."""

    mask: str
    """1 for a shot, 0 for padding, shape (n, 1, 1, 1)."""

    count: str
    """Number of shots, a scalar."""


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
    support = _support(graph)
    layers = []
    for number in range(len(architecture.filters)):
        last = number == len(architecture.filters) - 1
        layer, x = _forward(graph, architecture, support, number, x, last=last)
        layers.append(layer)
    features = graph.add("Flatten", x, axis=1)
    logits = graph.add("Gemm", features, "head.weight", "head.bias", transB=1)
    d_logits = _loss(graph, logits)
    gradient = {
        "head.weight": graph.add("Gemm", d_logits, features, transA=1),
        "head.bias": graph.add("ReduceSum", d_logits, graph.integers(0), keepdims=0),
    }
    d_features = graph.add("MatMul", d_logits, "head.weight")
    d_x = graph.add("Reshape", d_features, graph.add("Shape", x))
    for number in reversed(range(len(layers))):
        layer = layers[number]
        d_convolved = _normalisation(
            graph, support, layer, number, d_x, gradient, scatter=scatter
        )
        gradient[f"conv{number}.weight"] = _kernel_gradient(
            graph,
            layer.x,
            d_convolved,
            architecture.parameter_shapes()[f"conv{number}.weight"],
            _area(architecture, number),
        )
        sums = graph.add("ReduceSum", d_convolved, graph.integers(*_PIXELS), keepdims=0)
        gradient[f"conv{number}.bias"] = graph.add(
            "ReduceSum", sums, graph.integers(0), keepdims=0
        )
        if number > 0:
            d_x = graph.add(
                "ConvTranspose",
                d_convolved,
                f"conv{number}.weight",
                kernel_shape=[3, 3],
                pads=[1, 1, 1, 1],
            )
    _outputs(graph, architecture, gradient)
    return graph.model("metaloc_adapt")


def _support(graph: GraphBuilder) -> _Support:
    flags = graph.add("Sign", "weights")
    count = graph.add("ReduceSum", flags, keepdims=0)
    return _Support(graph.add("Unsqueeze", flags, graph.integers(1, 2, 3)), count)


def _of_support(graph: GraphBuilder, support: _Support, x: str, name: str = "") -> str:
    """Return the sum of values (n, n_filters, 1, 1) over the shots, n becoming 1."""
    masked = graph.add("Mul", x, support.mask)
    return graph.add("ReduceSum", masked, graph.integers(0), name=name)


def _forward(
    graph: GraphBuilder,
    architecture: Architecture,
    support: _Support,
    number: int,
    x: str,
    *,
    last: bool,
) -> tuple[_Layer, str]:
    """Add a layer and return what its backward pass needs, and its output."""
    rectified = convolution(graph, x, number)
    n_pixels = graph.add(
        "Mul",
        support.count,
        graph.real_constant(math.prod(_area(architecture, number))),
    )
    sums = graph.add("ReduceSum", rectified, graph.integers(*_PIXELS))
    mean4 = graph.add("Div", _of_support(graph, support, sums), n_pixels)
    mean = graph.add("Reshape", mean4, graph.integers(-1), name=f"norm{number}.mean")
    # +1 where the scale is zero.
    scale = f"norm{number}.scale"
    sign = graph.add("Sign", scale)
    absolute = graph.add("Abs", sign)
    ones = graph.real_constant(*[1.0] * architecture.filters[number], shape=(-1,))
    zeros = graph.real_constant(*[0.0] * architecture.filters[number], shape=(-1,))
    sign = graph.add("Sub", graph.add("Add", sign, ones), absolute)
    # One pass over the pixels, where Sub and Mul are two.
    z = graph.add("BatchNormalization", rectified, sign, zeros, mean, ones, epsilon=0.0)
    # Row by row: over all pixels at once ONNX Runtime sums them one by one.
    of_rows = graph.add("ReduceSumSquare", z, graph.integers(3))
    squares = graph.add("ReduceSum", of_rows, graph.integers(2))
    variance = graph.add("Div", _of_support(graph, support, squares), n_pixels)
    graph.add("Reshape", variance, graph.integers(-1), name=f"norm{number}.variance")
    epsilon = graph.real_constant(NORM_EPSILON)
    inverse = graph.add(
        "Reciprocal", graph.add("Sqrt", graph.add("Add", variance, epsilon))
    )
    maxima, indices = z, ""
    if not last:
        maxima, indices = graph.add_pair(
            "MaxPool", z, kernel_shape=[2, 2], strides=[2, 2]
        )
    layer = _Layer(
        x,
        rectified,
        z,
        maxima,
        indices,
        _per_filter(graph, sign),
        inverse,
        n_pixels,
    )
    gain = graph.add("Mul", _per_filter(graph, graph.add("Abs", scale)), inverse)
    shift = _per_filter(graph, f"norm{number}.shift")
    return layer, graph.add("Add", graph.add("Mul", maxima, gain), shift)


def _per_filter(graph: GraphBuilder, values: str) -> str:
    """Return values (n_filters,) so that they broadcast over images and pixels."""
    return graph.add("Reshape", values, graph.integers(1, -1, 1, 1))


def _area(architecture: Architecture, number: int) -> _Area:
    _, height, width = architecture.image_shape
    return _Area(height >> number, width >> number)


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


def _normalisation(
    graph: GraphBuilder,
    support: _Support,
    layer: _Layer,
    number: int,
    g: str,
    gradient: dict[str, str],
    *,
    scatter: bool,
) -> str:
    """Return the gradient of the convolution, and add those of scale and shift."""
    pixels = graph.integers(*_PIXELS)
    d_shift = _of_support(graph, support, graph.add("ReduceSum", g, pixels))
    products = graph.add("ReduceSum", graph.add("Mul", g, layer.maxima), pixels)
    signed = graph.add("Mul", layer.sign, layer.inverse)
    d_scale = graph.add("Mul", _of_support(graph, support, products), signed)
    gradient[f"norm{number}.shift"] = graph.add("Reshape", d_shift, graph.integers(-1))
    gradient[f"norm{number}.scale"] = graph.add("Reshape", d_scale, graph.integers(-1))
    scale = _per_filter(graph, f"norm{number}.scale")
    gain = graph.add("Mul", scale, layer.inverse)
    found = graph.add("Mul", g, gain)
    if layer.indices:
        found = _unpool(graph, layer, found, scatter=scatter)
    # - scale i (d shift + s i d scale z) / N, zero for padding: a gain and an offset
    # per image and filter, and so one pass if those are taken for filters.
    share = graph.add("Neg", graph.add("Div", gain, layer.n_pixels))
    masked = graph.add("Mul", share, support.mask)
    slope = graph.add("Mul", masked, graph.add("Mul", signed, d_scale))
    level = graph.add("Mul", masked, d_shift)
    through = _affine_per_image(graph, layer.z, slope, level)
    d_r = graph.add("Add", found, through)
    # Where is slow in ONNX Runtime, and so is Sign.
    passed = graph.add("Greater", layer.rectified, graph.real_constant(0))
    positive = graph.add("Cast", passed, to=graph.real)
    return graph.add("Mul", d_r, positive)


def _unpool(graph: GraphBuilder, layer: _Layer, values: str, *, scatter: bool) -> str:
    """Return values of cells at the place of their maximum, zero elsewhere."""
    shape = graph.add("Shape", layer.z)
    if not scatter:
        return graph.add(
            "MaxUnpool",
            values,
            layer.indices,
            shape,
            kernel_shape=[2, 2],
            strides=[2, 2],
        )
    flat = graph.integers(-1)
    zero = graph.add("Mul", layer.z, graph.real_constant(0))
    filled = graph.add(
        "ScatterElements",
        graph.add("Reshape", zero, flat),
        graph.add("Reshape", layer.indices, flat),
        graph.add("Reshape", values, flat),
        axis=0,
    )
    return graph.add("Reshape", filled, shape)


def _affine_per_image(graph: GraphBuilder, x: str, gain: str, offset: str) -> str:
    """Return x * gain + offset, gain and offset (n, n_filters, 1, 1), in one pass."""
    flat = graph.integers(-1)
    gains = graph.add("Reshape", gain, flat)
    zeros = graph.add("Sub", gains, gains)
    ones = graph.add("Add", zeros, graph.real_constant(1))
    planes = graph.add("Flatten", x, axis=2)  # (n * n_filters, pixels)
    affine = graph.add(
        "BatchNormalization",
        graph.add("Unsqueeze", planes, graph.integers(0)),
        gains,
        graph.add("Reshape", offset, flat),
        zeros,
        ones,
        epsilon=0.0,
    )
    return graph.add("Reshape", affine, graph.add("Shape", x))


def _kernel_gradient(
    graph: GraphBuilder, x: str, d_convolved: str, shape: tuple[int, ...], area: _Area
) -> str:
    """Return the gradient of a kernel (n_filters, n_in, 3, 3).

    As matrix products, image by image, of the gradient with the input under each of the
    nine taps: half the time of a convolution with a kernel as large as the image. With
    few inputs one product for all taps takes less time still; with many the unfolded
    input no longer stays in the processor's caches.
    """
    n_filters, n_in = shape[:2]
    pixels = area.height * area.width
    d_planes = graph.add("Reshape", d_convolved, graph.integers(0, n_filters, pixels))
    padding = graph.integers(0, 0, 1, 1, 0, 0, 1, 1)
    padded = graph.add("Pad", x, padding)
    axes = graph.integers(*_PIXELS)
    taps = [
        graph.add(
            "Slice",
            padded,
            graph.integers(row, column),
            graph.integers(row + area.height, column + area.width),
            axes,
        )
        for row in range(3)
        for column in range(3)
    ]
    if n_in <= _FEW_INPUTS:
        taps = [graph.add("Concat", *taps, axis=1)]
    rows = 9 * n_in // len(taps)
    products = [
        _product(graph, d_planes, tap, graph.integers(0, rows, pixels)) for tap in taps
    ]
    # (n_filters, 9 n_in), n_in running fastest
    joined = products[0] if len(taps) == 1 else graph.add("Concat", *products, axis=1)
    split = graph.add("Reshape", joined, graph.integers(n_filters, 3, 3, n_in))
    return graph.add("Transpose", split, perm=[0, 3, 1, 2])


def _product(graph: GraphBuilder, d_planes: str, tap: str, shape: str) -> str:
    """Return the sum over images of d_planes x^T, of (n, rows, pixels) each."""
    planes = graph.add("Reshape", tap, shape)
    turned = graph.add("Transpose", planes, perm=[0, 2, 1])
    each = graph.add("MatMul", d_planes, turned)
    return graph.add("ReduceSum", each, graph.integers(0), keepdims=0)


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
