"""The paper's CNN in NumPy: what the device computes, with and without onnxruntime.

    images (n, C, P, K) uint8, heard (n, C)
      x = (images / 255 - mean) / std, zero where not heard
      five times:  convolution 3x3 -> ReLU -> normalisation -> 2x2 maximum (not last)
      logits = features W^T + b,  one row of W per point

A rising function and the maximum commute: where the scales are positive, a quarter of
the pixels is normalised.

The statistics of the normalisation come from the support set: taken from the images
while adapting, frozen when predicting, so that what is said about one image does not
depend on the images beside it.

Source: section V-B of the paper ("five convolution layers, pooling layers and a fully
connected layer"); order of the operations from the authors' code. Departure: the head
has one row per point of the site, and a model has none. A site's rows start at zero, so
the body carries to any number of points. (One learnt row, copied once per point, would
be the same thing: what all rows share cancels in the softmax and in its gradient. Kao
et al., "MAML is a noisy contrastive learner", ICLR 2022, found that starting at zero
does better than learnt rows.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from edge_agent.learning.layer import Array, Layer, NumpyLayer, halved

__all__ = [
    "NORM_EPSILON",
    "Architecture",
    "Array",
    "LayerTrace",
    "Parameters",
    "Statistics",
    "Trace",
    "affine",
    "check_images",
    "check_parameters",
    "forward",
    "frozen_layers",
    "maximum_commutes",
    "normalised",
    "probabilities",
    "scale_input",
]

Parameters: TypeAlias = dict[str, Array]
"""By name: ``conv0.weight`` (out, in, 3, 3), ``conv0.bias``, ``norm0.scale``,
``norm0.shift`` (out,), ...; in a calibration also the head's,
``head.weight`` (n_points, n_features) and ``head.bias`` (n_points,)."""

NORM_EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes of the network, and the scaling of its input."""

    image_shape: tuple[int, int, int]
    """(n_channels, n_packets, n_tones)."""

    filters: tuple[int, ...] = (10, 16, 24, 32, 32)
    """Filters of each convolution."""

    pixel_mean: float = 0.5
    """Mean of history's pixels / 255."""

    pixel_std: float = 0.25
    """Standard deviation of history's pixels / 255."""

    def __post_init__(self) -> None:
        if len(self.image_shape) != 3 or not all(
            type(n) is int and n >= 1 for n in self.image_shape
        ):
            raise ValueError(
                f"image_shape is {self.image_shape}, not three whole numbers"
            )
        if not 1 <= len(self.filters) <= 8 or not all(
            type(n) is int and 1 <= n <= 512 for n in self.filters
        ):
            raise ValueError(f"filters are {self.filters}: 1 to 8 layers of 1 to 512")
        if not (np.isfinite(self.pixel_mean) and np.isfinite(self.pixel_std)):
            raise ValueError(
                f"pixel_mean {self.pixel_mean}, pixel_std {self.pixel_std}: not finite"
            )
        if not self.pixel_std > 0:
            raise ValueError(f"pixel_std is {self.pixel_std}, not positive")
        height, width = self.feature_map
        if height < 1 or width < 1:
            raise ValueError(
                f"images of {self.image_shape} vanish in {len(self.filters)} layers"
            )

    @property
    def feature_map(self) -> tuple[int, int]:
        """Height and width after the last layer."""
        halvings = len(self.filters) - 1
        return self.image_shape[1] >> halvings, self.image_shape[2] >> halvings

    @property
    def n_features(self) -> int:
        """Inputs of the head."""
        height, width = self.feature_map
        return self.filters[-1] * height * width

    def parameter_shapes(self, n_points: int = 0) -> dict[str, tuple[int, ...]]:
        """Return every parameter's shape; without a head where there are no points."""
        shapes: dict[str, tuple[int, ...]] = {}
        n_inputs = self.image_shape[0]
        for layer, n_filters in enumerate(self.filters):
            shapes[f"conv{layer}.weight"] = (n_filters, n_inputs, 3, 3)
            shapes[f"conv{layer}.bias"] = (n_filters,)
            shapes[f"norm{layer}.scale"] = (n_filters,)
            shapes[f"norm{layer}.shift"] = (n_filters,)
            n_inputs = n_filters
        if n_points:
            shapes["head.weight"] = (n_points, self.n_features)
            shapes["head.bias"] = (n_points,)
        return shapes


class Statistics(NamedTuple):
    """Mean and variance that one layer's normalisation uses, each (n_filters,)."""

    mean: Array
    variance: Array


def check_parameters(
    architecture: Architecture, parameters: Parameters, *, n_points: int = 0
) -> None:
    """Check names, shapes and values.

    Args:
        architecture: Of the network.
        parameters: Of a model, or of a calibration.
        n_points: Points of the calibration; 0 for a model.

    Raises:
        ValueError: Names or shapes differ from the architecture's, or a value is not
            finite.
    """
    expected = architecture.parameter_shapes(n_points)
    if missing := expected.keys() - parameters.keys():
        raise ValueError(f"parameters lack {sorted(missing)}")
    if unknown := parameters.keys() - expected.keys():
        raise ValueError(f"parameters {sorted(unknown)} are not the network's")
    for name, shape in expected.items():
        if parameters[name].shape != shape:
            raise ValueError(f"{name} has shape {parameters[name].shape}, not {shape}")
        if parameters[name].dtype.kind != "f":
            raise ValueError(f"{name} holds {parameters[name].dtype}, not real numbers")
        if not np.isfinite(parameters[name]).all():
            raise ValueError(f"{name} holds values that are not finite")


