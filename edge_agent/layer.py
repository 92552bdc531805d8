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
"""Of shifted copies in memory at a time: what the caches hold."""


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
        for part in _passes(x):
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
        for part in _passes(x if n_in > n_out else y):
            of_y = y[part] * slope[:, None, None]
            of_y += level[:, None, None]
            if halve:
                _spread(y[part], of_values[part], of_y)
            else:
                of_y += of_values[part]
            np.copyto(of_y, 0, where=y[part] <= 0)
            of_bias += of_y.reshape(*of_y.shape[:2], -1).sum(axis=2).sum(axis=0)
            bordered = _border(of_y)
            rows = bordered[:, :, width + 3 :][:, :, : height * (width + 2)]
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
            for part in _passes(x):
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
    of_x = np.zeros_like(x)
    _spread(x, of_maxima, of_x)
    return of_x


def _spread(x: Array, of_maxima: Array, of_x: Array) -> None:
    """Add the gradient of `halved` to ``of_x``."""
    a, b, c, d = _quarters(x)
    to_a, to_b, to_c, to_d = _quarters(of_x)
    left_above, left_below = a >= b, c >= d
    above = np.where(left_above, a, b) >= np.where(left_below, c, d)
    of_above = of_maxima * above
    of_below = of_maxima - of_above
    part = of_above * left_above
    to_a += part
    to_b += np.subtract(of_above, part, out=part)
    np.multiply(of_below, left_below, out=part)
    to_c += part
    to_d += np.subtract(of_below, part, out=part)


def _quarters(x: Array) -> tuple[Array, Array, Array, Array]:
    """Return the four pixels of every 2x2 cell, in reading order."""
    height, width = (2 * half for half in _size(x, halve=True))
    above, below = x[:, :, 0:height:2], x[:, :, 1:height:2]
    return (
        above[..., 0:width:2],
        above[..., 1:width:2],
        below[..., 0:width:2],
        below[..., 1:width:2],
    )


def _size(x: Array, *, halve: bool) -> tuple[int, int]:
    """Return height and width of the layer's values."""
    divisor = 2 if halve else 1
    return x.shape[2] // divisor, x.shape[3] // divisor


def _passes(x: Array) -> Iterator[slice]:
    """Cut images into parts whose shifted copies stay in the caches."""
    images = max(1, _BYTES_PER_PASS // max(1, 9 * x[:1].nbytes))
    for start in range(0, len(x), images):
        yield slice(start, start + images)


def _border(x: Array) -> Array:
    """Return every plane as one row with a border of zeros, and two zeros behind."""
    n, n_planes, height, width = x.shape
    bordered = np.zeros((n, n_planes, (height + 2) * (width + 2) + 2), x.dtype)
    inner = bordered[:, :, :-2].reshape(n, n_planes, height + 2, width + 2)
    inner[:, :, 1:-1, 1:-1] = x
    return bordered


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
