"""Probabilities of the points from images, by the back end that is chosen."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge_agent.bundles.bundle import PREDICT, Bundle
from edge_agent.calibration import Calibration
from edge_agent.learning.backends import Backend, for_predicting
from edge_agent.learning.frozen_network import FrozenNetwork
from edge_agent.learning.layer_kernel import NativeLayer
from edge_agent.learning.network import Array
from edge_agent.learning.onnx_runtime import Session


class Predictor(Protocol):
    """Turns images into probabilities."""

    backend: Backend

    def predict(
        self, images: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_]
    ) -> Array:
        """Return the probability of every point, shape (n, n_points).

        Args:
            images: Shape (n, n_channels, n_packets, n_tones).
            heard: Shape (n, n_channels).
        """


def make_predictor(
    bundle: Bundle,
    calibration: Calibration,
    backend: Backend = Backend.AUTO,
    *,
    on_caution: Callable[[str], None] = lambda _caution: None,
) -> Predictor:
    """Return the predictor of a calibrated site.

    Args:
        bundle: The model.
        calibration: Of the site.
        backend: What computes.
        on_caution: As of `edge_agent.learning.backends.for_predicting`.

    Raises:
        BackendError: What was asked for is not there or cannot be used.
        BundleError: ONNX Runtime refuses the graph.
    """
    chosen = for_predicting(backend, on_caution)
    if chosen is Backend.ONNXRUNTIME:
        return OnnxPredictor(bundle, calibration)
    return LayerPredictor(bundle, calibration, chosen)


class LayerPredictor:
    """Runs the network layer by layer, in NumPy or in C."""

    def __init__(
        self,
        bundle: Bundle,
        calibration: Calibration,
        backend: Backend = Backend.NUMPY,
    ) -> None:
        """Prepare.

        Args:
            bundle: The model.
            calibration: Of the site.
            backend: NUMPY, or KERNEL where it is there.
        """
        self.backend = backend
        self._network = FrozenNetwork(
            bundle.manifest.architecture,
            calibration.parameters,
            calibration.statistics,
            NativeLayer() if backend is Backend.KERNEL else None,
        )

    def predict(
        self, images: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_]
    ) -> Array:
        """Return the probability of every point, shape (n, n_points)."""
        return self._network.predict(images, heard)


class OnnxPredictor:
    """Runs the bundle's graph, with the site's parameters as constants of it."""

    backend = Backend.ONNXRUNTIME

    def __init__(self, bundle: Bundle, calibration: Calibration) -> None:
        graph = bundle.manifest.predict_slots.filled(
            bundle.files.content(PREDICT),
            calibration.parameters,
            calibration.statistics,
        )
        self._session = Session(graph, PREDICT)
        self._head = {
            name: calibration.parameters[name] for name in ("head.weight", "head.bias")
        }

    def predict(
        self, images: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_]
    ) -> Array:
        """Return the probability of every point, shape (n, n_points)."""
        feeds = {**self._head, "images": images, "heard": heard}
        return self._session.run(feeds)["probabilities"]
