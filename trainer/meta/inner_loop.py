"""The inner loop of MAML: adapt parameters to one task by gradient descent.

Pure functions of their arguments. Training and evaluation call them; the device repeats
them in NumPy (`edge_agent.learning.adaptation`), held to these by a test.
"""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor

Parameters: TypeAlias = dict[str, Tensor]
"""Model parameters by name."""

Support = TypeVar("Support")
Loss: TypeAlias = Callable[[Parameters, Support], Tensor]
"""L(f_θ; D), a scalar."""


def inner_step(
    loss: Loss[Support],
    theta: Parameters,
    support: Support,
    alpha: float,
    *,
    second_order: bool = False,
) -> Parameters:
    """Return θ' = θ - α ∇_θ L(f_θ; D^s), Eq. (6).

    Args:
        loss: L.
        theta: Parameters before the step, which require gradients; not modified.
        support: D^s.
        alpha: Step size α of the inner loop.
        second_order: Keep the graph, so that θ' can be differentiated with respect to
            θ; otherwise θ' are leaves, as in the approximation of Eq. (11)-(13).
    """
    gradient = torch.autograd.grad(
        loss(theta, support), list(theta.values()), create_graph=second_order
    )
    stepped = {
        name: value - alpha * g
        for (name, value), g in zip(theta.items(), gradient, strict=True)
    }
    return stepped if second_order else as_leaves(stepped)


def adapt(
    loss: Loss[Support],
    theta: Parameters,
    support: Support,
    *,
    alpha: float,
    n_steps: int,
    second_order: bool = False,
) -> Parameters:
    """Return θ_T(Q), the parameters after Q = ``n_steps`` inner steps, Eq. (14)."""
    for _ in range(n_steps):
        theta = inner_step(loss, theta, support, alpha, second_order=second_order)
    return theta


def as_leaves(theta: Parameters) -> Parameters:
    """Return copies without history that require gradients."""
    return {name: value.detach().requires_grad_() for name, value in theta.items()}
