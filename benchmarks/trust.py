"""Do the radii hold what they say? On re-visits that nothing was fitted on.

    METALOC_DATA=../shared/data python benchmarks/trust.py      about eight minutes
    METALOC_DATA=../shared/data python benchmarks/trust.py --sparse         about eight

A day is calibrated with its first laps, one shot per point and lap, with or without the
days before as history; with --sparse with four days before, at all points and at few
that `edge_agent.sparse` chooses. The site's own past is replayed, an estimator chosen,
and temperature and radii fitted: `edge_agent.trust`. Then images of later visits of the
same day, and of the next day, are located. Nothing of these visits was seen before.

Per place and setting, means over days (rooms: over rooms), with intervals of 95 %, days
being drawn with replacement: mean error, share of fixes within r68 and r95, that of r95
on the worst day, mean r95, share of each quality and of "unknown"; surprise (the mean
of -ln P of the true point) and expected calibration error (ECE, ten bins) of the
posterior before and after tempering; which estimators won, and what each would have
been off by. Places that nobody calibrated: benchmarks/uncalibrated.py. PolyU is left
out, and named on standard error, where it is not below METALOC_DATA.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.estimator_places import polyu_days, rooms, scene  # noqa: E402
from edge_agent.bundles.bundle import Bundle  # noqa: E402
from edge_agent.config import SHIPPED_BUNDLE  # noqa: E402
from edge_agent.drift.baseline import site_revisits  # noqa: E402
from edge_agent.environment import Environment  # noqa: E402
from edge_agent.estimate import Estimate, Quality  # noqa: E402
from edge_agent.estimators import Estimator  # noqa: E402
from edge_agent.history import align, joined, pooled, with_channels  # noqa: E402
from edge_agent.neighbours.whitening import channel_features  # noqa: E402
from edge_agent.sparse.choice import choose  # noqa: E402
from edge_agent.survey import Point  # noqa: E402
from edge_agent.trust.episodes import Episode  # noqa: E402
from edge_agent.trust.learn import learn_trusts, learners_of  # noqa: E402
from edge_agent.trust.novelty import Familiarity, Novelty  # noqa: E402
from edge_agent.trust.record import SAME_DAY_S, Trust  # noqa: E402
from edge_agent.trust.replayed import Replayed  # noqa: E402
from edge_agent.trust.replaying import replay, together  # noqa: E402
from edge_agent.trust.temperature import surprise, tempered  # noqa: E402

DATA = Path(os.environ.get("METALOC_DATA", ROOT.parent / "shared" / "data"))
SEED = 2001
SIZE = "--days 6 --visits 5 --images 10"
SPARSE_SEEDS = (7, SEED)
SPARSE_SIZE = "--points 30 --days 8 --visits 5 --images 8"
"""Smaller places, and more days of them: what few points are worth differs by day."""

HISTORY_DAYS = 4
FEW = 5
MOST_IMAGES = 3
"""Asked of a point in one visit."""

RESAMPLES = 2000
BINS = 10


@dataclass(frozen=True, slots=True)
class Setting:
    """How a day is calibrated."""

    n_laps: int
    n_days_before: int
    n_points: int | None = None
    """That are walked to; None: all."""

    def __str__(self) -> str:
        laps = "1 lap" if self.n_laps == 1 else f"{self.n_laps} laps"
        if self.n_points is not None:
            laps += f" of {self.n_points} points"
        before = f", {self.n_days_before} days before" if self.n_days_before else ""
        return laps + before


@dataclass(frozen=True, slots=True)
class Task:
    """One day: what is known of the site, and who asks."""

    fresh: Environment
    history: Environment | None
    queries: Environment
    age_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one day, in the order of the table's columns."""

    error_m: float
    in_r68: float
    in_r95: float
    r95_m: float
    ok: float
    uncertain: float
    uncalibrated: float
    unknown: float
    surprise_before: float
    surprise: float
    ece_before: float
    ece: float


