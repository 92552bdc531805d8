"""The paper's choice of reference points: intersection of image histograms, Eq. (2).

    Z(I) ∩ Z(I') = Σ_j min(Z_j(I), Z_j(I')),   256 bins, the K largest

It forgets at which tone an amplitude was received: permuting tones changes nothing.

Departures from the paper: one histogram per channel, and channels that either image did
not hear take no part (`edge_agent.csi.similarity`). A point's similarity is the mean of
its images'. The paper does not say how amplitudes become pixels of 0 to 255: here the
99th percentile over images of their largest amplitude is 255, for each channel apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from edge_agent.csi.similarity import Histogram, HistogramIndex, image_histogram
from trainer.methods.contract import Fixes, Learnt, Locator, Needs
from trainer.methods.features import Matrix, require_images
from trainer.methods.neighbours import k_smallest
from trainer.methods.posterior import expectation
from trainer.methods.references import point_totals, sources
from trainer.surveys.environment import Environment, Floats, Integers, Place, Signals

_FULL_SCALE_PERCENTILE: Final = 99.0


@dataclass(frozen=True, slots=True)
class HistogramNeighbours:
    """KNN by Eq. (2); without shots, the past is the map."""

    k: int = 5
    """K."""

    name: ClassVar[str] = "knn_histogram"
    title: ClassVar[str] = "KNN by histograms, Eq. (2)"
    needs: ClassVar[Needs] = Needs.IMAGES
    is_stochastic: ClassVar[bool] = False

    def learn(self, history: Sequence[Environment], rng: np.random.Generator) -> Learnt:
        """Return the method with the past in memory."""
        return _Learnt(self.k, tuple(history))


@dataclass(frozen=True, slots=True)
class _Learnt:
    k: int
    history: tuple[Environment, ...]

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        known = [e for e in sources(self.history, place, shots) if len(e)]
        if not known:
            return _Locator(place, self.k, np.ones(0), None, np.zeros(0, np.intp))
        scale = full_scale([require_images(e.signals) for e in known])
        rows = np.concatenate([histograms(e.signals, scale) for e in known])
        points = np.concatenate([e.point_of for e in known])
        return _Locator(place, self.k, scale, HistogramIndex(rows), points)


@dataclass(frozen=True, slots=True)
class _Locator:
    place: Place
    k: int
    scale: Matrix
    index: HistogramIndex | None
    point_of: Integers

    def locate(self, signals: Signals) -> Fixes:
        weights = np.zeros((len(signals), self.place.n_points))
        if self.index is not None and len(signals):
            similarities = np.stack(
                [self.index.intersections(h) for h in histograms(signals, self.scale)]
            ).astype(np.float64)
            # A point's mean; below any similarity where the point has no image.
            counts = np.bincount(self.point_of, minlength=self.place.n_points)
            of_points = point_totals(similarities, self.point_of, self.place.n_points)
            of_points /= np.maximum(counts, 1)
            of_points[:, counts == 0] = -1
            weights = (k_smallest(-of_points, self.k) & (counts > 0)).astype(np.float64)
        return expectation(self.place, weights, signals)


def full_scale(images: Sequence[Floats]) -> Matrix:
    """Return the amplitude that becomes pixel 255, shape (n_channels,)."""
    largest = np.concatenate([i.max(axis=(1, 2)) for i in images]).astype(np.float64)
    scale = np.array(
        [
            np.percentile(of_channel[of_channel > 0], _FULL_SCALE_PERCENTILE)
            if of_channel.any()
            else 1.0
            for of_channel in largest.T
        ]
    )
    return scale


def histograms(signals: Signals, scale: Matrix) -> npt.NDArray[np.uint16]:
    """Return a histogram per image, shape (n, n_channels * 256).

    Args:
        signals: With images.
        scale: Of `full_scale`.
    """
    images, heard = require_images(signals), signals.heard
    rows: list[Histogram] = []
    for image, channels in zip(images, heard, strict=True):
        pixels = np.rint(np.minimum(image * (255 / scale), 255)).astype(np.uint8)
        rows.append(image_histogram(pixels.transpose(2, 0, 1), channels))
    return np.stack(rows)
