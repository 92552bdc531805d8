"""ILCL: a CNN and an incremental broad learning system, mixed (baseline of the paper).

Zhu et al., IEEE TNSE 9(4), 2022; rewritten from a description of their published code,
with the sizes that MetaLoc gives it (section V-B):

    p_BLS, p_CNN          outputs of the two classifiers, a class per point
    x_k = Σ_{i ∈ best 5} p_i x_i / Σ p_i
    x   = w x_BLS + (1 - w) x_CNN,     w = max p_BLS, within 0..1

Departures from the published code: it averages over the test images of a point by their
true label; here every image is located alone, which makes the CNN's cluster centre (one
cluster of K-means: the mean) its own fix. Outputs of the BLS below zero count as zero.
Images are amplitudes, not phases (`scaled_images`). The BLS's feature
windows are scaled alike at the start and later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import numpy.typing as npt

from trainer.methods.broad_learning import BroadLearning, BroadLearningConfig
from trainer.methods.contract import Fixes, Learnt, Locator, Needs
from trainer.methods.features import Matrix, full_scale, scaled_images
from trainer.methods.posterior import expectation, keep_best, posterior_of
from trainer.methods.references import sources
from trainer.surveys.environment import Environment, Floats, Integers, Place, Signals

if TYPE_CHECKING:
    from trainer.methods.ilcl_network import IlclNetwork

_N_BEST: Final = 5
_IMAGES_PER_POINT: Final = 30
"""As many as ILCL collects; where the past has more, they are spread over it."""


@dataclass(frozen=True, slots=True)
class Ilcl:
    """Trains anew on today's shots; without any, on the past."""

    n_epochs: int = 100
    """Of the CNN."""

    broad_learning: BroadLearningConfig = field(default_factory=BroadLearningConfig)

    name: ClassVar[str] = "ilcl"
    title: ClassVar[str] = "ILCL"
    needs: ClassVar[Needs] = Needs.IMAGES
    is_stochastic: ClassVar[bool] = True

    def learn(self, history: Sequence[Environment], rng: np.random.Generator) -> Learnt:
        """Return the method with the past in memory."""
        return _Learnt(self, tuple(history), int(rng.integers(2**63)))


@dataclass(frozen=True, slots=True)
class _Learnt:
    method: Ilcl
    history: tuple[Environment, ...]
    seed: int

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        available = sources(self.history, place, shots)
        most = -(-_IMAGES_PER_POINT // max(1, len(available)))
        known = [_some_of_each_point(e, most) for e in available]
        points, labels = np.unique(
            np.concatenate([np.zeros(0, np.intp), *(e.point_of for e in known)]),
            return_inverse=True,
        )
        if len(points) < 2:
            # Nothing to tell apart: the only point there is, or none.
            weights = np.zeros(place.n_points)
            weights[points] = 1
            return _Constant(place, weights)
        # Only here, so that a benchmark without networks starts without torch.
        from trainer.methods.ilcl_network import train_network

        scale = full_scale([e.signals for e in known])
        images = np.concatenate([scaled_images(e.signals, scale) for e in known])
        broad = BroadLearning(
            _rows(images),
            np.eye(len(points))[labels],
            self.method.broad_learning,
            np.random.default_rng(self.seed),
        )
        network = train_network(
            images, labels, n_epochs=self.method.n_epochs, seed=self.seed
        )
        return _Locator(place, scale, points, broad, network)


@dataclass(frozen=True, slots=True, eq=False)
class _Constant:
    place: Place
    weights: npt.NDArray[np.float64]

    def locate(self, signals: Signals) -> Fixes:
        weights = np.tile(self.weights, (len(signals), 1))
        return expectation(self.place, weights, signals)


@dataclass(frozen=True, slots=True, eq=False)
class _Locator:
    place: Place
    scale: Matrix
    points: Integers
    """Point of each class."""

    broad: BroadLearning
    network: "IlclNetwork"

    def locate(self, signals: Signals) -> Fixes:
        images = scaled_images(signals, self.scale)
        of_broad = np.maximum(self.broad.predict(_rows(images)), 0)
        by_broad = self._best(of_broad, signals)
        by_network = self._best(self.network.probabilities(images), signals)
        w = np.minimum(of_broad.max(axis=1, keepdims=True), 1)
        posterior = w * by_broad + (1 - w) * by_network
        return Fixes(posterior @ self.place.locations, posterior)

    def _best(self, of_classes: Matrix, signals: Signals) -> Matrix:
        """Return the best five as a posterior, whose mean is x_k; (n, n_points)."""
        weights = np.zeros((len(signals), self.place.n_points))
        weights[:, self.points] = keep_best(of_classes, _N_BEST)
        return posterior_of(weights, signals)


def _some_of_each_point(environment: Environment, most: int) -> Environment:
    """Return samples that hear anything, evenly spread, at most so many of a point."""
    heard = environment.signals.heard.any(axis=1)
    chosen = []
    for point in np.unique(environment.point_of[heard]):
        rows = np.flatnonzero(heard & (environment.point_of == point))
        n = min(len(rows), most)
        chosen.append(rows[np.arange(n) * len(rows) // n])
    rows = np.concatenate([np.zeros(0, np.intp), *chosen])
    return environment.select(np.sort(rows))


def _rows(images: Floats) -> Matrix:
    """Return flattened images, each with mean 0 and variance 1."""
    rows: Matrix = images.reshape(len(images), np.prod(images.shape[1:])).astype(float)
    rows -= rows.mean(axis=1, keepdims=True)
    deviation = rows.std(axis=1, keepdims=True)
    return rows / np.where(deviation > 0, deviation, 1)