def scale_input(
    architecture: Architecture,
    images: npt.NDArray[np.uint8],
    heard: npt.NDArray[np.bool_],
    dtype: npt.DTypeLike = np.float32,
) -> Array:
    """Return the network's input, shape (n, n_channels, n_packets, n_tones).

    Args:
        architecture: With the scaling.
        images: Shape (n, n_channels, n_packets, n_tones).
        heard: Shape (n, n_channels); the other channels become the mean pixel.
        dtype: Precision to compute in.

    Raises:
        ValueError: Images or mask of another shape.
    """
    check_images(architecture, images, heard)
    scaled = images.astype(dtype)
    scaled /= 255
    scaled -= architecture.pixel_mean
    scaled /= architecture.pixel_std
    scaled *= heard[:, :, None, None]
    return scaled


def check_images(
    architecture: Architecture,
    images: npt.NDArray[np.uint8],
    heard: npt.NDArray[np.bool_],
) -> None:
    """Check that images and mask are those of the network.

    Raises:
        ValueError: They have another shape.
    """
    if images.shape[1:] != architecture.image_shape or heard.shape != images.shape[:2]:
        raise ValueError(
            f"images of shape {images.shape} with mask {heard.shape}, expected "
            f"(n, *{architecture.image_shape}) and (n, {architecture.image_shape[0]})"
        )


class LayerTrace(NamedTuple):
    """What the backward pass needs of one layer."""

    inputs: Array
    """Shape (n, n_in, height, width)."""

    y: Array
    """The convolution, shape (n, n_out, height, width)."""

    values: Array
    """After ReLU, not yet normalised; the maxima, where these came first."""

    statistics: Statistics


class Trace(NamedTuple):
    """A forward pass with all that the backward pass needs."""

    layers: list[LayerTrace]
    """Empty where statistics were frozen."""

    features: Array
    """Shape (n, n_features)."""

    logits: Array
    """Shape (n, n_points)."""


def forward(
    parameters: Parameters,
    inputs: Array,
    statistics: list[Statistics] | None = None,
    *,
    layer: Layer | None = None,
) -> Trace:
    """Run the network.

    Args:
        parameters: With a head.
        inputs: From `scale_input`, in the precision of the parameters.
        statistics: Frozen ones, one per layer; those of ``inputs`` when None.
        layer: What computes; NumPy when None.
    """
    layer = layer or NumpyLayer()
    layers: list[LayerTrace] = []
    x = inputs
    if statistics is not None:
        for frozen in frozen_layers(parameters, statistics, layer):
            x = frozen(x)
    else:
        last = _n_layers(parameters) - 1
        for number in range(last + 1):
            weight, bias = _convolution(parameters, number)
            halve = number < last and maximum_commutes(parameters, number)
            values, mean, variance, y = layer.forward(x, weight, bias, halve=halve)
            layers.append(LayerTrace(x, y, values, Statistics(mean, variance)))
            x = normalised(values, *affine(parameters, number, layers[-1].statistics))
            if number < last and not halve:
                x = halved(x)
    features = x.reshape(len(x), -1)
    logits = features @ parameters["head.weight"].T + parameters["head.bias"]
    return Trace(layers, features, logits)


def frozen_layers(
    parameters: Parameters, statistics: list[Statistics], layer: Layer
) -> list[Callable[[Array], Array]]:
    """Return the layers, each a function of the one before, with frozen statistics.

    Args:
        parameters: Of the network.
        statistics: One per layer.
        layer: What computes.
    """
    last = _n_layers(parameters) - 1
    layers = []
    for number in range(last + 1):
        weight, bias = _convolution(parameters, number)
        gain, offset = affine(parameters, number, statistics[number])
        halve = number < last and maximum_commutes(parameters, number)
        layers.append(layer.frozen(weight, bias, gain, offset, halve=halve))
        if number < last and not halve:
            layers.append(halved)
    return layers


def _n_layers(parameters: Parameters) -> int:
    return sum(name.endswith(".scale") for name in parameters)


def _convolution(parameters: Parameters, number: int) -> tuple[Array, Array]:
    """Return a layer's weight and bias."""
    return parameters[f"conv{number}.weight"], parameters[f"conv{number}.bias"]


def maximum_commutes(parameters: Parameters, number: int) -> bool:
    """Tell whether a layer's normalisation rises, for every filter."""
    return bool((parameters[f"norm{number}.scale"] > 0).all())


def affine(
    parameters: Parameters, number: int, statistics: Statistics
) -> tuple[Array, Array]:
    """Return gain and offset of a layer's normalisation, each (n_filters,)."""
    scale, shift = parameters[f"norm{number}.scale"], parameters[f"norm{number}.shift"]
    gain = scale / np.sqrt(statistics.variance + NORM_EPSILON)
    return gain, shift - statistics.mean * gain


def normalised(values: Array, gain: Array, offset: Array) -> Array:
    """Return ``gain * values + offset``, filter by filter."""
    x: Array = values * gain[:, None, None]
    x += offset[:, None, None]
    return x


def probabilities(logits: Array) -> Array:
    """Return the softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))
