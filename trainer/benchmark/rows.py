"""Rows of the table: what the units of one survey, regime and method come to."""

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_agent.evaluation.resampling import percentile_interval
from trainer.benchmark.bootstrap import cluster_sums, ratio_interval, resample
from trainer.benchmark.metrics import Summary, exact_mean, summarize
from trainer.benchmark.plan import Refusal
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.store import Unit
from trainer.methods.contract import Method
from trainer.surveys.environment import Environment

Table = npt.NDArray[np.float64]
"""Numbers per cluster and seed, shape (n_clusters, n_seeds or 1)."""

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

RESOLVED_M: Final = 0.01
"""Mean errors below this are as good as none: the table prints centimetres, and no
survey knows its points better. A share of one says nothing."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the fixes."""

    value: float
    interval: Interval
    """95 %."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """With another method on the same queries."""

    method: str
    """Which one that is."""

    change: float | None
    """Mean error over its mean error, less 1: negative is better. None where its mean
    error is below `RESOLVED_M`."""

    interval: Interval
    """95 %, paired: the same clusters are drawn for both. None where ``change`` is."""

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
    """A query, of many that are located together [s]; a single one takes longer."""


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
    """Each once, however many seeds answered it."""

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
    """With the best simple method."""

    note: str
    """Why there are no figures, or not for all targets."""

    against: Comparison | None = None
    """With the method that was asked for, if one was."""

    simulated: bool = False
    """Whether any of the survey is of a place that is simulated."""

    origin: str = ""
    """What simulated it: model or scene, and seed; empty if unknown."""

    @property
    def survey_title(self) -> str:
        """Name of the survey for people, which says so if it is simulated."""
        return f"{self.survey} (simulated)" if self.simulated else self.survey

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
    places: Mapping[str, str] | None = None,
    against: str | None = None,
) -> list[Row]:
    """Return the rows of one survey, in the order of regimes and methods.

    Args:
        units: Of the survey.
        refusals: Of the survey.
        methods: By name, in the order of the table.
        floors: Number of floors of each target's place.
        survey: Its name.
        places: Name of each target's place; one for all of them when None.
        against: Name of a method that all are compared with, besides the best simple.
    """
    rows = []
    refused = list(refusals)
    for regime in REGIMES:
        of_regime = [u for u in units if u.key.regime == regime]
        why = counted(
            [r.reason for r in refused if r.regime == regime],
            "target",
            of_all=not of_regime,
        )
        for same_visit in (False, True):
            group = [u for u in of_regime if u.same_visit == same_visit]
            rows += _group_rows(
                group,
                methods,
                floors,
                (survey, regime),
                same_visit,
                places or {},
                against,
            )
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
    places: Mapping[str, str],
    against: str | None,
) -> list[Row]:
    """Return the rows of units that are compared with each other."""
    clusters = _Clusters(units, name, places)
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
        figures = comparison = with_other = None
        if method in pooled:
            figures = _figures(pooled[method], floors)
            if best is not None:
                comparison = _compare(pooled[method], pooled[best], best)
            if against in pooled and against != method:
                with_other = _compare(pooled[method], pooled[against], against)
        reasons = [u.reason for u in of if u.outcome is None]
        note = counted(
            reasons,
            "unit",
            of_all=figures is None,
            out_of=len(of) if figures else None,
        )
        row = Row(
            *name,
            method,
            methods[method].title,
            same_visit,
            figures,
            comparison,
            note,
            with_other,
        )
        rows.append(row)
    return rows


class _Clusters:
    """Points of targets, and how often each is drawn."""

    def __init__(
        self, units: Sequence[Unit], name: tuple[str, str], places: Mapping[str, str]
    ) -> None:
        answered = [u for u in units if u.outcome is not None]
        there = {
            (u.key.target, int(point))
            for u in answered
            if u.outcome is not None
            for point in np.unique(u.outcome.point)
        }
        self._number = {cluster: i for i, cluster in enumerate(sorted(there))}
        self.n = len(there)
        self.seeds = sorted({u.key.seed for u in answered})
        # Targets of one place share its points.
        points = [(places.get(t, ""), p) for t, p in self._number]
        seed = hashlib.blake2b("\0".join(name).encode(), digest_size=8).digest()
        self.draws = resample(
            _numbered([target for target, _ in self._number]),
            _numbered(points),
            _numbered([place for place, _ in points]),
            max(len(self.seeds), 1),
            np.random.default_rng(int.from_bytes(seed)),
        )

    def of(self, target: str, points: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Return the cluster of each query of a target."""
        numbers = [self._number[target, point] for point in points.tolist()]
        return np.array(numbers, np.intp)


