"""MAML with domain generalization, Algorithm 3.

    draw two domains, and m = M/2 tasks of each                    lines 3, 4, 8
    F(θ) = (1/m) Σ_i L(f_θ_i; D_i^q),  θ_i from θ on D_i^s         Eq. (17), lines 5-6
    θ' = θ - β ∇F(θ)                                               line 7
    G(θ') = (1/m) Σ_j L(f_θ_j; D_j^q), θ_j from θ' on D_j^s        Eq. (18), lines 9-10
    θ <- θ - β ∇ [F(θ) + w G(θ')]                                  Eq. (19), line 11

The paper contradicts itself: by Eq. (18) the inner loops of the second domain start at
θ', by line 10 of Algorithm 3 at θ. Eq. (18) is the default, as without it nothing but
line 11 would know of θ', and the alignment of gradients that Eq. (22) derives would not
arise; line 10 and what the authors' code does are variants.

First order: ∇F and ∇G as in Eq. (13), and ∂θ'/∂θ ≈ 1, so that the update is
g_I + w g_II. Second order differentiates Eq. (19) exactly, ∇F within θ' included.

Departures from the paper: means over the tasks instead of sums, as in `maml`. M tasks
in all, not of each domain: an iteration then sees as many images, and takes as long, as
one of Algorithm 1, and both are compared at one budget.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import numpy as np
import torch

from trainer.errors import ConfigError
from trainer.meta.config import MetaConfig
from trainer.meta.inner_loop import Parameters, adapt, as_leaves
from trainer.meta.learner import TaskSource
from trainer.meta.maml import maml_gradient, meta_objective
from trainer.meta.model import Model

TaskT = TypeVar("TaskT")


class Variant(StrEnum):
    """Where the inner loops of the second domain start."""

    EQ18 = "eq18"
    """At θ'."""

    ALG3 = "alg3"
    """At θ, line 10: MAML on F + w G; θ' has no influence."""

    AUTHORS = "authors"
    """At θ with the gradient of θ', its first step on the images of the first domain
    with the labels of the second, and θ' = θ - α ∇F: what the published code does, for
    comparison. First order alone."""


@dataclass(frozen=True, slots=True)
class MamlDg(Generic[TaskT]):
    """Algorithm 3, lines 3-11."""

    model: Model[TaskT]
    domains: Sequence[TaskSource[TaskT]]
    """P^(1)(τ) .. P^(S)(τ), one per environment."""

    config: MetaConfig
    weight: float = 1.0
    """w, of the second domain."""

    variant: Variant = Variant.EQ18
    mix: Callable[[TaskT, TaskT], TaskT] | None = None
    """For `Variant.AUTHORS`: the images of one task with the labels of another."""

    def __post_init__(self) -> None:
        if len(self.domains) < 2:
            raise ConfigError(
                f"MAML-DG needs two environments or more, there are {len(self.domains)}"
            )
        if self.config.tasks_per_iteration % 2:
            raise ConfigError(
                f"tasks_per_iteration is {self.config.tasks_per_iteration}; MAML-DG "
                "draws half of them in each of two environments: take an even number"
            )
        if not 0 <= self.weight < float("inf"):
            raise ConfigError(f"the weight w is {self.weight}, not 0 or more")
        if self.variant is Variant.AUTHORS and (
            self.config.second_order or self.mix is None
        ):
            raise ConfigError(
                "MAML-DG as in the authors' code is of first order and mixes tasks"
            )

    def gradient(
        self, theta: Parameters, rng: np.random.Generator, beta: float
    ) -> tuple[float, Parameters]:
        """Draw two domains with M/2 tasks each; return Eq. (19) and its gradient."""
        m = self.config.tasks_per_iteration // 2
        one, two = rng.choice(len(self.domains), 2, replace=False)  # line 3
        first = [self.domains[one].draw(rng) for _ in range(m)]  # line 4
        second = [self.domains[two].draw(rng) for _ in range(m)]  # line 8
        if self.variant is Variant.AUTHORS and self.mix is not None:
            return _as_the_authors(
                self.model, theta, first, second, self.mix, self.weight, self.config
            )
        return maml_dg_gradient(
            self.model,
            theta,
            first,
            second,
            alpha=self.config.alpha,
            beta=beta,
            n_steps=self.config.n_steps,
            weight=self.weight,
            starts_at_theta=self.variant is Variant.ALG3,
            second_order=self.config.second_order,
        )


