"""Probabilities of the points from images: ONNX Runtime if it is there, else NumPy.

Both read the same bundle and give the same numbers (to about 1e-5: the order of
summation differs).
"""

import os
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge_agent.backends import Backend
from edge_agent.bundle import Bundle
from edge_agent.calibration import Calibration
from edge_agent.errors import BundleError
from edge_agent.network import Array, forward, probabilities, scale_input


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
    bundle: Bundle, calibration: Calibration, backend: Backend = Backend.AUTO
) -> Predictor:
    """Return the predictor of a calibrated site.

    Raises:
        BundleError: ONNX Runtime was asked for and is missing, or refuses the graph.
    """
    if backend is Backend.NUMPY:
        return NumpyPredictor(bundle, calibration)
    try:
        return OnnxPredictor(bundle, calibration)
    except ImportError as error:
        if backend is Backend.AUTO:
            return NumpyPredictor(bundle, calibration)
        raise BundleError(
            "onnxruntime is not installed: in a clone of MetaLoc, pip install "
            "'.[edge]'; or choose the numpy back end"
        ) from error


class NumpyPredictor:
    """Runs the network in NumPy."""

    backend = Backend.NUMPY

    def __init__(self, bundle: Bundle, calibration: Calibration) -> None:
        self._architecture = bundle.manifest.architecture
        self._calibration = calibration

    def predict(
        self, images: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_]
    ) -> Array:
        """Return the probability of every point, shape (n, n_points)."""
        inputs = scale_input(self._architecture, images, heard)
        trace = forward(
            self._calibration.parameters, inputs, self._calibration.statistics
        )
        return probabilities(trace.logits)


class OnnxPredictor:
    """Runs the bundle's graph; the site's parameters are inputs of it."""

    backend = Backend.ONNXRUNTIME

    def __init__(self, bundle: Bundle, calibration: Calibration) -> None:
        # What is located here is nobody else's business: recent Linux builds write an
        # identifier below the home directory and upload events, unless this is set
        # before they are loaded (onnxruntime pull request 27379).
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One small image at a time: a second thread would only spin.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.predict_graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors share no base of their own
            raise BundleError(
                f"onnxruntime {onnxruntime.__version__} refuses the bundle's graph: "
                f"{error}"
            ) from error
        self._fixed: dict[str, Array] = dict(calibration.parameters)
        for layer, statistics in enumerate(calibration.statistics):
            self._fixed[f"norm{layer}.mean"] = statistics.mean
            self._fixed[f"norm{layer}.variance"] = statistics.variance

    def predict(
        self, images: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_]
    ) -> Array:
        """Return the probability of every point, shape (n, n_points)."""
        feeds = self._fixed | {"images": images, "heard": heard}
        return np.asarray(self._session.run(["probabilities"], feeds)[0])
