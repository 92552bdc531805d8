"""The paper's choice of a task's points: the K most similar to one image, by Eq. (2).

Only the paper mode needs it (section IV-B: one image of the test point selects the
points of its task); the product adapts once to the whole site.
"""

import numpy as np
import numpy.typing as npt

from edge_agent.csi.similarity import HistogramIndex, image_histogram
from trainer.errors import TaskError

_WHITE = 255


def nearest_points(
    image: npt.NDArray[np.uint8],
    references: npt.NDArray[np.uint8],
    point_of: npt.NDArray[np.intp],
    k: int,
    *,
    heard: npt.NDArray[np.bool_] | None = None,
    references_heard: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.intp]:
    """Return the points with the ``k`` most similar images, best first, shape (k,).

    A point counts by its most similar image: Z(I) ∩ Z(I') over 256 bins, Eq. (2).

    Args:
        image: To locate, shape (n_channels, n_packets, n_tones).
        references: Shape (n, n_channels, n_packets, n_tones).
        point_of: Point of each reference, shape (n,).
        k: Number of points.
        heard: Channels that the image holds, (n_channels,); all by default.
        references_heard: The same per reference, (n, n_channels).

    Raises:
        TaskError: There are fewer than ``k`` points, or ``k`` is not positive.
    """
    n_points = len(np.unique(point_of))
    if not 1 <= k <= n_points:
        raise TaskError(f"{k} nearest of {n_points} points were asked for")
    masks = [None] * len(references) if references_heard is None else references_heard
    index = HistogramIndex(
        np.stack(
            [
                image_histogram(reference, mask)
                for reference, mask in zip(references, masks, strict=True)
            ]
        )
    )
    found = index.nearest(image_histogram(image, heard), len(references))
    _, first = np.unique(point_of[found.rows], return_index=True)
    return np.asarray(point_of[found.rows][np.sort(first)][:k])


def to_pixels(images: npt.NDArray[np.float32], top: float) -> npt.NDArray[np.uint8]:
    """Return amplitudes as pixels, channel first: 0 .. ``top`` becomes 0 .. 255.

    Args:
        images: Amplitudes, shape (n, n_packets, n_tones, n_channels).
        top: Amplitude of a white pixel; what is larger is white too. One value for all
            images that are to be compared, e.g. a high percentile of history.

    Returns:
        Shape (n, n_channels, n_packets, n_tones).
    """
    scaled = np.rint(images.transpose(0, 3, 1, 2) * (_WHITE / top))
    return np.asarray(scaled.clip(0, _WHITE), np.uint8)
