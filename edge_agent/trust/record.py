"""How far to trust the locations of one site: what a `Localizer` applies.

A posterior becomes an estimate:

    posterior, rooms   tempered: P^(1/T)                      `trust.temperature`
    position           mean of P                              `trust.radii`
    r68, r95           b times a quantile of replayed scores
    covariance         that of P_T and the points' discs, scaled to a normal
                       distribution whose 68 % lie within r68
    quality_score      1 - E[error] / error of the middle, 0 to 1
                       E[error] = b times the mean of the replayed scores
    is_flat            quality_score below 0.1; where nothing was replayed, with at most
                       sqrt(pi)/2 b for E[error], the mean of a normal distribution
    quality            ok where quality_score is 0.5 or more, and r95 less than what
                       holds 95 % of the site's points; else uncertain

An image that is stranger than re-visits were is perhaps of no point of the site: its
belief, radii and expected error lean to those of knowing nothing (`trust.novelty`).

Where the points have no coordinates, E[error] is 1 - the probability of the best room,
and the error of the middle that of guessing rooms.

What was learnt today holds today; on another day furniture has moved, and errors of
another size are made. So there are two stages, each fitted on its own replays: up to
twelve hours after the walk, and later. A stage that nothing was replayed for stands on
`edge_agent.trust.prior` and says so: its locations are `Quality.UNCALIBRATED`.
"""

from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from edge_agent.estimate import (
    Estimate,
    Quality,
    estimate_from_posterior,
    normalised,
)
from edge_agent.estimators import Estimator
from edge_agent.survey import Point
from edge_agent.trust.choice import Floors, Measure
from edge_agent.trust.located import locate
from edge_agent.trust.novelty import Novelty, doubted
from edge_agent.trust.stage import Stage
from edge_agent.trust.temperature import tempered

Floats = npt.NDArray[np.float64]

SAME_DAY_S: Final = 12 * 3600.0
"""Age of a calibration up to which it is of the same day [s]."""

_CERTAIN: Final = 0.5
"""Least quality score of a location that is certain."""

_FLAT: Final = 0.1
"""Least quality score of a location that says anything."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How far to trust the locations of one site."""

    estimator: Estimator
    """What locates, and what all of this was fitted for."""

    is_forced: bool
    """Whether a person chose it, not the replay."""

    walked_ns: int | None
    """When the newest walk began [ns since the UNIX epoch]; None: nobody knows."""

    scores: tuple[tuple[Estimator, float], ...]
    """Of every estimator that was replayed, best first, by `measure`: on the day of the
    walk, or on later ones where nothing else was replayed."""

    measure: Measure
    floors: Floors
    n_queries: float
    """Placements that were replayed."""

    same_day: Stage
    later: Stage

    is_everywhere: bool
    """Whether the scores are of all points, the site's share of them without fresh
    shots included; else of those with fresh shots alone, or of none."""

    def estimate(
        self,
        posterior: npt.NDArray[np.floating],
        points: tuple[Point, ...],
        *,
        age_s: float,
        time_ns: int,
        n_frames: int,
        window_s: float,
        n_heard: int,
        n_channels: int,
        is_drifted: bool = False,
        novelty: Novelty | None = None,
    ) -> Estimate:
        """Return a location that says how far to trust it.

        Args:
            posterior: P of the estimator, shape (n_points,).
            points: In the same order.
            age_s: Of the calibration [s].
            time_ns: See `Estimate`, as for the next four.
            n_frames: .
            window_s: .
            n_heard: .
            n_channels: .
            is_drifted: Whether signals are no longer those that were calibrated to.
            novelty: How unlike the site's shots the image is; None: nobody knows.

        Raises:
            ValueError: As of `estimate_from_posterior`.
        """
        own = normalised(posterior, points)[None]
        stage = self.stage(age_s)
        (warm,) = tempered(own, stage.temperature)
        strangeness = 0.0
        if novelty is not None and age_s <= SAME_DAY_S:
            strangeness = novelty.strangeness
        located = locate(
            own, warm, points, stage, strangeness, guessing=self.floors.centre
        )
        skill = _skill(located.error, self.floors.centre)
        return replace(
            estimate_from_posterior(
                doubted(warm, strangeness),
                points,
                time_ns=time_ns,
                n_frames=n_frames,
                window_s=window_s,
                n_heard=n_heard,
                n_channels=n_channels,
            ),
            position=located.position,
            quality=_quality(
                stage, located.is_within_site and skill >= _CERTAIN, is_drifted
            ),
            quality_score=skill,
            is_flat=_skill(located.doubt, self.floors.centre) < _FLAT,
            novelty=None if novelty is None else novelty.share,
            strangeness=strangeness,
        )

    def age_s(self, time_ns: int, calibrated_ns: int) -> float:
        """Return how far from the newest walk a time is [s].

        An image of the day before is of another day, too. Where nobody knows when the
        walk was, it was right before the calibration; and what is older than that is
        a recording that came with it.

        Args:
            time_ns: Of an image [ns since the UNIX epoch]; 0, unknown, is as old as the
                walk.
            calibrated_ns: When the calibration was made.
        """
        if time_ns == 0:
            return 0.0
        if self.walked_ns is None:
            return max(time_ns - calibrated_ns, 0) / 1e9
        return abs(time_ns - self.walked_ns) / 1e9

    def stage(self, age_s: float) -> Stage:
        """Return what holds for a calibration of an age [s]."""
        return self.same_day if age_s <= SAME_DAY_S else self.later

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return asdict(self) | {
            "scores": {str(estimator): score for estimator, score in self.scores}
        }

    @classmethod
    def from_json(cls, facts: Any) -> Self:  # noqa: ANN401  (JSON)
        """Return the record that `to_json` described.

        Raises:
            KeyError, TypeError, ValueError: It did not describe this.
        """
        n_queries = facts["n_queries"]
        if type(n_queries) not in (int, float) or not 0 <= n_queries < inf:
            raise ValueError(f"n_queries is {n_queries!r}, not a number from 0")
        if not isinstance(facts["scores"], dict):
            raise TypeError(f"scores are {facts['scores']!r}, not by estimator")
        scores = {Estimator(e): float(score) for e, score in facts["scores"].items()}
        floors = Floors(**facts["floors"])
        for value in (floors.centre, floors.chance, *scores.values()):
            if not 0 <= value < inf:
                raise ValueError(f"a score is {value}, not a number from 0")
        walked_ns = facts["walked_ns"]
        if walked_ns is not None and type(walked_ns) is not int:
            raise TypeError(f"walked_ns is {walked_ns!r}, not a time")
        return cls(
            Estimator(facts["estimator"]),
            bool(facts["is_forced"]),
            walked_ns,
            tuple(sorted(scores.items(), key=lambda item: item[1])),
            Measure(facts["measure"]),
            floors,
            float(n_queries),
            Stage(**facts["same_day"]),
            Stage(**facts["later"]),
            bool(facts["is_everywhere"]),
        )


def _skill(error: float, guessing: float) -> float:
    """Return how much better than guessing, 0 to 1."""
    # Of a single point or room, nobody can be wrong.
    return min(max(1 - error / guessing, 0.0), 1.0) if guessing > 0 else 1.0


def _quality(stage: Stage, is_certain: bool, is_drifted: bool) -> Quality:
    """Return the word for it; the worst one that is true."""
    if is_drifted:
        return Quality.DRIFTED
    if stage.n_queries == 0:
        return Quality.UNCALIBRATED
    return Quality.OK if is_certain else Quality.UNCERTAIN
