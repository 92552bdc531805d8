"""What `benchmarks/rss.py` holds a network of received power against.

nearest          the point of the radio map that is nearest in signal space
three nearest    mean of the three nearest
five nearest     mean of the five, of which the network corrects this
weighted five    their mean with weights 1 / d², d in signal space (WKNN)
centre, random   what guessing gives, `edge_agent.metrics`
"""

import numpy as np
import numpy.typing as npt

from benchmarks.rss_places import Site
from edge_agent.metrics import (
    centre_errors,
    localization_errors,
    random_point_errors,
)
from edge_agent.rss.fingerprints import Fingerprints, RadioMap

SIMPLE = ("nearest", "three nearest", "five nearest", "weighted five")
"""Those that need no network."""

GUESSES = ("centre", "random point")

_K = 5
_LEAST_DISTANCE = 1e-6
"""In units of 10 dB: a query that equals a reference point is there."""


def errors_without_network(site: Site, radio_map: RadioMap) -> dict[str, float]:
    """Return the mean error of `SIMPLE` and `GUESSES` at a site's queries [m]."""
    asked = Fingerprints.of(site.rss, radio_map, _K)
    around = radio_map.locations[asked.nearest]  # (n, K, 2), nearest first
    distances = np.maximum(asked.inputs[:, :_K], _LEAST_DISTANCE)
    located = dict(
        zip(
            SIMPLE,
            (
                around[:, 0],
                around[:, :3].mean(axis=1),
                around.mean(axis=1),
                weighted(around, distances**-2),
            ),
            strict=True,
        )
    )
    errors = {name: localization_errors(at, site.truth) for name, at in located.items()}
    errors["centre"] = centre_errors(radio_map.locations, site.truth)
    errors["random point"] = random_point_errors(radio_map.locations, site.truth)
    return {name: float(values.mean()) for name, values in errors.items()}


def weighted(
    around: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return weighted means of points [m], shape (n, 2).

    Args:
        around: The points [m], shape (n, K, 2).
        weights: Shape (n, K).
    """
    total = weights.sum(axis=1)[:, None]
    return np.asarray((around * weights[..., None]).sum(axis=1) / total)
