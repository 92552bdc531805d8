"""Rows of the table: what the units of one survey, regime and method come to."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trainer.benchmark.bootstrap import (
    Vector,
    cluster_sums,
    percentile_interval,
    ratio_interval,
    resample,
)
from trainer.benchmark.metrics import Summary, exact_mean, summarize
from trainer.benchmark.plan import Refusal
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.store import Unit
from trainer.methods.contract import Method

SIMPLE: Final = (
    "rssi",
    "1nn",
    "knn",
    "knn_samples",
    "wknn",
    "1nn_linear",
    "wknn_linear",
)
"""1-NN, KNN, WKNN in all variants, and RSSI alone: every other is compared with the
best of them on the same queries."""

Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the fixes."""

    value: float
    interval: Interval
    """95 %."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """With the best simple method."""

    method: str
    """Which one that is."""

    change: float
    """Mean error over its mean error, less 1: negative is better."""

    interval: Interval
    """95 %, paired: the same clusters are drawn for both."""

    difference_m: float
    """Mean error less its mean error [m]."""

    difference_interval_m: Interval
    """95 %, paired."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """What it takes; means over targets and seeds."""

    learn: float
    """From history [s]."""

    calibrate: float
    """With today's shots [s]."""

    locate: float
    """One query: the latency that computing adds [s]."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is measured."""

    error: Summary
    interval_m: Interval
    """95 % of the mean error [m]."""

    centre_m: float
    """Mean error of answering the middle of the reference points [m]."""

    skill: Share
    """1 - mean error / centre_m."""

    accuracy: Share | None
    """None where queries are not at reference points."""

    floor_detection: Share | None
    """None where the place has one floor."""

    zone_detection: Share
    n_queries: int
    n_targets: int
    n_seeds: int
    images: float
    """Labelled samples of a target that calibrated it: set-up effort."""

    points: float
    """Points that they were taken at."""

    seconds: Seconds


@dataclass(frozen=True, slots=True)
class Row:
    """One survey, regime and method; same-visit results are rows of their own."""

    survey: str
    regime: str
    method: str
    title: str
    same_visit: bool
    figures: Figures | None
    """None where the method answered nowhere."""

    comparison: Comparison | None
    note: str
    """Why there are no figures, or not for all targets."""

    @property
    def key(self) -> str:
        """Name for files."""
        suffix = "-same-visit" if self.same_visit else ""
        return f"{self.survey}-{self.regime}-{self.method}{suffix}"

    def as_json(self) -> dict[str, Any]:
        """Return plain values, the figures side by side with the names."""
        table = asdict(self)
        figures = table.pop("figures") or {}
        error = figures.pop("error", None) or {}
        for name in ("skill", "accuracy", "floor_detection", "zone_detection"):
            share = figures.pop(name, None)
            figures[name] = share and share["value"]
            figures[f"{name}_interval"] = share and share["interval"]
        return table | error | figures


def make_rows(
    units: Sequence[Unit],
    refusals: Iterable[Refusal],
    methods: Mapping[str, Method],
    floors: Mapping[str, int],
    survey: str,
) -> list[Row]:
    """Return the rows of one survey, in the order of regimes and methods.

    Args:
        units: Of the survey.
        refusals: Of the survey.
        methods: By name, in the order of the table.
        floors: Number of floors of each target's place.
        survey: Its name.
    """
    rows = []
    refused = list(refusals)
    for regime in REGIMES:
        of_regime = [u for u in units if u.key.regime == regime]
        why = _reasons([r.reason for r in refused if r.regime == regime], "targets")
        for same_visit in (False, True):
            group = [u for u in of_regime if u.same_visit == same_visit]
            rows += _group_rows(group, methods, floors, (survey, regime), same_visit)
        if not of_regime and why:
            rows += [
                Row(survey, regime, name, method.title, False, None, None, why)
                for name, method in methods.items()
            ]
    return rows


def _group_rows(
    units: Sequence[Unit],
    methods: Mapping[str, Method],
    floors: Mapping[str, int],
    name: tuple[str, str],
    same_visit: bool,
) -> list[Row]:
    """Return the rows of units that are compared with each other."""
    clusters = _Clusters(units, name)
    of_method = {m: [u for u in units if u.key.method == m] for m in methods}
    pooled = {
        m: _Pooled(answered, clusters)
        for m, of in of_method.items()
        if (answered := [u for u in of if u.outcome is not None])
    }
    best = _best_simple(pooled)
    rows = []
    for method, of in of_method.items():
        if not of:
            continue
        figures = comparison = None
        if method in pooled:
            figures = _figures(pooled[method], floors)
            if best is not None:
                comparison = _compare(pooled[method], pooled[best], best)
        reasons = [u.reason for u in of if u.outcome is None]
        note = _reasons(reasons, f"of {len(of)} units" if figures else "units")
        row = Row(
            *name, method, methods[method].title, same_visit, figures, comparison, note
        )
        rows.append(row)
    return rows


