"""What the outer loop needs of an algorithm, and an algorithm of the data."""

from typing import Protocol, TypeVar

import numpy as np

from trainer.meta.inner_loop import Parameters

TaskT = TypeVar("TaskT", covariant=True)


class TaskSource(Protocol[TaskT]):
    """P(τ), a distribution over tasks."""

    def draw(self, rng: np.random.Generator) -> TaskT:
        """Return a task τ ~ P(τ); ``rng`` is the only source of chance."""


class Learner(Protocol):
    """One meta-iteration of an algorithm."""

    def gradient(
        self, theta: Parameters, rng: np.random.Generator, beta: float
    ) -> tuple[float, Parameters]:
        """Draw tasks; return the meta-loss at θ and the gradient that lowers it.

        Args:
            theta: θ; not modified.
            rng: The only source of chance.
            beta: β of this iteration, which may differ from the configured one: for
                algorithms that look a step ahead.
        """
