"""Tracking in the simulated laboratory, frames through the agent's own pipeline.

    python benchmarks/tracking.py                        a quarter of an hour
    python benchmarks/tracking.py --hours 1 --walks 3    two minutes

The shipped site of 16 points in 4 areas, without walls between them. Somebody rests for
an hour at places that were never surveyed, chosen at random; and walks at 1 m/s from
point to point, resting for 5 s at each. Docs: docs/tracking.md.

A flip is a change of the published room. Entering counts from when the border of an
area is crossed, arriving from when the device is at rest in it; both where the stay
lasts for 3 s more. Whoever is in the right room already when it counts is right.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edge_agent.bundles.bundle import Bundle  # noqa: E402
from edge_agent.calibration import Calibration  # noqa: E402
from edge_agent.config import SHIPPED_BUNDLE, TrackingConfig  # noqa: E402
from edge_agent.csi.raw import RawFrames  # noqa: E402
from edge_agent.environment import Environment  # noqa: E402
from edge_agent.estimate import Estimate  # noqa: E402
from edge_agent.estimators import Estimator  # noqa: E402
from edge_agent.localizer import Localizer  # noqa: E402
from edge_agent.payload import Source  # noqa: E402
from edge_agent.pipeline import Pipeline  # noqa: E402
from edge_agent.site_predictor import make_site_predictor  # noqa: E402
from edge_agent.tracking.tracker import Tracked, Tracker  # noqa: E402
from trainer.simulate.listening import HEIGHT_M  # noqa: E402
from trainer.simulate.scenes import SCENES  # noqa: E402
from trainer.simulate.survey import START_US, capture_at  # noqa: E402
from trainer.simulate.ways import find_way, walk_along  # noqa: E402

SCENE = SCENES["lab"]
SITE = 255
"""Of the shipped shots: their access points' addresses."""

BORDER_X_M, BORDER_Y_M = 3.6, 3.9
AREAS = (("entrance", "workbench"), ("desks", "meeting corner"))
LATER_US = 3_600_000_000
RATES = ((50, 5), (20, 2))
"""Packets a second of an access point, and of them per image: ten images a second."""

WALK_M_S, REST_S, N_STOPS = 1.0, 5.0, 10
LIMIT_S = 3.0
CHUNK = 4096

Places = npt.NDArray[np.float64]


@dataclass(slots=True)
class Tally:
    """What became of one kind of test."""

    raw_flips: list[int] = field(default_factory=list)
    flips: list[int] = field(default_factory=list)
    entered: list[bool] = field(default_factory=list)
    arrived: list[bool] = field(default_factory=list)
    errors: list[tuple[float, float]] = field(default_factory=list)
    """Raw and followed [m]."""

    inside: list[tuple[bool, bool]] = field(default_factory=list)
    """Whether r95 holds the truth, raw and followed."""

    seconds: float = 0.0
    """That following took."""

    n: int = 0
    """Images."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where it is tried, with what."""

    bundle: Bundle
    calibration: Calibration
    localizer: Localizer
    hop: int
    interval_s: float
    """Between packets of an access point."""

    def pipeline(self) -> Pipeline:
        """Return one with empty windows."""
        spec = self.bundle.manifest.spec
        return Pipeline(spec, self.calibration, self.localizer, hop=self.hop)


