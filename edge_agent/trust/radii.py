"""How far from the answer the truth is: radii that hold what they promise.

    m       mean of the posterior over the points that have coordinates
    b²      Σ P_T(p) |x_p - m|²  +  c²       c: half way to the neighbouring points
    s_i     |truth_i - m_i| / b_i            of each replayed query
    r(q)    b times the s that the next query stays below with probability q

b says which answers are worse than others, s how much the site's past makes of that:
split conformal prediction, with scores normalised by the model's own spread. The
weights w_i of the queries and of scores known from elsewhere (`edge_agent.trust.prior`)
enter the quantile; the query to come counts as one more, of which nothing is known.

The mean is that of the estimator's own posterior, not of the tempered one: a
temperature would draw every answer to the middle of the map, and in replays did more
harm than good.

Two things are known without any past. Between the points nobody asked, so no radius
holds less than the disc that a point stands for: sqrt(q) c. And knowing nothing at all,
one would still know the site: no radius is larger than what holds that share of its
points.

Source: J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani, L. Wasserman, "Distribution-free
predictive inference for regression", JASA 113 (2018), section 5.2. Departure: weights.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.estimate import half_way_to_neighbour
from edge_agent.survey import Point

Floats = npt.NDArray[np.float64]

ACCURACY: Final = 0.68
"""The share that r68 holds."""

BOUND: Final = 0.95
"""The share that r95 holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Spreads:
    """Means of some posteriors, and how far these are spread about them."""

    mean: Floats
    """m [m], shape (n, 2)."""

    base: Floats
    """b [m], shape (n,)."""

    cell: Floats
    """c [m], shape (n,)."""


def spreads(posterior: Floats, warm: Floats, points: tuple[Point, ...]) -> Spreads:
    """Return means and spreads.

    What is believed to be outside is nowhere on the plan. Where nothing else is
    believed, all points are as likely as each other.

    Args:
        posterior: P, shape (n, n_points).
        warm: P_T, the same shape.
        points: Of the site; at least one has coordinates.
    """
    is_placed = np.array([point.is_placed for point in points], np.bool_)
    where = np.array([point.location for point in points])[is_placed]
    own, inside = (_inside(each[:, is_placed]) for each in (posterior, warm))
    mean = own @ where
    squares = ((where[None] - mean[:, None]) ** 2).sum(axis=2)
    cell = inside @ half_way_to_neighbour(where)
    base = np.sqrt((inside * squares).sum(axis=1) + cell**2)
    return Spreads(mean, base, cell)


def _inside(belief: Floats) -> Floats:
    total = belief.sum(axis=1, keepdims=True)
    flat = np.full_like(belief, 1 / belief.shape[1])
    return np.asarray(np.divide(belief, total, out=flat, where=total > 0))


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores s and what each weighs."""

    values: Floats
    """Not negative, shape (n,)."""

    weights: Floats
    """Shape (n,)."""

    def joined(self, other: "Scores") -> "Scores":
        """Return the scores of both."""
        return Scores(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.weights, other.weights]),
        )

    def scaled(self, factor: float) -> "Scores":
        """Return the same scores, weighing so many times as much."""
        return Scores(self.values, self.weights * factor)

    @property
    def total(self) -> float:
        """What all weigh together."""
        return float(self.weights.sum())

    def holding(self, share: float) -> float:
        """Return the score that the next one stays below, with such a probability.

        The smallest that is not below ``share`` of all weight, the next one's weight of
        one included: that is how often the next one is not larger, if all are alike.
        Where that is more than there is, the largest.

        Args:
            share: 0 to 1.
        """
        order = np.argsort(self.values, kind="stable")
        below = np.cumsum(self.weights[order])
        needed = share * (below[-1] + 1)
        first = min(int(np.searchsorted(below, needed)), len(order) - 1)
        return float(self.values[order][first])

    @property
    def mean(self) -> float:
        """Mean by weight."""
        return float(self.weights @ self.values / self.weights.sum())


def knowing_nothing(mean: Floats, points: tuple[Point, ...], share: float) -> float:
    """Return the radius around a location that holds a share of the points [m].

    Args:
        mean: The location [m], shape (2,).
        points: Of the site; at least one has coordinates.
        share: 0 to 1.
    """
    where = np.array([point.location for point in points if point.is_placed])
    reach = np.hypot(*(where - mean).T) + half_way_to_neighbour(where)
    n = len(reach)
    return float(np.sort(reach)[min(math.ceil(share * (n + 1)), n) - 1])
