"""The paper's CNN in torch, parameter by parameter that of `learning.network`.

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

from edge_agent.learning.network import NORM_EPSILON, Architecture
from trainer import operations
from trainer.meta.inner_loop import Parameters
from trainer.operations import Layer, affine, maxima

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
    """Return a batch of images scaled as the device scales them.

    Raises:
        ValueError: Images or mask of another shape.
    """
    if images.shape[1:] != architecture.image_shape or heard.shape != images.shape[:2]:
        raise ValueError(
            f"images of shape {images.shape} with mask {heard.shape}, expected "
            f"(n, *{architecture.image_shape}) and (n, {architecture.image_shape[0]})"
        )
    # `learning.network.scale_input`, in place: tasks are scaled as they are drawn.
    inputs = torch.from_numpy(images).to(dtype)
    inputs.div_(255).sub_(architecture.pixel_mean).div_(architecture.pixel_std)
    inputs[torch.from_numpy(~heard)] = 0
    return Batch(inputs, torch.from_numpy(points.astype(np.int64)), n_points)


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
    layer: Layer = operations.layer,
) -> Tensor:
    """Return the logits, shape (n, n_points).

    Args:
        theta: f_θ.
        inputs: Shape (n, n_channels, n_packets, n_tones).
        statistics: Frozen ones; those of ``inputs`` when None.
        collect: List to which the statistics of ``inputs`` are appended.
        layer: That of `trainer.operations`, or compiled.
    """
    x = features(theta, inputs, statistics, collect=collect, layer=layer)
    return x @ theta["head.weight"].T + theta["head.bias"]


def features(
    theta: Parameters,
    inputs: Tensor,
    statistics: Statistics | None = None,
    *,
    collect: Statistics | None = None,
    layer: Layer = operations.layer,
) -> Tensor:
    """Return what the head sees, shape (n, n_features); arguments as of `forward`."""
    n_layers = sum(name.endswith(".scale") for name in theta)
    x = inputs
    for i in range(n_layers):
        scale, shift = theta[f"norm{i}.scale"], theta[f"norm{i}.shift"]
        is_last = i == n_layers - 1
        # Rising functions and maxima commute: a quarter of the pixels to scale.
        commutes = not is_last and bool((scale > 0).all())
        x, mean, variance = layer(
            x,
            theta[f"conv{i}.weight"],
            theta[f"conv{i}.bias"],
            halve=commutes,
            frozen=None if statistics is None else statistics[i],
        )
        if collect is not None:
            collect.append((mean, variance))
        gain = scale * torch.rsqrt(variance + NORM_EPSILON)
        x = affine(x, gain, shift - mean * gain)
        if not is_last and not commutes:
            x = maxima(x)
    return x.flatten(1)


def cross_entropy(logits: Tensor, batch: Batch) -> Tensor:
    """Return Σ over points of the mean cross-entropy of their images."""
    images_per_point = torch.bincount(batch.points, minlength=batch.n_points)
    losses = F.cross_entropy(logits, batch.points, reduction="none")
    return (losses / images_per_point[batch.points]).sum()


def support_loss(
    theta: Parameters, support: Batch, *, layer: Layer = operations.layer
) -> Tensor:
    """L(f_θ; D^s): the normalisation uses the statistics of the support set."""
    return cross_entropy(forward(theta, support.inputs, layer=layer), support)


def query_loss(
    theta: Parameters,
    support: Batch,
    query: Batch,
    *,
    layer: Layer = operations.layer,
) -> Tensor:
    """L(f_θ; D^q): the normalisation uses the statistics of the support set.

    As on the device, where images to locate arrive one at a time.
    """
    statistics: Statistics = []
    forward(theta, support.inputs, collect=statistics, layer=layer)
    logits = forward(theta, query.inputs, statistics, layer=layer)
    return cross_entropy(logits, query)
