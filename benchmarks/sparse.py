"""A few fresh points instead of all: docs/sparse.md.

    METALOC_DATA=../shared/data python benchmarks/sparse.py      about five minutes

Every day of a place that has days before it is calibrated at some of its points, three
laps with one shot each, and asked at all points on a later lap of the same day. Points
are chosen before the day. PolyU is recorded, and left out, named on standard error,
where its copy is not below METALOC_DATA; hall and lab are simulated, two places each.

kept = (error of history alone - error) / (error of history alone - error of all points)

once with today's product for both ends, neighbours, which with all points know nothing
of history, and once with the bent map for both. Intervals are of 95 %, days being drawn
with replacement.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.command_line import only_help  # noqa: E402
from benchmarks.estimator_places import environments, polyu_days  # noqa: E402
from edge_agent.bundles.bundle import Bundle  # noqa: E402
from edge_agent.config import SHIPPED_BUNDLE  # noqa: E402
from edge_agent.environment import Environment  # noqa: E402
from edge_agent.history import align, joined, pooled  # noqa: E402
from edge_agent.metrics import centre_errors, localization_errors  # noqa: E402
from edge_agent.neighbours.bent_map import BentMap  # noqa: E402
from edge_agent.neighbours.bent_map_predictor import BentMapPredictor  # noqa: E402
from edge_agent.neighbours.estimator import (  # noqa: E402
    Neighbours,
    NeighboursPredictor,
)
from edge_agent.neighbours.walk_means import MOST_WALKS  # noqa: E402
from edge_agent.sparse.choice import LAPS, choose  # noqa: E402
from edge_agent.sparse.expectation import expectations  # noqa: E402
from trainer.cli import main as trainer  # noqa: E402

DATA = Path(os.environ.get("METALOC_DATA", ROOT.parent / "shared" / "data"))
SEEDS = (2001, 2002)
FEWEST_DAYS_BEFORE = {"PolyU": 4, "simulated": 1}
RESAMPLES = 2000
RANDOM_CHOICES = 3
FEW = 5

_QUERIES = 10
"""Images per point that ask, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """One day of a place, and those before it."""

    history: Environment
    fresh: Environment
    """One shot per point and lap."""

    queries: Environment
    """Of the last lap."""

    @property
    def n_points(self) -> int:
        """Of the place."""
        return len(self.fresh.points)

    def at(self, points: npt.ArrayLike) -> Environment:
        """Return the fresh shots at some points."""
        return self.fresh.select(
            np.flatnonzero(np.isin(self.fresh.point_of, np.asarray(points)))
        )


def main() -> None:
    """Print a table per kind of place."""
    only_help(__doc__)
    neighbours = Bundle.load(SHIPPED_BUNDLE).neighbours
    assert neighbours is not None
    polyu = DATA / "surveys" / "polyu_csi.npz"
    if polyu.exists():
        days = list(days_of(polyu_days(polyu), FEWEST_DAYS_BEFORE["PolyU"]))
        report("PolyU, recorded", days, neighbours)
    else:
        print(
            f"PolyU is left out: no {polyu.relative_to(DATA)} below {DATA}; "
            "METALOC_DATA says where the surveys are",
            file=sys.stderr,
        )
    for scene in ("hall", "lab"):
        days = [day for seed in SEEDS for day in simulated(scene, seed)]
        report(f"simulated {scene}, {len(SEEDS)} places", days, neighbours)


def simulated(scene: str, seed: int) -> list[Day]:
    """Simulate five days of a place, and read them as the device does."""
    with tempfile.TemporaryDirectory() as name:
        size = f"--days 5 --visits 4 --images 8 --seed {seed}"
        with redirect_stdout(sys.stderr):
            trainer(["simulate", scene, name, *size.split()])
        found = environments(Path(name) / "survey.csv")
    return list(days_of(found, FEWEST_DAYS_BEFORE["simulated"]))


def days_of(found: Sequence[Environment], fewest: int) -> Iterator[Day]:
    """Yield the days with so many before them, if every point has two laps."""
    walks = [as_walk(day, number) for number, day in enumerate(found)]
    for number in range(fewest, len(walks)):
        laps = taken_apart(walks[number])
        if laps is None:
            continue
        past = walks[max(number - MOST_WALKS, 0) : number]
        fresh, queries = laps
        history = past[0]
        for walk in past[1:]:
            history = joined(*align(history, walk))
        fresh, history = align(fresh, history)
        yield Day(history, fresh, align(queries, history)[0])


