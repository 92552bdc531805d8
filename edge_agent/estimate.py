"""Where the agent believes the device is."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from edge_agent.survey import Point

T = TypeVar("T")

_OUTSIDE_WINS = 0.5


class Quality(StrEnum):
    """How far to trust a location, in one word."""

    OK = "ok"
    """The radii hold what they promise, as far as the site's own past tells."""

    UNCERTAIN = "uncertain"
    """They do, and are large: the expected error is more than half of what always
    answering the middle would give, as it is where nobody calibrated, or r95 holds all
    of the site."""

    DRIFTED = "drifted"
    """The signals are no longer those that the site was calibrated to."""

    UNCALIBRATED = "uncalibrated"
    """Nothing was replayed that the radii could be checked against."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where on the plan."""

    x: float
    """Posterior mean [m], in the site's own frame."""

    y: float
    """[m]."""

    covariance: tuple[float, float, float]
    """xx, xy and yy [m²]."""

    r68: float
    """Radius around the mean that holds 68 % of the belief [m]."""

    r95: float
    """Radius around the mean that holds 95 % of the belief [m]."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One location, made from one CSI image or one window of received power."""

    time_ns: int
    """Capture time of the newest frame [ns since the UNIX epoch]; 0 when unknown."""

    position: Position | None
    """None where the site's points have no coordinates."""

    floor: int
    """Floor of the most probable points; 0 is the ground floor."""

    rooms: tuple[tuple[str, float], ...]
    """Probability of each room, best first; empty when the points name no rooms."""

    posterior: tuple[float, ...]
    """Probability of each point, in the calibration's order."""

    n_frames: int
    """Frames it is made of."""

    window_s: float
    """Time from its oldest to its newest frame [s]."""

    n_heard: int
    """Channels that were heard."""

    n_channels: int
    """Channels of the site."""

    outside: float = 0.0
    """Probability of being at none of the site's points; 0 where no shot of outside
    tells what that is like."""

    quality: Quality = Quality.UNCALIBRATED

    quality_score: float = 0.0
    """Expected skill: 0, no better than guessing, to 1, always right; see
    `edge_agent.trust.record`."""

    is_flat: bool = False
    """Whether the belief is spread so far that guessing would do as well."""

    novelty: float | None = None
    """Share of the site's re-visits that were nearer to its shots than this image, 0 to
    1; None where nobody knows what re-visits look like."""

    strangeness: float = 0.0
    """Share of the belief that goes to all points alike, as the image may be of none of
    them; see `edge_agent.trust.novelty`."""

    @property
    def is_outside(self) -> bool:
        """Whether the device is rather at none of the site's points."""
        return self.outside > _OUTSIDE_WINS

    @property
    def is_unknown(self) -> bool:
        """Whether nothing should be done on this location's account."""
        return self.is_flat or self.is_outside

    @property
    def room(self) -> str | None:
        """The most probable room; None where that is unknown."""
        return self.rooms[0][0] if self.rooms and not self.is_unknown else None


def unheard_of(last: Estimate, silent_s: float) -> Estimate:
    """Return what is known of a device that has not been heard for long: nothing.

    Args:
        last: When it was heard last.
        silent_s: How long ago that is [s].
    """
    time_ns = last.time_ns + round(silent_s * 1e9) if last.time_ns else 0
    n = len(last.posterior)
    return replace(
        last,
        time_ns=time_ns,
        position=None,
        rooms=(),
        posterior=(1 / n,) * n,
        n_frames=0,
        window_s=0.0,
        n_heard=0,
        outside=0.0,
        quality=Quality.UNCERTAIN,
        quality_score=0.0,
        is_flat=True,
        novelty=None,
    )


def estimate_from_posterior(
    posterior: npt.NDArray[np.floating],
    points: tuple[Point, ...],
    *,
    time_ns: int,
    n_frames: int,
    window_s: float,
    n_heard: int,
    n_channels: int,
) -> Estimate:
    """Summarise the probabilities of the points.

    The location is their mean weighted by probability, never the single most probable
    point. However sure the model is of a point, it was only asked about points: each
    stands for a disc that reaches half way to its nearest neighbour, and covariance and
    radii include it.

    Args:
        posterior: Shape (n_points,); is normalised here.
        points: In the same order.
        time_ns: See `Estimate`, as for the rest.
        n_frames: .
        window_s: .
        n_heard: .
        n_channels: .

    Raises:
        ValueError: The posterior has another length, or holds negative or non-finite
            values, or nothing but zeros.
    """
    weights = normalised(posterior, points)
    is_outside = np.array([point.is_outside for point in points], np.bool_)
    return Estimate(
        time_ns,
        position_of(weights, points),
        most_probable_floor(weights, points),
        rooms_by_probability(weights, points),
        tuple(weights.tolist()),
        n_frames,
        window_s,
        n_heard,
        n_channels,
        float(weights[is_outside].sum()),
    )


