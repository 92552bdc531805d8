"""Does a site start from the parameters of the environment that it is?

    python benchmarks/parameter_sets.py                      about six minutes
    python benchmarks/parameter_sets.py --iterations 300     twenty

Simulated rooms have three days; from one to the next furniture, scatterers and powers
change. Rooms that a bundle knows are told from rooms that it does not, by three shots
per point. With --iterations, MAML-TS is trained on some rooms' first two days, with the
commands that a person would use; on the third day the network adapts from the set that
is chosen, from θ_total, from the room's own set and from each wrong one, and locates
images of three later visits. Rooms are drawn with replacement for intervals of 95 %;
differences are paired.

With METALOC_DATA also corridors of EPIC-CSU: recordings of one access point each,
without RSSI, of reference points at which the device stood once. Every other point is
learnt, the others choose.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edge_agent.bundles.bundle import Bundle  # noqa: E402
from edge_agent.bundles.parameter_sets import (  # noqa: E402
    TOTAL,
    ParameterSet,
    ParameterSets,
)
from edge_agent.calibration import Calibration  # noqa: E402
from edge_agent.csi.image import Channel, ImageSpec, Pixels  # noqa: E402
from edge_agent.csi.subcarriers import FrameFormat, Phy  # noqa: E402
from edge_agent.environment import Environment  # noqa: E402
from edge_agent.learning.backends import Backend  # noqa: E402
from edge_agent.learning.predictor import make_predictor  # noqa: E402
from edge_agent.metrics import localization_errors  # noqa: E402
from edge_agent.recording import record_environment  # noqa: E402
from edge_agent.survey import Point, SurveyedCapture, write_survey  # noqa: E402
from edge_agent.task_similarity.history import TaskHistory  # noqa: E402
from export.cli import main as export  # noqa: E402
from trainer.cli import main as trainer  # noqa: E402
from trainer.meta.task_attachments import tasks_of  # noqa: E402
from trainer.simulate.room import draw_room, next_day  # noqa: E402
from trainer.simulate.survey import SurveyPlan, survey_room  # noqa: E402

DATA = Path(os.environ.get("METALOC_DATA", ROOT.parent / "shared" / "data"))
FORMAT = FrameFormat(64, Phy.LEGACY, 1, overwritten=True)

SEED = 3001
ROOMS, DAYS, VISITS = 40, 3, 6
KNOWN = 8
"""Rooms that a bundle has parameters of."""

DRAWS = 40
"""Of these rooms, for the rates."""

RESAMPLES = 2000
EARLY = 3
"""Visits of a day that are learnt or adapted to; the later ones are located."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A room on all its days; visits are numbered through them, from 1."""

    captures: list[SurveyedCapture]
    environment: Environment

    def visits(self, day: int, *, late: bool = False) -> Environment:
        """Return the early or the late visits of a day, counted from 0."""
        first = day * VISITS + (EARLY if late else 0)
        return self.of_visits(range(first + 1, first + EARLY + 1))

    def learnt_on(self, days: Sequence[int]) -> Environment:
        """Return the early visits of some days."""
        return self.of_visits(
            [day * VISITS + n for day in days for n in range(1, EARLY + 1)]
        )

    def of_visits(self, numbers: Sequence[int]) -> Environment:
        """Return images of some visits."""
        wanted = np.isin(self.environment.visit_of, list(map(str, numbers)))
        return self.environment.select(np.flatnonzero(wanted))


def every_other(place: Environment, parity: int) -> Environment:
    """Return the images of every other point."""
    return place.select(np.flatnonzero(place.point_of % 2 == parity))


