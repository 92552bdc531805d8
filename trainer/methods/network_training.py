"""How the parameters of a network are trained on history, whichever network it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
import torch

from edge_agent.errors import SimilarityError
from edge_agent.task_similarity.choice import choose_environment
from trainer.meta.config import MetaConfig
from trainer.meta.inner_loop import Parameters
from trainer.meta.learner import Learner, TaskSource
from trainer.meta.maml import Maml
from trainer.meta.maml_dg import MamlDg
from trainer.meta.maml_ts import chosen_parameters, train_environments
from trainer.meta.model import Model
from trainer.meta.train import Snapshots, meta_train
from trainer.methods.features import Matrix
from trainer.methods.networks import Training
from trainer.surveys.environment import Environment

TaskT = TypeVar("TaskT")

ALPHA = 0.01
"""α, of the inner loop and of fine-tuning."""

_BETA = 0.002
_IMAGES_PER_ITERATION = 4 * 10 * (3 + 5)


@dataclass(frozen=True, slots=True)
class Tasks(Generic[TaskT]):
    """What history offers to train on."""

    pooled: TaskSource[TaskT]
    """Tasks of any environment."""

    by_environment: Mapping[str, TaskSource[TaskT]]


@dataclass(frozen=True, slots=True)
class Trained:
    """What training leaves."""

    theta: Parameters
    """θ*, of all environments."""

    of_environment: Mapping[str, Parameters]
    """θ_i*, of Algorithm 2; else empty."""


def n_iterations(n_images: int, n_epochs: int, most: int) -> int:
    """Return how many iterations see each image so many times."""
    return max(1, min(most, n_epochs * n_images // _IMAGES_PER_ITERATION))


def train(
    training: Training,
    model: Model[TaskT],
    theta: Parameters,
    tasks: Tasks[TaskT] | None,
    iterations: int,
    rng: np.random.Generator,
    *,
    snapshots: Snapshots | None = None,
) -> Trained:
    """Return the trained parameters.

    Args:
        training: Which algorithm.
        model: f, and its losses.
        theta: Initial parameters; not modified.
        tasks: Of history; None where it has none to offer, which leaves θ as it is.
        iterations: Of the outer loop, or of supervised training.
        rng: The only source of chance.
        snapshots: Where copies of θ go along the way.
    """
    if tasks is None or training is Training.RI:
        return Trained(theta, {})
    config = MetaConfig(n_iterations=iterations, beta=_BETA)

    def run(learner: Learner, chance: np.random.Generator) -> Parameters:
        return meta_train(learner, theta, config, chance, snapshots=snapshots)

    total = run(_learner(training, model, tasks, config), rng)
    if training is not Training.MAML_TS:
        return Trained(total, {})
    each = replace(config, n_iterations=max(1, iterations // len(tasks.by_environment)))
    of_environment = train_environments(
        model,
        tasks.by_environment,
        each,
        int(rng.integers(2**31)),
        lambda _name, learner, chance: meta_train(learner, theta, each, chance),
    )
    return Trained(total, of_environment)


def _learner(
    training: Training, model: Model[TaskT], tasks: Tasks[TaskT], config: MetaConfig
) -> Learner:
    if training in (Training.MAML, Training.MAML_TS):
        return Maml(model, tasks.pooled, config)
    if training is Training.MAML_DG:
        domains = list(tasks.by_environment.values())
        if len(domains) > 1:
            return MamlDg(model, domains, config)
        return Maml(model, tasks.pooled, config)
    # Supervised training is a meta-iteration without an inner step.
    return Maml(model, tasks.pooled, replace(config, n_steps=0))


def most_similar(
    trained: Trained,
    shots: Environment,
    days: Sequence[Environment],
    vectors_of: Callable[[Environment], Matrix],
    rng: np.random.Generator,
) -> Parameters:
    """Return where fine-tuning starts: Algorithm 2, lines 10-11, if it was trained so.

    θ_i* of the environment that MMD finds most similar to the shots, among those that
    have one; θ* where none is similar, where there are too few samples to compare, and
    for all other algorithms.

    Args:
        trained: What training has left.
        shots: Today's.
        days: History; its visits are the tasks of an environment.
        vectors_of: What is compared, a row per sample.
        rng: Of the permutation test.
    """
    if not trained.of_environment:
        return trained.theta
    by_visit = {
        day.name: _by_visit(day, vectors_of(day))
        for day in days
        if day.name in trained.of_environment
    }
    try:
        choice = choose_environment(vectors_of(shots), by_visit, rng)
    except SimilarityError:
        return trained.theta
    return chosen_parameters(trained.of_environment, trained.theta, choice)


def _by_visit(day: Environment, vectors: Matrix) -> list[Matrix]:
    return [vectors[day.visit_of == visit] for visit in np.unique(day.visit_of)]


def generator_of(rng: np.random.Generator) -> torch.Generator:
    """Return torch's source of chance, seeded by numpy's."""
    return torch.Generator().manual_seed(int(rng.integers(2**63)))
