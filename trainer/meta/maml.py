"""Vanilla MAML, Algorithm 1.

    draw τ_1 .. τ_M                                                line 3
    for every τ_i:                                                 line 4
        θ'_i = θ - α ∇_θ L(f_θ; D_i^s), Q times                    line 5, Eq. (6), (14)
    L(θ) = (1/M) Σ_i L(f_θ'_i; D_i^q)                              Eq. (7)
    θ <- θ - β ∇_θ L(θ)                                            line 6, Eq. (8)

The gradient is exact, Eq. (9)-(10), or of first order, Eq. (13):

    ∂/∂θ L(f_θ'_i; D_i^q) ≈ ∂/∂θ'_i L(f_θ'_i; D_i^q)

Line 6 itself is in `trainer.meta.train`, the outer loop that all algorithms share.

Departures from the paper: the meta-loss is the mean over the M tasks, not the sum, so
that β does not depend on M. Several inner steps, as in section V-B.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from trainer.meta.config import MetaConfig
from trainer.meta.inner_loop import Parameters, adapt, as_leaves
from trainer.meta.learner import TaskSource
from trainer.meta.model import Model

TaskT = TypeVar("TaskT")


@dataclass(frozen=True, slots=True)
class Maml(Generic[TaskT]):
    """Algorithm 1, lines 3-6."""

    model: Model[TaskT]
    tasks: TaskSource[TaskT]
    """P(τ)."""

    config: MetaConfig

    def gradient(
        self, theta: Parameters, rng: np.random.Generator, beta: float
    ) -> tuple[float, Parameters]:
        """Draw M tasks; return the meta-loss and its gradient, whatever β is."""
        tasks = [self.tasks.draw(rng) for _ in range(self.config.tasks_per_iteration)]
        return maml_gradient(
            self.model,
            theta,
            tasks,
            alpha=self.config.alpha,
            n_steps=self.config.n_steps,
            second_order=self.config.second_order,
        )


def maml_gradient(
    model: Model[TaskT],
    theta: Parameters,
    tasks: Sequence[TaskT],
    *,
    alpha: float,
    n_steps: int,
    second_order: bool = False,
) -> tuple[float, Parameters]:
    """Return the meta-loss, Eq. (7), and its gradient with respect to θ.

    Args:
        model: f, and its losses.
        theta: θ; not modified.
        tasks: τ_1 .. τ_M.
        alpha: Step size α of the inner loop.
        n_steps: Q, inner steps.
        second_order: Exact gradient, Eq. (9)-(10), instead of Eq. (13).
    """
    meta_loss = 0.0
    total = {name: torch.zeros_like(value) for name, value in theta.items()}
    for task in tasks:
        leaves = as_leaves(theta)
        adapted = adapted_to(
            model,
            leaves,
            task,
            alpha=alpha,
            n_steps=n_steps,
            second_order=second_order,
        )
        loss = model.query_loss(adapted, task)
        # Eq. (9) through the inner steps, or Eq. (13) at their end.
        at = leaves if second_order else {name: adapted[name] for name in theta}
        gradient = torch.autograd.grad(loss, list(at.values()))
        meta_loss += float(loss.detach()) / len(tasks)
        for name, value in zip(at, gradient, strict=True):
            total[name] += value / len(tasks)
    return meta_loss, total


def meta_objective(
    model: Model[TaskT],
    theta: Parameters,
    tasks: Sequence[TaskT],
    *,
    alpha: float,
    n_steps: int,
) -> Tensor:
    """Return the meta-loss, Eq. (7), with its graph: any derivative can be taken.

    Args:
        model: f, and its losses.
        theta: θ, which requires gradients.
        tasks: τ_1 .. τ_M.
        alpha: Step size α of the inner loop.
        n_steps: Q, inner steps.
    """
    losses = [
        model.query_loss(
            adapted_to(
                model, theta, task, alpha=alpha, n_steps=n_steps, second_order=True
            ),
            task,
        )
        for task in tasks
    ]
    return torch.stack(losses).mean()


def adapted_to(
    model: Model[TaskT],
    theta: Parameters,
    task: TaskT,
    *,
    alpha: float,
    n_steps: int,
    second_order: bool = False,
) -> Parameters:
    """Return θ_T(Q), Eq. (14): what lines 5 and 9 of Algorithm 1 do.

    Args:
        model: f, and its losses.
        theta: θ, or θ* in the meta-test stage; not modified.
        task: Of which only the support set is used.
        alpha: Step size α of the inner loop.
        n_steps: Q.
        second_order: Keep the graph to ``theta``, which then must require gradients.
    """
    start = model.start(theta, task)
    if second_order:
        start = {
            name: value if value.requires_grad else value.requires_grad_()
            for name, value in start.items()
        }
    else:
        start = as_leaves(start)
    return adapt(
        model.support_loss,
        start,
        task,
        alpha=alpha,
        n_steps=n_steps,
        second_order=second_order,
    )