def main() -> None:
    """Print rates of the choice, and errors where training is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        places = [simulated(number, Path(folder)) for number in range(ROOMS)]
        print_rates(places)
        print_corridors()
        if args.iterations:
            print_errors(places, args.iterations, Path(folder))


def simulated(number: int, folder: Path) -> Place:
    """Return a random room."""
    rng = np.random.default_rng([SEED, number])
    size = (rng.uniform(5, 12), rng.uniform(4, 9), rng.uniform(2.4, 3.2))
    at = [np.linspace(0.8, side - 0.8, rng.integers(3, 5)) for side in size[:2]]
    grid = [(x, y) for y in at[1] for x in at[0]]
    points = [
        Point(f"p{n}", round(float(x), 2), round(float(y), 2))
        for n, (x, y) in enumerate(grid, 1)
    ]
    name, plan = f"room{number:02}", SurveyPlan(n_rooms=1, n_visits=VISITS)
    room = draw_room(rng, size=size, free=grid)
    captures = []
    for day in range(DAYS):
        room = next_day(room, rng)
        captures += [
            replace(row, visit=str(day * VISITS + int(row.visit)))
            for row in survey_room(
                rng,
                room,
                points,
                folder / f"{name}-{day}",
                site=number,
                plan=plan,
                environment=name,
            )
        ]
    return Place(captures, record_environment(captures, ImageSpec()))


# -- the choice ------------------------------------------------------------------------


def print_rates(places: Sequence[Place]) -> None:
    """Print how often the right set is chosen, and how often none."""
    print(f"{KNOWN} of {len(places)} rooms known, {DRAWS} draws; three shots per point")
    print(f"{'':34}{'known room':^48}{'unknown room':^20}")
    print(
        f"{'learnt on, shots of':34}{'own':^16}{'another':^16}{'none':^16}{'none':^20}"
    )
    for title, days, today, parities in (
        ("day 1, later visits of day 1", (0,), (0, True), None),
        ("the same, at other points", (0,), (0, True), (0, 1)),
        ("day 1, day 2", (0,), (1, False), None),
        ("days 1 and 2, day 3", (0, 1), (2, False), None),
    ):
        rng = np.random.default_rng(SEED)
        known: list[list[list[float]]] = [[] for _ in places]
        unknown: list[list[list[float]]] = [[] for _ in places]
        for _ in range(DRAWS):
            order = rng.permutation(len(places))
            learnt = [places[i].learnt_on(days) for i in order[:KNOWN]]
            if parities:
                learnt = [every_other(place, parities[0]) for place in learnt]
            sets = known_sets(learnt)
            for i in order:
                shots = places[i].visits(today[0], late=today[1])
                if parities:
                    shots = every_other(shots, parities[1])
                shots = shots.take_shots(EARLY)
                name = sets.choose(shots).name
                own, none = name == shots.name, name == TOTAL
                outcome = [float(own), float(not own and not none), float(none)]
                (known if i in order[:KNOWN] else unknown)[i].append(outcome)
        cells = [rate(known, column) for column in range(3)] + [rate(unknown, 2)]
        print(f"{title:34}" + "".join(f"{cell:^16}" for cell in cells))
    print()


def known_sets(places: Sequence[Environment]) -> ParameterSets:
    """Return what a bundle of these places would choose from."""
    rng = np.random.default_rng(0)
    found = [tasks_of(place, rng) for place in places]
    return ParameterSets(
        tuple(
            ParameterSet(place.name, f"theta.{n}.npz") for n, place in enumerate(places)
        ),
        TaskHistory(tuple(each.tasks for each in found), has_level=True),
    )


def rate(outcomes: Sequence[Sequence[Sequence[float]]], column: int) -> str:
    """Return a share over all rooms, and its interval, in percent."""
    rooms = [np.array(of_room)[:, column] for of_room in outcomes if of_room]
    sums, counts = (np.array([f(r) for r in rooms]) for f in (np.sum, len))
    drawn = np.random.default_rng(0).integers(len(rooms), size=(RESAMPLES, len(rooms)))
    low, high = np.percentile(
        sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), (2.5, 97.5)
    )
    return f"{sums.sum() / counts.sum():.1%} ({100 * low:.0f}-{100 * high:.0f})"


def print_corridors() -> None:
    """Print how often a recorded corridor is told from others, where they are there."""
    path = DATA / "surveys" / "csu_csi.npz"
    if not path.exists():
        print(f"no {path}: no corridors\n")
        return
    corridors = corridors_of(path)
    n = len(corridors)
    own, another, unknown = 0, 0, 0
    for here, site in corridors.items():
        shots = every_other(site, 1)
        learnt = {name: every_other(one, 0) for name, one in corridors.items()}
        name = known_sets(list(learnt.values())).choose(shots).name
        own, another = own + (name == here), another + (name not in (here, TOTAL))
        others = known_sets([one for name, one in learnt.items() if name != here])
        unknown += others.choose(shots).name == TOTAL
    print(f"EPIC-CSU, {n} corridors: own {own}, another {another}, none ", end="")
    print(f"{n - own - another}; none where the own one is not known {unknown}\n")


def corridors_of(path: Path) -> dict[str, Environment]:
    """Return three images of every reference point; points come in three visits."""
    spec = ImageSpec(n_channels=1)
    channel = Channel("02:00:00:00:00:00", 0, FORMAT, has_rssi=False)
    found = {}
    with np.load(path) as file:
        amplitude, point_of = file["amp"], file["pt"]
        role, corridor_of, names = file["pt_role"], file["pt_env"], file["env_name"]
    for number, name in enumerate(names):
        points = [
            p
            for p in np.flatnonzero((corridor_of == number) & (role == 0))
            if (point_of == p).sum() >= 3 * spec.n_packets
        ]
        if len(points) < 4:
            continue
        images = [
            pixels_of(rows[: len(rows) // 3 * 3].reshape(3, -1, spec.n_tones), spec)
            for p in points
            for rows in [amplitude[point_of == p]]
        ]
        pixels = np.concatenate(images)[:, None]
        found[str(name)] = Environment(
            str(name),
            spec,
            (channel,),
            tuple(Point(f"p{n}", float(n), 0.0) for n in range(len(points))),
            pixels,
            np.ones((len(pixels), 1), np.bool_),
            np.repeat(np.arange(len(points)), 3),
            np.repeat(np.arange(len(points)) // 2 % 3, 3).astype(np.str_),
            is_simulated=False,
        )
    return found


def pixels_of(amplitude: npt.NDArray[np.uint16], spec: ImageSpec) -> Pixels:
    """Return an image of the first packets of each part, (n, n_packets, n_tones)."""
    power = np.square(amplitude[:, : spec.n_packets].astype(np.float64))
    relative = np.maximum(power / power.mean(axis=2, keepdims=True), 1e-6)
    dbm = spec.nominal_level_dbm + 10 * np.log10(relative)
    scale = 255 / (spec.ceiling_dbm - spec.floor_dbm)
    return np.clip(np.rint((dbm - spec.floor_dbm) * scale), 0, 255).astype(np.uint8)


# -- what it is worth ------------------------------------------------------------------


def print_errors(places: Sequence[Place], iterations: int, folder: Path) -> None:
    """Train on the first rooms, and print errors on all rooms' third day [m]."""
    bundle = trained(places[:KNOWN], iterations, folder)
    print(f"{KNOWN} rooms, {iterations} iterations each and of all; mean error [m]")
    for title, some in (
        ("known rooms, day 3", places[:KNOWN]),
        ("unknown rooms", places[KNOWN:]),
    ):
        rows = [errors_from(bundle, place) for place in some]
        print(title)
        for name in rows[0]:
            of_rooms = np.array([row[name] for row in rows])
            off = of_rooms - [row[TOTAL] for row in rows]
            print(
                f"  from {name:10} {interval(of_rooms):24} minus total {interval(off)}"
            )