def main() -> None:
    """Print a table per rate and estimator."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=int, default=8, help="of rest (default 8)")
    parser.add_argument("--walks", type=int, default=10, help="(default 10)")
    args = parser.parse_args()
    bundle = Bundle.load(SHIPPED_BUNDLE)
    shots = Environment.load(SHIPPED_BUNDLE.parent / "shots.npz")
    calibration = Calibration.from_shots(bundle, shots, now=datetime.now(UTC))
    for rate, hop in RATES:
        for estimator in (Estimator.NEIGHBOURS, Estimator.NETWORK):
            _, predictor = make_site_predictor(bundle, calibration, estimator)
            localizer = Localizer(calibration, predictor)
            site = Site(bundle, calibration, localizer, hop, 1 / rate)
            print(f"\n{estimator}, {rate} packets/s, {rate // hop} images/s\n")
            at_rest, on_the_way = Tally(), Tally()
            for number in range(args.hours):
                rest(at_rest, site, number)
            for number in range(args.walks):
                walk(on_the_way, site, number)
            report(at_rest, on_the_way)


def rest(tally: Tally, site: Site, number: int) -> None:
    """Rest for an hour somewhere."""
    rng = np.random.default_rng([number, 1])
    place = SCENE.place(rng, int(rng.integers(len(SCENE.points))))
    n_packets = round(3600 / site.interval_s)
    followed = list(follow(tally, site, rng, place, n_packets))
    areas = [tracked.whereabouts for tracked in followed]
    raw = [tracked.raw.room for tracked in followed]
    tally.flips.append(changes(areas))
    tally.raw_flips.append(changes(raw))
    truth = place[0, :2] - SCENE.corner
    for tracked in followed:
        compare(tally, tracked, truth)


def walk(tally: Tally, site: Site, number: int) -> None:
    """Walk from point to point, and rest for a while at each."""
    rng = np.random.default_rng([number, 2])
    (room,) = SCENE.days(1)
    points, interval_s = site.calibration.points, site.interval_s
    chosen = [points[i] for i in rng.permutation(len(points))[:N_STOPS]]
    corner = np.array([*SCENE.corner, HEIGHT_M])
    stops = [corner + np.array([*point.location, 0]) for point in chosen]
    pause = round(REST_S / interval_s)
    parts = [np.repeat(stops[0][None], pause, axis=0)]
    for here, there in pairwise(stops):
        way = walk_along(
            find_way(room, here[:2], there[:2]),
            speed_m_s=WALK_M_S,
            interval_s=interval_s,
        )
        parts += [
            np.column_stack([way, np.full(len(way), HEIGHT_M)]),
            np.repeat(there[None], pause, axis=0),
        ]
    places = np.concatenate(parts)
    is_resting = np.concatenate(
        [np.full(len(part), n % 2 == 0) for n, part in enumerate(parts)]
    )
    followed = list(follow(tally, site, rng, places, len(places)))
    at_s = np.array([t.raw.time_ns / 1e9 for t in followed])
    at_s -= (START_US + LATER_US) / 1e6
    row = np.clip((at_s / interval_s).astype(int), 0, len(places) - 1)
    truth = places[row, :2] - SCENE.corner
    for tracked, where in zip(followed, truth, strict=True):
        compare(tally, tracked, where)
    areas = [area(where) for where in truth]
    ends = [*np.flatnonzero([a != b for a, b in pairwise(areas)]) + 1, len(areas)]
    for start, end in pairwise(ends):
        right = [t.whereabouts.room == areas[start] for t in followed[start:end]]
        times = at_s[start:end]
        judge(tally.entered, right, times)
        resting = np.flatnonzero(is_resting[row[start:end]])
        if len(resting):
            judge(tally.arrived, right[resting[0] :], times[resting[0] :])


def judge(verdicts: list[bool], right: Sequence[bool], times_s: Places) -> None:
    """Note whether the room was right in time, where there was that much time."""
    if times_s[-1] - times_s[0] >= LIMIT_S:
        in_time = times_s - times_s[0] <= LIMIT_S
        verdicts.append(any(r for r, t in zip(right, in_time, strict=True) if t))


def follow(
    tally: Tally,
    site: Site,
    rng: np.random.Generator,
    places: Places,
    n_packets: int,
) -> Iterator[Tracked]:
    """Yield what is tracked of a simulated capture."""
    (room,) = SCENE.days(1)
    tracker = Tracker(site.calibration.points, TrackingConfig())
    pipeline = site.pipeline()
    raw = capture_at(
        rng,
        room,
        places,
        site=SITE,
        n_packets=n_packets,
        interval_s=site.interval_s,
        start_us=START_US + LATER_US,
    )
    for part in chunks(raw):
        for fix in pipeline.feed(part, Source.SIMULATED):
            began = time.perf_counter()
            tracked = tracker.update(fix.estimate, fix.unrest)
            tally.seconds += time.perf_counter() - began
            tally.n += 1
            yield tracked


def chunks(raw: RawFrames) -> Iterator[RawFrames]:
    """Cut packets as a source would."""
    for start in range(0, len(raw), CHUNK):
        yield raw[start : start + CHUNK]


def compare(tally: Tally, tracked: Tracked, truth: Places) -> None:
    """Note how far both locations are from the truth."""
    errors = [error(one, truth) for one in (tracked.raw, tracked.estimate)]
    tally.errors.append((errors[0][0], errors[1][0]))
    tally.inside.append((errors[0][1], errors[1][1]))


def error(estimate: Estimate, truth: Places) -> tuple[float, bool]:
    """Return how far a location is off [m], and whether its r95 says so."""
    where = estimate.position
    assert where is not None  # all points have coordinates
    off = float(np.hypot(where.x - truth[0], where.y - truth[1]))
    return off, off <= where.r95


def changes(values: Sequence[object]) -> int:
    """Return how often it is another one."""
    return sum(one != other for one, other in pairwise(values))


def area(where: Places) -> str:
    """Return the area that a place on the map is in."""
    return AREAS[int(where[0] > BORDER_X_M)][int(where[1] > BORDER_Y_M)]


def report(at_rest: Tally, on_the_way: Tally) -> None:
    """Print what was found."""
    flips, raw = np.array(at_rest.flips), np.array(at_rest.raw_flips)
    both = {"at rest": at_rest, "walks": on_the_way}
    print("| | one image | followed |")
    print("|---|---|---|")
    print(f"| flips in an hour of rest, mean | {raw.mean():.1f} | {flips.mean():.2f} |")
    print(f"| most | {raw.max()} | {flips.max()} |")
    few = [f"{(found <= 1).mean():.0%}" for found in (raw, flips)]
    print(f"| hours with one at most | {few[0]} | {few[1]} |")
    for name, verdicts in (
        ("entering", on_the_way.entered),
        ("arriving", on_the_way.arrived),
    ):
        print(
            f"| right within {LIMIT_S:g} s of {name} ({len(verdicts)}) | | "
            f"{np.mean(verdicts):.0%} |"
        )
    for name, tally in both.items():
        one, all_so_far = np.mean(tally.errors, axis=0)
        print(f"| mean error, {name} [m] | {one:.2f} | {all_so_far:.2f} |")
        one, all_so_far = np.mean(tally.inside, axis=0)
        print(f"| r95 holds the truth, {name} | {one:.0%} | {all_so_far:.0%} |")
    n, seconds = at_rest.n + on_the_way.n, at_rest.seconds + on_the_way.seconds
    print(f"| time to follow one [us] | | {seconds / n * 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