def _numbered(things: Sequence[Hashable]) -> npt.NDArray[np.intp]:
    """Return equal numbers, from 0 on, for equal things."""
    number = {thing: i for i, thing in enumerate(dict.fromkeys(things))}
    return np.array([number[thing] for thing in things], np.intp)


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
        seeds = sorted({u.key.seed for u in units})
        # What no seed changes is one column, whatever the others have.
        self._columns = 1 if len(seeds) == 1 else len(clusters.seeds)
        cells = []
        for unit in units:
            if unit.outcome is None:
                continue
            column = clusters.seeds.index(unit.key.seed) if self._columns > 1 else 0
            of = clusters.of(unit.key.target, unit.outcome.point)
            cells.append(of * self._columns + column)
        self._cell = np.concatenate(cells)

    def sums(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
        """Return the sum of values per cluster and seed, (n_clusters, n_seeds or 1)."""
        shape = (self.clusters.n, self._columns)
        numbers = values.astype(np.float64)
        return cluster_sums(numbers, self._cell, shape[0] * shape[1]).reshape(shape)

    @property
    def counts(self) -> npt.NDArray[np.float64]:
        """Number of fixes per cluster and seed."""
        return self.sums(np.ones(len(self.error_m)))

    @property
    def is_there(self) -> npt.NDArray[np.bool_]:
        """Which clusters have fixes, shape (n_clusters,)."""
        return np.asarray(self.counts.any(axis=1))

    @property
    def n_queries(self) -> int:
        """Queries, each once however many seeds answered it."""
        of_target: dict[str, int] = {}
        for unit in self.units:
            if unit.outcome is not None:
                known = of_target.get(unit.key.target, 0)
                of_target[unit.key.target] = max(known, len(unit.outcome.point))
        return sum(of_target.values())

    def interval(
        self, numerator: npt.NDArray[np.float64], denominator: npt.NDArray[np.float64]
    ) -> Interval:
        """Return the interval of a ratio, over clusters that are there."""
        return ratio_interval(numerator, denominator, self.clusters.draws)

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
        n_queries=pooled.n_queries,
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
    most = max((np.count_nonzero(pooled[m].is_there) for m in there), default=0)
    complete = [m for m in there if np.count_nonzero(pooled[m].is_there) == most]
    return min(complete, key=lambda m: pooled[m].error_m.mean(), default=None)


def _compare(pooled: _Pooled, best: _Pooled, name: str) -> Comparison | None:
    """Return how the errors compare where both answered, drawn alike."""
    both = pooled.is_there & best.is_there
    if not both.any():
        return None

    def of_both(of: _Pooled) -> tuple[Table, Table]:
        return of.sums(of.error_m) * both[:, None], of.counts * both[:, None]

    (lost, n), (lost_by_simple, n_simple) = of_both(pooled), of_both(best)
    found, simple = lost.sum() / n.sum(), lost_by_simple.sum() / n_simple.sum()
    is_resolved = bool(simple >= RESOLVED_M)
    interval = difference_interval = None
    if np.count_nonzero(both) > 1:
        draws = pooled.clusters.draws
        fixes, simple_fixes = draws.totals(n), draws.totals(n_simple)
        there = (fixes > 0) & (simple_fixes > 0)
        drawn = draws.totals(lost)[there] / fixes[there]
        of_simple = draws.totals(lost_by_simple)[there] / simple_fixes[there]
        usable = of_simple > 0
        if is_resolved and usable.any():
            interval = percentile_interval(drawn[usable] / of_simple[usable] - 1)
        difference_interval = percentile_interval(drawn - of_simple)
    change = float(found / simple - 1) if is_resolved else None
    difference = float(found - simple)
    return Comparison(name, change, interval, difference, difference_interval)


def marked(rows: Sequence[Row], environments: Sequence[Environment]) -> list[Row]:
    """Return rows that say whether their survey is simulated, and by what.

    Args:
        rows: Of one survey.
        environments: Of the survey; one that is simulated is enough.
    """
    simulated = [e for e in environments if e.is_simulated]
    origins = dict.fromkeys(e.origin for e in simulated if e.origin)
    return [
        replace(row, simulated=bool(simulated), origin="; ".join(origins))
        for row in rows
    ]


def counted(
    reasons: Sequence[str], unit: str, *, of_all: bool, out_of: int | None = None
) -> str:
    """Return the distinct reasons, with how many there are of each.

    Args:
        reasons: As often as they occur.
        unit: What has them, such as ``target``.
        of_all: Whether all have one: a single reason is then not counted.
        out_of: How many units there are, if that is to be said.
    """
    distinct = list(dict.fromkeys(reasons))
    if of_all and len(distinct) == 1:
        return distinct[0]

    def amount(n: int) -> str:
        return several(n, unit) if out_of is None else f"{n} of {several(out_of, unit)}"

    listed = [f"{amount(reasons.count(r))}: {r}" for r in distinct[:3]]
    n_more = len(distinct) - len(listed)
    return "; ".join([*listed, *([several(n_more, "other reason")] if n_more else [])])


def several(n: int, thing: str) -> str:
    """Return for example ``1 seed`` or ``2 seeds``."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
