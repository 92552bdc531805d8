"""From one posterior to a position whose radii hold what was replayed."""

from math import log, pi, sqrt
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_agent.estimate import Position, position_of
from edge_agent.survey import Point
from edge_agent.trust.choice import Measure, measure_at, room_beliefs, rooms_of
from edge_agent.trust.novelty import doubted
from edge_agent.trust.radii import ACCURACY, BOUND, knowing_nothing, spreads
from edge_agent.trust.stage import Stage

Floats = npt.NDArray[np.float64]

_NORMAL: Final = -2 * log(1 - ACCURACY)
"""Squared radius, in variances, that holds 68 % of a round normal distribution."""


_MEAN: Final = sqrt(pi) / 2
"""Mean distance in a round normal distribution whose second moment is 1."""


class Located(NamedTuple):
    """Where, and how sure."""

    position: Position | None
    error: float
    """E[error]: [m], or the probability of another room."""

    doubt: float
    """The same; where nothing was replayed, at most what the belief says of itself:
    what is guessed of other days must not keep a site from being located on them."""

    is_within_site: bool
    """Whether r95 holds less than what anybody would know of the site."""


def locate(
    own: Floats,
    warm: Floats,
    points: tuple[Point, ...],
    stage: Stage,
    strangeness: float = 0.0,
    *,
    guessing: float = 0.0,
) -> Located:
    """Return position and expected error.

    See `edge_agent.trust.record` for what is computed.

    Args:
        own: P, shape (1, n_points).
        warm: P_T, shape (n_points,).
        points: Of the site.
        stage: What holds.
        strangeness: s of `edge_agent.trust.novelty`.
        guessing: Error of always answering the middle [m], if points have coordinates.
    """
    belief = doubted(warm, strangeness)
    believed = position_of(belief, points)
    if measure_at(points) is Measure.WRONG_ROOMS:
        other = 1 - float(room_beliefs(belief[None], rooms_of(points)).max())
        return Located(None, other, other, True)
    if believed is None:  # surely outside, and sure of that
        return Located(None, 0.0, 0.0, True)
    found = spreads(own, warm[None], points)
    base, cell = float(found.base[0]), float(found.cell[0])
    mean = found.mean[0]
    known = [knowing_nothing(mean, points, share) for share in (ACCURACY, BOUND)]
    told = [
        max(stage.accuracy * base, sqrt(ACCURACY) * cell),
        max(stage.bound * base, sqrt(BOUND) * cell),
    ]
    r68, r95 = (
        (1 - strangeness) * min(radius, most) + strangeness * most
        for radius, most in zip(told, known, strict=True)
    )
    x, y = mean.tolist()
    error = stage.expected * base
    doubt = error if stage.n_queries else min(error, _MEAN * base)
    return Located(
        Position(x, y, _scaled(believed.covariance, r68), r68, r95),
        (1 - strangeness) * error + strangeness * guessing,
        (1 - strangeness) * doubt + strangeness * guessing,
        told[1] < known[1] or known[1] == 0,
    )


def _scaled(
    covariance: tuple[float, float, float], r68: float
) -> tuple[float, float, float]:
    """Return a covariance of the same shape whose 68 % lie within a radius.

    As of a round normal distribution: its trace is two variances.
    """
    xx, xy, yy = covariance
    if xx + yy <= 0:
        return covariance
    factor = 2 * r68**2 / _NORMAL / (xx + yy)
    return xx * factor, xy * factor, yy * factor
