"""Which estimator locates at a site: the one that won the replay of its past.

The score is the mean error [m] of the posterior's mean where the points have
coordinates, else the share of queries that are sent to a wrong room. What the bundle
recommends was found at many places, a site's replay is one of few: it stays, unless
another one is better by more than the standard error of their paired difference.

Source: L. Breiman et al., "Classification and Regression Trees" (1984), section 3.4.3,
the one-standard-error rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from edge_agent.bundles.bundle import Bundle
from edge_agent.estimators import Estimator
from edge_agent.metrics import localization_errors, random_point_errors
from edge_agent.survey import OUTSIDE, Point
from edge_agent.trust.radii import spreads
from edge_agent.trust.replayed import Replayed

Floats = npt.NDArray[np.float64]


class Measure(StrEnum):
    """What a score is."""

    METRES = "m"
    """Mean error [m]."""

    WRONG_ROOMS = "wrong rooms"
    """Share of queries, 0 to 1."""


def measure_at(points: tuple[Point, ...]) -> Measure:
    """Return what is measured at a site.

    Args:
        points: Of the site.
    """
    is_placed = any(point.is_placed for point in points)
    return Measure.METRES if is_placed else Measure.WRONG_ROOMS


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """What each query costs."""

    values: Floats
    """[m], or 1 where the room is wrong, shape (n,)."""

    weights: Floats
    """Shape (n,)."""

    @property
    def mean(self) -> float:
        """Mean by weight."""
        return float(self.weights @ self.values / self.weights.sum())

    def excess(self, other: "Losses") -> tuple[float, float]:
        """Return by how much these are more, and the standard error of that.

        Args:
            other: Of the same queries.
        """
        share = self.weights / self.weights.sum()
        more = self.values - other.values
        mean = float(share @ more)
        return mean, float(np.sqrt(share**2 @ (more - mean) ** 2))


def losses(replayed: Replayed) -> Losses:
    """Return what each query costs; in metres, those outside are not asked about.

    Args:
        replayed: Of an estimator.
    """
    points, truth = replayed.points, replayed.truth
    if measure_at(points) is Measure.WRONG_ROOMS:
        rooms = rooms_of(points)
        best = room_beliefs(replayed.posterior, rooms).argmax(axis=1)
        return Losses((best != rooms[truth]).astype(np.float64), replayed.weight)
    rows = placed(replayed)
    found = spreads(replayed.posterior[rows], replayed.posterior[rows], points)
    where = np.array([point.location for point in points])
    errors = localization_errors(found.mean, where[truth[rows]])
    return Losses(errors, replayed.weight[rows])


def deciding(replayed: Replayed) -> Replayed:
    """Return the answers that decide: of the day of the walk, where there are any.

    Of another day all estimators know less, and err by so much more that a few such
    answers would outvote all others.
    """
    today = replayed.of_kind(later=False)
    return today if len(today) else replayed


def placed(replayed: Replayed) -> npt.NDArray[np.intp]:
    """Return the queries whose truth has coordinates."""
    is_placed = np.array([point.is_placed for point in replayed.points], np.bool_)
    return np.flatnonzero(is_placed[replayed.truth])


def rooms_of(points: tuple[Point, ...]) -> npt.NDArray[np.intp]:
    """Return the number of each point's room; outside, and without one, are rooms too.

    Args:
        points: Of the site.
    """
    names = [
        (p.room is not None, p.room or (OUTSIDE if p.is_outside else ""))
        for p in points
    ]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([numbers[name] for name in names], np.intp)


def room_beliefs(posterior: Floats, rooms: npt.NDArray[np.intp]) -> Floats:
    """Return the probability of each room, shape (n, n_rooms).

    Args:
        posterior: Shape (n, n_points).
        rooms: From `rooms_of`.
    """
    member = rooms[:, None] == np.arange(rooms.max() + 1)
    return np.asarray(posterior @ member)


@dataclass(frozen=True, slots=True)
class Floors:
    """What scores have to beat."""

    centre: float
    """Of always answering the middle; in rooms: the room with most points."""

    chance: float
    """Of a point drawn at random."""


def floors_at(points: tuple[Point, ...]) -> Floors:
    """Return what guessing gives at a site where all points are as likely.

    Args:
        points: Of the site.
    """
    if measure_at(points) is Measure.WRONG_ROOMS:
        rooms = rooms_of(points)
        shares = np.bincount(rooms) / len(rooms)
        return Floors(float(1 - shares.max()), float(1 - (shares**2).sum()))
    where = np.array([point.location for point in points if point.is_placed])
    middle = np.broadcast_to(where.mean(axis=0), where.shape)
    return Floors(
        float(localization_errors(np.asarray(middle), where).mean()),
        float(random_point_errors(where, where).mean()),
    )


def recommended_at(bundle: Bundle, replays: Mapping[Estimator, Replayed]) -> Estimator:
    """Return what locates unless a site's past speaks against it.

    A bundle knows sites without a history. Where there is one, the map makes more of
    the same neighbours: at recorded and simulated places it is off less on later visits
    of the day, with all points fresh and with few (docs/estimators.md).

    Args:
        bundle: The model.
        replays: Of each estimator at the site.
    """
    recommended = bundle.manifest.estimator
    if recommended is Estimator.NEIGHBOURS and Estimator.MAP in replays:
        return Estimator.MAP
    return recommended


def winner(replays: Mapping[Estimator, Replayed], recommended: Estimator) -> Estimator:
    """Return what locates.

    Args:
        replays: Of each estimator, the same queries in the same order.
        recommended: What the bundle recommends; where it was not replayed, or nothing
            was, it stays.
    """
    if recommended not in replays:
        return recommended
    costs = {estimator: losses(r) for estimator, r in replays.items()}
    own = costs[recommended]
    if not len(own.values):
        return recommended
    best = min(costs, key=lambda estimator: costs[estimator].mean)
    more, error = own.excess(costs[best])
    return best if more > error else recommended
