"""A linear head on history's whitened features, trained on history and calibration.

    P(p | z) = softmax(W z + b)_p
    W, b     = argmin  -Σ_i w_i log P(p_i | z_i) / Σ w_i + (γ/2) ‖W‖²

History's samples weigh half of what the shots do, so that thousands of them do not
drown today's few. Multinomial logistic regression, solved to the end by L-BFGS: the
loss is convex, there is nothing to tune but γ. For CSI alone: with the hundreds of
access points of an RSS survey it takes long, and is no match for the field.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from trainer.methods.contract import Fixes, Locator, Needs
from trainer.methods.features import Matrix
from trainer.methods.posterior import expectation, softmax
from trainer.methods.references import References, audible, by_place, recent
from trainer.methods.rows import Groups, Vector
from trainer.methods.whitening import Whitening
from trainer.surveys.environment import Environment, Place, Signals

_DECAY: Final = 0.01
"""γ."""

_SHOTS_WEIGHT: Final = 2.0
"""Weight of all shots together; that of history is 1."""

_MAX_SAMPLES: Final = 5_000
"""Of history; more make training long and the head no better."""

_MAX_ITERATIONS: Final = 100


@dataclass(frozen=True, slots=True)
class HistoryHead:
    """The method; see the module."""

    name: ClassVar[str] = "head"
    title: ClassVar[str] = "linear head on WCCN"
    needs: ClassVar[Needs] = Needs.HISTORY | Needs.IMAGES
    is_stochastic: ClassVar[bool] = False

    def learn(
        self, history: Sequence[Environment], rng: np.random.Generator
    ) -> "_Learnt":
        """Whiten the past of every place."""
        past_of = {}
        for name, every_day in by_place(history).items():
            days = recent(every_day, max_samples=_MAX_SAMPLES)
            whitening = Whitening.learn(days)
            past_of[name] = (whitening, References.of(days, whitening))
        return _Learnt(past_of)


@dataclass(frozen=True, slots=True)
class _Learnt:
    past_of: dict[str, tuple[Whitening, References]]

    def calibrate(self, place: Place, shots: Environment) -> Locator:
        """Train the head."""
        whitening, past = self.past_of[place.name]
        z, points = past.features, past.point_of
        shots = audible(shots)
        weights = np.full(len(z), 1 / len(z))
        if len(shots):
            z = np.concatenate([z, whitening(shots.signals)])
            points = np.concatenate([points, shots.point_of])
            share = np.full(len(shots), _SHOTS_WEIGHT / len(shots))
            weights = np.concatenate([weights, share])
        shown, row_of = np.unique(points, return_inverse=True)
        head = train_head(z, row_of, weights / weights.sum(), decay=_DECAY)
        return _Head(place, whitening, shown, head)


@dataclass(frozen=True, slots=True, eq=False)
class _Head:
    place: Place
    whitening: Whitening
    points: Groups
    head: Matrix

    def locate(self, signals: Signals) -> Fixes:
        """Return the mean location under the head's probabilities."""
        z = self.whitening(signals)
        posterior = np.zeros((len(z), self.place.n_points))
        posterior[:, self.points] = softmax(_with_one(z) @ self.head)
        return expectation(self.place, posterior, signals)


def train_head(z: Matrix, class_of: Groups, weights: Vector, *, decay: float) -> Matrix:
    """Return W and b of multinomial logistic regression, shape (d + 1, n_classes).

    Args:
        z: Shape (n, d).
        class_of: 0 to n_classes - 1, each at least once, shape (n,).
        weights: Of the samples; sum to 1, shape (n,).
        decay: γ; b is free.
    """
    inputs = _with_one(z)
    n_classes = int(class_of.max()) + 1
    shape = (inputs.shape[1], n_classes)
    targets = np.eye(n_classes)[class_of]

    def loss(flat: Vector) -> tuple[float, npt.NDArray[np.float64]]:
        head = flat.reshape(shape)
        scores = inputs @ head
        scores -= scores.max(axis=1, keepdims=True)
        log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        value = -(weights @ (log_p * targets).sum(axis=1))
        value += decay / 2 * (head[:-1] ** 2).sum()
        gradient = inputs.T @ ((np.exp(log_p) - targets) * weights[:, None])
        gradient[:-1] += decay * head[:-1]
        return float(value), gradient.ravel()

    found = minimize(
        loss,
        np.zeros(shape).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MAX_ITERATIONS},
    )
    head: Matrix = found.x.reshape(shape)
    return head


def _with_one(z: Matrix) -> Matrix:
    return np.concatenate([z, np.ones((len(z), 1))], axis=1)
