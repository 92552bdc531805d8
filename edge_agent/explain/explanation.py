"""Everything that is to be said about one location."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.csi.decode import Decoded
from edge_agent.csi.image import Channel, CsiImage
from edge_agent.drift.monitor import DriftState
from edge_agent.errors import UsageError
from edge_agent.evidence import Evidence, Examiner
from edge_agent.explain.air import Transmitter, on_air
from edge_agent.explain.comparison import (
    Comparison,
    ShotNearby,
    compare,
    nearest_shots,
)
from edge_agent.neighbours.estimator import posterior_of
from edge_agent.payload import iso_time
from edge_agent.pipeline import Fix
from edge_agent.survey import Point
from edge_agent.tracking.tracker import Tracked
from edge_agent.trust.novelty import undoubted

EXPLANATION_SCHEMA = "metaloc.explanation/1"
_MOST_CANDIDATES = 5
_LEAST_P = 0.005


@dataclass(frozen=True, slots=True)
class Candidate:
    """A point that the device may be at."""

    point: Point

    by_shots: float | None
    """Probability by the nearest shots alone, whatever locates at the site; None where
    there is nothing to compare with."""

    before: float | None
    """Probability before temperature: the estimator's own belief; None where nothing
    was replayed that could say how much of it is true."""

    p: float
    """Probability as located."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        by_shots = None if self.by_shots is None else round(self.by_shots, 4)
        return {
            "point": self.point.name,
            "room": self.point.room,
            "p_by_shots": by_shots,
            "p_before": None if self.before is None else round(self.before, 4),
            "p": round(self.p, 4),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """One location, taken apart."""

    number: int
    """Of the location in its capture, from 0."""

    fix: Fix

    tracked: Tracked | None
    """What the locations before make of it; None where nobody follows the device."""

    model: str
    """As in every published location: model and calibration."""

    backend: str
    """What locates."""

    age_s: float | None
    """From the calibration to the image [s]; None where the capture has no time."""

    channels: tuple[str, ...]
    """Address of each channel of the site, with its core where one has several."""

    heard: tuple[bool, ...]
    """Channels of the site in the image, or window."""

    span_s: float
    """Time before the image of which frames are counted [s]."""

    air: tuple[Transmitter, ...]
    """Empty where the kind of model does not tell."""

    shots: tuple[ShotNearby, ...]
    """The nearest; empty where there is nothing to compare with."""

    candidates: tuple[Candidate, ...]
    comparison: Comparison | None
    """With the place that was expected, if one was."""

    drift: DriftState | None
    timing_ms: dict[str, float]
    """What it took [ms], by stage."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        estimate = self.fix.estimate
        where = estimate.position
        return {
            "schema": EXPLANATION_SCHEMA,
            "fix": self.number,
            "time": iso_time(estimate.time_ns) if estimate.time_ns else None,
            "model": self.model,
            "backend": self.backend,
            "source": self.fix.source.value,
            "age_s": None if self.age_s is None else round(self.age_s, 3),
            "n_frames": estimate.n_frames,
            "window_s": round(estimate.window_s, 3),
            "x": None if where is None else round(where.x, 3),
            "y": None if where is None else round(where.y, 3),
            "r68": None if where is None else round(where.r68, 3),
            "r95": None if where is None else round(where.r95, 3),
            "unrest": None if self.fix.unrest is None else round(self.fix.unrest, 3),
            "quality": estimate.quality.value,
            "quality_score": round(estimate.quality_score, 3),
            "novelty": None if estimate.novelty is None else round(estimate.novelty, 3),
            "strangeness": round(estimate.strangeness, 3),
            "tracked": _tracked_json(self.tracked),
            "rooms": [{"room": r, "p": round(p, 4)} for r, p in estimate.rooms],
            "outside": round(estimate.outside, 4),
            "channels": [
                {"name": name, "heard": heard}
                for name, heard in zip(self.channels, self.heard, strict=True)
            ],
            "counted_s": self.span_s,
            "access_points": [one.to_json() for one in self.air],
            "nearest_shots": [shot.to_json() for shot in self.shots],
            "candidates": [one.to_json() for one in self.candidates],
            "expected": None if self.comparison is None else self.comparison.to_json(),
            "drift": None if self.drift is None else self.drift.to_json(),
            "timing_ms": {k: round(v, 3) for k, v in self.timing_ms.items()},
        }


def _tracked_json(tracked: Tracked | None) -> dict[str, Any] | None:
    if tracked is None:
        return None
    where = tracked.estimate.position
    return {
        "presence": str(tracked.whereabouts.presence),
        "room": tracked.whereabouts.room,
        "since": iso_time(tracked.since_ns) if tracked.since_ns else None,
        "x": None if where is None else round(where.x, 3),
        "y": None if where is None else round(where.y, 3),
        "moving": tracked.moving,
    }


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """The shots of a site, to be looked at."""

    examiner: Examiner
    channels: tuple[Channel, ...]
    visits: tuple[str, ...]
    """Of each shot; empty where unknown."""

    def look(
        self,
        image: CsiImage,
        decoded: Iterable[Decoded],
        points: tuple[Point, ...],
        expected: str | None,
    ) -> "View":
        """Return what an image looks like beside the shots.

        Args:
            image: That was located.
            decoded: Frames of the capture around it.
            points: Of the site.
            expected: A room or point that it should be at, if one is asked about.

        Raises:
            UsageError: There are no shots of the place that was expected.
        """
        examiner = self.examiner
        evidence, took_ms = _timed(lambda: examiner.examine(image.pixels, image.heard))
        point_of = examiner.fingerprints.point_of
        comparison = None
        if expected is not None:
            chosen = shots_of(expected, points, point_of)
            comparison = compare(
                evidence, expected, chosen, point_of, points, self.visits
            )
        air = on_air(decoded, image, self.channels, examiner.spec)
        (by_shots,) = posterior_of(
            evidence.distances[None],
            examiner.fingerprints,
            examiner.neighbours.kernel.temperature,
        )
        shots = nearest_shots(evidence, point_of, points, self.visits)
        span_s = examiner.spec.max_span_s
        return View(evidence, span_s, air, shots, by_shots, comparison, took_ms)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """An image beside the shots of its site."""

    evidence: Evidence
    span_s: float
    """As of `Explanation`."""

    air: tuple[Transmitter, ...]
    shots: tuple[ShotNearby, ...]
    by_shots: npt.NDArray[np.float64]
    """Probability of each point by the shots alone, shape (n_points,)."""

    comparison: Comparison | None
    took_ms: float


def shots_of(
    expected: str, points: tuple[Point, ...], point_of: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Return which shots are of a room or of a point, shape (n_shots,).

    Raises:
        UsageError: None is.
    """
    is_there = np.array([expected in (p.room, p.name) for p in points], np.bool_)
    chosen = np.asarray(is_there[point_of])
    if not chosen.any():
        known = sorted({point.room or point.name for point in points})
        raise UsageError(
            f"no shot is of a room or point called {expected!r}; the site has "
            f"{', '.join(known)}"
        )
    return chosen


def candidates_of(
    fix: Fix,
    points: tuple[Point, ...],
    by_shots: npt.NDArray[np.float64] | None,
    temperature: float | None,
) -> tuple[Candidate, ...]:
    """Return the most probable points, best first, as located or by the shots.

    Args:
        fix: The location.
        points: Of the site.
        by_shots: As of `View`.
        temperature: T that probabilities were tempered with, P^(1/T); None where they
            were not.
    """
    posterior = np.array(fix.estimate.posterior)
    either = posterior if by_shots is None else np.maximum(posterior, by_shots)
    before = None
    if temperature is not None:
        own = undoubted(posterior, fix.estimate.strangeness)
        before = _untempered(own, temperature)
    order = np.argsort(-posterior, kind="stable")
    chosen = [n for n in order.tolist() if either[n] >= _LEAST_P][:_MOST_CANDIDATES]
    return tuple(
        Candidate(
            points[n],
            None if by_shots is None else float(by_shots[n]),
            None if before is None else float(before[n]),
            float(posterior[n]),
        )
        for n in chosen
    )


def _untempered(
    posterior: npt.NDArray[np.float64], temperature: float
) -> npt.NDArray[np.float64]:
    """Return what an estimator believed whose tempered belief is given."""
    powers = (posterior / posterior.max()) ** temperature
    return np.asarray(powers / powers.sum())


def _timed(work: Callable[[], Evidence]) -> tuple[Evidence, float]:
    started = time.perf_counter()
    result = work()
    return result, (time.perf_counter() - started) * 1e3
