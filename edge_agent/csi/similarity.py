"""How alike two CSI images are: intersection of their histograms, Eq. (2).

    Z(I) ∩ Z(I') = Σ_j min(Z_j(I), Z_j(I'))

Departures from the paper: one histogram of 256 bins per channel instead of one for the
image, as its three access points are three measurements; and a channel that either
image did not hear takes no part.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

N_BINS = 256

Histogram = npt.NDArray[np.uint16]
"""Pixel counts, shape (n_channels * 256,); zeros for channels not heard."""

_ROWS_PER_BLOCK = 256
"""Rows that stay in the L2 cache while they are compared and summed."""


def image_histogram(
    pixels: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_] | None = None
) -> Histogram:
    """Return the pixel counts Z_j of each channel.

    Args:
        pixels: Shape (n_channels, n_packets, n_tones).
        heard: Shape (n_channels,); all by default.

    Raises:
        ValueError: More than 65,535 pixels in a channel, which would overflow.
    """
    n_channels = len(pixels)
    flat = pixels.reshape(n_channels, -1)
    if flat.shape[1] > np.iinfo(np.uint16).max:
        raise ValueError(f"{flat.shape[1]} pixels in a channel exceed 16-bit counts")
    histogram = np.zeros((n_channels, N_BINS), np.uint16)
    for channel in range(n_channels):
        if heard is None or heard[channel]:
            histogram[channel] = np.bincount(flat[channel], minlength=N_BINS)
    return histogram.reshape(-1)


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The references most similar to an image, best first."""

    rows: npt.NDArray[np.intp]
    """Row numbers in the reference matrix, shape (k,)."""

    intersections: npt.NDArray[np.uint32]
    """Eq. (2) for each of them, in pixels, shape (k,)."""


class HistogramIndex:
    """Finds the most similar of many reference images."""

    def __init__(self, references: npt.NDArray[np.uint16]) -> None:
        """Keep the reference histograms.

        Args:
            references: One histogram per row, shape (n, n_channels * 256).

        Raises:
            ValueError: Not a matrix with at least one row.
        """
        if references.ndim != 2 or len(references) == 0:
            raise ValueError(
                f"references have shape {references.shape}, expected (n > 0, n_bins)"
            )
        self._references = np.ascontiguousarray(references, np.uint16)

    def intersections(self, histogram: Histogram) -> npt.NDArray[np.uint32]:
        """Return Eq. (2) of one image with every reference [pixels], shape (n,).

        Raises:
            ValueError: The histogram has another number of bins.
        """
        n, n_bins = self._references.shape
        if histogram.shape != (n_bins,):
            raise ValueError(f"histogram of shape {histogram.shape}, not ({n_bins},)")
        # No intersection exceeds the image's own pixels, and 16-bit sums are faster.
        fits = int(histogram.sum()) <= np.iinfo(np.uint16).max
        sums = np.empty(n, np.uint16 if fits else np.uint32)
        block = np.empty((min(n, _ROWS_PER_BLOCK), n_bins), np.uint16)
        for start in range(0, n, _ROWS_PER_BLOCK):
            rows = self._references[start : start + _ROWS_PER_BLOCK]
            smaller = np.minimum(rows, histogram, out=block[: len(rows)])
            smaller.sum(axis=1, dtype=sums.dtype, out=sums[start : start + len(rows)])
        return sums.astype(np.uint32)

    def nearest(self, histogram: Histogram, k: int) -> Neighbours:
        """Return the ``k`` most similar references; equal ones in row order.

        Raises:
            ValueError: ``k`` is not 1..n, or as in `intersections`.
        """
        n = len(self._references)
        if not 1 <= k <= n:
            raise ValueError(f"k is {k}, not 1..{n}")
        sums = self.intersections(histogram)
        # One sort key per reference: similarity first, then the lower row number.
        keys = sums.astype(np.int64) * n + np.arange(n - 1, -1, -1)
        best = np.argpartition(keys, n - k)[n - k :]
        rows = best[np.argsort(keys[best])[::-1]]
        return Neighbours(rows, sums[rows])
