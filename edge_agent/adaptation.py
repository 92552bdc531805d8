"""Adapt the network to a site by a few gradient steps, without torch.

    θ_0  = θ*, and a head of zeros, one row per point
    θ_q  = θ_{q-1} - α ∇ L(θ_{q-1}; D^s),  q = 1..Q                   Eq. (14)
    L(θ; D^s) = Σ over points of the mean cross-entropy of its shots

The paper leaves open whether the loss is a sum or a mean. Summed over points, a step
means the same to the head at a site of five points and of ninety; but to the layers
below it grows with their number, and can overshoot. So, other than in the paper, a step
that would raise the loss is not taken: α is halved instead, until the end.

`trainer` has the same step in torch; a test holds the gradients of the two together to
1e-10 in double precision.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.network import (
    NORM_EPSILON,
    Architecture,
    Array,
    LayerTrace,
    Parameters,
    Statistics,
    Trace,
    forward,
    probabilities,
    quarters,
    scale_input,
    unfold,
)

_IMAGES_PER_PASS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """The network as it is for one site."""

    parameters: Parameters
    """With a head of one row per point."""

    statistics: list[Statistics]
    """Of the site's shots, one per layer; used unchanged for every prediction."""

    losses: tuple[float, ...]
    """Loss on the shots before each step and after the last, divided by the number of
    points: ln(n_points) is what guessing gives. Never rises."""


def with_head(
    architecture: Architecture, parameters: Parameters, n_points: int
) -> Parameters:
    """Return a model's parameters and a head of zeros."""
    shapes = architecture.parameter_shapes(n_points)
    dtype = parameters["conv0.weight"].dtype
    return parameters | {
        name: np.zeros(shapes[name], dtype) for name in ("head.weight", "head.bias")
    }


@np.errstate(over="ignore", invalid="ignore")  # the loss shows it, and is checked
def adapt(
    architecture: Architecture,
    parameters: Parameters,
    images: npt.NDArray[np.uint8],
    heard: npt.NDArray[np.bool_],
    points: npt.NDArray[np.intp],
    *,
    n_points: int,
    alpha: float,
    n_steps: int,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
) -> Adapted:
    """Return the network after up to ``n_steps`` gradient steps on a site's shots.

    Args:
        architecture: Of the network.
        parameters: θ*, without a head; not modified.
        images: The shots D^s, shape (n, n_channels, n_packets, n_tones).
        heard: Shape (n, n_channels).
        points: Number of each shot's point, shape (n,).
        n_points: Number of points.
        alpha: Step size α; halved whenever a step would raise the loss.
        n_steps: Q, with the steps that are not taken.
        on_step: Called with the number of steps done and the loss after them.

    Raises:
        ValueError: No shots, or a point number outside 0..n_points-1, or no step that
            lowers the loss.
    """
    if len(images) == 0:
        raise ValueError("no shots to adapt to")
    if points.min() < 0 or points.max() >= n_points:
        raise ValueError(f"a shot's point is outside 0..{n_points - 1}")
    theta = with_head(architecture, parameters, n_points)
    dtype = theta["conv0.weight"].dtype
    inputs = scale_input(architecture, images, heard, dtype)
    trace = forward(theta, inputs)
    loss, d_logits = _cross_entropy(trace.logits, points)
    losses = [loss / n_points]
    on_step(0, losses[0])
    gradient = backward(theta, trace, d_logits)
    for step in range(1, n_steps + 1):
        tried = {name: theta[name] - alpha * gradient[name] for name in theta}
        tried_trace = forward(tried, inputs)
        tried_loss, d_logits = _cross_entropy(tried_trace.logits, points)
        if tried_loss <= loss:
            theta, trace, loss = tried, tried_trace, tried_loss
            gradient = backward(theta, trace, d_logits)
        else:  # not a number, too
            alpha /= 2
        losses.append(loss / n_points)
        on_step(step, losses[-1])
    if n_steps > 0 and not losses[-1] < losses[0]:
        raise ValueError(
            f"none of {n_steps} steps lowered the loss {losses[0]:.3g}: either the "
            "shots of different points are the same, or the bundle's step size is far "
            "too large"
        )
    statistics = [layer.statistics for layer in trace.layers]
    return Adapted(theta, statistics, tuple(losses))


