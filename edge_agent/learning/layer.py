"""A layer of the network, forwards and backwards: the contract, and NumPy.

    y = convolution of x, 3x3, zero beyond the border
    r = max(y, 0)
    p = maximum of every 2x2 cell of r        or r itself, without halving
    mean and variance of r                    over images and pixels, per filter

and backwards, with level and slope per filter from the gradients of the moments:

    dL/dy = [y > 0] (level + slope r + dL/dp where r is the first maximum of its cell)
    dL/dx, dL/dw, dL/db from dL/dy

What is not a number stays so, as in torch: it is not cut off, nor exceeded in its cell.

Convolutions are matrix products over shifted copies of one long row. An image is kept
with a border of zeros, width + 2 numbers to a row; tap (i, j) reads i (width + 2) + j
numbers further on, and what comes out between the rows is not used.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating]

_BYTES_PER_PASS = 1 << 20
"""Of shifted copies, or sums per image, in memory at a time: what the caches hold."""


class LayerOutput(NamedTuple):
    """What a layer hands on, and what its `Layer.backward` needs."""

    values: Array
    """p, shape (n, n_filters, height, width), or half as high and wide."""

    mean: Array
    """Of r, shape (n_filters,)."""

    variance: Array
    """Of r, biased, shape (n_filters,)."""

    y: Array
    """Shape (n, n_filters, height, width)."""


class LayerGradient(NamedTuple):
    """What `Layer.backward` returns."""

    of_x: Array | None
    """Shape (n, n_in, height, width); None where it was not asked for."""

    of_weight: Array
    of_bias: Array


class Layer(Protocol):
    """Convolution, ReLU, moments and maxima. All arrays are of one precision."""

    name: str
    """What computes, for people: ``numpy``, ``native avx2``, ..."""

    def forward(
        self, x: Array, weight: Array, bias: Array, *, halve: bool
    ) -> LayerOutput:
        """Return the layer of some images, with their own moments.

        Args:
            x: Shape (n, n_in, height, width).
            weight: Shape (n_filters, n_in, 3, 3).
            bias: Shape (n_filters,).
            halve: Whether to return the maximum of every 2x2 cell; odd edges drop.
        """

    def backward(
        self,
        x: Array,
        weight: Array,
        y: Array,
        of_values: Array,
        level: Array,
        slope: Array,
        *,
        halve: bool,
        needs_x: bool,
    ) -> LayerGradient:
        """Return the gradients.

        Args:
            x: As in `forward`, as is ``weight``.
            weight: Shape (n_filters, n_in, 3, 3).
            y: From `forward`.
            of_values: dL/dp, of p's shape.
            level: Shape (n_filters,).
            slope: Shape (n_filters,).
            halve: As in `forward`.
            needs_x: Whether dL/dx is needed.
        """

    def frozen(
        self, weight: Array, bias: Array, gain: Array, offset: Array, *, halve: bool
    ) -> Callable[[Array], Array]:
        """Return the function from x to ``gain * p + offset``, filter by filter.

        Args:
            weight: As in `forward`, as are ``bias`` and ``halve``.
            bias: Shape (n_filters,).
            gain: Shape (n_filters,).
            offset: Shape (n_filters,).
            halve: Whether p is the maximum of every 2x2 cell.
        """


class NumpyLayer:
    """`Layer` in NumPy."""

    name = "numpy"

    def forward(
        self, x: Array, weight: Array, bias: Array, *, halve: bool
    ) -> LayerOutput:
        """Return the layer of some images, with their own moments."""
        y = np.empty((len(x), len(weight), *x.shape[2:]), x.dtype)
        values = np.empty((*y.shape[:2], *_size(y, halve=halve)), x.dtype)
        # Per image and filter, and from these in double precision: what is lost in a
        # sum over all pixels would move all of them at once.
        means = np.empty(y.shape[:2])
        squares = np.empty(y.shape[:2])
        for part in _passes(9 * x[:1].nbytes, len(x)):
            _convolve(_border(x[part]), weight, y[part])
            y[part] += bias[:, None, None]
            rectified = np.maximum(y[part], 0)
            values[part] = halved(rectified) if halve else rectified
            # Pairwise sums: einsum or dot would lose four digits over 10^5 pixels.
            pixels = rectified.reshape(*rectified.shape[:2], -1)
            centre = pixels.mean(axis=2)
            pixels -= centre[:, :, None]
            means[part] = centre
            squares[part] = np.square(pixels, out=pixels).sum(axis=2)
        n_pixels = y.shape[2] * y.shape[3]
        mean = means.mean(axis=0)
        squares += n_pixels * np.square(means - mean)
        variance = squares.mean(axis=0) / n_pixels
        return LayerOutput(values, mean.astype(x.dtype), variance.astype(x.dtype), y)

    def backward(
        self,
        x: Array,
        weight: Array,
        y: Array,
        of_values: Array,
        level: Array,
        slope: Array,
        *,
        halve: bool,
        needs_x: bool,
    ) -> LayerGradient:
        """Return the gradients."""
        n_out, n_in = weight.shape[:2]
        height, width = y.shape[2:]
        # Convolving with the kernel turned round leads back from y to x.
        turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        of_x = np.empty(x.shape, x.dtype) if needs_x else None
        of_weight = np.zeros((n_out, n_in * 9))
        of_bias = np.zeros(n_out)
        largest = max(9 * x[:1].nbytes, 9 * y[:1].nbytes, weight.nbytes)
        for part in _passes(largest, len(x)):
            of_maxima = of_values[part]
            bordered, inner = _empty_border(y[part].shape, x.dtype)
            if halve:
                maxima = spread(y[part], of_maxima)
                _slopes(y[part], maxima, level, slope, inner)
            else:
                _slopes(y[part], of_maxima, level, slope, inner)
            rows = bordered[:, :, width + 3 :][:, :, : height * (width + 2)]
            of_bias += rows.sum(axis=2).sum(axis=0)
            shifted = _shifted(_border(x[part]), height, width)
            of_weight += (rows @ shifted.transpose(0, 2, 1)).sum(axis=0)
            if of_x is not None:
                _convolve(bordered, turned, of_x[part])
        return LayerGradient(
            of_x,
            of_weight.reshape(weight.shape).astype(x.dtype),
            of_bias.astype(x.dtype),
        )

    def frozen(
        self, weight: Array, bias: Array, gain: Array, offset: Array, *, halve: bool
    ) -> Callable[[Array], Array]:
        """Return the function from x to ``gain * p + offset``, filter by filter."""

        def layer(x: Array) -> Array:
            y = np.empty((len(x), len(weight), *x.shape[2:]), x.dtype)
            for part in _passes(9 * x[:1].nbytes, len(x)):
                _convolve(_border(x[part]), weight, y[part])
            # Adding the bias and cutting off commute with the maximum, to the last
            # bit: they only meet a quarter of the pixels.
            values = halved(y) if halve else y
            values += bias[:, None, None]
            np.maximum(values, 0, out=values)
            values *= gain[:, None, None]
            values += offset[:, None, None]
            return values

        return layer


def halved(x: Array) -> Array:
    """Return the maximum of every 2x2 cell; odd edges drop.

    Args:
        x: Shape (n, n_filters, height, width).
    """
    height, width = _size(x, halve=True)
    rows = np.maximum(x[:, :, 0 : 2 * height : 2], x[:, :, 1 : 2 * height : 2])
    return np.asarray(
        np.maximum(rows[..., 0 : 2 * width : 2], rows[..., 1 : 2 * width : 2])
    )


def spread(x: Array, of_maxima: Array) -> Array:
    """Return the gradient of `halved`: each cell's goes to its first largest pixel.

    Args:
        x: Shape (n, n_filters, height, width).
        of_maxima: Shape (n, n_filters, height // 2, width // 2).
    """
    height, width = (2 * half for half in _size(x, halve=True))
    # Columns first, then rows: the first of equals is then first in reading order.
    cells = x[:, :, :height, :width]
    left, right = (np.ascontiguousarray(cells[..., i::2]) for i in (0, 1))
    is_left = left >= right
    of_row = np.maximum(left, right, out=right)
    of_rows = np.empty_like(left)
    is_upper = of_row[:, :, 0::2] >= of_row[:, :, 1::2]
    upper, lower = of_rows[:, :, 0::2], of_rows[:, :, 1::2]
    np.multiply(of_maxima, is_upper, out=upper)
    np.subtract(of_maxima, upper, out=lower)
    of_x = np.zeros(x.shape, x.dtype)
    of_cells = of_x[:, :, :height, :width]
    of_left = np.multiply(of_rows, is_left, out=left)
    of_cells[..., 0::2] = of_left
    np.subtract(of_rows, of_left, out=of_cells[..., 1::2])
    return of_x


def _slopes(
    y: Array, of_values: Array, level: Array, slope: Array, of_y: Array
) -> None:
    """Write dL/dy to ``of_y``; ``of_values`` is that of every pixel."""
    np.multiply(y, slope[:, None, None], out=of_y)
    of_y += level[:, None, None]
    of_y += of_values
    of_y *= y > 0  # four times as fast as what copies where, and guesses wrong


def _size(x: Array, *, halve: bool) -> tuple[int, int]:
    """Return height and width of the layer's values."""
    divisor = 2 if halve else 1
    return x.shape[2] // divisor, x.shape[3] // divisor


def _passes(bytes_per_image: int, n: int) -> Iterator[slice]:
    """Cut images into parts for which the caches are large enough."""
    images = max(1, _BYTES_PER_PASS // max(1, bytes_per_image))
    for start in range(0, n, images):
        yield slice(start, start + images)


def _border(x: Array) -> Array:
    """Return every plane as one row with a border of zeros, and two zeros behind."""
    bordered, inner = _empty_border(x.shape, x.dtype)
    inner[...] = x
    return bordered


def _empty_border(shape: tuple[int, ...], dtype: npt.DTypeLike) -> tuple[Array, Array]:
    """Return rows of zeros for `_border`, and a view of what is inside of it."""
    n, n_planes, height, width = shape
    bordered = np.zeros((n, n_planes, (height + 2) * (width + 2) + 2), dtype)
    planes = bordered[:, :, :-2].reshape(n, n_planes, height + 2, width + 2)
    return bordered, planes[:, :, 1:-1, 1:-1]


def _shifted(bordered: Array, height: int, width: int) -> Array:
    """Return what each tap reads, shape (n, n_planes * 9, height * (width + 2))."""
    n, n_planes, _ = bordered.shape
    length = height * (width + 2)
    copies = np.empty((n, n_planes, 9, length), bordered.dtype)
    for tap in range(9):
        start = tap // 3 * (width + 2) + tap % 3
        copies[:, :, tap] = bordered[:, :, start : start + length]
    return copies.reshape(n, n_planes * 9, length)


def _convolve(bordered: Array, weight: Array, out: Array) -> None:
    """Write the 3x3 convolution to ``out``, shape (n, n_filters, height, width)."""
    height, width = out.shape[2:]
    shifted = _shifted(bordered, height, width)
    rows = weight.reshape(len(weight), -1) @ shifted
    out[...] = rows.reshape(*out.shape[:2], height, width + 2)[..., :width]
