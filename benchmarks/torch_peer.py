"""The device's network as one would write it in torch: layers, SGD, autograd."""

from collections import OrderedDict

import numpy as np
import torch
from torch import Tensor, nn

from edge_agent.bundles.bundle import AdaptationDefaults
from edge_agent.learning.network import NORM_EPSILON, Architecture, Parameters
from edge_agent.learning.support import Support


class TorchPeer:
    """Adapts and predicts; parameters are those of a model, with a head of zeros."""

    def __init__(
        self, architecture: Architecture, parameters: Parameters, n_points: int
    ) -> None:
        self._architecture = architecture
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        n_inputs, last = architecture.image_shape[0], len(architecture.filters) - 1
        for i, n_filters in enumerate(architecture.filters):
            layers[f"conv{i}"] = nn.Conv2d(n_inputs, n_filters, 3, padding=1)
            layers[f"relu{i}"] = nn.ReLU(inplace=True)
            # Momentum 1: its statistics are those of the last support set.
            layers[f"norm{i}"] = nn.BatchNorm2d(n_filters, NORM_EPSILON, momentum=1.0)
            if i < last:
                layers[f"pool{i}"] = nn.MaxPool2d(2)
            n_inputs = n_filters
        layers["flatten"] = nn.Flatten()
        layers["head"] = nn.Linear(architecture.n_features, n_points)
        self._network = nn.Sequential(layers)
        renamed = {
            name.replace(".scale", ".weight").replace(".shift", ".bias"): torch.tensor(
                array
            )
            for name, array in parameters.items()
        }
        state = self._network.state_dict()
        renamed["head.weight"] = torch.zeros_like(state["head.weight"])
        renamed["head.bias"] = torch.zeros_like(state["head.bias"])
        self._start = {**state, **renamed}

    def adapt(self, support: Support, settings: AdaptationDefaults) -> list[float]:
        """Adapt from the start and return the loss per point before each step."""
        self._network.load_state_dict(self._start)
        self._network.train()
        # A mean over images, of which all points have equally many.
        loss_of = nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(
            self._network.parameters(), lr=settings.alpha * support.n_points
        )
        inputs = self._scaled(support.images)
        points = torch.from_numpy(support.points.astype(np.int64))
        losses = []
        for _ in range(settings.n_steps):
            optimizer.zero_grad()
            loss = loss_of(self._network(inputs), points)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        return losses

    def freeze(self, support: Support) -> None:
        """Take the statistics of the support set, and predict with them from now on.

        Of the variance torch keeps the unbiased one: probabilities move by 1e-3.
        """
        with torch.no_grad():
            self._network(self._scaled(support.images))
        self._network.eval()

    @torch.inference_mode()
    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return the probability of every point, shape (n, n_points)."""
        logits: Tensor = self._network(self._scaled(images))
        return logits.softmax(1).numpy()

    def _scaled(self, images: np.ndarray) -> Tensor:
        inputs = torch.from_numpy(images).float().div_(255)
        return inputs.sub_(self._architecture.pixel_mean).div_(
            self._architecture.pixel_std
        )
