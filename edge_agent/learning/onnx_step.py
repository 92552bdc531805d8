"""The gradient step by the bundle's graph: `edge_agent.learning.adaptation.Step`."""

import numpy as np

from edge_agent.learning.adaptation import Stepped
from edge_agent.learning.network import Architecture, Parameters, Statistics
from edge_agent.learning.onnx_runtime import Session
from edge_agent.learning.support import Support


class OnnxStep:
    """The step on one support set, in single precision."""

    def __init__(
        self, graph: bytes, architecture: Architecture, support: Support
    ) -> None:
        """Load the graph.

        Args:
            graph: The bundle's adapt.onnx.
            architecture: Of the network.
            support: The shots.

        Raises:
            BackendError: ONNX Runtime is not there or cannot be used.
            BundleError: It refuses the graph.
            ValueError: Images of another shape.
        """
        if support.images.shape[1:] != architecture.image_shape:
            raise ValueError(
                f"images of shape {support.images.shape}, expected "
                f"(n, *{architecture.image_shape})"
            )
        self._session = Session(graph, "adapt.onnx")
        self._n_layers = len(architecture.filters)
        self._fixed = {
            "images": support.images,
            "heard": support.heard,
            "points": support.points.astype(np.int64),
            "weights": support.weights.astype(np.float32),
        }

    def __call__(self, parameters: Parameters, alpha: float) -> Stepped:
        """Return the loss at the parameters, and the parameters after the step."""
        with np.errstate(over="ignore"):
            step_size = np.array(alpha, np.float32)
        found = self._session.run(
            {**self._fixed, **parameters, "alpha": step_size},
        )
        return Stepped(
            float(found["loss"]),
            [
                Statistics(found[f"norm{i}.mean"], found[f"norm{i}.variance"])
                for i in range(self._n_layers)
            ],
            {name: found[f"new.{name}"] for name in parameters},
        )
