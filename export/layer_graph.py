"""A layer of the network as operators of a graph, forwards and backwards.

ONNX Runtime has no derivatives, so they are written out, as `learning.layer_step`
does it. Forwards:

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
scale is then that of the largest, in `learning.network` of the first. Both are
subgradients.
"""

import math
from dataclasses import dataclass

from edge_agent.learning.network import NORM_EPSILON, Architecture
from export.graph_nodes import GraphBuilder, convolution
from export.kernel_gradient import Area, kernel_gradient


@dataclass(frozen=True, slots=True)
class SupportMask:
    """Which rows are shots: names of values that every layer needs."""

    mask: str
    """1 for a shot, 0 for padding, shape (n, 1, 1, 1)."""

    count: str
    """Number of shots, a scalar."""

    @classmethod
    def of(cls, graph: GraphBuilder, weights: str) -> "SupportMask":
        """Return that of weights (n,), which are positive for a shot, else zero."""
        flags = graph.add("Sign", weights)
        mask = graph.add("Unsqueeze", flags, graph.integers(1, 2, 3))
        return cls(mask, graph.add("ReduceSum", flags, keepdims=0))


@dataclass(frozen=True, slots=True)
class Traced:
    """Names of what the backward pass of a layer needs."""

    x: str
    rectified: str
    """r."""

    z: str
    maxima: str
    """z', or z in the last layer."""

    indices: str
    """Of the maxima within all of z; empty in the last layer."""

    sign: str
    """s, of shape (1, n_filters, 1, 1), as is i."""

    inverse: str
    """i."""

    n_pixels: str
    """N."""

    out: str


