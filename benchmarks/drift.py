"""When the monitor of drift alarms, and when it must not: docs/drift.md.

    METALOC_DATA=../shared/data python benchmarks/drift.py        two minutes

PolyU, recorded: calibrated with the first three visits of a day (one image per point of
each) and the walks of the four days before; then watched on later visits of that day,
and on each of the next three days, a monitor for each. The simulated laboratory:
calibrated at sixteen points in three laps, then put down at them while something has
changed. A false alarm is one where shots still find the right point.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.command_line import only_help  # noqa: E402
from benchmarks.drift_sites import (  # noqa: E402
    N_LAPS,
    START_S,
    STOP_EVERY_S,
    Change,
    Laboratory,
    Watched,
    day_stops,
    heard_at,
    moved,
    past_of,
    power_changed,
    refurnished,
    shots_of,
    switched_off,
    unchanged,
    visits_of,
    walk_through,
    watch_of,
    watched,
)
from benchmarks.estimator_places import polyu_days  # noqa: E402
from edge_agent.bundles.bundle import Bundle  # noqa: E402
from edge_agent.config import SHIPPED_BUNDLE  # noqa: E402
from edge_agent.drift.betting import (  # noqa: E402
    QUIET_STOPS,
    Cusum,
    log_bet,
    threshold,
)
from edge_agent.environment import Environment  # noqa: E402
from edge_agent.evidence import restlessness_db  # noqa: E402
from edge_agent.neighbours.estimator import Neighbours  # noqa: E402

DATA = Path(os.environ.get("METALOC_DATA", ROOT.parent / "shared" / "data"))
HISTORY_DAYS, DAYS_AFTER = 4, 3
FRESH = (0, 2, 4, 5, 7)
"""Points of a sparse calibration."""

SEEDS, STOPS = 8, 60
DETECTORS, TRIED_SITES, TRIED_STOPS = 6, 300, 1000
SCENARIOS: dict[str, tuple[Change, int]] = {
    "nothing, two people about": (unchanged, 2),
    "nothing, six people about": (unchanged, 6),
    "an access point 3 dB weaker": (power_changed(-3), 2),
    "an access point 6 dB weaker": (power_changed(-6), 2),
    "an access point 6 dB louder": (power_changed(6), 2),
    "an access point 2 m further on": (moved, 2),
    "an access point switched off": (switched_off, 2),
    "a tenth of the furniture moved 0.6 m": (refurnished(0.1), 2),
    "a third of the furniture moved 0.6 m": (refurnished(0.33), 2),
    "all of the furniture moved 0.6 m": (refurnished(1.0), 2),
}


def main() -> None:
    """Print the tables."""
    only_help(__doc__)
    neighbours = Bundle.load(SHIPPED_BUNDLE).neighbours
    assert neighbours is not None
    path = DATA / "surveys" / "polyu_csi.npz"
    days = polyu_days(path) if path.exists() else []
    if days:
        recorded(neighbours, days)
        sparse(neighbours, days)
    else:
        print(f"PolyU is left out: no {path} (METALOC_DATA)", file=sys.stderr)
    laboratory(neighbours)
    restlessness(days)
    quiet()
    cost(neighbours)


def recorded(neighbours: Neighbours, days: list[Environment]) -> None:
    """Print when the monitor alarms, by how far the calibration still carries."""
    runs: list[tuple[int, bool, Watched]] = []
    for number, day in enumerate(days):
        if len(visits_of(day)) <= N_LAPS:
            continue
        past = past_of(days[max(0, number - HISTORY_DAYS) : number])
        fresh = shots_of(day)
        for later in range(DAYS_AFTER + 1):
            if number + later >= len(days):
                continue
            then = days[number + later]
            visits = visits_of(then)[N_LAPS if later == 0 else 0 :]
            for has_history in (True, False):
                if has_history and past is None:
                    continue
                watch = watch_of(neighbours, fresh, past if has_history else None)
                run = watched(watch, day_stops(then, visits))
                runs.append((later, has_history, run))
    print("PolyU, recorded: days and whether the monitor alarms\n")
    print("| right images | days | stops | alarms | alarm at stop (median) |")
    print("|---|---|---|---|---|")
    for has_history in (True, False):
        known = "four days of history" if has_history else "no history"
        for title, low, high in (
            ("85 % and more", 0.85, 1.01),
            ("60 to 85 %", 0.6, 0.85),
            ("below 60 %", 0.0, 0.6),
        ):
            chosen = [
                run
                for _, with_past, run in runs
                if with_past is has_history and low <= run.right < high
            ]
            print(f"| {title}, {known} | {row(chosen)} |")
    same = [run for later, has_history, run in runs if later == 0 and has_history]
    print(f"| *the same day, four days of history* | {row(same)} |")


def sparse(neighbours: Neighbours, days: list[Environment]) -> None:
    """Print whether points that were not walked again alarm on the day itself."""
    runs = []
    for number, day in enumerate(days):
        past = past_of(days[max(0, number - HISTORY_DAYS) : number])
        visits = visits_of(day)
        if len(visits) <= N_LAPS or past is None:
            continue
        fresh = shots_of(day)
        fresh = fresh.select(np.flatnonzero(np.isin(fresh.point_of, FRESH)))
        watch = watch_of(neighbours, fresh, replace(past, name=fresh.name))
        runs.append(watched(watch, day_stops(day, visits[N_LAPS:])))
    print(f"| *the same day, {len(FRESH)} of 8 points fresh* | {row(runs)} |")


def laboratory(neighbours: Neighbours) -> None:
    """Print when the monitor alarms after something has changed."""
    print(f"\nSimulated laboratory, {SEEDS} calibrations, {STOPS} stops each\n")
    print("| changed | right images | alarms | at stop (median) | says |")
    print("|---|---|---|---|---|")
    labs = [Laboratory.surveyed(seed) for seed in range(SEEDS)]
    for title, (change, n_people) in SCENARIOS.items():
        runs = []
        for seed, lab in enumerate(labs):
            rng = np.random.default_rng([7, seed])
            stops = lab.stops(rng, change(lab.room, rng), STOPS, n_people=n_people)
            runs.append(watched(watch_of(neighbours, lab.shots, None), stops))
        print(f"| {title} | {lab_row(runs)} |", flush=True)
    for n_learnt in (20, 50):
        runs = [anywhere(neighbours, lab, n_learnt) for lab in labs]
        title = f"nothing; put down anywhere, {n_learnt} times on the first day"
        print(f"| {title} | {lab_row(runs)} |", flush=True)
    runs = [carried(neighbours, lab) for lab in labs]
    print(f"| nothing; carried about | {lab_row(runs)} |")


def anywhere(neighbours: Neighbours, lab: Laboratory, n_learnt: int) -> Watched:
    """Return what becomes of a device that is hardly ever at the points."""
    rng = np.random.default_rng([8, n_learnt])
    watch = watch_of(neighbours, lab.shots, None, calibrated_ns=START_S * 10**9)
    first_day = lab.stops(
        rng, lab.room, n_learnt, off_grid=True, start_s=START_S + STOP_EVERY_S
    )
    watched(watch, first_day)
    return watched(watch, lab.stops(rng, lab.room, STOPS, off_grid=True))


def carried(neighbours: Neighbours, lab: Laboratory) -> Watched:
    """Return what becomes of a device that is carried about for minutes."""
    rng = np.random.default_rng(9)
    way = np.concatenate([walk_through(lab.room, rng) for _ in range(4)])
    images = lab.images(heard_at(rng, lab.room, way, len(way)))
    return watched(watch_of(neighbours, lab.shots, None), iter([(-1, images)]))


def row(runs: list[Watched]) -> str:
    """Return cells about recorded days."""
    alarms = [run.alarm_at for run in runs if run.alarm_at is not None]
    when = f"{np.median(alarms):.0f}" if alarms else ""
    n_stops = sum(run.n_stops for run in runs)
    return f"{len(runs)} | {n_stops} | {len(alarms)} | {when}"


def lab_row(runs: list[Watched]) -> str:
    """Return cells about a change of the laboratory."""
    alarms = [run.alarm_at for run in runs if run.alarm_at is not None]
    when = f"{np.median(alarms):.0f}" if alarms else ""
    said = [run.says for run in runs if run.says]
    most = max(sorted(set(said)), key=said.count) if said else ""
    mean = np.mean([run.right for run in runs])
    right = "" if np.isnan(mean) else f"{mean:.0%}"
    return f"{right} | {len(alarms)} of {len(runs)} | {when} | {most}"


def quiet() -> None:
    """Print how many calibrations alarm in stops that are like their re-visits."""
    rng = np.random.default_rng(0)
    print(f"\n{QUIET_STOPS} stops as promised; what {TRIED_STOPS} of them did\n")
    print("| re-visits | sites that alarmed |")
    print("|---|---|")
    for n_known in (9, 24, 100):
        n_alarms = 0
        for _ in range(TRIED_SITES):
            past = np.sort(rng.normal(size=n_known))
            gains = [log_bet(past, value) for value in np.append(past, np.inf).tolist()]
            cusum = Cusum(threshold(DETECTORS))
            for stop in np.searchsorted(past, rng.normal(size=TRIED_STOPS)).tolist():
                cusum.add(gains[stop])
                if cusum.is_alarm:
                    n_alarms += 1
                    break
        print(f"| {n_known} | {n_alarms / TRIED_SITES:.0%} |")


def restlessness(days: list[Environment]) -> None:
    """Print how much tones fade at rest and under way."""
    print("\nFading from packet to packet [dB], quantiles\n")
    print("| | 1 % | 50 % | 99 % | 99.9 % |")
    print("|---|---|---|---|---|")
    recorded_at_rest = [
        restlessness_db(pixels, day.spec) for day in days for pixels in day.images
    ]
    if recorded_at_rest:
        print(f"| PolyU, at rest | {quantiles(recorded_at_rest)} |")
    lab = Laboratory.surveyed(0)
    rng = np.random.default_rng(10)
    at_rest = [
        restlessness_db(image.pixels, lab.shots.spec)
        for _, images in lab.stops(rng, lab.room, 4 * STOPS)
        for image in images
    ]
    print(f"| laboratory, at rest | {quantiles(at_rest)} |")
    for speed_m_s in (1.0, 0.5, 0.25):
        way = np.concatenate(
            [walk_through(lab.room, rng, speed_m_s=speed_m_s) for _ in range(4)]
        )
        images = lab.images(heard_at(rng, lab.room, way, len(way)))
        carried_db = [restlessness_db(i.pixels, lab.shots.spec) for i in images]
        print(f"| laboratory, {speed_m_s:g} m/s | {quantiles(carried_db)} |")


def quantiles(values: list[float]) -> str:
    """Return cells."""
    found = np.quantile(values, (0.01, 0.5, 0.99, 0.999)).tolist()
    return " | ".join(f"{value:.1f}" for value in found)


def cost(neighbours: Neighbours) -> None:
    """Print the time of an image at 270 shots."""
    lab = Laboratory.surveyed(0)
    rows = np.arange(270) % len(lab.shots)
    watch = watch_of(neighbours, lab.shots.select(rows), None)
    images = [
        image
        for _, stop in lab.stops(np.random.default_rng(0), lab.room, 10)
        for image in stop
    ]
    started = time.process_time()
    for image in images:
        watch.see(image)
    each = (time.process_time() - started) / len(images)
    print(f"\nAn image beside 270 shots: {each * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
