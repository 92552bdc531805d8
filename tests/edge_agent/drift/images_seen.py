"""Evidence made by hand: three shots, two channels, one image after the other."""

import numpy as np

from edge_agent.drift.baseline import Revisits
from edge_agent.evidence import Evidence

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND
N_CHANNELS = 2


def seen(nearest=1.0, *, offset=0.0, point=0, heard=(True, True), moving=False):
    """An image whose nearest shot is of a point, with the same gap in both channels."""
    distances = np.full(3, 50.0)
    distances[point] = nearest
    is_heard = np.array(heard)
    offsets = np.full((3, N_CHANNELS), float(offset))
    offsets[:, ~is_heard] = np.nan
    return Evidence(
        is_heard,
        np.where(is_heard, -50.0, np.nan),
        np.repeat(distances[:, None] / N_CHANNELS, N_CHANNELS, axis=1),
        offsets,
        np.ones((3, N_CHANNELS), np.bool_),
        6.0 if moving else 1.0,
    )


def past(rng, n=40):
    """Re-visits: distances about 1, levels within a decibel, everything heard."""
    return Revisits(
        rng.uniform(0.5, 1.5, n),
        rng.uniform(0.25, 0.75, (n, N_CHANNELS)),
        rng.uniform(-1, 1, (n, N_CHANNELS)),
        np.zeros((n, N_CHANNELS)),
    )
