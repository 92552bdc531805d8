"""Errors of fixes, and their summaries under the names of ISO/IEC 18305.

    mean, RMSE, quantiles        of the horizontal error ‖x̂ - x‖ [m]
    CEP, CE95                    its 50 % and 95 % quantile: circular errors
    bias                         mean of x̂ - x, a vector [m]
    floor, zone detection        share of fixes on the right floor, in the right zone

A zone is what is nearest to one reference point (on its floor). Accuracy is the share
of fixes at the right reference point, where all queries are at reference points.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.metrics import localization_errors
from trainer.benchmark.episodes import Episode
from trainer.methods.contract import Fixes
from trainer.surveys.environment import Integers, Place

QUANTILES: Final = {"median": 0.5, "p75": 0.75, "p90": 0.9, "ce95": 0.95}


_TIE: Final = 1e-9
"""Share by which probabilities may differ and still be the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of each query of one episode; all arrays have shape (n, ...)."""

    offset_m: npt.NDArray[np.float64]
    """Fix less truth [m], shape (n, 2)."""

    centre_error_m: npt.NDArray[np.float64]
    """Error of answering the middle of the reference points [m]."""

    point: Integers
    """Number of the true point in the survey's place."""

    at_reference: npt.NDArray[np.bool_]
    """Whether that is a reference point."""

    right_point: npt.NDArray[np.bool_]
    """Whether it was the most probable point, or the nearest to the fix."""

    right_zone: npt.NDArray[np.bool_]
    right_floor: npt.NDArray[np.bool_]

    @property
    def error_m(self) -> npt.NDArray[np.float64]:
        """Distance of the fix from the truth [m]."""
        return np.asarray(np.hypot(*self.offset_m.T))


def judge(fixes: Fixes, episode: Episode) -> Outcome:
    """Return how good fixes are.

    Raises:
        ValueError: There is not one finite fix per query, or the posterior has other
            points than the episode: a bug of the method.
    """
    truth, n = episode.truth, len(episode.queries)
    _check(fixes, n, episode.place.n_points)
    predicted = truth.known[_predicted_points(fixes, episode.place)]
    reference = truth.place.select(truth.reference)
    middle = np.broadcast_to(reference.locations.mean(axis=0), (n, 2))
    zone_of_truth = _nearest(reference, truth.locations, truth.floors)
    zone_of_fix = _nearest(reference, fixes.locations, truth.place.floors[predicted])
    return Outcome(
        offset_m=fixes.locations - truth.locations,
        centre_error_m=localization_errors(np.asarray(middle), truth.locations),
        point=truth.point_of,
        at_reference=np.isin(truth.point_of, truth.reference),
        right_point=predicted == truth.point_of,
        right_zone=zone_of_fix == zone_of_truth,
        right_floor=truth.place.floors[predicted] == truth.floors,
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """One row's figures [m]."""

    mean_m: float
    median_m: float
    p75_m: float
    p90_m: float
    ce95_m: float
    cep_m: float
    rmse_m: float
    std_m: float
    max_m: float
    bias_m: tuple[float, float]
    covariance_m2: tuple[tuple[float, float], tuple[float, float]]
    """Of the offset, about its mean."""


def exact_mean(values: npt.NDArray[np.float64] | npt.NDArray[np.bool_]) -> float:
    """Return the mean with one rounding, whatever the order and place in memory.

    numpy sums in blocks that start where memory is aligned, and two runs would differ
    in the last digit.

    Args:
        values: Shape (n,), n > 0.
    """
    return math.fsum(values.tolist()) / len(values)


def summarize(offset_m: npt.NDArray[np.float64]) -> Summary:
    """Return the figures of some fixes.

    Args:
        offset_m: Fix less truth [m], shape (n, 2), n > 0.
    """
    error = np.hypot(*offset_m.T)
    median, p75, p90, ce95 = map(float, np.quantile(error, [*QUANTILES.values()]))
    bias = offset_m.mean(axis=0)
    (xx, xy), (yx, yy) = (offset_m - bias).T @ (offset_m - bias) / len(offset_m)
    return Summary(
        mean_m=exact_mean(error),
        median_m=median,
        p75_m=p75,
        p90_m=p90,
        ce95_m=ce95,
        cep_m=median,
        rmse_m=math.sqrt(exact_mean(error**2)),
        std_m=float(error.std()),
        max_m=float(error.max()),
        bias_m=(float(bias[0]), float(bias[1])),
        covariance_m2=((float(xx), float(xy)), (float(yx), float(yy))),
    )


def _predicted_points(fixes: Fixes, place: Place) -> Integers:
    """Return the most probable point, of equals the one that is nearest to the fix."""
    if fixes.posterior is None:
        return _nearest(place, fixes.locations, None)
    best = fixes.posterior.max(axis=1, keepdims=True)
    apart = np.linalg.norm(fixes.locations[:, None] - place.locations, axis=2)
    apart = np.where(fixes.posterior >= best * (1 - _TIE), apart, np.inf)
    return np.asarray(apart.argmin(axis=1))


def _nearest(
    place: Place, locations: npt.NDArray[np.float64], floors: Integers | None
) -> Integers:
    """Return the nearest point of the place, on the floor if it has any there."""
    apart = np.linalg.norm(locations[:, None] - place.locations, axis=2)
    if floors is not None:
        extent = np.ptp(place.locations, axis=0) if place.n_points else np.zeros(2)
        beyond = apart.max(initial=0.0) + float(np.hypot(*extent)) + 1.0
        apart = apart + beyond * (floors[:, None] != place.floors)
    return np.asarray(apart.argmin(axis=1))


def _check(fixes: Fixes, n: int, n_points: int) -> None:
    if fixes.locations.shape != (n, 2) or not np.isfinite(fixes.locations).all():
        raise ValueError(
            f"fixes have shape {fixes.locations.shape}, or are not finite; expected "
            f"({n}, 2)"
        )
    if fixes.posterior is not None and fixes.posterior.shape != (n, n_points):
        raise ValueError(
            f"the posterior has shape {fixes.posterior.shape}, expected {n, n_points}"
        )
