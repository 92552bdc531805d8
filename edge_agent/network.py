"""The paper's CNN in NumPy: what the device computes, with and without onnxruntime.

    images (n, C, P, K) uint8, heard (n, C)
      x = (images / 255 - mean) / std, zero where not heard
      five times:  convolution 3x3 -> ReLU -> normalisation -> 2x2 maximum (not last)
      logits = features W^T + b,  one row of W per point

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

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating]
Parameters: TypeAlias = dict[str, Array]
"""By name: ``conv0.weight`` (out, in, 3, 3), ``conv0.bias``, ``norm0.scale``,
``norm0.shift`` (out,), ...; in a calibration also the head's,
``head.weight`` (n_points, n_features) and ``head.bias`` (n_points,)."""

NORM_EPSILON = 1e-5
_IMAGES_PER_PASS = 16
"""Images whose unfolded patches are in memory at a time."""


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
    """Return the network's input, shape (n_channels, n, n_packets, n_tones).

    Args:
        architecture: With the scaling.
        images: Shape (n, n_channels, n_packets, n_tones).
        heard: Shape (n, n_channels); the other channels become the mean pixel.
        dtype: Precision to compute in.

    Raises:
        ValueError: Images or mask of another shape.
    """
    if images.shape[1:] != architecture.image_shape or heard.shape != images.shape[:2]:
        raise ValueError(
            f"images of shape {images.shape} with mask {heard.shape}, expected "
            f"(n, *{architecture.image_shape}) and (n, {architecture.image_shape[0]})"
        )
    scaled = images.astype(dtype) / 255
    scaled = (scaled - architecture.pixel_mean) / architecture.pixel_std
    masked: Array = scaled * heard[:, :, None, None]
    return np.ascontiguousarray(masked.transpose(1, 0, 2, 3))


class LayerTrace(NamedTuple):
    """What the backward pass needs of one layer."""

    inputs: Array
    """Shape (n_in, n, height, width)."""

    rectified: Array
    """After ReLU, shape (n_out, n, height, width)."""

    normalised: Array
    """After normalisation, before the maximum, same shape."""

    statistics: Statistics


class Trace(NamedTuple):
    """A forward pass with all that the backward pass needs."""

    layers: list[LayerTrace]
    features: Array
    """Shape (n, n_features)."""

    logits: Array
    """Shape (n, n_points)."""


def forward(
    parameters: Parameters, inputs: Array, statistics: list[Statistics] | None = None
) -> Trace:
    """Run the network.

    Args:
        parameters: With a head.
        inputs: From `scale_input`.
        statistics: Frozen ones, one per layer; those of ``inputs`` when None.
    """
    layers: list[LayerTrace] = []
    n_layers = sum(name.endswith(".scale") for name in parameters)
    x = inputs
    for layer in range(n_layers):
        rectified = convolve(
            x, parameters[f"conv{layer}.weight"], parameters[f"conv{layer}.bias"]
        )
        np.maximum(rectified, 0, out=rectified)
        used = _statistics(rectified) if statistics is None else statistics[layer]
        gain = parameters[f"norm{layer}.scale"] / np.sqrt(used.variance + NORM_EPSILON)
        offset = parameters[f"norm{layer}.shift"] - used.mean * gain
        normalised = rectified * gain[:, None, None, None]
        normalised += offset[:, None, None, None]
        layers.append(LayerTrace(x, rectified, normalised, used))
        x = normalised if layer == n_layers - 1 else _halve(normalised)
    features = x.transpose(1, 0, 2, 3).reshape(x.shape[1], -1)  # (n, n_features)
    logits = features @ parameters["head.weight"].T + parameters["head.bias"]
    return Trace(layers, features, logits)


def probabilities(logits: Array) -> Array:
    """Return the softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def unfold(x: Array) -> Array:
    """Return the 3x3 neighbourhood of every pixel, zero beyond the border.

    Args:
        x: Shape (n_in, n, height, width).

    Returns:
        Shape (n_in * 9, n * height * width).
    """
    n_in, n, height, width = x.shape
    padded = np.zeros((n_in, n, height + 2, width + 2), x.dtype)
    padded[:, :, 1:-1, 1:-1] = x
    patches = np.empty((n_in, 9, n, height, width), x.dtype)
    for tap in range(9):
        row, column = divmod(tap, 3)
        patches[:, tap] = padded[:, :, row : row + height, column : column + width]
    return patches.reshape(n_in * 9, -1)


def convolve(x: Array, weight: Array, bias: Array) -> Array:
    """Return the 3x3 convolution with zero padding, (n_out, n, height, width)."""
    _, n, height, width = x.shape
    kernel = weight.reshape(len(weight), -1)  # (n_out, n_in * 9)
    out = np.empty((len(weight), n, height, width), x.dtype)
    for start in range(0, n, _IMAGES_PER_PASS):
        part = slice(start, start + _IMAGES_PER_PASS)
        block = kernel @ unfold(x[:, part])
        out[:, part] = block.reshape(len(weight), -1, height, width)
    out += bias[:, None, None, None]
    return out


def _statistics(x: Array) -> Statistics:
    """Return mean and biased variance over images and pixels."""
    flat = x.reshape(len(x), -1)
    mean = flat.mean(axis=1)
    # Pairwise summation: einsum or dot would lose four digits over 10^5 pixels.
    variance = np.square(flat - mean[:, None]).mean(axis=1)
    return Statistics(mean, variance)


def quarters(x: Array) -> tuple[Array, Array, Array, Array]:
    """Return the four pixels of every 2x2 cell, in reading order; odd edges drop."""
    height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    rows = x[:, :, 0:height:2], x[:, :, 1:height:2]
    return (
        rows[0][..., 0:width:2],
        rows[0][..., 1:width:2],
        rows[1][..., 0:width:2],
        rows[1][..., 1:width:2],
    )


def _halve(x: Array) -> Array:
    """Return the maximum of every 2x2 cell."""
    a, b, c, d = quarters(x)
    return np.asarray(np.maximum(np.maximum(a, b), np.maximum(c, d)))
