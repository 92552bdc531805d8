"""The whole benchmark: plan, run what is not there yet, write rows, table and plots."""

import itertools
import json
import platform
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

import numpy as np

from edge_agent.version import version
from trainer.benchmark.bootstrap import FEW_SEEDS
from trainer.benchmark.errors import BenchmarkError
from trainer.benchmark.plan import (
    Extent,
    Refusal,
    SurveyPlan,
    method_digests,
    plan_survey,
)
from trainer.benchmark.plots import Curve, plot_curves, plot_errors
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.rows import Row, make_rows, marked, several
from trainer.benchmark.store import Unit
from trainer.benchmark.table import markdown
from trainer.benchmark.workers import Bench, run_jobs
from trainer.methods.contract import Method

_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands."""

    survey: str
    n_done: int
    """Units that are stored, those of earlier runs included."""

    n_units: int
    n_new: int
    """Units that this run has computed."""

    seconds: float
    """Spent on them."""

    def __str__(self) -> str:
        """Return for example ``polyu 120/480 units  3.1/s  2 min left``."""
        rate = self.n_new / self.seconds if self.seconds > 0 else 0.0
        left = (
            f"{(self.n_units - self.n_done) / rate / 60:.0f} min left" if rate else ""
        )
        return (
            f"{self.survey} {self.n_done}/{self.n_units} units  {rate:.2g}/s  {left}"
        ).rstrip()


OnProgress = Callable[[Progress], None]


def run_benchmark(
    bench: Bench,
    extent: Extent,
    *,
    n_processes: int = 1,
    on_progress: OnProgress = lambda _progress: None,
) -> list[Row]:
    """Run all protocols of a bench and write what came out below ``bench.out``.

    ``results.json``, ``table.md``, plots and ``errors/`` are written anew after each
    survey, so that a run that was interrupted leaves what it had.

    Args:
        bench: Surveys, methods, and where to write.
        extent: How much is run.
        n_processes: Processes; results do not depend on it.
        on_progress: Called after every unit.

    Returns:
        All rows.

    Raises:
        TrainerError: A survey cannot be read, a protocol does not fit, or the results
            cannot be written.
    """
    methods = _chosen(bench.make_methods(), extent.methods)
    codes = method_digests(methods)
    store = bench.store
    rows: list[Row] = []
    refusals: dict[str, list[Refusal]] = {}
    written: set[Path] = set()
    for protocol in bench.protocols:
        survey = bench.survey(protocol.survey)
        plan = plan_survey(survey, methods, extent, codes)
        count = _Counter(protocol.survey, plan, store.__contains__, on_progress)
        run_jobs(
            bench,
            [job for job in plan.jobs if any(t.key not in store for t in job.tasks)],
            n_processes=n_processes,
            on_unit=count,
            survey=survey,
        )
        units = [store.load(key) for key in plan.keys]
        floors = {t.name: len(np.unique(t.place.floors)) for t in survey.targets}
        places = {t.name: t.place.name for t in survey.targets}
        new = make_rows(
            units,
            plan.refusals,
            methods,
            floors,
            protocol.survey,
            places,
            extent.against,
        )
        new = marked(new, survey.environments)
        rows += new
        refusals[protocol.survey] = list(plan.refusals)
        written |= _write_errors(bench.out / "errors", new, units)
        written |= _write_plots(bench.out, protocol.survey, new, units)
        _write_results(bench, extent, rows, refusals)
    _remove_stale(bench.out, written)
    return rows


def _remove_stale(out: Path, written: Collection[Path]) -> None:
    """Take away what an earlier run in this folder wrote of what this one did not run.

    Only once this run is complete, and only names that runs give; units stay.
    """
    patterns = (
        "errors/*.npz",
        "cdf-*.png",
        "effort-*.png",
        "fig13-*.png",
        "fig14-*.png",
        "curves.json",
    )
    for old in (path for pattern in patterns for path in out.glob(pattern)):
        if old not in written:
            old.unlink(missing_ok=True)


class _Counter:
    """Turns units into progress."""

    def __init__(
        self,
        survey: str,
        plan: SurveyPlan,
        is_stored: Callable[..., bool],
        on_progress: OnProgress,
    ) -> None:
        keys = plan.keys
        self._survey, self._n, self._on_progress = survey, len(keys), on_progress
        self._done = self._before = sum(map(is_stored, keys))
        self._started = time.monotonic()
        self._report()

    def __call__(self) -> None:
        self._done += 1
        self._report()

    def _report(self) -> None:
        self._on_progress(
            Progress(
                self._survey,
                self._done,
                self._n,
                self._done - self._before,
                time.monotonic() - self._started,
            )
        )


def _chosen(methods: Mapping[str, Method], names: Sequence[str]) -> dict[str, Method]:
    """Return some methods, in the order of the registry."""
    return {name: method for name, method in methods.items() if name in names}


# -- what is written -------------------------------------------------------------------


def _write_results(
    bench: Bench,
    extent: Extent,
    rows: Sequence[Row],
    refusals: Mapping[str, Sequence[Refusal]],
) -> None:
    results = {
        "schema": _SCHEMA,
        "evaluate": bench.role,
        "seeds": extent.n_seeds,
        "max_targets": extent.max_targets,
        "quick": extent.is_quick,
        "versions": {
            "metaloc": version(),
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("numpy", "scipy", "torch")},
        },
        "protocols": {p.survey: asdict(p) for p in bench.protocols},
        "rows": [row.as_json() for row in rows],
        "refusals": {s: [asdict(r) for r in of] for s, of in refusals.items()},
    }
    remarks = [f"Targets: {bench.role}."]
    if extent.is_quick:
        remarks.append("Quick run: short history, and networks hardly trained.")
    if extent.max_targets is not None:
        most = several(extent.max_targets, "target")
        remarks.append(f"Reduced run: at most {most} per survey.")
    if extent.n_seeds < FEW_SEEDS:
        remarks.append(
            f"{several(extent.n_seeds, 'seed')}: what chance does to shots and "
            "training is hardly in the intervals."
        )
    _write(bench.out / "results.json", json.dumps(results, indent=1) + "\n")
    _write(bench.out / "table.md", markdown(rows, remarks, refusals))


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise BenchmarkError(f"cannot write {path}: {error.strerror}") from error


def _units_of(row: Row, units: Sequence[Unit]) -> list[Unit]:
    return [
        u
        for u in units
        if (u.key.regime, u.key.method) == (row.regime, row.method)
        and u.same_visit == row.same_visit
        and u.outcome is not None
    ]


def _write_errors(
    folder: Path, rows: Sequence[Row], units: Sequence[Unit]
) -> set[Path]:
    """Write each row's queries, so that everything else can be computed from them."""
    written = set()
    for row in rows:
        of = _units_of(row, units)
        outcomes = [(u.key, u.outcome) for u in of if u.outcome is not None]
        if not outcomes:
            continue
        counts = [len(o.point) for _, o in outcomes]
        path = folder / f"{row.key}.npz"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(
                path,
                target=np.repeat([key.target for key, _ in outcomes], counts),
                seed=np.repeat([key.seed for key, _ in outcomes], counts),
                point=np.concatenate([o.point for _, o in outcomes]),
                offset_m=np.concatenate([o.offset_m for _, o in outcomes]),
                error_m=np.concatenate([o.error_m for _, o in outcomes]),
                centre_error_m=np.concatenate([o.centre_error_m for _, o in outcomes]),
            )
        except OSError as error:
            raise BenchmarkError(f"cannot write {folder}: {error.strerror}") from error
        written.add(path)
    return written


