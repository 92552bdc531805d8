"""The gradient step, layer by layer: `learning.adaptation.Step` without onnxruntime.

`trainer` has the same step in torch; a test holds the gradients of the two together to
1e-10 in double precision.
"""

import numpy as np
import numpy.typing as npt

from edge_agent.learning.adaptation import Stepped
from edge_agent.learning.layer import Array, Layer, NumpyLayer, spread
from edge_agent.learning.network import (
    NORM_EPSILON,
    Architecture,
    Parameters,
    Trace,
    affine,
    forward,
    maximum_commutes,
    normalised,
    probabilities,
    scale_input,
)
from edge_agent.learning.support import Support


class LayerStep:
    """The step on one support set; the precision is that of the parameters."""

    def __init__(
        self, architecture: Architecture, support: Support, layer: Layer | None = None
    ) -> None:
        """Prepare.

        Args:
            architecture: Of the network.
            support: The shots.
            layer: What computes; NumPy when None.

        Raises:
            ValueError: Images of another shape.
        """
        shots = np.flatnonzero(support.weights)
        self._architecture = architecture
        self._layer: Layer = layer or NumpyLayer()
        self._images, self._heard = support.images[shots], support.heard[shots]
        self._points, self._weights = support.points[shots], support.weights[shots]
        self._inputs = scale_input(architecture, self._images, self._heard)

    def __call__(self, parameters: Parameters, alpha: float) -> Stepped:
        """Return the loss at the parameters, and the parameters after the step."""
        dtype = parameters["head.weight"].dtype
        if self._inputs.dtype != dtype:
            self._inputs = scale_input(
                self._architecture, self._images, self._heard, dtype
            )
        trace = forward(parameters, self._inputs, layer=self._layer)
        statistics = [layer.statistics for layer in trace.layers]
        loss, of_logits = _cross_entropy(trace.logits, self._points, self._weights)
        after = parameters
        if alpha:
            gradient = backward(parameters, trace, of_logits, layer=self._layer)
            after = {
                name: array - alpha * gradient[name]
                for name, array in parameters.items()
            }
        return Stepped(loss, statistics, after)


def _cross_entropy(
    logits: Array, points: npt.NDArray[np.intp], weights: npt.NDArray[np.float64]
) -> tuple[float, Array]:
    """Return L(θ; D^s) and its gradient with respect to the logits."""
    rows = np.arange(len(logits))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_likelihood = shifted[rows, points] - np.log(np.exp(shifted).sum(axis=1))
    gradient: Array = probabilities(logits)
    gradient[rows, points] -= 1
    gradient *= weights[:, None].astype(logits.dtype)
    return float(-(log_likelihood * weights).sum()), gradient


def backward(
    parameters: Parameters,
    trace: Trace,
    of_logits: Array,
    *,
    layer: Layer | None = None,
) -> Parameters:
    """Return ∇L for all parameters, through the statistics of the images as well.

    Args:
        parameters: Those of the forward pass.
        trace: The forward pass, with statistics of its own images. Its layers are
            taken away one by one: what is no longer needed makes room.
        of_logits: Gradient with respect to the logits, shape (n, n_points).
        layer: What computes; NumPy when None.
    """
    layer = layer or NumpyLayer()
    gradient: Parameters = {
        "head.weight": of_logits.T @ trace.features,
        "head.bias": of_logits.sum(axis=0),
    }
    of_x: Array = of_logits @ parameters["head.weight"]  # (n, n_features)
    last = len(trace.layers) - 1
    for number in range(last, -1, -1):
        inputs, y, values, statistics = trace.layers.pop()
        gain, offset = affine(parameters, number, statistics)
        halve = number < last and maximum_commutes(parameters, number)
        if number < last and not halve:
            of_x = spread(normalised(values, gain, offset), of_x)
        of_x = of_x.reshape(values.shape)
        of_shift = _sums(of_x)
        # Σ g (p - mean) and not Σ g p - mean Σ g, which would cancel.
        centred = values - statistics.mean[:, None, None]
        centred *= of_x
        inverse = 1 / np.sqrt(statistics.variance + NORM_EPSILON)
        of_scale = _sums(centred) * inverse
        del centred
        gradient[f"norm{number}.scale"], gradient[f"norm{number}.shift"] = (
            of_scale,
            of_shift,
        )
        of_x *= gain[:, None, None]
        # Through mean and variance: ∂mean/∂r = 1/n, ∂variance/∂r = 2 (r - mean) / n.
        # Not a whole number: above 65535 of these NumPy 1 divides in double precision.
        n_pixels = float(len(values) * y.shape[2] * y.shape[3])
        slope = -gain * of_scale * inverse / n_pixels
        level = -gain * of_shift / n_pixels - statistics.mean * slope
        gradients = layer.backward(
            inputs,
            parameters[f"conv{number}.weight"],
            y,
            of_x,
            level,
            slope,
            halve=halve,
            needs_x=number > 0,
        )
        gradient[f"conv{number}.weight"] = gradients.of_weight
        gradient[f"conv{number}.bias"] = gradients.of_bias
        if gradients.of_x is not None:
            of_x = gradients.of_x
    return gradient


def _sums(x: Array) -> Array:
    """Return the sum over images and pixels, (n_filters,)."""
    planes = x.reshape(*x.shape[:2], -1).sum(axis=2)  # pairwise
    return np.asarray(planes.astype(np.float64).sum(axis=0).astype(x.dtype))
