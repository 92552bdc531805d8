"""What autograd makes of a golden task: the trainer's network in any precision."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from edge_agent.bundles.golden_file import Outcome, Task, digest
from edge_agent.learning.network import Architecture, Statistics
from edge_agent.learning.network import Parameters as Arrays
from trainer.meta.inner_loop import Parameters, as_leaves
from trainer.network import Batch, cross_entropy, forward, make_batch, with_head
from trainer.network import Statistics as Moments


@dataclass(frozen=True, slots=True, eq=False)
class TorchTask:
    """The trainer's network on a task, in some precision."""

    architecture: Architecture
    parameters: Arrays
    task: Task
    dtype: torch.dtype

    def start(self) -> Parameters:
        """Return θ* and the task's head."""
        arrays = self.parameters | self.task.head
        return as_leaves(
            {name: torch.tensor(a, dtype=self.dtype) for name, a in arrays.items()}
        )

    def shots(self) -> Batch:
        """Return the shots without padding: what padding must not change."""
        shots = self.task.shots
        kept = shots.weights > 0
        return make_batch(
            self.architecture,
            shots.images[kept],
            shots.heard[kept],
            shots.points[kept],
            shots.n_points,
            dtype=self.dtype,
        )

    def loss_and_gradient(self, theta: Parameters) -> tuple[float, Parameters, Moments]:
        """Return L(θ), its gradient, and the statistics of the shots."""
        moments: Moments = []
        shots = self.shots()
        loss = cross_entropy(forward(theta, shots.inputs, collect=moments), shots)
        gradient = torch.autograd.grad(loss, list(theta.values()))
        return (
            loss.item(),
            dict(zip(theta, gradient, strict=True)),
            [(mean.detach(), variance.detach()) for mean, variance in moments],
        )

    def probabilities(self, theta: Parameters, moments: Moments) -> np.ndarray:
        """Return those of the queries, with statistics that are frozen."""
        task = self.task
        nowhere = np.zeros(len(task.query_images), np.intp)
        queries = make_batch(
            self.architecture,
            task.query_images,
            task.query_heard,
            nowhere,
            task.shots.n_points,
            dtype=self.dtype,
        )
        with torch.no_grad():
            logits = forward(theta, queries.inputs, moments)
        return _doubles(torch.softmax(logits, dim=1))

    def outcome(self, alpha: float) -> Outcome:
        """Return all that is expected of others."""
        loss, gradient, moments = self.loss_and_gradient(theta := self.start())
        after = _stepped(theta, gradient, alpha)
        _, _, moments_after = self.loss_and_gradient(after)
        losses, adapted, moments_adapted = self.adapt()
        return Outcome(
            loss,
            [Statistics(_doubles(m), _doubles(v)) for m, v in moments],
            {name: digest(_doubles(value)) for name, value in after.items()},
            self.probabilities(after, moments_after),
            losses,
            self.probabilities(adapted, moments_adapted),
        )

    def adapt(self) -> tuple[np.ndarray, Parameters, Moments]:
        """Take the steps of an adaptation: those that raise the loss are halved."""
        task = self.task
        body = {
            name: torch.tensor(array, dtype=self.dtype)
            for name, array in self.parameters.items()
        }
        theta = as_leaves(with_head(self.architecture, body, task.shots.n_points))
        alpha = task.adapt_alpha
        loss, gradient, moments = self.loss_and_gradient(theta)
        losses = [loss]
        for _ in range(task.n_steps):
            tried = _stepped(theta, gradient, alpha)
            tried_loss, tried_gradient, tried_moments = self.loss_and_gradient(tried)
            if tried_loss <= loss:
                theta, loss = tried, tried_loss
                gradient, moments = tried_gradient, tried_moments
            else:
                alpha /= 2
            losses.append(loss)
        return np.array(losses) / task.shots.n_points, theta, moments


def _stepped(theta: Parameters, gradient: Parameters, alpha: float) -> Parameters:
    return as_leaves(
        {name: value - alpha * gradient[name] for name, value in theta.items()}
    )


def _doubles(values: Tensor) -> np.ndarray:
    return values.detach().double().numpy()
