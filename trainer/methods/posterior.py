"""From how likely each point is to where the sample was taken."""

from dataclasses import dataclass

import numpy as np

from trainer.methods.contract import Fixes
from trainer.methods.features import Matrix
from trainer.surveys.environment import Place, Signals


@dataclass(frozen=True, slots=True)
class Unsure:
    """A locator that knows nothing but the map: every point is as good as any other."""

    place: Place

    def locate(self, signals: Signals) -> Fixes:
        """Return the centre of the map."""
        weights = np.ones((len(signals), self.place.n_points))
        return expectation(self.place, weights, signals)


def expectation(place: Place, weights: Matrix, signals: Signals) -> Fixes:
    """Return the centre of mass of the points.

    Args:
        place: The map.
        weights: As in `posterior_of`.
        signals: The samples.
    """
    posterior = posterior_of(weights, signals)
    return Fixes(posterior @ place.locations, posterior)


def posterior_of(weights: Matrix, signals: Signals) -> Matrix:
    """Return the weights of each row, divided by their sum; shape (n, n_points).

    A row without weight, and a sample that hears nothing, says nothing: all points are
    then equally likely, and the fix is the centre of the map.

    Args:
        weights: Of each sample and point, none negative, shape (n, n_points).
        signals: The samples.
    """
    totals = weights.sum(axis=1, keepdims=True)
    knows = signals.heard.any(axis=1, keepdims=True) & (totals > 0)
    posterior = np.full(weights.shape, 1 / weights.shape[1])
    np.divide(weights, totals, out=posterior, where=knows)
    return posterior


def keep_best(weights: Matrix, k: int) -> Matrix:
    """Return the weights with all but the ``k`` largest of each row set to zero."""
    if k >= weights.shape[1]:
        return weights
    best = np.argpartition(weights, -k, axis=1)[:, -k:]
    kept = np.zeros_like(weights)
    np.put_along_axis(kept, best, np.take_along_axis(weights, best, axis=1), axis=1)
    return kept


def softmax(scores: Matrix) -> Matrix:
    """Return probabilities along the last axis, proportional to exp(scores)."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    probabilities: Matrix = raised / raised.sum(axis=-1, keepdims=True)
    return probabilities
