"""The gradient of a convolution's kernel, as operators of a graph.

    dL/dw[o, i, r, c] = Σ over images and pixels of dL/dy[o] x[i], moved by tap (r, c)

As matrix products, image by image, of the gradient with the input under each of the
nine taps: half the time of what it also is, a convolution with a kernel as large as the
image. With few inputs one product for all taps takes less time still; with many the
unfolded input no longer stays in the processor's caches.
"""

from typing import NamedTuple

from export.graph_nodes import GraphBuilder

_FEW_INPUTS = 16
"""Up to which one product takes less time. Measured."""

_TAPS = [(row, column) for row in range(3) for column in range(3)]


class Area(NamedTuple):
    """Pixels of one filter of a layer."""

    height: int
    width: int


def kernel_gradient(
    graph: GraphBuilder, x: str, of_y: str, shape: tuple[int, ...], area: Area
) -> str:
    """Return dL/dw.

    Args:
        graph: That grows.
        x: Input, (n, n_in, height, width).
        of_y: dL/dy, (n, n_filters, height, width).
        shape: Of the kernel, (n_filters, n_in, 3, 3).
        area: Height and width.
    """
    n_filters, n_in = shape[:2]
    height, width = area
    n_pixels = height * width
    planes = graph.add("Reshape", of_y, graph.integers(0, n_filters, n_pixels))
    padded = graph.add("Pad", x, graph.integers(0, 0, 1, 1, 0, 0, 1, 1))
    taps = [
        graph.add(
            "Slice",
            padded,
            graph.integers(row, column),
            graph.integers(row + height, column + width),
            graph.integers(2, 3),
        )
        for row, column in _TAPS
    ]
    if n_in <= _FEW_INPUTS:
        taps = [graph.add("Concat", *taps, axis=1)]
    rows = graph.integers(0, 9 * n_in // len(taps), n_pixels)
    products = [_product(graph, planes, graph.add("Reshape", t, rows)) for t in taps]
    # (n_filters, 9 n_in), n_in running fastest
    joined = products[0] if len(taps) == 1 else graph.add("Concat", *products, axis=1)
    split = graph.add("Reshape", joined, graph.integers(n_filters, 3, 3, n_in))
    return graph.add("Transpose", split, perm=[0, 3, 1, 2])


def _product(graph: GraphBuilder, a: str, b: str) -> str:
    """Return the sum over images of a b^T, of (n, rows, pixels) each."""
    each = graph.add("MatMul", a, graph.add("Transpose", b, perm=[0, 2, 1]))
    return graph.add("ReduceSum", each, graph.integers(0), keepdims=0)