class _Clusters:
    """Points of targets, and how often each is drawn."""

    def __init__(self, units: Sequence[Unit], name: tuple[str, str]) -> None:
        there = {
            (u.key.target, int(point))
            for u in units
            if u.outcome is not None
            for point in np.unique(u.outcome.point)
        }
        self._number = {cluster: i for i, cluster in enumerate(sorted(there))}
        self.n = len(there)
        targets = [target for target, _ in self._number]
        _, target_of = np.unique(targets, return_inverse=True)
        seed = hashlib.blake2b("\0".join(name).encode(), digest_size=8).digest()
        rng = np.random.default_rng(int.from_bytes(seed))
        self.weights = resample(target_of, rng) if there else np.empty((0, 0))

    def of(self, target: str, points: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Return the cluster of each query of a target."""
        numbers = [self._number[target, point] for point in points.tolist()]
        return np.array(numbers, np.intp)


class _Pooled:
    """All queries of one method in a group."""

    def __init__(self, units: Sequence[Unit], clusters: _Clusters) -> None:
        outcomes = [u.outcome for u in units if u.outcome is not None]
        self.units = units
        self.clusters = clusters
        self.offset_m = np.concatenate([o.offset_m for o in outcomes])
        self.error_m = np.concatenate([o.error_m for o in outcomes])
        self.centre_m = np.concatenate([o.centre_error_m for o in outcomes])
        self.right_point = np.concatenate([o.right_point for o in outcomes])
        self.right_zone = np.concatenate([o.right_zone for o in outcomes])
        self.right_floor = np.concatenate([o.right_floor for o in outcomes])
        self.at_reference = all(o.at_reference.all() for o in outcomes)
        self.cluster = np.concatenate(
            [
                clusters.of(u.key.target, u.outcome.point)
                for u in units
                if u.outcome is not None
            ]
        )

    def sums(self, values: npt.NDArray[np.generic]) -> Vector:
        """Return the sum of values per cluster."""
        numbers = values.astype(np.float64)
        return cluster_sums(numbers, self.cluster, self.clusters.n)

    @property
    def counts(self) -> Vector:
        """Number of queries per cluster."""
        return self.sums(np.ones(len(self.error_m)))

    def interval(self, numerator: Vector, denominator: Vector) -> Interval:
        """Return the interval of a ratio, over clusters that are there."""
        return ratio_interval(numerator, denominator, self.clusters.weights)

    def share(self, values: npt.NDArray[np.bool_]) -> Share:
        """Return how many are true."""
        interval = self.interval(self.sums(values), self.counts)
        return Share(exact_mean(values), interval)


def _figures(pooled: _Pooled, floors: Mapping[str, int]) -> Figures:
    error, centre = pooled.error_m, pooled.centre_m
    lost = pooled.interval(pooled.sums(error), pooled.sums(centre))
    skill = Share(
        1 - float(error.sum() / centre.sum()) if centre.any() else 0.0,
        None if lost is None else (1 - lost[1], 1 - lost[0]),
    )
    targets = {u.key.target for u in pooled.units}
    efforts = [u.effort for u in pooled.units if u.effort is not None]
    queries = np.mean([len(u.outcome.point) for u in pooled.units if u.outcome])
    several = max((floors.get(t, 1) for t in targets), default=1) > 1
    return Figures(
        error=summarize(pooled.offset_m),
        interval_m=pooled.interval(pooled.sums(error), pooled.counts),
        centre_m=exact_mean(centre),
        skill=skill,
        accuracy=pooled.share(pooled.right_point) if pooled.at_reference else None,
        floor_detection=pooled.share(pooled.right_floor) if several else None,
        zone_detection=pooled.share(pooled.right_zone),
        n_queries=len(error),
        n_targets=len(targets),
        n_seeds=len({u.key.seed for u in pooled.units}),
        images=float(np.mean([e.images for e in efforts])),
        points=float(np.mean([e.points for e in efforts])),
        seconds=Seconds(
            learn=float(np.mean([e.learn_s for e in efforts])),
            calibrate=float(np.mean([e.calibrate_s for e in efforts])),
            locate=float(np.mean([e.locate_s for e in efforts]) / queries),
        ),
    )


def _best_simple(pooled: Mapping[str, _Pooled]) -> str | None:
    """Return the simple method of least mean error, of those that missed nothing."""
    there = [m for m in SIMPLE if m in pooled]
    most = max((np.count_nonzero(pooled[m].counts) for m in there), default=0)
    complete = [m for m in there if np.count_nonzero(pooled[m].counts) == most]
    return min(complete, key=lambda m: pooled[m].error_m.mean(), default=None)


def _compare(pooled: _Pooled, best: _Pooled, name: str) -> Comparison | None:
    """Return how the errors compare where both answered."""
    both = (pooled.counts > 0) & (best.counts > 0)
    if not both.any():
        return None

    def mean(of: _Pooled, weights: npt.NDArray[np.float64]) -> Vector:
        drawn = weights * both
        drawn = drawn[drawn.any(axis=1)]
        means: Vector = (drawn @ of.sums(of.error_m)) / (drawn @ of.counts)
        return means

    everything = np.ones((1, pooled.clusters.n))
    found, simple = mean(pooled, everything).item(), mean(best, everything).item()
    interval = difference_interval = None
    if np.count_nonzero(both) > 1:
        weights = pooled.clusters.weights
        drawn, of_simple = mean(pooled, weights), mean(best, weights)
        usable = of_simple > 0
        if usable.any():
            interval = percentile_interval(drawn[usable] / of_simple[usable] - 1)
        difference_interval = percentile_interval(drawn - of_simple)
    change = found / simple - 1 if simple else 0.0
    return Comparison(name, change, interval, found - simple, difference_interval)


def _reasons(reasons: Sequence[str], unit: str) -> str:
    """Return the distinct reasons, with how many there are of each."""
    if not reasons:
        return ""
    distinct = list(dict.fromkeys(reasons))
    if len(distinct) == 1 and not unit.startswith("of "):
        return distinct[0]
    counted = [f"{reasons.count(r)} {unit}: {r}" for r in distinct[:3]]
    more = [f"{len(distinct) - 3} other reasons"] if len(distinct) > 3 else []
    return "; ".join([*counted, *more])
