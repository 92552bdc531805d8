"""Tracking in a simulated laboratory and flat, frames through the agent's own pipeline.

    python benchmarks/tracking.py                                    an hour
    python benchmarks/tracking.py --hours 1 --places 8 --walks 3     ten minutes

Somebody rests for an hour at places that are chosen at random and of which most were
never surveyed; for a minute at more such places; and walks at 1 m/s from point to
point, resting for 5 s at each. Sites: tracking_sites.py. Docs: docs/tracking.md.

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
from itertools import pairwise
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from tracking_sites import Site, make_flat, make_lab  # noqa: E402

from edge_agent.bundles.bundle import Bundle  # noqa: E402
from edge_agent.config import SHIPPED_BUNDLE, TrackingConfig  # noqa: E402
from edge_agent.csi.raw import RawFrames  # noqa: E402
from edge_agent.estimate import Estimate  # noqa: E402
from edge_agent.estimators import Estimator  # noqa: E402
from edge_agent.localizer import Localizer  # noqa: E402
from edge_agent.payload import Source  # noqa: E402
from edge_agent.pipeline import Pipeline  # noqa: E402
from edge_agent.site_predictor import make_site_predictor  # noqa: E402
from edge_agent.tracking.tracker import Tracked, Tracker  # noqa: E402
from trainer.simulate.listening import HEIGHT_M, place_device  # noqa: E402
from trainer.simulate.survey import START_US, capture_at  # noqa: E402
from trainer.simulate.ways import walk_along  # noqa: E402

LATER_US = 3_600_000_000
RATES = (50, 20)
"""Packets a second of an access point."""

IMAGES_PER_S = 10

ESTIMATORS = (Estimator.NEIGHBOURS, Estimator.NETWORK)
HOUR_S, MINUTE_S = 3600.0, 60.0
PLACEMENT_M = 0.003
WALK_M_S, REST_S, N_STOPS = 1.0, 5.0, 10
LIMIT_S = 3.0
CHUNK = 4096

Places = npt.NDArray[np.float64]


@dataclass(slots=True)
class Tally:
    """What became of one kind of test."""

    flips: list[tuple[int, int]] = field(default_factory=list)
    """Raw and followed."""

    rooms: list[tuple[bool, bool]] = field(default_factory=list)
    """Whether the room is right, raw and followed."""

    entered: list[bool] = field(default_factory=list)
    arrived: list[bool] = field(default_factory=list)
    errors: list[tuple[float, float]] = field(default_factory=list)
    """Raw and followed [m]."""

    radii: list[tuple[float, float]] = field(default_factory=list)
    """r95, raw and followed [m]."""

    inside: list[tuple[bool, bool]] = field(default_factory=list)
    """Whether r95 holds the truth, raw and followed."""

    seconds: float = 0.0
    """That following took."""

    n: int = 0
    """Images."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What is heard of somebody."""

    raw: RawFrames
    places: Places
    """Where the device is at each packet, or all the time; on the map [m]."""

    is_resting: npt.NDArray[np.bool_]
    """At each packet, or all the time."""

    interval_s: float
    """Between packets of an access point."""

    def rows(self, times_ns: Sequence[int]) -> npt.NDArray[np.intp]:
        """Return the row of ``places`` at some times."""
        at_s = np.array(times_ns) / 1e9 - (START_US + LATER_US) / 1e6
        numbers = (at_s / self.interval_s).astype(np.intp)
        return np.clip(numbers, 0, len(self.places) - 1)


