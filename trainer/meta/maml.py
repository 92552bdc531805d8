"""Vanilla MAML, Algorithm 1, with the first-order approximation of Eq. (13).

    θ'_i = adapt(θ, D_i^s)                                          Eq. (6), line 5
    ∂/∂θ L(f_θ'_i; D_i^q) ≈ ∂/∂θ'_i L(f_θ'_i; D_i^q)                Eq. (13)
    ∇ = (1/M) Σ_i ∂/∂θ'_i L(f_θ'_i; D_i^q) / N_i                    Eq. (8), line 6

Departures from the paper: the meta-loss is the mean over the M tasks and over the N_i
points of each, not the sum, so that β does not depend on them. Several inner steps, as
in section V-B. θ has no head: every task starts with one of zeros
(`edge_agent.network`).
"""

from collections.abc import Sequence

import torch

from edge_agent.network import Architecture
from trainer.meta.inner_loop import Parameters, adapt, as_leaves
from trainer.network import Batch, query_loss, support_loss, with_head
from trainer.tasks import Task


def maml_gradient(
    architecture: Architecture,
    theta: Parameters,
    tasks: Sequence[Task],
    *,
    alpha: float,
    n_steps: int,
) -> tuple[float, Parameters]:
    """Return the meta-loss, and its first-order gradient with respect to θ.

    Args:
        architecture: Of the network.
        theta: θ, without a head; not modified.
        tasks: τ_1 .. τ_M.
        alpha: Step size α of the inner loop.
        n_steps: Inner steps.
    """
    meta_loss = 0.0
    total = {name: torch.zeros_like(value) for name, value in theta.items()}
    for task in tasks:
        loss, gradient = task_gradient(
            architecture,
            theta,
            task.support,
            task.query,
            alpha=alpha,
            n_steps=n_steps,
        )
        share = 1 / (len(tasks) * task.query.n_points)
        meta_loss += share * loss
        for name, value in gradient.items():
            total[name] += share * value
    return meta_loss, total


def task_gradient(
    architecture: Architecture,
    theta: Parameters,
    support: Batch,
    query: Batch,
    *,
    alpha: float,
    n_steps: int,
) -> tuple[float, Parameters]:
    """Return L(f_θ'; D^q) of one task, and Eq. (13)."""
    start = as_leaves(with_head(architecture, theta, support.n_points))
    adapted = adapt(support_loss, start, support, alpha=alpha, n_steps=n_steps)
    loss = query_loss(adapted, support, query)
    body = {name: adapted[name] for name in theta}
    values = torch.autograd.grad(loss, list(body.values()))
    return float(loss.detach()), dict(zip(body, values, strict=True))