def _write_plots(
    out: Path, survey: str, rows: Sequence[Row], units: Sequence[Unit]
) -> set[Path]:
    written = set()
    title = rows[0].survey_title if rows else survey
    groups = itertools.groupby(rows, key=lambda r: (r.regime, r.same_visit))
    for (regime, same_visit), group in groups:
        errors = {}
        for row in group:
            outcomes = [u.outcome for u in _units_of(row, units) if u.outcome]
            if outcomes:
                errors[row.title] = np.concatenate([o.error_m for o in outcomes])
        if errors:
            suffix = "-same-visit" if same_visit else ""
            path = out / f"cdf-{survey}-{regime}{suffix}.png"
            written.add(path)
            plot_errors(
                path,
                f"{title}, {REGIMES[regime].title}{suffix.replace('-', ' ')}",
                errors,
            )
    curves = effort_curves(rows)
    if curves:
        path = out / f"effort-{survey}.png"
        written.add(path)
        plot_curves(
            path,
            f"{title}: error against calibration effort",
            "labelled images of the new environment",
            curves,
            log_x=True,
        )
    return written


def effort_curves(rows: Sequence[Row]) -> list[Curve]:
    """Return error against images used, a curve per method with two regimes or more.

    Args:
        rows: Of one survey; those of 3 laps, and of regimes that not all targets could
            serve, are left out, as their queries are others.
    """
    curves = []
    most = max((r.figures.n_targets for r in rows if r.figures is not None), default=0)
    for title in dict.fromkeys(r.title for r in rows):
        figures = [
            r.figures
            for r in rows
            if r.title == title
            and r.figures is not None
            and REGIMES[r.regime].laps == 1
            and r.figures.n_targets == most
        ]
        if len(figures) < 2:
            continue
        figures.sort(key=lambda f: f.images)
        span = [f.interval_m or (f.error.mean_m, f.error.mean_m) for f in figures]
        low, high = np.array(span, np.float64).T
        curves.append(
            Curve(
                title,
                np.array([f.images for f in figures], np.float64),
                np.array([f.error.mean_m for f in figures], np.float64),
                low,
                high,
            )
        )
    return curves
