"""Localization as N-way k-shot classification of CSI images: one class per point.

    L_τ(f_θ; D^s) = Σ over points of the mean cross-entropy of their images
    L_τ(f_θ; D^q) = the same, divided by the number of points

The sum makes the inner loop's step α per row of the head the same for any number of
points, as on the device; the mean does so for the outer loop's β.

Departure from the paper: its α goes with the authors' mean over images, of which this
sum is N times as much.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from edge_agent.learning.network import Architecture
from trainer import operations
from trainer.meta.inner_loop import Parameters
from trainer.network import (
    Statistics,
    forward,
    initial_parameters,
    query_loss,
    support_loss,
    with_head,
)
from trainer.operations import Layer
from trainer.tasks import Task


@dataclass(frozen=True, slots=True)
class ClassificationModel:
    """The paper's CNN; satisfies `trainer.meta.model.Model` over `trainer.tasks.Task`.

    Without ``site_points``, θ is the network without a head, labels are a task's own
    (0 .. N-1), and every task starts with a head of zeros, as the device does: what is
    learnt carries to other places. With it, θ includes a head with a row per point of
    one site, and labels are the site's: the authors' way, bound to that site.
    """

    architecture: Architecture
    site_points: int | None = None
    """Rows of the head that θ includes."""

    layer: Layer = operations.layer
    """A layer of the network: in torch, or compiled by `trainer.layer_kernel`."""

    def initial(self, generator: torch.Generator) -> Parameters:
        """Return random parameters to start meta-training from."""
        theta = initial_parameters(self.architecture, generator)
        if self.site_points is None:
            return theta
        theta = with_head(self.architecture, theta, self.site_points)
        n_features = self.architecture.n_features
        weight = torch.randn(theta["head.weight"].shape, generator=generator)
        return theta | {"head.weight": weight * (2 / n_features) ** 0.5}

    def start(self, theta: Parameters, task: Task) -> Parameters:
        """Return θ, and a head of zeros where it has none."""
        if self.site_points is not None:
            return theta
        return with_head(self.architecture, theta, task.support.n_points)

    def support_loss(self, theta: Parameters, task: Task) -> Tensor:
        """Return L_τ(f_θ; D^s), normalised with the statistics of the support set."""
        return support_loss(theta, task.support, layer=self.layer)

    def query_loss(self, theta: Parameters, task: Task) -> Tensor:
        """Return L_τ(f_θ; D^q) per point, with the statistics of the support set."""
        total = query_loss(theta, task.support, task.query, layer=self.layer)
        return total / torch.bincount(task.query.points).count_nonzero()

    def query_errors(self, theta: Parameters, task: Task) -> npt.NDArray[np.float64]:
        """Return how far from its point each query image is located [m], shape (n,).

        The location is the expectation over the points.

        Args:
            theta: Adapted parameters.
            task: Its labels serve to measure alone.
        """
        posterior = self.query_logits(theta, task).double().softmax(dim=1).cpu().numpy()
        truth = task.locations[task.query.points.cpu().numpy()]
        return np.asarray(np.linalg.norm(posterior @ task.locations - truth, axis=1))

    def query_logits(self, theta: Parameters, task: Task) -> Tensor:
        """Return the logits of the query images, shape (n, n_points)."""
        statistics: Statistics = []
        with torch.no_grad():
            forward(theta, task.support.inputs, collect=statistics)
            return forward(theta, task.query.inputs, statistics)
