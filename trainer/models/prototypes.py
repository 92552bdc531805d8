"""Localization by prototypes: the nearest mean embedding of a point's shots.

    p_k = mean of f_θ(x) over the shots x of point k
    P(k | x) = softmax_k(-‖f_θ(x) - p_k‖² / (d e^τ))

Snell, Swersky and Zemel, "Prototypical networks", NeurIPS 2017; d is the number of
features, τ is learnt. There is no inner loop: a new point costs a mean. Meta-training
is `trainer.meta` with no inner step, its episodes from different visits, so that f_θ
learns what survives putting the device up anew.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812  (torch's own name for it)
from torch import Tensor

from edge_agent.learning.network import Architecture
from trainer.meta.inner_loop import Parameters
from trainer.network import Statistics, features, initial_parameters
from trainer.tasks import Task

_TEMPERATURE = "metric.log_temperature"


@dataclass(frozen=True, slots=True)
class PrototypeModel:
    """The CNN's body and a metric; satisfies `trainer.meta.model.Model` over `Task`."""

    architecture: Architecture

    def initial(self, generator: torch.Generator) -> Parameters:
        """Return random parameters to start meta-training from."""
        theta = initial_parameters(self.architecture, generator)
        return theta | {_TEMPERATURE: torch.zeros(())}

    def start(self, theta: Parameters, task: Task) -> Parameters:
        """Return θ: points have prototypes, not parameters."""
        return theta

    def support_loss(self, theta: Parameters, task: Task) -> Tensor:
        """Return the loss of the shots under their own prototypes."""
        return self._loss(theta, task, of_support=True)

    def query_loss(self, theta: Parameters, task: Task) -> Tensor:
        """Return the mean cross-entropy of the query images."""
        return self._loss(theta, task, of_support=False)

    def query_errors(self, theta: Parameters, task: Task) -> npt.NDArray[np.float64]:
        """Return how far from its point each query image is located [m], shape (n,)."""
        posterior = self.query_logits(theta, task).double().softmax(dim=1).cpu().numpy()
        truth = task.locations[task.query.points.cpu().numpy()]
        return np.asarray(np.linalg.norm(posterior @ task.locations - truth, axis=1))

    def query_logits(self, theta: Parameters, task: Task) -> Tensor:
        """Return the logits of the query images, shape (n, n_points)."""
        with torch.no_grad():
            return self._logits(theta, task, of_support=False)

    def _loss(self, theta: Parameters, task: Task, *, of_support: bool) -> Tensor:
        points = task.support.points if of_support else task.query.points
        return F.cross_entropy(self._logits(theta, task, of_support=of_support), points)

    def _logits(self, theta: Parameters, task: Task, *, of_support: bool) -> Tensor:
        statistics: Statistics = []
        shots = features(theta, task.support.inputs, collect=statistics)
        prototypes = mean_per_point(shots, task.support.points, task.support.n_points)
        if of_support:
            return logits(theta, shots, prototypes)
        queries = features(theta, task.query.inputs, statistics)
        return logits(theta, queries, prototypes)


def mean_per_point(values: Tensor, points: Tensor, n_points: int) -> Tensor:
    """Return the mean of each point's rows, (n_points, d); infinite where it has none.

    Args:
        values: Shape (n, d).
        points: Shape (n,).
        n_points: Rows of the result.
    """
    membership = F.one_hot(points, n_points).to(values).T
    counts = membership.sum(dim=1, keepdim=True)
    means = membership @ values / counts.clamp(min=1)
    return means.masked_fill(counts == 0, torch.inf)


def logits(theta: Parameters, embedded: Tensor, prototypes: Tensor) -> Tensor:
    """Return the logits, shape (n, n_points); minus infinity without a prototype.

    Args:
        theta: With the temperature.
        embedded: f_θ(x), shape (n, d).
        prototypes: Shape (n_points, d).
    """
    is_there = prototypes.isfinite().all(dim=1)
    there = prototypes.where(is_there[:, None], 0.0)
    squares = (embedded[:, None] - there).square().mean(dim=2)
    scores = -squares * torch.exp(-theta[_TEMPERATURE])
    return scores.masked_fill(~is_there, -torch.inf)