def _cross_entropy(logits: Array, points: npt.NDArray[np.intp]) -> tuple[float, Array]:
    """Return L(θ; D^s) and its gradient with respect to the logits."""
    n, n_points = logits.shape
    rows = np.arange(n)
    shots = np.bincount(points, minlength=n_points)[points]  # (n,)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_likelihood = shifted[rows, points] - np.log(np.exp(shifted).sum(axis=1))
    gradient: Array = probabilities(logits)
    gradient[rows, points] -= 1
    gradient /= shots[:, None].astype(logits.dtype)
    return float(-(log_likelihood / shots).sum()), gradient


def backward(parameters: Parameters, trace: Trace, d_logits: Array) -> Parameters:
    """Return ∇L for all parameters, through the statistics of the images as well.

    Args:
        parameters: Those of the forward pass.
        trace: The forward pass, with statistics of its own images.
        d_logits: Gradient with respect to the logits, shape (n, n_points).
    """
    gradient: Parameters = {
        "head.weight": d_logits.T @ trace.features,
        "head.bias": d_logits.sum(axis=0),
    }
    last = trace.layers[-1].normalised.shape  # (n_out, n, height, width)
    d_features = d_logits @ parameters["head.weight"]  # (n, n_features)
    d_x: Array = d_features.reshape(last[1], last[0], *last[2:]).transpose(1, 0, 2, 3)
    for number in reversed(range(len(trace.layers))):
        layer = trace.layers[number]
        if number < len(trace.layers) - 1:
            d_x = _unhalve(layer.normalised, d_x)
        scale = parameters[f"norm{number}.scale"]
        d_rectified, d_scale, d_shift = _normalisation_backward(layer, scale, d_x)
        gradient[f"norm{number}.scale"] = d_scale
        gradient[f"norm{number}.shift"] = d_shift
        d_convolved = d_rectified * (layer.rectified > 0)
        weight = parameters[f"conv{number}.weight"]
        gradient[f"conv{number}.weight"] = _kernel_gradient(
            layer.inputs, d_convolved, weight.shape
        )
        gradient[f"conv{number}.bias"] = _sum_pixels(d_convolved)
        if number > 0:
            d_x = _input_gradient(d_convolved, weight)
    return gradient


def _sum_pixels(x: Array) -> Array:
    return np.asarray(x.reshape(len(x), -1).sum(axis=1))


def _unhalve(x: Array, d_maximum: Array) -> Array:
    """Pass each cell's gradient to its first largest pixel."""
    d_x = np.zeros_like(x)
    cells = quarters(x)
    largest = np.maximum(np.maximum(cells[0], cells[1]), np.maximum(cells[2], cells[3]))
    free = np.ones(largest.shape, np.bool_)
    for cell, d_cell in zip(cells, quarters(d_x), strict=True):
        chosen = free & (cell == largest)
        np.multiply(d_maximum, chosen, out=d_cell)
        free &= ~chosen
    return d_x


def _normalisation_backward(
    layer: LayerTrace, scale: Array, d_normalised: Array
) -> tuple[Array, Array, Array]:
    """Return the gradients of the layer's ReLU output, of its scale and its shift."""
    inverse = 1 / np.sqrt(layer.statistics.variance + NORM_EPSILON)
    centred = layer.rectified - layer.statistics.mean[:, None, None, None]
    d_shift = _sum_pixels(d_normalised)
    d_scale = _sum_pixels(d_normalised * centred) * inverse
    n_pixels = d_normalised[0].size
    gain = (scale * inverse)[:, None, None, None]
    slope = (d_scale * inverse / n_pixels)[:, None, None, None]
    mean = (d_shift / n_pixels)[:, None, None, None]
    return gain * (d_normalised - mean - centred * slope), d_scale, d_shift


def _kernel_gradient(inputs: Array, d_out: Array, shape: tuple[int, ...]) -> Array:
    total = np.zeros((shape[0], shape[1] * 9), inputs.dtype)
    for start in range(0, inputs.shape[1], _IMAGES_PER_PASS):
        part = slice(start, start + _IMAGES_PER_PASS)
        total += d_out[:, part].reshape(shape[0], -1) @ unfold(inputs[:, part]).T
    return total.reshape(shape)


def _input_gradient(d_out: Array, weight: Array) -> Array:
    """Return the gradient of a convolution's input: convolve with the kernel turned."""
    turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(weight.shape[1], -1)
    _, n, height, width = d_out.shape
    d_inputs = np.empty((weight.shape[1], n, height, width), d_out.dtype)
    for start in range(0, n, _IMAGES_PER_PASS):
        part = slice(start, start + _IMAGES_PER_PASS)
        block = turned @ unfold(d_out[:, part])
        d_inputs[:, part] = block.reshape(weight.shape[1], -1, height, width)
    return d_inputs
