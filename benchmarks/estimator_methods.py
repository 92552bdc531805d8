"""What `benchmarks/estimators.py` compares: from shots and queries to probabilities.

Temperatures of all soft neighbours are learnt alike, from the rooms that the shipped
model was trained on.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from edge_agent.bundles.bundle import Bundle
from edge_agent.environment import Environment
from edge_agent.neighbours.estimator import (
    Fingerprints,
    Kernel,
    Neighbours,
    NeighboursPredictor,
    posterior_of,
)
from edge_agent.neighbours.whitening import Matrix, Whitening
from edge_agent.trust.learners import geometric_mean
from trainer.checkpoint import Checkpoint
from trainer.neighbours.compare import network_posterior
from trainer.neighbours.learn import FREEDOMS, learn_neighbours, mean_gap
from trainer.neighbours.replays import Replay

Method = Callable[[Replay], Matrix]
"""Returns the probability of every point for every query, shape (n, n_points)."""

Distances = Callable[[Replay], tuple[Matrix, Fingerprints]]
"""Returns D of each query and shot, and the shots."""

_TEMPERATURES = tuple(2.0 ** (k / 2) for k in range(-6, 41))
_SQUARES = 1e6
"""ν with which Student's kernel is that of Gauss."""


def all_methods(bundle: Bundle, history: Sequence[Environment]) -> dict[str, Method]:
    """Return what is compared, by title.

    Args:
        bundle: The shipped model: network and neighbours.
        history: What it was trained on; peers learn their temperatures from it.
    """
    assert bundle.neighbours is not None
    learnt = bundle.neighbours
    d = learnt.whitening.n_features
    plain = Whitening(learnt.whitening.scale, np.eye(d))
    replays = [replay for place in history for replay in Replay.of(place)]
    return {
        "centre of the points": centre,
        "1-NN in dB": nearest(decibels),
        "soft neighbours in dB": warmest([decibels], replays),
        "the same kernel, not whitened": warmest(
            [fingerprints(plain, freedom) for freedom in FREEDOMS], replays
        ),
        "whitened, kernel of Gauss": warmest(
            [fingerprints(learnt.whitening, _SQUARES)], replays
        ),
        "network (shipped)": network(bundle),
        "neighbours (shipped)": neighbours(learnt),
        "ensemble, geometric mean": together(bundle, learnt, geometric_mean),
        "ensemble, arithmetic mean": together(bundle, learnt, arithmetic_mean),
    }


def centre(replay: Replay) -> Matrix:
    """All points are equally likely, whatever is heard."""
    n = len(replay.shots.points)
    return np.full((len(replay.queries.images), n), 1 / n)


def network(bundle: Bundle) -> Method:
    """Return the bundle's network, adapted to the shots as on the device."""
    manifest = bundle.manifest
    checkpoint = Checkpoint(
        manifest.spec,
        manifest.architecture,
        bundle.parameters,
        manifest.adaptation,
        manifest.training,
    )
    return lambda replay: network_posterior(checkpoint, replay)


def neighbours(learnt: Neighbours) -> Method:
    """Return the estimator of `edge_agent.neighbours.estimator`."""

    def locate(replay: Replay) -> Matrix:
        shots, queries = replay.shots, replay.queries
        kept = _fingerprints(learnt, shots)
        predictor = NeighboursPredictor(learnt, shots.spec, kept)
        return predictor.predict(queries.images, queries.heard)

    return locate


def together(
    bundle: Bundle, learnt: Neighbours, mean: Callable[[Matrix, Matrix], Matrix]
) -> Method:
    """Return the ensemble of network and neighbours.

    Args:
        bundle: The network's.
        learnt: The neighbours.
        mean: Of two posteriors.
    """
    both = network(bundle), neighbours(learnt)
    return lambda replay: mean(*(method(replay) for method in both))


def arithmetic_mean(first: Matrix, second: Matrix) -> Matrix:
    """Return the mean of two posteriors."""
    return (first + second) / 2


def neighbours_of(history: Sequence[Environment]) -> Method:
    """Return the estimator, taught by some days of the same place."""
    learnt = learn_neighbours(history)
    if learnt is None:
        raise ValueError("nothing to learn from")
    return neighbours(learnt.neighbours)


def decibels(replay: Replay) -> tuple[Matrix, Fingerprints]:
    """Compare the mean over packets of every tone's decibels, as in `knn`.

    A channel that was not heard is at the floor.
    """
    spec = replay.shots.spec
    here, there = (
        (part.images.mean(axis=2) * part.heard[..., None])
        * ((spec.ceiling_dbm - spec.floor_dbm) / 255)
        for part in (replay.queries, replay.shots)
    )
    flat = [x.reshape(len(x), -1) for x in (here, there)]
    squares: Matrix = cdist(*flat, "sqeuclidean")
    shots = replay.shots
    kept = Fingerprints(
        there.astype(np.float32), shots.heard, shots.point_of, len(shots.points)
    )
    return squares, kept


def fingerprints(whitening: Whitening, freedom: float) -> Distances:
    """Return the distances of neighbours with some whitening and ν."""

    def compare(replay: Replay) -> tuple[Matrix, Fingerprints]:
        kernel = Kernel(freedom, 1.0, 1.0)
        kept = _fingerprints(Neighbours(whitening, kernel), replay.shots)
        kernel = replace(kernel, unheard=max(mean_gap(kernel, kept), 1e-3))
        asked = _fingerprints(Neighbours(whitening, kernel), replay.queries)
        z = asked.z.astype(np.float64)
        return kernel.distances(z, replay.queries.heard, kept), kept

    return compare


def nearest(distances: Distances) -> Method:
    """Return the method that is sure of the nearest shot's point."""

    def locate(replay: Replay) -> Matrix:
        found, shots = distances(replay)
        one_hot: Matrix = np.eye(shots.n_points)[shots.point_of[found.argmin(axis=1)]]
        return one_hot

    return locate


def warmest(candidates: Sequence[Distances], replays: Sequence[Replay]) -> Method:
    """Return the soft neighbours, and the temperature, that surprise least."""
    best, least = (candidates[0], 1.0), np.inf
    for distances in candidates:
        compared = [(*distances(r), r.queries.point_of) for r in replays]
        for temperature in _TEMPERATURES:
            mean = np.mean(
                [
                    surprise(posterior_of(found, shots, temperature), points)
                    for found, shots, points in compared
                ]
            )
            if mean < least:
                best, least = (distances, temperature), float(mean)
    distances, temperature = best
    return lambda replay: posterior_of(*distances(replay), temperature)


def surprise(posterior: Matrix, points: npt.NDArray[np.intp]) -> float:
    """Return the mean of -ln P(truth)."""
    of_truth = posterior[np.arange(len(points)), points]
    return float(-np.log(np.maximum(of_truth, 1e-12)).mean())


def _fingerprints(learnt: Neighbours, part: Environment) -> Fingerprints:
    return learnt.fingerprints(
        part.spec, part.images, part.heard, part.point_of, len(part.points)
    )
