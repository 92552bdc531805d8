"""What a table says of some estimates, under the names of ISO/IEC 18305.

    mean, RMSE, quantiles     of the horizontal error [m]; CEP is its median, CE95 p95
    bias, covariance          of estimate less truth
    zone, floor detection     share in the right room, on the right floor
    coverage                  share whose truth lies within r68, within r95
    availability              share of truths with a place whose estimate has one
    known                     share of truths inside whose estimate is not "unknown"

Floors, which guessing would reach: always the middle of the reference points, and one
of them drawn at random.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.estimate import Quality
from edge_agent.evaluation.intervals import Clusters, Interval
from edge_agent.evaluation.judged import Judged
from edge_agent.metrics import centre_errors, random_point_errors

QUANTILES = {"median": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95}


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many."""

    n: int
    """Estimates that could be."""

    n_true: int

    interval: Interval = None
    """Of the share, 95 %."""

    @property
    def value(self) -> float:
        """From 0 to 1; NaN of none."""
        return self.n_true / self.n if self.n else float("nan")


@dataclass(frozen=True, slots=True)
class Errors:
    """Of estimates and truths with a place [m]."""

    n: int
    mean: float
    mean_interval: Interval
    median: float
    p75: float
    p90: float
    p95: float
    rmse: float
    std: float
    largest: float
    bias: tuple[float, float]

    covariance: tuple[float, float, float]
    """xx, xy, yy of estimate less truth, about its mean [m²]."""

    centre: float
    """Mean error of always answering the middle of the reference points."""

    random_point: float
    """Expected error of a random reference point."""

    r95: float
    """Mean of the stated radius."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is said of some estimates."""

    n: int
    errors: Errors | None
    """None where nothing has an error in metres."""

    room: Share
    """In the right room: zone detection."""

    point: Share
    """Nearest to the right reference point."""

    floor: Share
    within_r68: Share
    within_r95: Share
    available: Share

    known: Share
    """Inside, and not so spread that guessing would do as well."""

    quality: dict[Quality, int]


def figures_of(judged: Judged, rng: np.random.Generator) -> Figures:
    """Return the figures of some estimates.

    Args:
        judged: The estimates.
        rng: For intervals.
    """
    clusters = Clusters(judged.visits, judged.truths, rng)
    measured = judged.is_measured

    def share(flags: npt.NDArray[np.bool_], of: npt.NDArray[np.bool_]) -> Share:
        return Share(
            int(of.sum()), int((flags & of).sum()), clusters.mean(flags & of, of)
        )

    with np.errstate(invalid="ignore"):
        within = judged.error[:, None] <= judged.radii
    count = Counter(estimate.quality for estimate in judged.estimates)
    everything = np.ones(len(judged), np.bool_)
    return Figures(
        len(judged),
        _errors(judged, clusters) if measured.any() else None,
        share(judged.is_room_right, judged.has_room),
        share(judged.is_point_right, measured),
        share(judged.is_floor_right, everything),
        share(within[:, 0], measured),
        share(within[:, 1], measured),
        share(measured, judged.is_placed),
        share(judged.is_known, judged.is_inside),
        {quality: count[quality] for quality in Quality if count[quality]},
    )


def _errors(judged: Judged, clusters: Clusters) -> Errors:
    rows = judged.is_measured
    error, offset = judged.error[rows], judged.offset[rows]
    reference = np.array([p.location for p in judged.reference if p.is_placed])
    truth = judged.truth[rows]
    bias = offset.mean(axis=0)
    (xx, xy), (_, yy) = (offset - bias).T @ (offset - bias) / len(offset)
    median, p75, p90, p95 = np.quantile(error, list(QUANTILES.values())).tolist()
    return Errors(
        len(error),
        float(error.mean()),
        clusters.mean(judged.error, rows),
        median,
        p75,
        p90,
        p95,
        float(np.sqrt(np.square(error).mean())),
        float(error.std()),
        float(error.max()),
        (float(bias[0]), float(bias[1])),
        (float(xx), float(xy), float(yy)),
        float(centre_errors(reference, truth).mean()),
        float(random_point_errors(reference, truth).mean()),
        float(judged.radii[rows, 1].mean()),
    )
