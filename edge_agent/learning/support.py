"""The support set D^s: what a site is adapted to."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """A site's labelled shots."""

    images: npt.NDArray[np.uint8]
    """Shape (n, n_channels, n_packets, n_tones)."""

    heard: npt.NDArray[np.bool_]
    """Shape (n, n_channels)."""

    points: npt.NDArray[np.intp]
    """Number of each shot's point, shape (n,)."""

    n_points: int

    weights: npt.NDArray[np.float64]
    """Of each shot's cross-entropy in the loss, shape (n,). A shot of weight 0 is
    padding: it enters neither the loss nor the statistics of the normalisation."""

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise ValueError(
                f"images are {self.images.dtype} of shape {self.images.shape}, "
                "expected uint8 of shape (n, n_channels, n_packets, n_tones)"
            )
        n = len(self.images)
        for what, array, shape, kinds in (
            ("heard", self.heard, self.images.shape[:2], "b"),
            ("points", self.points, (n,), "iu"),
            ("weights", self.weights, (n,), "f"),
        ):
            if array.shape != shape or array.dtype.kind not in kinds:
                raise ValueError(
                    f"{what} are {array.dtype} of shape {array.shape}, expected "
                    f"{shape} for images of shape {self.images.shape}"
                )
        if not (np.isfinite(self.weights).all() and (self.weights >= 0).all()):
            raise ValueError("a shot's weight is negative or not finite")
        if not self.weights.any():
            raise ValueError("no shots to adapt to")
        if self.points.min() < 0 or self.points.max() >= self.n_points:
            raise ValueError(f"a shot's point is outside 0..{self.n_points - 1}")

    @classmethod
    def of(
        cls,
        images: npt.NDArray[np.uint8],
        heard: npt.NDArray[np.bool_],
        points: npt.NDArray[np.intp],
        n_points: int,
    ) -> Self:
        """Return shots that weigh 1 / the number of shots of their point.

        So the loss is the sum over points of the mean cross-entropy of their shots.

        Args:
            images: Shape (n, n_channels, n_packets, n_tones).
            heard: Shape (n, n_channels).
            points: Shape (n,).
            n_points: Number of points.

        Raises:
            ValueError: No shots, a point outside 0..n_points-1, or shapes and types
                that contradict each other.
        """
        _, number, counts = np.unique(points, return_inverse=True, return_counts=True)
        return cls(images, heard, points, n_points, 1 / counts[number])