class LayerGraph:
    """One layer of a network, in a graph that grows."""

    def __init__(
        self,
        graph: GraphBuilder,
        architecture: Architecture,
        number: int,
        support: SupportMask,
        *,
        scatter: bool,
    ) -> None:
        """Prepare.

        Args:
            graph: That grows; parameters go by their names.
            architecture: Of the network.
            number: Of the layer.
            support: Which rows are shots.
            scatter: As of `export.adapt_graph.build_adapt_graph`.
        """
        _, height, width = architecture.image_shape
        self._graph = graph
        self._number = number
        self._support = support
        self._scatter = scatter
        self._is_last = number == len(architecture.filters) - 1
        self._area = Area(height >> number, width >> number)
        self._shape = architecture.parameter_shapes()[f"conv{number}.weight"]

    def forward(self, x: str) -> Traced:
        """Add the layer and, as outputs to be, ``norm<i>.mean`` and ``.variance``."""
        graph, n_filters = self._graph, self._shape[0]
        rectified = convolution(graph, x, self._number)
        area = graph.real_constant(math.prod(self._area))
        n_pixels = graph.add("Mul", self._support.count, area)
        sums = graph.add("ReduceSum", rectified, graph.integers(2, 3))
        mean = graph.add("Div", self._of_support(sums), n_pixels)
        sign = self._sign()
        # One pass over the pixels, where Sub and Mul are two.
        ones = graph.real_constant(*[1.0] * n_filters, shape=(n_filters,))
        z = graph.add(
            "BatchNormalization",
            *(rectified, sign, graph.real_constant(*[0.0] * n_filters, shape=(-1,))),
            graph.add("Reshape", mean, graph.integers(-1), name=self._name("mean")),
            ones,
            epsilon=0.0,
        )
        # Row by row: over all pixels at once ONNX Runtime sums them one by one.
        of_rows = graph.add("ReduceSumSquare", z, graph.integers(3))
        squares = graph.add("ReduceSum", of_rows, graph.integers(2))
        variance = graph.add("Div", self._of_support(squares), n_pixels)
        graph.add("Reshape", variance, graph.integers(-1), name=self._name("variance"))
        above = graph.add("Add", variance, graph.real_constant(NORM_EPSILON))
        inverse = graph.add("Reciprocal", graph.add("Sqrt", above))
        maxima, indices = z, ""
        if not self._is_last:
            maxima, found = graph.add_pair(
                "MaxPool", z, kernel_shape=[2, 2], strides=[2, 2]
            )
            # Of a cell without a number ONNX Runtime 1.16 finds the maximum at a
            # negative index, and not all versions look before they write there.
            indices = graph.add("Max", found, graph.integer(0))
        scale = graph.add("Abs", self._name("scale"))
        gain = graph.add("Mul", self._per_filter(scale), inverse)
        shift = self._per_filter(self._name("shift"))
        out = graph.add("Add", graph.add("Mul", maxima, gain), shift)
        per_filter = self._per_filter(sign)
        return Traced(
            x, rectified, z, maxima, indices, per_filter, inverse, n_pixels, out
        )

    def backward(self, traced: Traced, g: str) -> tuple[dict[str, str], str]:
        """Add the backward pass.

        Args:
            traced: The forward pass.
            g: Gradient of its ``out``.

        Returns:
            The gradients of the parameters by name, and of ``x``; of the images of the
            first layer nobody needs it, and it is empty.
        """
        graph = self._graph
        flat = graph.integers(-1)
        d_shift, d_scale = self._sums(traced, g)
        d_y = self._through_normalisation(traced, g, d_shift, d_scale)
        sums = graph.add("ReduceSum", d_y, graph.integers(2, 3), keepdims=0)
        weight = f"conv{self._number}.weight"
        gradient = {
            self._name("shift"): graph.add("Reshape", d_shift, flat),
            self._name("scale"): graph.add("Reshape", d_scale, flat),
            weight: kernel_gradient(graph, traced.x, d_y, self._shape, self._area),
            f"conv{self._number}.bias": graph.add(
                "ReduceSum", sums, graph.integers(0), keepdims=0
            ),
        }
        if self._number == 0:
            return gradient, ""
        d_x = graph.add(
            "ConvTranspose", d_y, weight, kernel_shape=[3, 3], pads=[1, 1, 1, 1]
        )
        return gradient, d_x

    def _sums(self, traced: Traced, g: str) -> tuple[str, str]:
        """Return d shift and d scale, each (1, n_filters, 1, 1)."""
        graph, pixels = self._graph, self._graph.integers(2, 3)
        d_shift = self._of_support(graph.add("ReduceSum", g, pixels))
        products = graph.add("ReduceSum", graph.add("Mul", g, traced.maxima), pixels)
        signed = graph.add("Mul", traced.sign, traced.inverse)
        return d_shift, graph.add("Mul", self._of_support(products), signed)

    def _through_normalisation(
        self, traced: Traced, g: str, d_shift: str, d_scale: str
    ) -> str:
        """Return the gradient of the convolution."""
        graph = self._graph
        scale = self._per_filter(self._name("scale"))
        gain = graph.add("Mul", scale, traced.inverse)
        found = graph.add("Mul", g, gain)
        if traced.indices:
            found = self._unpool(traced, found)
        # What comes through mean and variance: a gain and an offset of z per image and
        # filter, zero for padding, and so one pass where those are taken for filters.
        share = graph.add("Neg", graph.add("Div", gain, traced.n_pixels))
        masked = graph.add("Mul", share, self._support.mask)
        signed = graph.add("Mul", traced.sign, traced.inverse)
        slope = graph.add("Mul", masked, graph.add("Mul", signed, d_scale))
        level = graph.add("Mul", masked, d_shift)
        d_r = graph.add("Add", found, self._affine_per_image(traced.z, slope, level))
        # Where is slow in ONNX Runtime, and so is Sign.
        passed = graph.add("Greater", traced.rectified, graph.real_constant(0))
        return graph.add("Mul", d_r, graph.add("Cast", passed, to=graph.real))

    def _unpool(self, traced: Traced, values: str) -> str:
        """Return values of cells at the place of their maximum, zero elsewhere."""
        graph = self._graph
        shape = graph.add("Shape", traced.z)
        if not self._scatter:
            return graph.add(
                "MaxUnpool",
                *(values, traced.indices, shape),
                kernel_shape=[2, 2],
                strides=[2, 2],
            )
        zeros = graph.add("Mul", traced.z, graph.real_constant(0))
        flat = [
            graph.add("Reshape", name, graph.integers(-1))
            for name in (zeros, traced.indices, values)
        ]
        filled = graph.add("ScatterElements", *flat, axis=0)
        return graph.add("Reshape", filled, shape)

    def _affine_per_image(self, x: str, gain: str, offset: str) -> str:
        """Return x * gain + offset in one pass, those two (n, n_filters, 1, 1)."""
        graph, flat = self._graph, self._graph.integers(-1)
        gains = graph.add("Reshape", gain, flat)
        zeros = graph.add("Sub", gains, gains)
        planes = graph.add("Flatten", x, axis=2)  # (n * n_filters, pixels)
        affine = graph.add(
            "BatchNormalization",
            graph.add("Unsqueeze", planes, graph.integers(0)),
            gains,
            graph.add("Reshape", offset, flat),
            zeros,
            graph.add("Add", zeros, graph.real_constant(1)),
            epsilon=0.0,
        )
        return graph.add("Reshape", affine, graph.add("Shape", x))

    def _of_support(self, x: str) -> str:
        """Return the sum of values (n, n_filters, 1, 1) over the shots, n now 1."""
        masked = self._graph.add("Mul", x, self._support.mask)
        return self._graph.add("ReduceSum", masked, self._graph.integers(0))

    def _sign(self) -> str:
        """Return s, (n_filters,): 1 where the scale is zero."""
        graph = self._graph
        sign = graph.add("Sign", self._name("scale"))
        more = graph.add("Add", sign, graph.real_constant(1))
        return graph.add("Sub", more, graph.add("Abs", sign))

    def _per_filter(self, values: str) -> str:
        """Return values (n_filters,) so that they broadcast over images and pixels."""
        return self._graph.add("Reshape", values, self._graph.integers(1, -1, 1, 1))

    def _name(self, part: str) -> str:
        return f"norm{self._number}.{part}"
