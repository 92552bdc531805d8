"""Images in, probabilities of points out: a bent map at work."""

from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.csi.image import ImageSpec
from edge_agent.learning.backends import Backend
from edge_agent.neighbours.bent_map import BentMap
from edge_agent.neighbours.estimator import Neighbours
from edge_agent.neighbours.whitening import Matrix, channel_features

_QUERIES_PER_PASS: Final = 256


class BentMapPredictor:
    """Locates at one site; an `edge_agent.learning.predictor.Predictor`."""

    backend = Backend.NUMPY

    def __init__(
        self, neighbours: Neighbours, spec: ImageSpec, bent_map: BentMap
    ) -> None:
        """Take a map.

        Args:
            neighbours: Who whiten.
            spec: How images are built.
            bent_map: Of the site.
        """
        self._neighbours, self._spec, self._map = neighbours, spec, bent_map

    def predict(
        self, images: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_]
    ) -> Matrix:
        """Return the probability of every point, shape (n, n_points).

        Args:
            images: Shape (n, n_channels, n_packets, n_tones).
            heard: Shape (n, n_channels).
        """
        answers = [np.zeros((0, len(self._map.means)))]
        for start in range(0, len(images), _QUERIES_PER_PASS):
            part = slice(start, start + _QUERIES_PER_PASS)
            z = self._neighbours.whitening(channel_features(images[part], self._spec))
            answers.append(self._map.posterior(z, heard[part]))
        return np.concatenate(answers)
