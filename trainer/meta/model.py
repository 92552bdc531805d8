"""What meta-learning needs of a model: where a task starts, and what it costs.

The algorithms of this package know nothing else, so that each reads as in the paper and
serves classification of CSI images and regression on RSS alike.
"""

from typing import Protocol, TypeVar

from torch import Tensor

from trainer.meta.inner_loop import Parameters

TaskT = TypeVar("TaskT", contravariant=True)


class Model(Protocol[TaskT]):
    """f_θ, and the loss of a task τ with support set D^s and query set D^q."""

    def start(self, theta: Parameters, task: TaskT) -> Parameters:
        """Return the parameters with which the inner loop starts on a task.

        They are θ's own tensors, and whatever only the task decides: a head of zeros
        with a row per point, for example. Meta-gradients are taken for θ alone.
        """

    def support_loss(self, theta: Parameters, task: TaskT) -> Tensor:
        """Return L_τ(f_θ; D^s), a scalar."""

    def query_loss(self, theta: Parameters, task: TaskT) -> Tensor:
        """Return L_τ(f_θ; D^q), a scalar."""
