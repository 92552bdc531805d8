"""What MMD compares of CSI images: level and cepstrum of every channel heard.

For a channel with mean power P_k of tone k over the packets, k = 0..K-1:

    l   = 10 lg mean P                                                     [dBm]
    c_q = sqrt(2)/K Σ_k 10 lg(P_k / mean P) cos(π q (k + 1/2) / K)         [dB]

q = 1..11. c_q is the ripple that a path of delay q / (2 B) leaves on a band of B;
twenty megahertz give 0.34 µs, by when what a room has to say is said. The rest is
mostly noise: compared by all 52 tones, 7 to 16 % of simulated rooms that are new are
taken for one that is known, by eleven ripples 1 to 2 % (docs/meta_learning.md).

Every channel that an image holds is a vector of its own: another place has other access
points, maybe more or fewer, and their order means nothing there.

Departures from the paper: it compares tasks without saying by what of an image.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.csi.image import ImageSpec
from edge_agent.neighbours.whitening import channel_features
from edge_agent.task_similarity.mmd import Sample

N_RIPPLES: Final = 11


def n_features(spec: ImageSpec) -> int:
    """Return the length of a vector: the level, and as many ripples as tones tell."""
    return 1 + min(N_RIPPLES, spec.n_tones - 1)


def task_features(
    images: npt.NDArray[np.uint8], heard: npt.NDArray[np.bool_], spec: ImageSpec
) -> Sample:
    """Return what is compared of a task's images, shape (n_heard, n_features).

    The level comes first, in dBm; where the firmware sends no RSSI it says nothing.

    Args:
        images: Shape (n, n_channels, n_packets, n_tones).
        heard: Which channels each image holds, shape (n, n_channels).
        spec: How they were built.
    """
    of_channels = channel_features(images, spec)[heard]
    shape, level = of_channels[:, :-1], of_channels[:, -1:]
    return np.hstack([level, 20 * np.log10(shape) @ _ripples(spec)])


def _ripples(spec: ImageSpec) -> npt.NDArray[np.float64]:
    """Return the cosines, shape (n_tones, n_ripples)."""
    q = np.arange(1, n_features(spec))
    k = np.arange(spec.n_tones)[:, None] + 0.5
    return np.asarray(np.sqrt(2) / spec.n_tones * np.cos(np.pi * q * k / spec.n_tones))
