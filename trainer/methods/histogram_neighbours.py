"""The paper's choice of reference points: intersection of image histograms, Eq. (2).

    Z(I) ∩ Z(I') = Σ_j min(Z_j(I), Z_j(I')),   256 bins, the K largest

It forgets at which tone an amplitude was received: permuting tones changes nothing.

Departures from the paper: one histogram per channel, and channels that either image did
not hear take no part (`edge_agent.csi.similarity`). A point's similarity is the mean of
its images'. The paper does not say how amplitudes become pixels of 0 to 255: here
`trainer.methods.features.full_scale` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edge_agent.csi.similarity import N_BINS, HistogramIndex, image_histogram
from trainer.methods.contract import Fixes, Learnt, Locator, Needs
from trainer.methods.features import Matrix, full_scale, scaled_images
from trainer.methods.neighbours import k_smallest
from trainer.methods.posterior import expectation
from trainer.methods.references import point_totals, sources
from trainer.surveys.environment import Environment, Integers, Place, Signals


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
        scale = full_scale([e.signals for e in known])
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
            counts = np.bincount(self.point_of, minlength=self.place.n_points)
            of_points = point_totals(similarities, self.point_of, self.place.n_points)
            of_points /= np.maximum(counts, 1)
            weights = (k_smallest(-of_points, self.k) & (counts > 0)).astype(np.float64)
        return expectation(self.place, weights, signals)


def histograms(signals: Signals, scale: Matrix) -> npt.NDArray[np.uint16]:
    """Return a histogram per image, shape (n, n_channels * 256).

    Args:
        signals: With images.
        scale: Amplitude of each channel that becomes pixel 255, shape (n_channels,).
    """
    pixels = np.rint(255 * scaled_images(signals, scale)).astype(np.uint8)
    n_bins = len(scale) * N_BINS
    rows = np.zeros((len(signals), n_bins), np.uint16)
    for row, image, heard in zip(rows, pixels, signals.heard, strict=True):
        row[:] = image_histogram(image, heard)
    return rows
