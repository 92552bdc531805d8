"""Adapt the network to a site by a few gradient steps, without torch.

    θ_0  = θ*, and a head of zeros, one row per point
    θ_q  = θ_{q-1} - α ∇ L(θ_{q-1}; D^s),  q = 1..Q                   Eq. (14)
    L(θ; D^s) = Σ over points of the mean cross-entropy of its shots

The paper leaves open whether the loss is a sum or a mean. Summed over points, a step
means the same to the head at a site of five points and of ninety; but to the layers
below it grows with their number, and can overshoot. So, other than in the paper, a step
that would raise the loss is not taken: α is halved instead, until the end.

Who computes loss and gradient is a `Step`: `learning.layer_step`, or a graph.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from edge_agent.learning.network import Architecture, Parameters, Statistics
from edge_agent.learning.support import Support

_OVERHEAD = 2 << 20
"""Bytes that do not depend on sizes."""


class Stepped(NamedTuple):
    """What one evaluation of a `Step` says."""

    loss: float
    """L(θ; D^s), at the parameters given."""

    statistics: list[Statistics]
    """Of the shots, one per layer, at the parameters given."""

    after: Parameters
    """θ - α ∇L(θ; D^s)."""


class Step(Protocol):
    """A gradient step on one support set."""

    def __call__(self, parameters: Parameters, alpha: float) -> Stepped:
        """Return the loss at θ, and θ after the step.

        Args:
            parameters: θ, with a head; not modified.
            alpha: Step size α; where it is 0, nobody looks at ``after``.
        """


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
    parameters: Parameters,
    step: Step,
    support: Support,
    *,
    architecture: Architecture,
    alpha: float,
    n_steps: int,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
) -> Adapted:
    """Return the network after up to ``n_steps`` gradient steps on a site's shots.

    Args:
        parameters: θ*, without a head; not modified.
        step: The gradient step on ``support``.
        support: The shots D^s.
        architecture: Of the network.
        alpha: Step size α; halved whenever a step would raise the loss.
        n_steps: Q, with the steps that are not taken.
        on_step: Called with the number of steps done and the loss after them.

    Raises:
        ValueError: No step lowers the loss.
    """
    n_points = support.n_points
    theta = with_head(architecture, parameters, n_points)
    here = step(theta, alpha if n_steps else 0.0)
    losses = [here.loss / n_points]
    on_step(0, losses[0])
    candidate = here.after
    for number in range(1, n_steps + 1):
        tried = step(candidate, alpha if number < n_steps else 0.0)
        if tried.loss <= here.loss:
            theta, here, candidate = candidate, tried, tried.after
        else:  # not a number, too
            alpha /= 2
            candidate = _halfway(theta, candidate)
            if not _is_finite(candidate):
                candidate = step(theta, alpha).after
        losses.append(here.loss / n_points)
        on_step(number, losses[-1])
    if n_steps > 0 and not losses[-1] < losses[0]:
        raise ValueError(
            f"none of {n_steps} steps lowered the loss {losses[0]:.3g}: either the "
            "shots of different points are the same, or the bundle's step size is far "
            "too large"
        )
    return Adapted(theta, here.statistics, tuple(losses))


def adaptation_bytes(architecture: Architecture, n_shots: int, n_points: int) -> int:
    """Return about how much memory an adaptation takes, beyond the program itself.

    With `learning.layer_step`, where scales are positive; a graph takes about three
    times as much, as it keeps what it could compute again.

    Args:
        architecture: Of the network.
        n_shots: Images.
        n_points: Points.
    """
    pixels = math.prod(architecture.image_shape)
    height, width = architecture.image_shape[1:]
    n_inputs = architecture.image_shape[0]
    kept, most, shifted = pixels, 0, 0  # numbers per image, and for a few at a time
    for layer, n_filters in enumerate(architecture.filters):
        whole = n_filters * height * width
        n_shifted = max(n_inputs, n_filters) if layer else n_inputs
        shifted = max(shifted, 9 * n_shifted * height * (width + 2))
        if layer < len(architecture.filters) - 1:
            height, width = height // 2, width // 2
        halved = n_filters * height * width
        kept += whole + 2 * halved  # before and after ReLU and maximum; normalised
        # On the way back: gradient of these, and of the layer before.
        most = max(most, kept + 2 * halved)
        n_inputs = n_filters
    parameters = sum(map(math.prod, architecture.parameter_shapes(n_points).values()))
    single = np.dtype(np.float32).itemsize
    return (
        n_shots * (pixels + single * most) * 11 // 10  # the allocator's tenth
        + 6 * single * parameters  # θ, θ', θ'', ∇L, and sums in double precision
        + 2 * single * shifted  # and what comes of it
        + _OVERHEAD
    )


def _halfway(theta: Parameters, after: Parameters) -> Parameters:
    """Return where a step of half the size leads."""
    return {name: theta[name] + (after[name] - theta[name]) / 2 for name in theta}


def _is_finite(parameters: Parameters) -> bool:
    return all(bool(np.isfinite(array).all()) for array in parameters.values())
