"""Choose λ, ν and T by replaying the past, each place whitened by what others teach.

    λ, ν, T = argmin Σ over places of the mean of -ln P(p | image)

The places are dealt into folds; those of a fold are replayed with the whitening of all
other places, so that what is chosen is what carries to a place that was never seen. The
logarithm is proper: the radii published with a location follow from P. Then the
whitening is learnt once more, from all places.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.environment import Environment
from edge_agent.metrics import localization_errors
from edge_agent.neighbours.estimator import (
    Fingerprints,
    Kernel,
    Neighbours,
    posterior_of,
)
from edge_agent.neighbours.whitening import Matrix, channel_features
from trainer.neighbours.replays import Replay
from trainer.neighbours.residuals import Scatter

SHRINKAGES: Final = (0.5, 0.3, 0.1, 0.03, 0.01)
FREEDOMS: Final = (0.5, 2.0, 8.0, 32.0)
TEMPERATURES: Final = tuple(2.0 ** (k / 2) for k in range(-6, 13))

_N_FOLDS: Final = 8
_LEAST_PROBABILITY: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """The estimator, and how it did where it had not been."""

    neighbours: Neighbours
    shrinkage: float
    """λ."""

    replays: tuple[Replay, ...]
    errors_m: tuple[float, ...]
    """Mean error of each replay, whitened by other places [m]."""


def learn_neighbours(
    environments: Sequence[Environment],
    on_fold: Callable[[int, int], None] = lambda _done, _all: None,
) -> Learnt | None:
    """Return what some places teach.

    Args:
        environments: History. A single one is taken as two, of every other point.
        on_fold: Called with the number of folds done, and of all.

    Returns:
        None where no two places can be replayed: there is nothing to learn from.
    """
    places = list(environments) if len(environments) > 1 else _halves(environments)
    scatters = [Scatter.of(place) for place in places]
    replays = [Replay.of(place) for place in places]
    if sum(map(bool, replays)) < 2:
        return None
    n_folds = min(_N_FOLDS, len(places))
    trials: list[tuple[int, _Trials]] = []
    for fold in range(n_folds):
        on_fold(fold, n_folds)
        others = [s for n, s in enumerate(scatters) if n % n_folds != fold]
        trials += [
            (place, _Trials.of(Scatter.sum(others), replay))
            for place in range(fold, len(places), n_folds)
            for replay in replays[place]
        ]
    on_fold(n_folds, n_folds)
    trials.sort(key=lambda trial: trial[0])
    surprise = np.sum([t.surprise / len(replays[place]) for place, t in trials], axis=0)
    best = np.unravel_index(int(surprise.argmin()), surprise.shape)
    shrinkage, freedom, temperature = (
        values[index]
        for values, index in zip(
            (SHRINKAGES, FREEDOMS, TEMPERATURES), best, strict=True
        )
    )
    whitening = Scatter.sum(scatters).whitening(shrinkage)
    kernel = Kernel(freedom, temperature, unheard=1.0)
    kernel = replace(
        kernel,
        unheard=float(
            np.mean(
                [
                    mean_gap(kernel, _fingerprints(Neighbours(whitening, kernel), r))
                    for of_place in replays
                    for r in of_place
                ]
            )
        ),
    )
    return Learnt(
        Neighbours(whitening, kernel),
        shrinkage,
        tuple(t.replay for _, t in trials),
        tuple(float(t.errors_m[best]) for _, t in trials),
    )


def _halves(environments: Sequence[Environment]) -> list[Environment]:
    """Return the even and the odd points of each environment as places of their own."""
    return [
        environment.select(np.flatnonzero(environment.point_of % 2 == parity))
        for environment in environments
        for parity in range(2)
    ]


def mean_gap(kernel: Kernel, fingerprints: Fingerprints) -> float:
    """Return how far two shots of different points are apart in a channel, on average.

    Where no channel is heard at two points there is nothing to average: as many as ν.
    """
    gaps = [
        kernel.gap(z, z)[point[:, None] != point]
        for channel in range(fingerprints.z.shape[1])
        for heard in [fingerprints.heard[:, channel]]
        for z, point in [
            (
                fingerprints.z[heard, channel].astype(np.float64),
                fingerprints.point_of[heard],
            )
        ]
    ]
    pooled = np.concatenate(gaps)
    return float(pooled.mean()) if len(pooled) else kernel.freedom


def _fingerprints(neighbours: Neighbours, replay: Replay) -> Fingerprints:
    shots = replay.shots
    return neighbours.fingerprints(
        shots.spec, shots.images, shots.heard, shots.point_of, len(shots.points)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Trials:
    """One replay with every λ, ν and T, shapes (n_λ, n_ν, n_T)."""

    replay: Replay
    surprise: Matrix
    """Mean of -ln P(p | image)."""

    errors_m: Matrix
    """Mean error of the posterior's mean [m]."""

    @classmethod
    def of(cls, scatter: Scatter, replay: Replay) -> "_Trials":
        queries = replay.queries
        features = channel_features(queries.images, queries.spec)
        where = queries.locations
        shape = (len(SHRINKAGES), len(FREEDOMS), len(TEMPERATURES))
        surprise, errors_m = np.empty(shape), np.empty(shape)
        for number, shrinkage in enumerate(SHRINKAGES):
            whitening = scatter.whitening(shrinkage)
            z = whitening(features)
            blank = Neighbours(whitening, Kernel(1.0, 1.0, 1.0))
            shots = _fingerprints(blank, replay)
            for of_freedom, freedom in enumerate(FREEDOMS):
                kernel = Kernel(freedom, 1.0, 1.0)
                kernel = replace(kernel, unheard=mean_gap(kernel, shots))
                distances = kernel.distances(z, queries.heard, shots)
                for of_temperature, temperature in enumerate(TEMPERATURES):
                    posterior = posterior_of(distances, shots, temperature)
                    cell = number, of_freedom, of_temperature
                    surprise[cell] = _surprise(posterior, queries.point_of)
                    errors_m[cell] = localization_errors(
                        posterior @ where, where[queries.point_of]
                    ).mean()
        return cls(replay, surprise, errors_m)


def _surprise(posterior: Matrix, points: npt.NDArray[np.intp]) -> float:
    of_truth = posterior[np.arange(len(points)), points]
    return float(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)).mean())
