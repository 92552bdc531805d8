"""Soft nearest neighbours in whitened fingerprints: no network, and no gradient step.

A shot i at point p and the image to be located are compared channel by channel:

    D_i = Σ over channels heard by both   ν ln(1 + ‖z - z_i‖² / ν)
        + Σ over channels heard by one    u
    P(p) ∝ exp(-min_{i at p} D_i / T)

z is `neighbours.whitening`'s. The logarithm is that of Student's distribution: a
channel that somebody stands in front of is far from everything, and says no more than
ν ln(..) allows. u is what two different points are apart in one channel on average, so
hearing an access point or not counts like any other difference; a channel that neither
hears counts nothing. ν, T and u are learnt by replaying the past, with λ.

Each image is located by its own channels; which images are beside it does not matter.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import Arrays
from edge_agent.csi.image import ImageSpec
from edge_agent.learning.backends import Backend
from edge_agent.neighbours.whitening import Matrix, Whitening, channel_features

_QUERIES_PER_PASS = 256
_PREFIX = "fingerprints."


@dataclass(frozen=True, slots=True)
class Kernel:
    """How distances of z become probabilities."""

    freedom: float
    """ν."""

    temperature: float
    """T."""

    unheard: float
    """u."""

    def __post_init__(self) -> None:
        for name in ("freedom", "temperature", "unheard"):
            value = getattr(self, name)
            if not 1e-6 <= value <= 1e6:  # nor may it be NaN
                raise ValueError(f"{name} is {value}, not 1e-6 to 1e6")

    def gap(self, a: Matrix, b: Matrix) -> Matrix:
        """Return how far one channel is apart in any two images, shape (n_a, n_b).

        Args:
            a: Whitened features, shape (n_a, d).
            b: Shape (n_b, d).
        """
        squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
        # Rounding leaves less than nothing of the distance of a vector to itself.
        return np.asarray(
            self.freedom * np.log1p(np.maximum(squares, 0) / self.freedom)
        )

    def distances(
        self, z: Matrix, heard: npt.NDArray[np.bool_], shots: "Fingerprints"
    ) -> Matrix:
        """Return D of each image and shot, shape (n, n_shots).

        Args:
            z: Whitened images, shape (n, n_channels, d).
            heard: Shape (n, n_channels).
            shots: The site's.
        """
        total = np.zeros((len(z), len(shots.z)))
        for channel in range(z.shape[1]):
            here, there = heard[:, channel, None], shots.heard[None, :, channel]
            gap = self.gap(z[:, channel], shots.z[:, channel].astype(np.float64))
            total += np.where(here & there, gap, self.unheard * (here ^ there))
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprints:
    """What a site keeps of its shots."""

    z: npt.NDArray[np.float32]
    """Whitened features, shape (n_shots, n_channels, d)."""

    heard: npt.NDArray[np.bool_]
    """Shape (n_shots, n_channels)."""

    point_of: npt.NDArray[np.intp]
    """Number of each shot's point, shape (n_shots,)."""

    n_points: int
    """Points of the site, whether or not a shot is of them."""

    def __post_init__(self) -> None:
        n = len(self.point_of)
        if n == 0:
            raise ValueError("no shots to compare with")
        if self.z.ndim != 3 or len(self.z) != n or self.heard.shape != self.z.shape[:2]:
            raise ValueError(
                f"z has shape {self.z.shape}, heard {self.heard.shape}, for {n} shots"
            )
        if not np.isfinite(self.z).all():
            raise ValueError("a fingerprint is not finite")
        if not 0 <= self.point_of.min() <= self.point_of.max() < self.n_points:
            raise ValueError(f"a shot's point is none of the {self.n_points}")

    def to_arrays(self) -> Arrays:
        """Return the arrays that `from_arrays` reads."""
        return {
            f"{_PREFIX}z": self.z,
            f"{_PREFIX}heard": self.heard,
            f"{_PREFIX}point_of": self.point_of.astype(np.int32),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, n_points: int) -> Self | None:
        """Return the fingerprints among the arrays of a calibration.

        Returns:
            None where there are none.

        Raises:
            KeyError, ValueError: Some are missing, or make no sense.
        """
        if not any(name.startswith(_PREFIX) for name in arrays):
            return None
        z, heard, point_of = (
            arrays[_PREFIX + name] for name in ("z", "heard", "point_of")
        )
        if z.dtype != np.float32 or heard.dtype != np.bool_ or point_of.ndim != 1:
            raise ValueError(
                f"fingerprints are {z.dtype}, {heard.dtype} and {point_of.shape}, not "
                "float32, bool and (n_shots,)"
            )
        if point_of.dtype.kind not in "iu":
            raise ValueError(f"points of fingerprints are {point_of.dtype}, not whole")
        return cls(z, heard, point_of.astype(np.intp), n_points)


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The estimator, as history taught it; knows no site."""

    whitening: Whitening
    kernel: Kernel

    def check(self, spec: ImageSpec) -> Self:
        """Return the estimator if it takes such images.

        Raises:
            ValueError: It was learnt on images of another number of tones.
        """
        if self.whitening.n_features != spec.n_tones + 1:
            raise ValueError(
                f"whitens {self.whitening.n_features - 1} tones, images have "
                f"{spec.n_tones}"
            )
        return self

    def fingerprints(
        self,
        spec: ImageSpec,
        images: npt.NDArray[np.uint8],
        heard: npt.NDArray[np.bool_],
        point_of: npt.NDArray[np.intp],
        n_points: int,
    ) -> Fingerprints:
        """Return what a site keeps of its shots.

        Args:
            spec: How the shots were built.
            images: Shape (n, n_channels, n_packets, n_tones).
            heard: Shape (n, n_channels).
            point_of: Number of each shot's point, shape (n,).
            n_points: Points of the site.

        Raises:
            ValueError: No shots, or a point number outside 0..n_points-1.
        """
        z = self.whitening(channel_features(images, spec)).astype(np.float32)
        return Fingerprints(z * heard[..., None], heard, point_of, n_points)

    def posterior(
        self, z: Matrix, heard: npt.NDArray[np.bool_], fingerprints: Fingerprints
    ) -> Matrix:
        """Return P(p), shape (n, n_points); zero at points without a shot.

        Args:
            z: Whitened images, shape (n, n_channels, d).
            heard: Shape (n, n_channels).
            fingerprints: The site's.
        """
        distances = self.kernel.distances(z, heard, fingerprints)
        return posterior_of(distances, fingerprints, self.kernel.temperature)


def posterior_of(
    distances: Matrix, fingerprints: Fingerprints, temperature: float
) -> Matrix:
    """Return P(p), shape (n, n_points).

    Args:
        distances: D, shape (n, n_shots).
        fingerprints: The shots.
        temperature: T.
    """
    nearest = np.full((fingerprints.n_points, len(distances)), np.inf)
    np.minimum.at(nearest, fingerprints.point_of, distances.T)
    # Relative to the nearest first: no temperature makes all of them vanish.
    weights = np.exp(-(nearest - nearest.min(axis=0)) / temperature)
    return np.asarray((weights / weights.sum(axis=0)).T)


class NeighboursPredictor:
    """Locates at one site; an `edge_agent.learning.predictor.Predictor`."""

    backend = Backend.NUMPY

    def __init__(
        self, neighbours: Neighbours, spec: ImageSpec, fingerprints: Fingerprints
    ) -> None:
        self._neighbours, self._spec = neighbours, spec
        self._fingerprints = fingerprints

    def predict(
        self, images: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_]
    ) -> Matrix:
        """Return the probability of every point, shape (n, n_points).

        Args:
            images: Shape (n, n_channels, n_packets, n_tones).
            heard: Shape (n, n_channels).
        """
        answers = [
            self._neighbours.posterior(
                self._neighbours.whitening(
                    channel_features(
                        images[start : start + _QUERIES_PER_PASS], self._spec
                    )
                ),
                heard[start : start + _QUERIES_PER_PASS],
                self._fingerprints,
            )
            for start in range(0, len(images), _QUERIES_PER_PASS)
        ]
        return np.concatenate([np.zeros((0, self._fingerprints.n_points)), *answers])
