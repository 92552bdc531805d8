"""How long the network of received power takes on this machine."""

import time

import numpy as np

from edge_agent.rss.bundle import RssBundle
from edge_agent.rss.network import Examples, adapt, regress

_N_PREDICTIONS = 200


def times(bundle: RssBundle, n_shots: int) -> tuple[float, float]:
    """Return how long an adaptation takes, and in the median one location [s].

    Args:
        bundle: The model.
        n_shots: Adapted to; random ones.

    Raises:
        ValueError: The loss is not a number any more.
    """
    manifest, rng = bundle.manifest, np.random.default_rng(0)
    inputs = rng.uniform(0, 1, (n_shots, manifest.architecture.n_inputs))
    shots = Examples.of(inputs, rng.normal(0, 0.3, (n_shots, 2)))
    began = time.perf_counter()
    theta, _ = adapt(
        bundle.parameters,
        shots,
        alpha=manifest.adaptation.alpha,
        n_steps=manifest.adaptation.n_steps,
    )
    adaptation_s = time.perf_counter() - began
    taken = []
    for _ in range(_N_PREDICTIONS):
        began = time.perf_counter()
        regress(theta, shots.inputs[:1])
        taken.append(time.perf_counter() - began)
    return adaptation_s, float(np.median(taken))