def maml_dg_gradient(
    model: Model[TaskT],
    theta: Parameters,
    first: Sequence[TaskT],
    second: Sequence[TaskT],
    *,
    alpha: float,
    beta: float,
    n_steps: int,
    weight: float,
    starts_at_theta: bool = False,
    second_order: bool = False,
) -> tuple[float, Parameters]:
    """Return F(θ) + w G(θ'), Eq. (19), and its gradient with respect to θ.

    Args:
        model: f, and its losses.
        theta: θ; not modified.
        first: Tasks of domain D_I.
        second: Tasks of domain D_II.
        alpha: Step size α of the inner loops.
        beta: Step size β of the virtual step to θ'.
        n_steps: Q, inner steps.
        weight: w.
        starts_at_theta: Line 10 of Algorithm 3 instead of Eq. (18): G(θ), not G(θ').
        second_order: Exact gradient.
    """
    if second_order:
        leaves = as_leaves(theta)
        # Eq. (17), and below Eq. (18)
        F = meta_objective(model, leaves, first, alpha=alpha, n_steps=n_steps)
        ahead = leaves
        if not starts_at_theta:
            slope = torch.autograd.grad(F, list(leaves.values()), create_graph=True)
            slopes = dict(zip(leaves, slope, strict=True))
            ahead = _stepped(leaves, slopes, beta)  # line 7
        G = meta_objective(model, ahead, second, alpha=alpha, n_steps=n_steps)
        objective = F + weight * G  # Eq. (19)
        exact = torch.autograd.grad(objective, list(leaves.values()))
        return float(objective.detach()), dict(zip(leaves, exact, strict=True))
    # Eq. (17), line 7, Eq. (18)
    f, g_one = maml_gradient(model, theta, first, alpha=alpha, n_steps=n_steps)
    ahead = theta if starts_at_theta else _stepped(theta, g_one, beta)  # line 7
    g, g_two = maml_gradient(model, ahead, second, alpha=alpha, n_steps=n_steps)
    return f + weight * g, _sum(g_one, weight, g_two)  # Eq. (19)


def _as_the_authors(
    model: Model[TaskT],
    theta: Parameters,
    first: Sequence[TaskT],
    second: Sequence[TaskT],
    mix: Callable[[TaskT, TaskT], TaskT],
    weight: float,
    config: MetaConfig,
) -> tuple[float, Parameters]:
    """Return what the published code takes for Eq. (19) and its gradient."""
    alpha, n_steps = config.alpha, config.n_steps
    f, g_one = maml_gradient(model, theta, first, alpha=alpha, n_steps=n_steps)
    virtual = _stepped(theta, g_one, alpha)  # α where line 7 has β
    g, g_two = 0.0, {name: torch.zeros_like(value) for name, value in theta.items()}
    for of_one, of_two in zip(first, second, strict=True):
        mixed = mix(of_one, of_two)
        at = as_leaves(model.start(virtual, mixed))
        slope = torch.autograd.grad(model.support_loss(at, mixed), list(at.values()))
        slopes = dict(zip(at, slope, strict=True))
        # ... from θ, with the gradient of θ', then on as everybody does.
        adapted = as_leaves(_stepped(model.start(theta, of_two), slopes, alpha))
        adapted = adapt(
            model.support_loss, adapted, of_two, alpha=alpha, n_steps=n_steps - 1
        )
        loss = model.query_loss(adapted, of_two)
        at_end = torch.autograd.grad(loss, [adapted[name] for name in theta])
        g += float(loss.detach()) / len(second)
        for name, value in zip(theta, at_end, strict=True):
            g_two[name] += value / len(second)
    return f + weight * g, _sum(g_one, weight, g_two)


def _stepped(theta: Parameters, gradient: Parameters, size: float) -> Parameters:
    return {name: value - size * gradient[name] for name, value in theta.items()}


def _sum(a: Parameters, weight: float, b: Parameters) -> Parameters:
    return {name: value + weight * b[name] for name, value in a.items()}
