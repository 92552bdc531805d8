"""Parts of the network that torch has, but slow or inexact on one processor core.

    moments   mean and variance per filter
    affine    x * gain + offset per filter
    maxima    maximum of every 2x2 cell
    layer     a convolution, ReLU, and of these what follows

Forwards they take a third of the time of batch_norm and a tenth of max_pool2d's. These
two are fast in the layout "channels last", but there batch_norm sums 10^5 pixels one
after the other, in single precision: after five inner steps a third of the
meta-gradient is rounding error. Here sums are pairwise or in blocks.

Each is differentiable twice, so that MAML can be of second order, and runs on any
device.
"""

from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own name for it)
from torch import Tensor
from torch.autograd import Function


class _Context(Protocol):
    """What torch hands from the forward to the backward pass."""

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """Return what was saved."""

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Save tensors."""


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and biased variance over images and pixels, each (n_filters,).

    Args:
        x: Shape (n, n_filters, height, width).
    """
    mean, variance = _Moments.apply(x)  # type: ignore[no-untyped-call]
    return mean, variance


def affine(x: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """Return ``x * gain + offset``, filter by filter.

    Args:
        x: Shape (n, n_filters, height, width).
        gain: Shape (n_filters,).
        offset: Shape (n_filters,).
    """
    result: Tensor = _Affine.apply(x, gain, offset)  # type: ignore[no-untyped-call]
    return result


def maxima(x: Tensor) -> Tensor:
    """Return the maximum of every 2x2 cell; odd edges drop.

    The gradient goes to the first of equal pixels in reading order, as on the device.

    Args:
        x: Shape (n, n_filters, height, width).
    """
    height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    cells = x[:, :, :height, :width]
    result: Tensor = _Maxima.apply(cells)  # type: ignore[no-untyped-call]
    return result


class LayerOutput(NamedTuple):
    """What `layer` returns."""

    values: Tensor
    """ReLU, or the maxima of its 2x2 cells, (n, n_filters, height, width)."""

    mean: Tensor
    """Of the ReLU, or that it is to be normalised with, (n_filters,)."""

    variance: Tensor


class Layer(Protocol):
    """`layer`, or that of `trainer.layer_kernel`."""

    def __call__(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        *,
        halve: bool,
        frozen: tuple[Tensor, Tensor] | None,
    ) -> LayerOutput:
        """Return ReLU(convolution), halved or not, and its moments or the frozen."""


def layer(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    halve: bool,
    frozen: tuple[Tensor, Tensor] | None,
) -> LayerOutput:
    """Return the ReLU of a 3x3 convolution, and its moments.

    Args:
        x: Shape (n, n_in, height, width).
        weight: Shape (n_filters, n_in, 3, 3).
        bias: Shape (n_filters,).
        halve: Return the maximum of every 2x2 cell instead.
        frozen: Mean and variance to return instead of those of the ReLU.
    """
    rectified = F.relu_(_convolve(x, weight, bias))
    values = maxima(rectified) if halve else rectified
    mean, variance = moments(rectified) if frozen is None else frozen
    return LayerOutput(values, mean, variance)


def _convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return the convolution, in the layout (n, n_filters, height, width).

    Processors convolve twice as fast, above all backwards, where the channels of a
    pixel are neighbours in memory. Not the first layer: its input has few channels, and
    needs no gradient.
    """
    if x.requires_grad and x.device.type == "cpu":
        x = x.contiguous(memory_format=torch.channels_last)
    return F.conv2d(x, weight, bias, padding=1).contiguous()


class _Moments(Function):
    @staticmethod
    def forward(ctx: _Context, x: Tensor) -> tuple[Tensor, Tensor]:
        # The sums of planes are added in double precision: what is lost here would move
        # all pixels of a filter at once.
        mean = (x.sum((2, 3)).double().sum(0) / _count(x)).to(x.dtype)
        # Of deviations: a mean of squares less the squared mean would cancel.
        deviation = x - _per_filter(mean)
        variance = _products(deviation, deviation) / _count(x)
        ctx.save_for_backward(x, mean)
        return mean, variance

    @staticmethod
    def backward(ctx: _Context, *gradients: Tensor) -> Tensor:
        of_mean, of_variance = gradients
        x, mean = ctx.saved_tensors
        # ∂mean/∂x = 1/n and ∂variance/∂x = 2 (x - mean) / n
        slope = of_variance * (2 / _count(x))
        return affine(x, slope, of_mean / _count(x) - mean * slope)


class _Affine(Function):
    @staticmethod
    def forward(ctx: _Context, x: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
        ctx.save_for_backward(x, gain)
        # Fused: (x - 0) / sqrt(1 + 0) * gain + offset.
        zero, one = torch.zeros_like(gain), torch.ones_like(gain)
        return torch.native_batch_norm(x, gain, offset, zero, one, False, 0.0, 0.0)[0]

    @staticmethod
    def backward(ctx: _Context, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (g,) = gradients
        x, gain = ctx.saved_tensors
        return g * _per_filter(gain), _products(g, x), g.sum((0, 2, 3))


class _Maxima(Function):
    """Columns first, then rows: the first of equals is then first in reading order."""

    @staticmethod
    def forward(ctx: _Context, x: Tensor) -> Tensor:
        left, right = x[..., 0::2].contiguous(), x[..., 1::2].contiguous()
        of_row = torch.maximum(left, right)
        upper, lower = of_row[:, :, 0::2], of_row[:, :, 1::2]
        ctx.save_for_backward(right - left, lower - upper)
        return torch.maximum(upper, lower)

    @staticmethod
    def backward(ctx: _Context, *gradients: Tensor) -> Tensor:
        (g,) = gradients
        right_wins, lower_wins = ctx.saved_tensors
        result: Tensor = _Spread.apply(  # type: ignore[no-untyped-call]
            g.contiguous(), right_wins, lower_wins
        )
        return result


class _Spread(Function):
    """The gradient of `maxima`, linear in what it is given."""

    @staticmethod
    def forward(
        ctx: _Context, g: Tensor, right_wins: Tensor, lower_wins: Tensor
    ) -> Tensor:
        ctx.save_for_backward(right_wins, lower_wins)
        n, n_filters, height, width = g.shape
        of_row = g.new_empty((n, n_filters, height, 2, width))
        lower = _where_positive(g, lower_wins)
        of_row[:, :, :, 1] = lower
        torch.sub(g, lower, out=of_row[:, :, :, 0])
        of_row = of_row.view(n, n_filters, 2 * height, width)
        right = _where_positive(of_row, right_wins)
        # A complex number is two neighbours in memory: the fastest way to interleave.
        pairs = torch.view_as_real(torch.complex(of_row - right, right))
        return pairs.view(n, n_filters, 2 * height, 2 * width)

    @staticmethod
    def backward(ctx: _Context, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (g,) = gradients
        right_wins, lower_wins = ctx.saved_tensors
        left, right = g[..., 0::2], g[..., 1::2]
        of_row = left + _where_positive(right - left, right_wins)
        upper, lower = of_row[:, :, 0::2], of_row[:, :, 1::2]
        return upper + _where_positive(lower - upper, lower_wins), None, None


def _where_positive(x: Tensor, sign: Tensor) -> Tensor:
    """Return x where ``sign`` is positive, else zero: ten times faster than `where`."""
    result: Tensor = torch.ops.aten.threshold_backward(x, sign, 0)
    return result


def _products(a: Tensor, b: Tensor) -> Tensor:
    """Return the sum of a * b over images and pixels, (n_filters,)."""
    n, n_filters = a.shape[:2]
    a, b = (v.reshape(n * n_filters, 1, -1) for v in (a, b))
    # The transposed view, not (.., -1, 1): that is ten times slower.
    rows = torch.bmm(a, b.transpose(1, 2)).view(n, n_filters)
    return rows.double().sum(0).to(a.dtype)


def _count(x: Tensor) -> int:
    """Return the number of pixels that each filter has."""
    return x.shape[0] * x.shape[2] * x.shape[3]


def _per_filter(values: Tensor) -> Tensor:
    """Return values of shape (n_filters,) so that they broadcast over images."""
    return values[:, None, None]