def normalised(
    posterior: npt.NDArray[np.floating], points: tuple[Point, ...]
) -> npt.NDArray[np.float64]:
    """Return probabilities that sum to one, shape (n_points,).

    Args:
        posterior: Shape (n_points,).
        points: In the same order.

    Raises:
        ValueError: It has another length, or holds negative or non-finite values, or
            nothing but zeros.
    """
    weights = np.asarray(posterior, np.float64)
    if weights.shape != (len(points),):
        raise ValueError(f"{weights.shape} probabilities for {len(points)} points")
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.sum() == 0:
        raise ValueError("probabilities must be finite, not negative, and not all zero")
    return np.asarray(weights / weights.sum())


def position_of(
    weights: npt.NDArray[np.float64],
    points: tuple[Point, ...],
    half_way: npt.NDArray[np.float64] | None = None,
) -> Position | None:
    """Return mean, covariance and radii of the points that have coordinates.

    What is believed to be outside is nowhere on the plan: the position is where the
    device is if it is inside.

    Args:
        weights: Probability of each point, shape (n_points,).
        points: In the same order.
        half_way: `half_way_to_neighbour` of those that have coordinates, from who asks
            often: it takes most of the time at hundreds of points.

    Returns:
        None where no point has coordinates, or none that has is believed in.
    """
    is_placed = np.array([point.is_placed for point in points], np.bool_)
    inside = weights[is_placed]
    if not inside.sum() > 0:
        return None
    inside = inside / inside.sum()
    where = np.array([point.location for point in points])[is_placed]
    mean = inside @ where
    offsets = where - mean
    covariance = (inside[:, None] * offsets).T @ offsets
    distances = np.hypot(*offsets.T)
    if half_way is None:
        half_way = half_way_to_neighbour(where)
    cell = float(inside @ half_way)
    cell_variance = cell**2 / 4  # of a uniform disc, along each axis
    return Position(
        float(mean[0]),
        float(mean[1]),
        (
            float(covariance[0, 0]) + cell_variance,
            float(covariance[0, 1]),
            float(covariance[1, 1]) + cell_variance,
        ),
        float(np.hypot(_radius(distances, inside, 0.68), cell)),
        float(np.hypot(_radius(distances, inside, 0.95), cell)),
    )


def most_probable_floor(
    weights: npt.NDArray[np.float64], points: tuple[Point, ...]
) -> int:
    """Return the floor whose points have most probability.

    Args:
        weights: Probability of each point, shape (n_points,).
        points: In the same order.
    """
    floors = [(p.floor, w) for p, w in zip(points, weights, strict=True)]
    return _best(floors)[0][0]


def rooms_by_probability(
    weights: npt.NDArray[np.float64], points: tuple[Point, ...]
) -> tuple[tuple[str, float], ...]:
    """Return the probability of each room, best first; points without one are none.

    Args:
        weights: Probability of each point, shape (n_points,).
        points: In the same order.
    """
    rooms = [(p.room, w) for p, w in zip(points, weights, strict=True)]
    return tuple((room, share) for room, share in _best(rooms) if room is not None)


def half_way_to_neighbour(
    where: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return half the distance of each point to the nearest other one [m].

    Args:
        where: Coordinates of the points [m], shape (n, 2).

    Returns:
        Shape (n,); zero for a single point.
    """
    if len(where) < 2:
        return np.zeros(len(where))
    apart = np.hypot(*(where[:, None] - where).T)
    np.fill_diagonal(apart, np.inf)
    return np.asarray(apart.min(axis=0) / 2)


def _radius(
    distances: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], share: float
) -> float:
    """Return the smallest distance within which ``share`` of the weight lies."""
    order = np.argsort(distances, kind="stable")
    inside = np.cumsum(weights[order])
    # The last sum may stay a rounding error below one.
    first = min(int(np.searchsorted(inside, share)), len(order) - 1)
    return float(distances[order][first])


def _best(weighted: list[tuple[T, float]]) -> list[tuple[T, float]]:
    sums: dict[T, float] = {}
    for key, weight in weighted:
        sums[key] = sums.get(key, 0.0) + float(weight)
    return sorted(sums.items(), key=lambda item: -item[1])