def as_walk(day: Environment, number: int) -> Environment:
    """Return a day whose visits are laps of a walk of its own."""
    visits = [f"2026{number + 1:04}T080000Z/{visit}" for visit in day.visit_of.tolist()]
    return replace(day, visit_of=np.array(visits, np.str_))


def taken_apart(day: Environment) -> tuple[Environment, Environment] | None:
    """Return three shots of each point, and images of its last lap."""
    shots: list[int] = []
    asked: list[int] = []
    for point in range(len(day.points)):
        rows = np.flatnonzero(day.point_of == point)
        visits = day.visit_of[rows]
        laps = list(dict.fromkeys(visits.tolist()))
        if len(laps) < 2:
            return None
        by_lap = [rows[visits == lap] for lap in laps]
        early = [by_lap[k] for k in range(len(laps) - 1)]
        turns = [lap[turn] for turn in range(LAPS) for lap in early if turn < len(lap)]
        shots += [int(row) for row in turns[:LAPS]]
        last = by_lap[-1]
        some = np.linspace(0, len(last) - 1, min(_QUERIES, len(last))).astype(int)
        asked += last[some].tolist()
    return day.select(np.array(shots)), day.select(np.array(asked))


def report(title: str, days: Sequence[Day], neighbours: Neighbours) -> None:
    """Print what each number of points is worth."""
    n_points = days[0].n_points
    sizes = sorted({FEW, -(-n_points // 4)})
    orders, seconds = chosen(days, neighbours, max(sizes))

    def plain(day: Day, shots: Environment) -> float:
        kept = neighbours.fingerprints(
            shots.spec, shots.images, shots.heard, shots.point_of, n_points
        )
        return error_of(NeighboursPredictor(neighbours, shots.spec, kept), day)

    def bent(day: Day, fresh: Environment) -> float:
        spec = fresh.spec
        made = BentMap.bend(neighbours, spec, day.history, fresh)
        return error_of(BentMapPredictor(neighbours, spec, made), day)

    plain_ends = ends(days, lambda day: plain(day, day.history), plain)
    bent_ends = ends(days, lambda day: bent(day, day.at([])), bent)
    print(f"\n{title}, {n_points} points, {len(days)} days\n")
    print(
        "| fresh points | | mean [m] | 95 % | kept of neighbours' | of the bent map's |"
    )
    print("|---|---|---|---|---|---|")

    def row(size: int | str, what: str, errors: Sequence[float]) -> None:
        cells = [f"{size}", what, *interval_of(np.array(errors))]
        cells += [kept(np.array(errors), *each) for each in (plain_ends, bent_ends)]
        print(f"| {' | '.join(cells)} |", flush=True)

    row("", "centre of the points", [centre(day) for day in days])
    row(0, "history alone, neighbours", plain_ends[0].tolist())
    row(0, "history alone, bent map", bent_ends[0].tolist())
    for size in sizes:
        row(
            size,
            "neighbours, fresh shots alone",
            [plain(day, day.at(o[:size])) for day, o in zip(days, orders, strict=True)],
        )
        row(
            size,
            "neighbours, of other points history's newest",
            [
                plain(day, pooled(day.at(o[:size]), day.history))
                for day, o in zip(days, orders, strict=True)
            ],
        )
        row(
            size,
            "bent map, points drawn at random",
            [
                float(np.mean([bent(day, day.at(p)) for p in drawn(day, size)]))
                for day in days
            ],
        )
        row(
            size,
            "**bent map, points chosen**",
            [bent(day, day.at(o[:size])) for day, o in zip(days, orders, strict=True)],
        )
    row("all", "neighbours, fresh shots alone", plain_ends[1].tolist())
    row("all", "**bent map**", bent_ends[1].tolist())
    alone = [unshot(day, bent) for day in days]
    print(
        f"\nAn image of a point without fresh shots, eight of nine others having some: "
        f"{np.mean(alone):.2f} m."
    )
    found = [bent(d, d.at(o[:FEW])) for d, o in zip(days, orders, strict=True)]
    told(days, neighbours, FEW, found)
    print(f"Choosing {max(sizes)} points: {seconds:.2f} s of processor time.")


def chosen(
    days: Sequence[Day], neighbours: Neighbours, most: int
) -> tuple[list[list[int]], float]:
    """Return the points to walk to on each day, and the time a choice takes [s]."""
    started = time.process_time()
    orders = [
        [
            choice.point
            for choice in choose(neighbours, d.fresh.spec, d.history, d.at([]), most)
        ]
        for d in days
    ]
    return orders, (time.process_time() - started) / len(days)


def ends(
    days: Sequence[Day],
    nothing: Callable[[Day], float],
    everything: Callable[[Day, Environment], float],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the errors without a fresh shot, and with those of all points."""
    return (
        np.array([nothing(day) for day in days]),
        np.array([everything(day, day.fresh) for day in days]),
    )


def error_of(predictor: NeighboursPredictor | BentMapPredictor, day: Day) -> float:
    """Return the mean error of a day's queries [m]."""
    queries = day.queries
    posterior = predictor.predict(queries.images, queries.heard)
    truth = queries.locations[queries.point_of]
    return float(localization_errors(posterior @ queries.locations, truth).mean())


def centre(day: Day) -> float:
    """Return the error of always answering the middle [m]."""
    where = day.queries.locations
    return float(centre_errors(where, where[day.queries.point_of]).mean())


def drawn(day: Day, size: int) -> list[npt.NDArray[np.intp]]:
    """Return some random choices of points, the same for every day."""
    rng = np.random.default_rng(size)
    return [
        rng.permutation(day.n_points)[:size].astype(np.intp)
        for _ in range(RANDOM_CHOICES)
    ]


def unshot(day: Day, bent: Callable[[Day, Environment], float]) -> float:
    """Return the error at points without shots, an eighth or ninth of all at a time.

    Nothing can do better at a point that no fresh shot is of, short of knowing more of
    how the place changes: all the rest of today is known.
    """
    n_parts = min(9, day.n_points)
    errors, counts = [], []
    for part in range(n_parts):
        left = np.flatnonzero(np.arange(day.n_points) % n_parts == part)
        rows = np.flatnonzero(np.isin(day.queries.point_of, left))
        asked = replace(day, queries=day.queries.select(rows))
        others = np.setdiff1d(np.arange(day.n_points), left)
        errors.append(bent(asked, day.at(others)))
        counts.append(len(rows))
    return float(np.average(errors, weights=counts))


def told(
    days: Sequence[Day], neighbours: Neighbours, size: int, found: Sequence[float]
) -> None:
    """Print what was expected of a number of points, beside what came of it."""
    expected = [
        expectations(neighbours, d.fresh.spec, d.history, (size,))[0] for d in days
    ]
    replayed = [k for k, each in enumerate(expected) if each.n_replays]
    if not replayed:
        return
    errors = [expected[k].error_m for k in replayed]
    inside = [expected[k].low <= found[k] <= expected[k].high for k in replayed]
    print(
        f"Expected of {size} points by replaying the past, {len(replayed)} days: "
        f"{np.mean([e for e in errors if e is not None]):.2f} m, found "
        f"{np.mean([found[k] for k in replayed]):.2f} m, "
        f"{np.mean(inside):.0%} of days within the interval that was told."
    )


def interval_of(values: npt.NDArray[np.float64]) -> tuple[str, str]:
    """Return the mean, and where 95 % of the means of resampled days are."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return f"{values.mean():.3f}", f"{low:.3f} to {high:.3f}"


def kept(
    errors: npt.NDArray[np.float64],
    nothing: npt.NDArray[np.float64],
    everything: npt.NDArray[np.float64],
) -> str:
    """Return the share of what all points gain, and its interval over days."""
    gains, most = nothing - errors, nothing - everything
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(gains), (RESAMPLES, len(gains)))
    shares = gains[rows].mean(axis=1) / most[rows].mean(axis=1)
    low, high = np.quantile(shares, (0.025, 0.975))
    return f"{gains.mean() / most.mean():.0%} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    main()
