"""Network against neighbours, at places that neither has seen: docs/estimators.md.

    METALOC_DATA=../shared/data python benchmarks/estimators.py      about five minutes

The shipped model, adapted to three shots of each point, locates images of later
visits. Simulated rooms are of other seeds than those it was trained on; PolyU and
EPIC-CSU are recordings, left out, and named on standard error, where their copies are
not below METALOC_DATA. Intervals are of 95 %, rooms or days being drawn with
replacement; differences are paired.
"""

import math
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.command_line import only_help  # noqa: E402
from benchmarks.estimator_methods import (  # noqa: E402
    Method,
    all_methods,
    neighbours_of,
    surprise,
)
from benchmarks.estimator_places import (  # noqa: E402
    csu_corridor,
    polyu_days,
    rooms,
    scene,
)
from edge_agent.bundles.bundle import Bundle  # noqa: E402
from edge_agent.config import SHIPPED_BUNDLE  # noqa: E402
from edge_agent.environment import Environment  # noqa: E402
from edge_agent.metrics import localization_errors, random_point_errors  # noqa: E402
from edge_agent.neighbours.estimator import NeighboursPredictor  # noqa: E402
from trainer.neighbours.replays import Replay  # noqa: E402

DATA = Path(os.environ.get("METALOC_DATA", ROOT.parent / "shared" / "data"))
TRAINED_ROOMS, TRAINED_SEED = 48, 1
"""As scripts/build_demo has it."""

ROOMS, SEED = 24, 2001
HISTORY_DAYS = 4
RESAMPLES = 2000
PREDICTIONS = 200
OURS = "neighbours (shipped)"


@dataclass(frozen=True, slots=True)
class Score:
    """Of one method at one place."""

    mean_m: float
    right: float
    """Share of queries whose most probable point is the right one."""

    surprise: float
    """Mean of -ln P(truth)."""


def main() -> None:
    """Print a table per kind of place."""
    only_help(__doc__)
    polyu, csu = DATA / "surveys" / "polyu_csi.npz", DATA / "raw" / "csu"
    has_polyu, has_csu = is_there(polyu, "PolyU"), is_there(csu, "EPIC-CSU")
    bundle = Bundle.load(SHIPPED_BUNDLE)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        history = rooms(folder / "trained", TRAINED_ROOMS, TRAINED_SEED)
        methods = all_methods(bundle, history)
        found = rooms(folder / "rooms", ROOMS, SEED)
        compare("simulated rooms", "rooms", found, methods)
        for name in ("lab", "hall"):
            days = scene(name, folder / name, "--days 3 --images 12 --seed 2001")
            compare(f"simulated {name}, 90 points", "days", days, methods)
    if has_polyu:
        days = polyu_days(polyu)
        taught = {
            day.name: neighbours_of(days[number - HISTORY_DAYS : number])
            for number, day in enumerate(days)
            if number >= HISTORY_DAYS
        }
        compare(
            "PolyU, recorded",
            "days",
            days[HISTORY_DAYS:],
            methods,
            {f"neighbours, taught by the {HISTORY_DAYS} days before": taught},
        )
    if has_csu:
        corridor(csu_corridor(csu), methods)
    cost(bundle)


def is_there(path: Path, survey: str) -> bool:
    """Return whether a survey is, and say so where it is not."""
    if not path.exists():
        print(
            f"{survey} is left out: no {path.relative_to(DATA)} below {DATA}; "
            "METALOC_DATA says where the surveys are",
            file=sys.stderr,
        )
    return path.exists()