def main() -> None:
    """Print a table for the same day and one for the next."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sparse", action="store_true", help="few points, and all")
    is_sparse = parser.parse_args().sparse
    bundle = Bundle.load(SHIPPED_BUNDLE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("| place, calibrated with | asked | days | " + " | ".join(_TITLES) + " |")
        print("|---" * (3 + len(_TITLES)) + "|")
        for title, places in _places(folder, is_sparse=is_sparse):
            n_points = len(places[0][0].points)
            for setting in sparse_settings(n_points) if is_sparse else SETTINGS:
                for asked in ("same day", "next day"):
                    tasks = [
                        task
                        for days in places
                        for task in tasks_of(bundle, days, setting, asked == "next day")
                    ]
                    if tasks:
                        print(_row(bundle, f"{title}, {setting}", asked, tasks))
                        sys.stdout.flush()


SETTINGS = (
    *(Setting(3, 0), Setting(1, 0)),
    *(Setting(3, HISTORY_DAYS), Setting(1, HISTORY_DAYS)),
)


def sparse_settings(n_points: int) -> list[Setting]:
    """Return a few points, a quarter of them, and all; three laps each."""
    few = sorted({FEW, -(-n_points // 4)})
    return [Setting(3, HISTORY_DAYS, n) for n in (*few, None)]


_TITLES = (
    *("error [m]", "in r68", "in r95", "95 %", "worst day", "r95 [m]"),
    *("ok / uncertain / uncalibrated", "unknown", "surprise", "ECE", "won", "each [m]"),
)


def _places(
    folder: Path, *, is_sparse: bool
) -> Iterator[tuple[str, list[list[Environment]]]]:
    """Yield places, each a list of sites, each a list of days."""
    polyu = DATA / "surveys" / "polyu_csi.npz"
    if polyu.exists():
        yield "PolyU", [polyu_days(polyu)]
    else:
        print(f"PolyU is left out: no {polyu}", file=sys.stderr)
    if not is_sparse:
        yield "rooms", [[room] for room in rooms(folder / "rooms", 16, SEED)]
    size = SPARSE_SIZE if is_sparse else SIZE
    for name in ("lab", "hall"):
        sites = []
        for seed in SPARSE_SEEDS if is_sparse else (SEED,):
            path = folder / f"{name}-{seed}"
            sites.append(scene(name, path, f"{size} --seed {seed}"))
        yield name, sites


def tasks_of(
    bundle: Bundle, days: Sequence[Environment], setting: Setting, asks_next_day: bool
) -> Iterator[Task]:
    """Yield a task for each day that the setting suits."""
    walks = [as_walk(day, number) for number, day in enumerate(days)]
    for number, walk in enumerate(walks):
        before = walks[max(number - setting.n_days_before, 0) : number]
        if setting.n_days_before and len(before) < 2:
            continue
        visits = sorted(set(walk.visit_of.tolist()))
        asked: Environment
        if asks_next_day:
            if number + 1 == len(walks):
                continue
            asked = walks[number + 1]
        else:
            if len(visits) <= setting.n_laps:
                continue
            asked = of_visits(walk, visits[setting.n_laps :])
        fresh = few(of_visits(walk, visits[: setting.n_laps]), 1)
        history = None
        if before:
            pooled = reduce(lambda new, old: joined(*align(new, old)), before)
            fresh, history = align(fresh, few(pooled, 1))
            if setting.n_points is not None:
                fresh = _at_chosen(bundle, fresh, history, setting.n_points)
        yield Task(
            fresh,
            history,
            with_channels(few(asked, MOST_IMAGES), fresh.channels),
            2 * SAME_DAY_S if asks_next_day else 0.0,
        )


def _at_chosen(
    bundle: Bundle, fresh: Environment, history: Environment, n: int
) -> Environment:
    """Return the shots at the points that are worth most, chosen before the walk."""
    assert bundle.neighbours is not None
    nothing = fresh.select(np.zeros(0, np.intp))
    chosen = choose(bundle.neighbours, fresh.spec, history, nothing, n)
    points = [choice.point for choice in chosen]
    return fresh.select(np.flatnonzero(np.isin(fresh.point_of, points)))


def as_walk(day: Environment, number: int) -> Environment:
    """Return a day whose visits are laps of a walk."""
    names = [f"202601{number + 1:02d}T090000Z/{v}" for v in day.visit_of.tolist()]
    return replace(day, visit_of=np.array(names, np.str_))


def of_visits(day: Environment, visits: Sequence[str]) -> Environment:
    """Return the images of some visits."""
    return day.select(np.flatnonzero(np.isin(day.visit_of, list(visits))))


def few(part: Environment, most: int) -> Environment:
    """Return the first images of each point in each visit."""
    seen: Counter[tuple[str, int]] = Counter()
    rows = []
    labels = zip(part.visit_of.tolist(), part.point_of.tolist(), strict=True)
    for row, label in enumerate(labels):
        seen[label] += 1
        if seen[label] <= most:
            rows.append(row)
    return part.select(np.array(rows, np.intp))


def _row(bundle: Bundle, title: str, asked: str, tasks: Sequence[Task]) -> str:
    """Return a line of the table."""
    won: Counter[str] = Counter()
    days = []
    each: dict[str, list[float]] = {}
    for task in tasks:
        trust, *others = learn_trusts(bundle, task.fresh, task.history)
        won[str(trust.estimator)] += 1
        for one in (trust, *others):
            errors = each.setdefault(str(one.estimator), [])
            errors.append(figures(bundle, task, one).error_m)
        days.append(figures(bundle, task, trust))
    columns = np.array([list(_values(day)) for day in days])
    mean = Figures(*columns.mean(axis=0).tolist())
    low, high = interval(columns[:, 2])
    cells = (
        *(title, asked, str(len(days)), f"{mean.error_m:.2f}"),
        *(f"{mean.in_r68:.1%}", f"{mean.in_r95:.1%}", f"{low:.1%} to {high:.1%}"),
        f"{columns[:, 2].min():.1%}",
        f"{mean.r95_m:.2f}",
        f"{mean.ok:.0%} / {mean.uncertain:.0%} / {mean.uncalibrated:.0%}",
        f"{mean.unknown:.0%}",
        f"{mean.surprise_before:.2f} -> {mean.surprise:.2f}",
        f"{mean.ece_before:.3f} -> {mean.ece:.3f}",
        ", ".join(f"{name} {n}" for name, n in won.most_common()),
        ", ".join(f"{name} {np.mean(found):.2f}" for name, found in each.items()),
    )
    return "| " + " | ".join(cells) + " |"


def _values(day: Figures) -> Iterator[float]:
    for name in Figures.__slots__:
        yield getattr(day, name)


def figures(bundle: Bundle, task: Task, trust: Trust) -> Figures:
    """Locate what asks, and compare with where it was recorded."""
    asked = [Episode(task.fresh, task.history, task.queries, task.age_s > 0)]
    found = located(bundle, trust.estimator, asked)
    fixes = [
        fix_of(trust, p, found.points, task.age_s, novelty)
        for p, novelty in zip(found.posterior, novelties(bundle, task), strict=True)
    ]
    where = np.array([point.location for point in found.points])[found.truth]
    errors, r68, r95 = (np.array(v) for v in zip(*radii_of(fixes, where), strict=True))
    stage = trust.stage(task.age_s)
    warm = tempered(found.posterior, stage.temperature)
    quality = Counter(fix.quality for fix in fixes)
    n = len(fixes)
    return Figures(
        float(errors.mean()),
        float((errors <= r68).mean()),
        float((errors <= r95).mean()),
        float(r95.mean()),
        quality[Quality.OK] / n,
        quality[Quality.UNCERTAIN] / n,
        quality[Quality.UNCALIBRATED] / n,
        sum(fix.is_unknown for fix in fixes) / n,
        float(surprise(found.posterior, found.truth).mean()),
        float(surprise(warm, found.truth).mean()),
        calibration_error(found.posterior, found.truth),
        calibration_error(warm, found.truth),
    )


def located(bundle: Bundle, estimator: Estimator, asked: Sequence[Episode]) -> Replayed:
    """Return what an estimator answers."""
    points = asked[0].shots.points
    has_history = asked[0].history is not None
    learners = {
        learner.estimator: learner
        for learner in learners_of(bundle, has_history=has_history)
    }
    if estimator is not Estimator.ENSEMBLE:
        return replay(asked, learners[estimator], points)
    both = (Estimator.NETWORK, Estimator.NEIGHBOURS)
    return together(*(replay(asked, learners[each], points) for each in both))


def novelties(bundle: Bundle, task: Task) -> list[Novelty | None]:
    """Return how unlike the shots each image is that asks, as a device would."""
    neighbours, fresh, asked = bundle.neighbours, task.fresh, task.queries
    assert neighbours is not None
    shots = fresh if task.history is None else pooled(fresh, task.history)
    fingerprints = neighbours.fingerprints(
        shots.spec, shots.images, shots.heard, shots.point_of, len(shots.points)
    )
    revisits = site_revisits(neighbours, fresh, task.history).nearest
    familiarity = Familiarity.of(revisits, neighbours.kernel, fingerprints)
    if familiarity is None:
        return [None] * len(asked)
    z = neighbours.whitening(channel_features(asked.images, asked.spec))
    distances = neighbours.kernel.distances(z, asked.heard, fingerprints)
    return [familiarity.novelty(d) for d in distances.min(axis=1).tolist()]


def fix_of(
    trust: Trust,
    posterior: npt.NDArray[np.float64],
    points: tuple[Point, ...],
    age_s: float,
    novelty: Novelty | None,
) -> Estimate:
    """Return what a device would say."""
    return trust.estimate(
        posterior,
        points,
        age_s=age_s,
        time_ns=0,
        n_frames=0,
        window_s=0.0,
        n_heard=0,
        n_channels=0,
        novelty=novelty,
    )


def radii_of(
    fixes: Sequence[Estimate], where: npt.NDArray[np.float64]
) -> Iterator[tuple[float, float, float]]:
    """Yield how far off each fix is, and its radii [m]."""
    for fix, (x, y) in zip(fixes, where.tolist(), strict=True):
        assert fix.position is not None
        at = fix.position
        yield float(np.hypot(at.x - x, at.y - y)), at.r68, at.r95


def calibration_error(
    posterior: npt.NDArray[np.float64], truth: npt.NDArray[np.intp]
) -> float:
    """Return how far the best point's probability is from how often it is right."""
    sure, right = posterior.max(axis=1), posterior.argmax(axis=1) == truth
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    return float(
        sum(
            abs(float((sure[at] - right[at]).sum()))
            for at in (bins == number for number in range(BINS))
        )
        / len(truth)
    )


def interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return where 95 % of the means of resampled values are."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    return low, high


if __name__ == "__main__":
    main()
