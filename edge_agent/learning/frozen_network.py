"""The network as it predicts: statistics frozen, everything prepared for one image."""

import numpy as np
import numpy.typing as npt

from edge_agent.learning.layer import Layer, NumpyLayer
from edge_agent.learning.network import (
    Architecture,
    Array,
    Parameters,
    Statistics,
    check_images,
    frozen_layers,
    probabilities,
    scale_input,
)


class FrozenNetwork:
    """A site's network; says of an image the same whatever is beside it."""

    def __init__(
        self,
        architecture: Architecture,
        parameters: Parameters,
        statistics: list[Statistics],
        layer: Layer | None = None,
    ) -> None:
        """Prepare.

        Args:
            architecture: Of the network.
            parameters: With a head; in their precision it computes.
            statistics: Of the site's shots, one per layer.
            layer: What computes; NumPy when None.
        """
        self._architecture = architecture
        self._layers = frozen_layers(parameters, statistics, layer or NumpyLayer())
        self._head = np.ascontiguousarray(parameters["head.weight"].T)
        self._bias = parameters["head.bias"]
        # A pixel has 256 values: what `scale_input` makes of each is looked up.
        pixels = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
        one_pixel = Architecture(
            (1, 1, 1), (1,), architecture.pixel_mean, architecture.pixel_std
        )
        self._scaled = scale_input(
            one_pixel, pixels, np.ones((256, 1), np.bool_), self._bias.dtype
        ).ravel()

    def logits(
        self, images: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_]
    ) -> Array:
        """Return the logits, shape (n, n_points).

        Args:
            images: Shape (n, n_channels, n_packets, n_tones).
            heard: Shape (n, n_channels).

        Raises:
            ValueError: Images or mask of another shape.
        """
        check_images(self._architecture, images, heard)
        x: Array = self._scaled[images]
        if not heard.all():
            x[~heard] = 0
        for layer in self._layers:
            x = layer(x)
        return np.asarray(x.reshape(len(x), -1) @ self._head + self._bias)

    def predict(
        self, images: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_]
    ) -> Array:
        """Return the probability of every point, shape (n, n_points).

        Args:
            images: As in `logits`, as is ``heard``.
            heard: Shape (n, n_channels).

        Raises:
            ValueError: Images or mask of another shape.
        """
        return probabilities(self.logits(images, heard))
