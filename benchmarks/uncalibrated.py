"""What is said where nobody calibrated: points left out of a walk, and asked.

    METALOC_DATA=../shared/data python benchmarks/uncalibrated.py    about five minutes

A day is calibrated with its first three laps, one shot per point and lap, but for some
points: each third one, in turns, of simulated rooms, laboratory and hall; each single
spot of PolyU, one at a time. Its past is replayed as of `benchmarks/trust.py`. Then
later visits of the same day are located, at the points that were calibrated and at
those that were not, without novelty (`edge_agent.trust.novelty`) and with it.

Means over days (rooms: over rooms), before any tracking: mean error, share of fixes
within r68 and r95, that of r95 on the worst day, mean r95, and share of each quality
and of "unknown". PolyU is left out, and named on standard error, where it is not below
METALOC_DATA.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.command_line import only_help  # noqa: E402
from benchmarks.estimator_places import polyu_days, rooms, scene  # noqa: E402
from benchmarks.trust import (  # noqa: E402
    DATA,
    MOST_IMAGES,
    SEED,
    Task,
    as_walk,
    few,
    fix_of,
    novelties,
    of_visits,
    radii_of,
)
from edge_agent.bundles.bundle import Bundle  # noqa: E402
from edge_agent.config import SHIPPED_BUNDLE  # noqa: E402
from edge_agent.environment import Environment  # noqa: E402
from edge_agent.estimate import Estimate, Quality  # noqa: E402
from edge_agent.estimators import Estimator  # noqa: E402
from edge_agent.trust.learn import learn_trust, learners_of  # noqa: E402
from edge_agent.trust.learners import geometric_mean  # noqa: E402
from edge_agent.trust.replaying import renumbered  # noqa: E402

N_LAPS = 3
THIRDS = 3
SIZE = "--points 30 --days 4 --visits 5 --images 6"
POLYU_EACH = 3
"""Of its days, every third: each is calibrated once per spot."""

ASKED = ("calibrated", "not calibrated")
MANNERS = ("without", "with")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Said:
    """Of one fix."""

    error_m: float
    in_r68: bool
    in_r95: bool
    r95_m: float
    is_ok: bool
    is_uncertain: bool
    is_unknown: bool


def main() -> None:
    """Print the table."""
    only_help(__doc__)
    bundle = Bundle.load(SHIPPED_BUNDLE)
    titles = ("error [m]", "in r68", "in r95", "worst day", "r95 [m]")
    print("| place | asked at points | days | novelty |", " | ".join(titles), end="")
    print(" | ok / uncertain | unknown |")
    print("|---" * (4 + len(titles) + 2) + "|")
    with tempfile.TemporaryDirectory() as name:
        for title, days, one_by_one in places(Path(name)):
            found = [
                of_day(bundle, as_walk(day, 0), one_by_one)
                for day in days
                if len(set(day.visit_of.tolist())) > N_LAPS
            ]
            for asked in range(len(ASKED)):
                for manner in range(len(MANNERS)):
                    each = [day[asked][manner] for day in found]
                    head = (title, ASKED[asked], str(len(each)), MANNERS[manner])
                    print("| " + " | ".join((*head, *row(each))) + " |")
            sys.stdout.flush()


def places(folder: Path) -> Iterator[tuple[str, Sequence[Environment], bool]]:
    """Yield places, their days, and whether points are left out one at a time."""
    polyu = DATA / "surveys" / "polyu_csi.npz"
    if polyu.exists():
        yield "PolyU", polyu_days(polyu)[::POLYU_EACH], True
    else:
        print(f"PolyU is left out: no {polyu}", file=sys.stderr)
    yield "rooms", rooms(folder / "rooms", 16, SEED), False
    for name in ("lab", "hall"):
        yield name, scene(name, folder / name, f"{SIZE} --seed {SEED}"), False


def of_day(
    bundle: Bundle, day: Environment, one_by_one: bool
) -> list[list[list[Said]]]:
    """Return what is said, by `ASKED` and by `MANNERS`."""
    visits = sorted(set(day.visit_of.tolist()))
    fresh = few(of_visits(day, visits[:N_LAPS]), 1)
    asked = few(of_visits(day, visits[N_LAPS:]), MOST_IMAGES)
    numbers = np.arange(len(day.points))
    every = len(numbers) if one_by_one else THIRDS
    said: list[list[list[Said]]] = [[[] for _ in MANNERS] for _ in ASKED]
    for turn in range(every):
        is_left_out = numbers % every == turn
        shots = renumbered(fresh, numbers[~is_left_out])
        for kind, part in enumerate(
            asked.select(np.flatnonzero(is_left_out[asked.point_of] == is_new))
            for is_new in (False, True)
        ):
            if len(part):
                for manner, found in enumerate(locate(bundle, shots, part)):
                    said[kind][manner] += found
    return said


def locate(
    bundle: Bundle, shots: Environment, asked: Environment
) -> tuple[list[Said], list[Said]]:
    """Calibrate with some points, and locate images that may be of others."""
    trust = learn_trust(bundle, shots).trust
    learners = {each.estimator: each for each in learners_of(bundle, has_history=False)}
    parts = (Estimator.NETWORK, Estimator.NEIGHBOURS)
    if trust.estimator is not Estimator.ENSEMBLE:
        parts = (trust.estimator,) * 2
    posteriors = [
        np.asarray(learners[e].learn(shots, None).predict(asked.images, asked.heard))
        for e in dict.fromkeys(parts)
    ]
    posterior = posteriors[0] if len(posteriors) == 1 else geometric_mean(*posteriors)
    where = np.array([point.location for point in asked.points])[asked.point_of]
    novel = novelties(bundle, Task(shots, None, asked, 0.0))
    without, with_it = (
        [
            fix_of(trust, p, shots.points, 0.0, novelty if is_told else None)
            for p, novelty in zip(posterior, novel, strict=True)
        ]
        for is_told in (False, True)
    )
    return list(said_by(without, where)), list(said_by(with_it, where))


def said_by(fixes: Sequence[Estimate], where: Floats) -> Iterator[Said]:
    """Compare fixes with where they are of."""
    for fix, (off, r68, r95) in zip(fixes, radii_of(fixes, where), strict=True):
        yield Said(
            off,
            off <= r68,
            off <= r95,
            r95,
            fix.quality is Quality.OK,
            fix.quality is Quality.UNCERTAIN,
            fix.is_unknown,
        )


def row(days: Sequence[Sequence[Said]]) -> Iterator[str]:
    """Yield the cells of one line."""
    means = np.array([np.mean([astuple(s) for s in day], axis=0) for day in days])
    error, in_r68, in_r95, r95, ok, uncertain, unknown = means.mean(axis=0).tolist()
    yield from (f"{error:.2f}", f"{in_r68:.0%}", f"{in_r95:.0%}")
    yield from (f"{means[:, 2].min():.0%}", f"{r95:.2f}")
    yield from (f"{ok:.0%} / {uncertain:.0%}", f"{unknown:.0%}")


if __name__ == "__main__":
    main()