def main() -> None:
    """Print a table per site, rate and estimator."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=int, default=4, help="of rest (default 4)")
    parser.add_argument("--places", type=int, default=40, help="(default 40)")
    parser.add_argument("--walks", type=int, default=10, help="(default 10)")
    parser.add_argument("--site", choices=SITES, help="(default: both)")
    parser.add_argument("--rate", type=int, choices=RATES, help="(default: both)")
    args = parser.parse_args()
    bundle = Bundle.load(SHIPPED_BUNDLE)
    for name in [args.site] if args.site else SITES:
        site = SITES[name](bundle)
        for rate in [args.rate] if args.rate else RATES:
            hop = rate // IMAGES_PER_S
            tallies = {e: {kind: Tally() for kind in KINDS} for e in ESTIMATORS}
            for kind, trace in traces(site, 1 / rate, args):
                for estimator in ESTIMATORS:
                    judge_trace(tallies[estimator], kind, site, trace, estimator, hop)
            for estimator in ESTIMATORS:
                print(f"\n{site.name}, {estimator}, {rate} packets/s\n")
                report(tallies[estimator])


SITES = {"lab": make_lab, "flat": make_flat}
KINDS = HOUR, MINUTE, STOP, WAY = "hours", "places", "stops of walks", "on the way"


def traces(
    site: Site, interval_s: float, args: argparse.Namespace
) -> Iterator[tuple[str, Trace]]:
    """Yield what is heard, and of what kind."""
    for kind, n, lasts_s in (
        (HOUR, args.hours, HOUR_S),
        (MINUTE, args.places, MINUTE_S),
    ):
        for number in range(n):
            rng = np.random.default_rng([number, KINDS.index(kind)])
            place = site.places[rng.integers(len(site.places))] + site.corner
            where = place_device(rng, *place, placement_m=PLACEMENT_M)
            n_packets = round(lasts_s / interval_s)
            yield kind, heard(rng, site, where, np.ones(1, bool), n_packets, interval_s)
    for number in range(args.walks):
        rng = np.random.default_rng([number, len(KINDS)])
        places, is_resting = walk(rng, site, interval_s)
        yield WAY, heard(rng, site, places, is_resting, len(places), interval_s)


def walk(
    rng: np.random.Generator, site: Site, interval_s: float
) -> tuple[Places, npt.NDArray[np.bool_]]:
    """Return where in the room somebody is who walks, and whether that rests."""
    points = site.calibration.points
    chosen = [np.array(points[i].location) for i in rng.permutation(len(points))]
    stops = chosen[:N_STOPS]
    pause = round(REST_S / interval_s)
    parts = [np.repeat((stops[0] + site.corner)[None], pause, axis=0)]
    for here, there in pairwise(stops):
        way = site.way(here, there)
        parts += [
            walk_along(way, speed_m_s=WALK_M_S, interval_s=interval_s),
            np.repeat((there + site.corner)[None], pause, axis=0),
        ]
    is_resting = [np.full(len(part), n % 2 == 0) for n, part in enumerate(parts)]
    places = np.concatenate(parts)
    high = np.full(len(places), HEIGHT_M)
    return np.column_stack([places, high]), np.concatenate(is_resting)


def heard(
    rng: np.random.Generator,
    site: Site,
    places: Places,
    is_resting: npt.NDArray[np.bool_],
    n_packets: int,
    interval_s: float,
) -> Trace:
    """Simulate a capture."""
    raw = capture_at(
        rng,
        site.room,
        places,
        site=site.address,
        n_packets=n_packets,
        interval_s=interval_s,
        start_us=START_US + LATER_US,
    )
    return Trace(raw, places[:, :2] - site.corner, is_resting, interval_s)


def judge_trace(
    tallies: dict[str, Tally],
    kind: str,
    site: Site,
    trace: Trace,
    estimator: Estimator,
    hop: int,
) -> None:
    """Follow somebody, and note how well that went."""
    followed = follow(tallies[kind], site, trace, estimator, hop)
    times_ns = [tracked.raw.time_ns for tracked in followed]
    rows = trace.rows(times_ns)
    truth, is_resting = trace.places[rows], trace.is_resting[rows]
    areas = [site.area(where) for where in truth]
    for tracked, where, area, rests in zip(
        followed, truth, areas, is_resting, strict=True
    ):
        tally = tallies[STOP if kind == WAY and rests else kind]
        compare(tally, tracked, where)
        named = tracked.raw.room == area, tracked.whereabouts.room == area
        tally.rooms.append(named)
    if kind != WAY:
        raw = changes([t.raw.room for t in followed])
        tallies[kind].flips.append((raw, changes([t.whereabouts for t in followed])))
        return
    at_s = np.array(times_ns) / 1e9
    ends = [*np.flatnonzero([a != b for a, b in pairwise(areas)]) + 1, len(areas)]
    for start, end in pairwise(ends):
        right = [t.whereabouts.room == areas[start] for t in followed[start:end]]
        times = at_s[start:end]
        judge(tallies[WAY].entered, right, times)
        resting = np.flatnonzero(is_resting[start:end])
        if len(resting):
            first = resting[0]
            judge(tallies[WAY].arrived, right[first:], times[first:])


def judge(verdicts: list[bool], right: Sequence[bool], times_s: Places) -> None:
    """Note whether the room was right in time, where there was that much time."""
    if times_s[-1] - times_s[0] >= LIMIT_S:
        in_time = times_s - times_s[0] <= LIMIT_S
        verdicts.append(any(r for r, t in zip(right, in_time, strict=True) if t))


def follow(
    tally: Tally, site: Site, trace: Trace, estimator: Estimator, hop: int
) -> list[Tracked]:
    """Return what is tracked."""
    calibration = site.calibration
    _, predictor = make_site_predictor(site.bundle, calibration, estimator)
    localizer = Localizer(calibration, predictor, calibration.trust_in(estimator))
    spec = site.bundle.manifest.spec
    pipeline = Pipeline(spec, calibration, localizer, hop=hop)
    tracker = Tracker(calibration.points, TrackingConfig(), site.walls)
    followed = []
    for part in chunks(trace.raw):
        for fix in pipeline.feed(part, Source.SIMULATED):
            began = time.perf_counter()
            followed.append(tracker.update(fix.estimate, fix.unrest))
            tally.seconds += time.perf_counter() - began
            tally.n += 1
    return followed


def chunks(raw: RawFrames) -> Iterator[RawFrames]:
    """Cut packets as a source would."""
    for start in range(0, len(raw), CHUNK):
        yield raw[start : start + CHUNK]


def compare(tally: Tally, tracked: Tracked, truth: Places) -> None:
    """Note how far both locations are from the truth."""
    raw, followed = (error(one, truth) for one in (tracked.raw, tracked.estimate))
    tally.errors.append((raw[0], followed[0]))
    tally.radii.append((raw[1], followed[1]))
    tally.inside.append((raw[0] <= raw[1], followed[0] <= followed[1]))


def error(estimate: Estimate, truth: Places) -> tuple[float, float]:
    """Return how far a location is off [m], and its r95 [m]."""
    where = estimate.position
    assert where is not None  # all points have coordinates
    return float(np.hypot(where.x - truth[0], where.y - truth[1])), where.r95


def changes(values: Sequence[object]) -> int:
    """Return how often it is another one."""
    return sum(one != other for one, other in pairwise(values))


def report(tallies: dict[str, Tally]) -> None:
    """Print what was found."""
    print("| | one image | followed |")
    print("|---|---|---|")
    if tallies[HOUR].flips:
        flips = np.array(tallies[HOUR].flips)
        row(f"flips in an hour of rest, mean of {len(flips)}", flips.mean(axis=0))
        row("most", flips.max(axis=0))
    for name, verdicts in (
        ("entering", tallies[WAY].entered),
        ("arriving", tallies[WAY].arrived),
    ):
        if verdicts:
            name = f"right within {LIMIT_S:g} s of {name} ({len(verdicts)})"
            print(f"| {name} | | {np.mean(verdicts):.0%} |")
    for kind, tally in tallies.items():
        if not tally.n and not tally.errors:
            continue
        row(f"{kind}: mean error [m]", np.mean(tally.errors, axis=0))
        row(f"{kind}: r95 [m]", np.mean(tally.radii, axis=0))
        row(f"{kind}: r95 holds the truth [%]", 100 * np.mean(tally.inside, axis=0))
        row(f"{kind}: right room [%]", 100 * np.mean(tally.rooms, axis=0))
    n = sum(tally.n for tally in tallies.values())
    seconds = sum(tally.seconds for tally in tallies.values())
    print(f"| time to follow one [us] | | {seconds / n * 1e6:.0f} |", flush=True)


def row(name: str, values: Places) -> None:
    """Print one of the table's rows."""
    print(f"| {name} | {values[0]:.3g} | {values[1]:.3g} |")


if __name__ == "__main__":
    main()
