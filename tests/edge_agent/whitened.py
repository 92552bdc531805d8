"""Neighbours small enough to compute by hand."""

import numpy as np

from edge_agent.neighbours.estimator import Kernel, Neighbours
from edge_agent.neighbours.whitening import Whitening
from tests.edge_agent.sites import SPEC


def random_whitening(rng, n_tones=SPEC.n_tones):
    """Any symmetric positive definite root."""
    a = rng.normal(0, 1, (n_tones + 1, n_tones + 1))
    return Whitening(
        rng.uniform(0.5, 2, n_tones + 1), a @ a.T / len(a) + np.eye(len(a))
    )


def random_neighbours(rng, n_tones=SPEC.n_tones):
    return Neighbours(
        random_whitening(rng, n_tones),
        Kernel(freedom=0.5, temperature=0.25, unheard=3.0),
    )