def trained(places: Sequence[Place], iterations: int, folder: Path) -> Bundle:
    """Return the bundle, by the commands."""
    learnt = {
        str(day * VISITS + n) for day in range(DAYS - 1) for n in range(1, EARLY + 1)
    }
    survey = folder / "survey.csv"
    write_survey(survey, [c for p in places for c in p.captures if c.visit in learnt])
    models, bundle = folder / "models", folder / "bundle"
    with redirect_stdout(sys.stderr):
        options = ["--method", "maml-ts", "--iterations", str(iterations), "--compile"]
        command = ["train", str(survey), "--out", str(models), "--threads", "1"]
        assert trainer([*command, *options]) == 0
        assert export([str(models), str(bundle)]) == 0
    return Bundle.load(bundle)


def errors_from(bundle: Bundle, place: Place) -> dict[str, float]:
    """Return the mean error [m] of a room's later visits, by where adapting started."""
    shots = place.visits(DAYS - 1).take_shots(EARLY)
    queries = place.visits(DAYS - 1, late=True)
    errors = {
        name: adapted_error(bundle, shots, queries, name)
        for name in [TOTAL, *(each.name for each in bundle.manifest.sets)]
    }
    wrong = [e for name, e in errors.items() if name not in (TOTAL, shots.name)]
    found = {
        "chosen": errors[bundle.choose_set(shots).name],
        TOTAL: errors[TOTAL],
        "wrong": float(np.mean(wrong)),
    }
    return found | ({"own": errors[shots.name]} if shots.name in errors else {})


def adapted_error(
    bundle: Bundle, shots: Environment, queries: Environment, name: str
) -> float:
    """Return the mean error [m] after adapting from a set."""
    calibration = Calibration.from_shots(
        bundle, shots, now=datetime.now(UTC), parameter_set=name
    )
    predictor = make_predictor(bundle, calibration, Backend.NUMPY)
    answers = predictor.predict(queries.images, queries.heard) @ queries.locations
    truth = queries.locations[queries.point_of]
    return float(localization_errors(answers, truth).mean())


def interval(values: npt.NDArray[np.float64]) -> str:
    """Return a mean over rooms and its interval."""
    drawn = np.random.default_rng(0).integers(
        len(values), size=(RESAMPLES, len(values))
    )
    low, high = np.percentile(values[drawn].mean(axis=1), (2.5, 97.5))
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
