"""The paper's CNN in torch, parameter by parameter that of `edge_agent.network`.

Parameters are an explicit argument: the inner loop needs the loss as a function of
them. New tensors are made where the parameters are, CPU or GPU.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812  (torch's own name for it)
from torch import Tensor

from edge_agent.network import NORM_EPSILON, Architecture, scale_input
from trainer import operations
from trainer.meta.inner_loop import Parameters
from trainer.operations import Rectify, affine, maxima

Statistics = list[tuple[Tensor, Tensor]]
"""Mean and variance per layer, each (n_filters,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Labelled images."""

    inputs: Tensor
    """Scaled pixels, shape (n, n_channels, n_packets, n_tones)."""

    points: Tensor
    """Number of each image's point within the task, shape (n,), int64."""

    n_points: int

    def to(self, device: torch.device) -> Self:
        """Return the batch where the parameters are."""
        return type(self)(self.inputs.to(device), self.points.to(device), self.n_points)


def make_batch(
    architecture: Architecture,
    images: npt.NDArray[np.uint8],
    heard: npt.NDArray[np.bool_],
    points: npt.NDArray[np.intp],
    n_points: int,
    *,
    dtype: torch.dtype = torch.float32,
) -> Batch:
    """Return a batch of images scaled as the device scales them."""
    precision = np.float64 if dtype is torch.float64 else np.float32
    inputs = scale_input(architecture, images, heard, precision)
    return Batch(
        torch.from_numpy(np.ascontiguousarray(inputs.transpose(1, 0, 2, 3))),
        torch.from_numpy(points.astype(np.int64)),
        n_points,
    )


def initial_parameters(
    architecture: Architecture, generator: torch.Generator
) -> Parameters:
    """Return a model's random parameters: He initialisation, unit scales, else zero."""
    theta: Parameters = {}
    for name, shape in architecture.parameter_shapes().items():
        if name.endswith(".scale"):
            theta[name] = torch.ones(shape)
        elif name.endswith(".weight"):
            fan_in = shape[1] * shape[2] * shape[3]
            theta[name] = torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5
        else:
            theta[name] = torch.zeros(shape)
    return theta


def with_head(
    architecture: Architecture, theta: Parameters, n_points: int
) -> Parameters:
    """Return a model's parameters and a head of zeros, as the device starts."""
    shapes = architecture.parameter_shapes(n_points)
    like = theta["conv0.weight"]
    return theta | {
        name: torch.zeros(shapes[name], dtype=like.dtype, device=like.device)
        for name in ("head.weight", "head.bias")
    }


def forward(
    theta: Parameters,
    inputs: Tensor,
    statistics: Statistics | None = None,
    *,
    collect: Statistics | None = None,
    rectify: Rectify = operations.rectify,
) -> Tensor:
    """Return the logits, shape (n, n_points).

    Args:
        theta: f_θ.
        inputs: Shape (n, n_channels, n_packets, n_tones).
        statistics: Frozen ones; those of ``inputs`` when None.
        collect: List to which the statistics of ``inputs`` are appended.
        rectify: That of `trainer.operations`, or compiled.
    """
    x = features(theta, inputs, statistics, collect=collect, rectify=rectify)
    return x @ theta["head.weight"].T + theta["head.bias"]


def features(
    theta: Parameters,
    inputs: Tensor,
    statistics: Statistics | None = None,
    *,
    collect: Statistics | None = None,
    rectify: Rectify = operations.rectify,
) -> Tensor:
    """Return what the head sees, shape (n, n_features); arguments as of `forward`."""
    n_layers = sum(name.endswith(".scale") for name in theta)
    x = inputs
    for layer in range(n_layers):
        weight, bias = theta[f"conv{layer}.weight"], theta[f"conv{layer}.bias"]
        scale, shift = theta[f"norm{layer}.scale"], theta[f"norm{layer}.shift"]
        is_last = layer == n_layers - 1
        # Rising functions and maxima commute: a quarter of the pixels to scale.
        commutes = not is_last and bool((scale > 0).all())
        x, mean, variance = rectify(
            _convolve(x, weight, bias),
            halve=commutes,
            frozen=None if statistics is None else statistics[layer],
        )
        if collect is not None:
            collect.append((mean, variance))
        gain = scale * torch.rsqrt(variance + NORM_EPSILON)
        x = affine(x, gain, shift - mean * gain)
        if not is_last and not commutes:
            x = maxima(x)
    return x.flatten(1)


def _convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return the 3x3 convolution, in the layout (n, n_filters, height, width).

    Processors convolve twice as fast, above all backwards, where the channels of a
    pixel are neighbours in memory. Not the first layer: its input has few channels, and
    needs no gradient.
    """
    if x.requires_grad and x.device.type == "cpu":
        x = x.contiguous(memory_format=torch.channels_last)
    return F.conv2d(x, weight, bias, padding=1).contiguous()


def cross_entropy(logits: Tensor, batch: Batch) -> Tensor:
    """Return Σ over points of the mean cross-entropy of their images."""
    images_per_point = torch.bincount(batch.points, minlength=batch.n_points)
    losses = F.cross_entropy(logits, batch.points, reduction="none")
    return (losses / images_per_point[batch.points]).sum()


def support_loss(
    theta: Parameters, support: Batch, *, rectify: Rectify = operations.rectify
) -> Tensor:
    """L(f_θ; D^s): the normalisation uses the statistics of the support set."""
    return cross_entropy(forward(theta, support.inputs, rectify=rectify), support)


def query_loss(
    theta: Parameters,
    support: Batch,
    query: Batch,
    *,
    rectify: Rectify = operations.rectify,
) -> Tensor:
    """L(f_θ; D^q): the normalisation uses the statistics of the support set.

    As on the device, where images to locate arrive one at a time.
    """
    statistics: Statistics = []
    forward(theta, support.inputs, collect=statistics, rectify=rectify)
    logits = forward(theta, query.inputs, statistics, rectify=rectify)
    return cross_entropy(logits, query)
