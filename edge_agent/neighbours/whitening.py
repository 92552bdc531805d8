"""What whitened neighbours see of an image, and which directions of it mean nothing.

For each channel that was heard, with P_k the mean power of tone k over the packets:

    x = [ sqrt(P_k / mean P) ..., 10 lg mean P ]      shape of the channel, and level
    z = S^(-1/2) (x / σ)

The residuals r of x at one point over several visits show what changes when nothing but
placement and time did. σ is their standard deviation, S their correlation, shrunk:
S = (1-λ) corr(r) + λ I. Directions in which residuals are large count for little.

One whitening serves all channels of all places: what another placement does to the
tones of a channel depends on the spacing of the tones and on the delays of a building,
not on which transmitter it is. That is what carries to a site that was never seen. The
mean of x needs no learning, as only differences of z are looked at.

Amplitudes, not decibels: a fade of one tone is then a small number that changes, not a
large one, and half the error of neighbours in decibels remains (docs/estimators.md).

Source: A. Hatch, S. Kajarekar, A. Stolcke, "Within-class covariance normalization for
SVM-based speaker recognition", Interspeech 2006. Departure: theirs is of one vector;
here the channels share theirs. `trainer.methods.whitening` learns one per place.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.csi.image import ImageSpec

Matrix = npt.NDArray[np.float64]

_IMAGES_PER_PASS = 32
_SYMMETRY = 1e-4
"""Largest difference to the transpose, relative to the largest entry: single precision
leaves 1e-7."""


def channel_features(images: npt.NDArray[np.uint8], spec: ImageSpec) -> Matrix:
    """Return shape and level of every channel, shape (n, n_channels, n_tones + 1).

    The shape has a mean square of 1, the level is in dBm. Of a channel that was not
    heard they say nothing, but are finite.

    Args:
        images: Shape (n, n_channels, n_packets, n_tones).
        spec: How they were built.
    """
    step_db = (spec.ceiling_dbm - spec.floor_dbm) / 255
    power_mw = 10 ** ((spec.floor_dbm + step_db * np.arange(256)) / 10)
    features = np.empty((len(images), spec.n_channels, spec.n_tones + 1))
    for start in range(0, len(images), _IMAGES_PER_PASS):
        part = slice(start, start + _IMAGES_PER_PASS)
        tones = power_mw[images[part]].mean(axis=2)  # (n, n_channels, n_tones)
        mean = tones.mean(axis=2, keepdims=True)
        features[part, :, :-1] = np.sqrt(tones / mean)
        features[part, :, -1:] = 10 * np.log10(mean)
    return features


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """z of a channel's features x."""

    scale: Matrix
    """σ, shape (d,); the unit of x."""

    root: Matrix
    """S^(-1/2), symmetric and positive definite, shape (d, d)."""

    def __post_init__(self) -> None:
        d = len(self.root)
        if self.scale.shape != (d,) or self.root.shape != (d, d):
            raise ValueError(
                f"scale has shape {self.scale.shape}, root {self.root.shape}; expected "
                "(d,) and (d, d)"
            )
        if not (np.isfinite(self.scale).all() and (self.scale > 0).all()):
            raise ValueError("scale holds values that are not finite and positive")
        if not np.isfinite(self.root).all():
            raise ValueError("root holds values that are not finite")
        largest = np.abs(self.root).max(initial=0)
        if np.abs(self.root - self.root.T).max(initial=0) > _SYMMETRY * largest:
            raise ValueError("root is not symmetric")
        if not (least := float(np.linalg.eigvalsh(self.root).min(initial=np.inf))) > 0:
            raise ValueError(f"root is not positive definite: eigenvalue {least:.3g}")

    @property
    def n_features(self) -> int:
        """Entries d of x and of z: tones, and the level."""
        return len(self.scale)

    def __call__(self, features: Matrix) -> Matrix:
        """Return z, shape (..., d).

        Args:
            features: x, shape (..., d).
        """
        return np.asarray((features / self.scale) @ self.root)


def inverse_root(correlation: Matrix, shrinkage: float) -> Matrix:
    """Return S^(-1/2) of S = (1-λ) C + λ I.

    Args:
        correlation: C, symmetric and positive semi-definite, ones on its diagonal,
            shape (d, d).
        shrinkage: λ, above 0 and at most 1.
    """
    values, vectors = np.linalg.eigh(correlation)
    shrunk = (1 - shrinkage) * np.maximum(values, 0) + shrinkage
    return np.asarray((vectors / np.sqrt(shrunk)) @ vectors.T)
