"""The outer loop: the same for every meta-learner."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from edge_agent.network import Architecture
from trainer.meta.inner_loop import Parameters
from trainer.meta.maml import maml_gradient
from trainer.tasks import TaskSampler


@dataclass(frozen=True, slots=True)
class MetaConfig:
    """How the meta-parameters are trained."""

    n_iterations: int = 2000
    tasks_per_iteration: int = 4
    """M."""

    alpha: float = 0.01
    """Step size α of the inner loop."""

    beta: float = 0.001
    """Step size β of the outer loop."""

    n_steps: int = 5
    """Inner steps while training."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands."""

    iteration: int
    n_iterations: int
    meta_loss: float
    """Smoothed over about 50 iterations; ln N is what guessing gives."""

    seconds: float

    def __str__(self) -> str:
        """Return for example ``120/2000  loss 0.812  3.1/s  10 min left``."""
        rate = self.iteration / self.seconds if self.seconds > 0 else 0.0
        left = (self.n_iterations - self.iteration) / rate if rate else 0.0
        return (
            f"{self.iteration}/{self.n_iterations}  loss {self.meta_loss:.3f}  "
            f"{rate:.1f}/s  {left / 60:.0f} min left"
        )


def meta_train(
    architecture: Architecture,
    theta: Parameters,
    sampler: TaskSampler,
    config: MetaConfig,
    *,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> Parameters:
    """Return θ* after meta-training, Algorithm 1 lines 2-7.

    Departure from the paper: Adam instead of plain gradient descent, as in the authors'
    code.

    Args:
        architecture: Of the network.
        theta: Initial θ; not modified.
        sampler: Draws the tasks.
        config: Step sizes and counts.
        on_progress: Called after every iteration.
    """
    parameters = {name: value.clone() for name, value in theta.items()}
    optimizer = torch.optim.Adam(list(parameters.values()), lr=config.beta)
    started, smoothed = time.monotonic(), None
    for iteration in range(1, config.n_iterations + 1):
        tasks = [sampler.draw() for _ in range(config.tasks_per_iteration)]
        meta_loss, gradient = maml_gradient(
            architecture,
            parameters,
            tasks,
            alpha=config.alpha,
            n_steps=config.n_steps,
        )
        for name, value in parameters.items():
            value.grad = gradient[name]
        optimizer.step()
        smoothed = meta_loss if smoothed is None else 0.98 * smoothed + 0.02 * meta_loss
        on_progress(
            Progress(
                iteration, config.n_iterations, smoothed, time.monotonic() - started
            )
        )
    return parameters
