"""MAML with task similarity, Algorithm 2: meta-parameters of its own per environment.

    for every environment i:                                       line 2
        θ_i* = MAML on P^(i)(τ)                                    lines 3-8
    i* = argmin_i MMD(new task, tasks of environment i)            lines 10-11, Eq. (16)
    θ_T = θ_i* - α ∇ L_T(f_θ_i*; D_T^s), Q times                   line 12, Eq. (14)

The choice is in `edge_agent.task_similarity.choice`, MMD in `mmd` beside it: a device
chooses as well. Line 12 is `trainer.meta.maml.adapted_to` from `chosen_parameters`.

Departures from the paper: each θ_i* starts from the same initial θ (as printed, line 1
stands before the loop over environments, and the second would start where the first
ended). Where no environment is similar, θ_total takes the place of θ_i*: the result of
Algorithm 1 on all environments.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from edge_agent.task_similarity.choice import Choice
from trainer.meta.config import MetaConfig
from trainer.meta.inner_loop import Parameters
from trainer.meta.learner import Learner, TaskSource
from trainer.meta.maml import Maml
from trainer.meta.model import Model

TaskT = TypeVar("TaskT")

Train = Callable[[str, Learner, np.random.Generator], Parameters]
"""The outer loop on the environment of a name; see `trainer.meta.train.meta_train`."""


def train_environments(
    model: Model[TaskT],
    environments: Mapping[str, TaskSource[TaskT]],
    config: MetaConfig,
    seed: int,
    train: Train,
) -> dict[str, Parameters]:
    """Return θ_i* of every environment, lines 2-8.

    Args:
        model: f, and its losses.
        environments: P^(i)(τ), by name.
        config: Of Algorithm 1.
        seed: Every environment has a generator of its own, so that what one learns does
            not depend on the others.
        train: Runs the outer loop from the initial θ.
    """
    return {
        name: train(name, Maml(model, tasks, config), np.random.default_rng([seed, i]))
        for i, (name, tasks) in enumerate(environments.items())  # line 2
    }


def chosen_parameters(
    theta: Mapping[str, Parameters], theta_total: Parameters, choice: Choice
) -> Parameters:
    """Return θ_i*, which line 12 adapts; θ_total where no environment is similar.

    Args:
        theta: θ_i*, by name, of every environment that could be chosen.
        theta_total: Trained on all environments.
        choice: Of `edge_agent.task_similarity.choice.choose_environment`, lines 10-11.
    """
    return theta_total if choice.environment is None else theta[choice.environment]
