"""The CNN of ILCL, in torch: five convolutions and two linear layers.

Zhu et al., IEEE TNSE 9(4), 2022; layers as in their published code:

    32 - BN - pool 3 - 2 x (64 - BN) - pool 2 - 2 x (128 - BN) - pool 2
       - FC 128 - BN - FC;  a quarter of the values dropped after pools and FC 128

Departures: pooling rounds up, so that images of any size pass.
"""

from typing import Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (torch's own name for it)
from torch import Tensor, nn

from trainer.methods.features import Matrix
from trainer.surveys.environment import Floats, Integers

_DROPPED: Final = 0.25
_BATCH: Final = 50
_RATE: Final = 0.01
_MOMENTUM: Final = 0.9
_MOST_STEPS: Final = 1500
"""Ends training before the last epoch where there are thousands of images."""


def train_network(
    images: Floats, labels: Integers, *, n_epochs: int, seed: int
) -> "IlclNetwork":
    """Return a network that tells the classes apart.

    Args:
        images: Scaled to 0..1, shape (n, n_channels, n_packets, n_tones), n >= 2.
        labels: 0 .. n_classes - 1, at least two of them, shape (n,).
        n_epochs: Passes over the images.
        seed: Of initial weights, order and dropout.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (images.shape[1], images.shape[2], images.shape[3])
    network = IlclNetwork(shape, int(labels.max()) + 1, generator)
    inputs = torch.tensor(images)
    targets = torch.tensor(labels.astype(np.int64))
    parameters = list(network.parameters())
    optimizer = torch.optim.SGD(parameters, lr=_RATE, momentum=_MOMENTUM, nesterov=True)
    # Equal batches: one of a single image would have no variance to normalise with.
    n_batches = -(-len(inputs) // _BATCH)
    n_epochs = min(n_epochs, max(1, _MOST_STEPS // n_batches))
    network.train()
    for _ in range(n_epochs):
        order = torch.randperm(len(inputs), generator=generator)
        for rows in order.tensor_split(n_batches):
            loss = F.cross_entropy(network(inputs[rows]), targets[rows])
            gradients = torch.autograd.grad(loss, parameters)
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            optimizer.step()
    network.eval()
    return network


class IlclNetwork(nn.Module):
    """See the module."""

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        n_classes: int,
        generator: torch.Generator,
    ) -> None:
        """Make a network with random weights.

        Args:
            image_shape: (n_channels, n_packets, n_tones).
            n_classes: Outputs.
            generator: Of weights and dropout.
        """
        super().__init__()
        n_channels, *size = image_shape

        def convolution(n_in: int, n_out: int) -> list[nn.Module]:
            layer = nn.Conv2d(n_in, n_out, 3, padding=1)
            return [layer, nn.ReLU(), nn.BatchNorm2d(n_out)]

        def pool(side: int) -> list[nn.Module]:
            size[:] = [-(-length // side) for length in size]
            return [nn.MaxPool2d(side, ceil_mode=True), _Dropout(generator)]

        layers = [
            *convolution(n_channels, 32),
            *pool(3),
            *convolution(32, 64),
            *convolution(64, 64),
            *pool(2),
            *convolution(64, 128),
            *convolution(128, 128),
            *pool(2),
            nn.Flatten(),
            nn.Linear(128 * size[0] * size[1], 128),
            nn.ReLU(),
            nn.BatchNorm1d(128),
            _Dropout(generator),
            nn.Linear(128, n_classes),
        ]
        for layer in layers:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight, generator=generator)
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        self._layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, shape (n, n_classes)."""
        logits: Tensor = self._layers(images)
        return logits

    def probabilities(self, images: Floats) -> Matrix:
        """Return the softmax outputs of a trained network, shape (n, n_classes)."""
        n_batches = max(1, -(-len(images) // _BATCH))
        with torch.no_grad():
            batches = torch.tensor(images).tensor_split(n_batches)
            logits = torch.cat([self(batch) for batch in batches])
        return np.asarray(logits.double().softmax(dim=1).numpy())


class _Dropout(nn.Module):
    """torch's own takes no generator."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = torch.rand(x.shape, generator=self._generator) >= _DROPPED
        return x * kept / (1 - _DROPPED)
