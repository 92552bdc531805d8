"""What changes at a point when nothing but placement and time did."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from edge_agent.environment import Environment
from edge_agent.neighbours.whitening import (
    Matrix,
    Whitening,
    channel_features,
    inverse_root,
)
from trainer.neighbours.replays import with_two_visits

_LEAST_DEVIATION = 1e-9
"""Below it a feature never changed: rounding alone leaves 1e-12."""


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """Sum of r rᵀ over the channels, points and environments of history.

    Sums, so that histories add: a whitening without one environment costs nothing.
    """

    products: Matrix
    """Σ r rᵀ, shape (d, d)."""

    n_degrees: int
    """Residuals less means taken from them."""

    @classmethod
    def of(cls, environment: Environment) -> Self:
        """Return the scatter of one environment.

        A residual is the difference to the mean of one channel at one point over all
        visits. Points of one visit take no part where others have several: their
        residuals tell of noise alone.
        """
        past = with_two_visits(environment)
        features = channel_features(past.images, past.spec)
        products = np.zeros((features.shape[2],) * 2)
        n_degrees = 0
        for point in range(len(past.points)):
            at_point = past.point_of == point
            for channel in range(past.spec.n_channels):
                rows = at_point & past.heard[:, channel]
                if len(np.unique(past.visit_of[rows])) < 2:
                    continue
                x = features[rows, channel]
                residuals = x - x.mean(axis=0)
                products += residuals.T @ residuals
                n_degrees += len(x) - 1
        return cls(products, n_degrees)

    @classmethod
    def sum(cls, parts: Sequence[Self]) -> Self:
        """Return the scatter of several environments together."""
        return cls(
            np.sum([part.products for part in parts], axis=0),
            sum(part.n_degrees for part in parts),
        )

    def whitening(self, shrinkage: float) -> Whitening:
        """Return σ and S^(-1/2), S shrunk by λ.

        A feature that never changed (the level, where firmware sends no RSSI) is
        taken as it is.

        Args:
            shrinkage: λ.
        """
        covariance = self.products / max(self.n_degrees, 1)
        scale = np.sqrt(np.diag(covariance))
        scale = np.where(scale > _LEAST_DEVIATION, scale, 1.0)
        correlation = covariance / np.outer(scale, scale)
        np.fill_diagonal(correlation, 1.0)
        return Whitening(scale, inverse_root(correlation, shrinkage))