def compare(
    title: str,
    drawn: str,
    places: Sequence[Environment],
    methods: Mapping[str, Method],
    of_place: Mapping[str, Mapping[str, Method]] | None = None,
) -> None:
    """Print what each method makes of shots of one visit, and of several.

    Args:
        title: Of the tables.
        drawn: What the places are: rooms, or days of one place.
        places: Those.
        methods: By title.
        of_place: Methods that are another at each place, by title and name.
    """
    kinds = ("shots of the first visit", "shots of all visits but the last")
    replays = {place.name: Replay.of(place) for place in places}
    for number, kind in enumerate(kinds):
        chosen = {name: r[number] for name, r in replays.items() if len(r) > number}
        if not chosen:
            continue
        print(f"\n{title}, {kind}: {len(chosen)} {drawn}\n")
        print("| | mean [m] | 95 % | worse than neighbours by | right | surprise |")
        print("|---|---|---|---|---|---|")
        everywhere = {
            name: dict.fromkeys(chosen, method) for name, method in methods.items()
        }
        scores = {
            name: [score(by_place[k], replay) for k, replay in chosen.items()]
            for name, by_place in (everywhere | dict(of_place or {})).items()
        }
        scores = {"a random point": [chance(r) for r in chosen.values()]} | scores
        for name, of_method in scores.items():
            print(f"| {name} | {row(of_method, scores[OURS])} |", flush=True)


def row(scores: Sequence[Score], ours: Sequence[Score]) -> str:
    """Return the cells of a method, means over places."""
    errors = np.array([s.mean_m for s in scores])
    more = errors - np.array([s.mean_m for s in ours])
    between, paired = (
        "{:+.2f} to {:+.2f}".format(*interval(values)) for values in (errors, more)
    )
    return " | ".join(
        (
            f"{errors.mean():.2f}",
            between.replace("+", ""),
            paired if more.any() else "",
            f"{np.mean([s.right for s in scores]):.0%}",
            f"{np.mean([s.surprise for s in scores]):.2f}",
        )
    )


def score(method: Method, replay: Replay) -> Score:
    """Return how a method does at one place."""
    posterior, points = method(replay), replay.queries.point_of
    return Score(
        float(errors_of(posterior, replay).mean()),
        float((posterior.argmax(axis=1) == points).mean()),
        surprise(posterior, points),
    )


def chance(replay: Replay) -> Score:
    """Return how a point that is drawn at random does, on average."""
    truth = replay.queries.locations[replay.queries.point_of]
    errors = random_point_errors(replay.shots.locations, truth)
    n_points = len(replay.shots.points)
    return Score(float(errors.mean()), 1 / n_points, math.log(n_points))


def errors_of(
    posterior: npt.NDArray[np.float64], replay: Replay
) -> npt.NDArray[np.float64]:
    """Return the distance of the posterior's mean from the truth [m], shape (n,)."""
    truth = replay.queries.locations[replay.queries.point_of]
    return localization_errors(posterior @ replay.shots.locations, truth)


def interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return where 95 % of the means of resampled values are."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    return low, high


def corridor(replay: Replay, methods: Mapping[str, Method]) -> None:
    """Print errors where queries are at other points than shots."""
    print(
        "\nEPIC-CSU corridor, recorded, without RSSI: test points beside the shots'\n"
    )
    print("| | mean [m] | median [m] |\n|---|---|---|")
    truth = replay.queries.locations[replay.queries.point_of]
    drawn = {"a random point": random_point_errors(replay.shots.locations, truth)}
    located = {
        name: errors_of(method(replay), replay) for name, method in methods.items()
    }
    for name, errors in (drawn | located).items():
        print(f"| {name} | {errors.mean():.2f} | {np.median(errors):.2f} |")


def cost(bundle: Bundle) -> None:
    """Print the time of neighbours, one image at a time."""
    neighbours, spec = bundle.neighbours, bundle.manifest.spec
    assert neighbours is not None
    rng = np.random.default_rng(0)
    print("\n| points | fingerprints of 3 shots each [ms] | an image [ms] |")
    print("|---|---|---|")
    for n_points in (16, 90):
        images = rng.integers(0, 256, (3 * n_points, *spec.shape), np.uint8)
        heard = np.ones((len(images), spec.n_channels), np.bool_)
        points = np.arange(len(images)) % n_points
        started = time.process_time()
        shots = neighbours.fingerprints(spec, images, heard, points, n_points)
        made = time.process_time()
        predictor = NeighboursPredictor(neighbours, spec, shots)
        started_locating = time.process_time()
        for number in range(PREDICTIONS):
            one = slice(number % len(images), number % len(images) + 1)
            predictor.predict(images[one], heard[one])
        each = (time.process_time() - started_locating) / PREDICTIONS
        print(f"| {n_points} | {(made - started) * 1e3:.0f} | {each * 1e3:.2f} |")


if __name__ == "__main__":
    main()
