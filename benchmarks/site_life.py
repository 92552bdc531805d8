"""The life of a site, through the commands: days of calibrating and of being located.

    trainer surveys, simulate   a recording per place, a day per environment
    edge_agent calibrate        of every day in full, one after another; and of those
                                that count also five points, a quarter of them, and not
                                at all, from the same past
    edge_agent evaluate         on the day's later visits, which calibrated nothing

Share of the gain: of what calibrating all points takes off the error of not calibrating
that day at all. PolyU needs its survey below METALOC_DATA; what is simulated does not.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edge_agent.survey import SurveyedCapture, read_survey

DATA = Path(os.environ.get("METALOC_DATA", "../shared/data"))
PAST_DAYS = 4
"""Days that a site has behind it before the first one that counts."""

MAX_LAPS = 3
BOOTSTRAPS = 2000


@dataclass(frozen=True, slots=True)
class Place:
    """A recording of one place."""

    name: str
    survey: Path
    captures: tuple[SurveyedCapture, ...]

    @classmethod
    def of(cls, name: str, survey: Path) -> "Place":
        """Read the list of a recording."""
        return cls(name, survey, tuple(read_survey(survey)))

    @property
    def days(self) -> list[str]:
        """In the order of the list."""
        return list(dict.fromkeys(capture.environment for capture in self.captures))

    @property
    def n_points(self) -> int:
        """Of the place."""
        return len({capture.point.name for capture in self.captures})

    def visits(self, day: str) -> tuple[list[str], list[str]]:
        """Return the visits that calibrate, and those that are located."""
        visits = list(
            dict.fromkeys(c.visit for c in self.captures if c.environment == day)
        )
        n_laps = min(MAX_LAPS, len(visits) - 1)
        return visits[:n_laps], visits[n_laps:]


@dataclass(slots=True)
class Tally:
    """What came of one way to calibrate, over the target days."""

    errors: list[float] = field(default_factory=list)
    r95: list[float] = field(default_factory=list)
    n_within: int = 0
    n_located: int = 0
    walk_s: list[float] = field(default_factory=list)
    machine_s: list[float] = field(default_factory=list)
    n_active: int = 0


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few target days")
    parser.add_argument(
        "--place", action="append", choices=["polyu", "hall", "lab"], help="default all"
    )
    args = parser.parse_args()
    print(
        "| place | calibrated | walk [s] | machine [s] | in use | error [m] | "
        "gain kept | in r95 | mean r95 [m] |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        for place in places(Path(name), args.place or ["polyu", "hall", "lab"]):
            live(place, Path(name) / "state", most_targets=3 if args.quick else None)


def places(folder: Path, names: Sequence[str]) -> list[Place]:
    """Write the recordings."""
    found = []
    for name in names:
        target = folder / name
        if name == "polyu":
            if not (DATA / "surveys" / "polyu_csi.npz").exists():
                print(f"PolyU is left out: not below {DATA}", file=sys.stderr)
                continue
            flags = ["surveys", "polyu", "--data", DATA, "--recording", target]
            run("trainer", *flags, "--images", 4)
        else:
            size = "--points 30 --days 8 --visits 4 --images 8 --seed 7"
            run("trainer", "simulate", name, target, *size.split())
        found.append(Place.of(name, target / "survey.csv"))
    return found


def live(place: Place, states: Path, *, most_targets: int | None) -> None:
    """Calibrate day by day, and print the place's rows."""
    state = states / place.name
    days = [day for day in place.days if place.visits(day)[0]]
    targets = days[PAST_DAYS:][:most_targets]
    ways = {
        "not that day": None,
        "five points": "5",
        "a quarter": str(-(-place.n_points // 4)),
        "all points": "all",
    }
    tallies = {way: Tally() for way in ways}
    for day in days[: days.index(targets[-1]) + 1]:
        if day in targets:
            for way, points in ways.items():
                trial = states / "trial"
                shutil.rmtree(trial, ignore_errors=True)
                shutil.copytree(state, trial, symlinks=True)
                if points is not None:
                    calibrate(place, day, trial, points, tallies[way])
                evaluate(place, day, trial, tallies[way])
                print(
                    f"{place.name} {day} {way}: {tallies[way].errors[-1]:.3f} m",
                    file=sys.stderr,
                )
        calibrate(place, day, state, "all", Tally())
    report(place, tallies, len(targets))


def calibrate(place: Place, day: str, state: Path, points: str, tally: Tally) -> None:
    """Walk through a day's first visits."""
    laps, _ = place.visits(day)
    command = [
        *("calibrate", "--recording", place.survey, "--environment", day, "--json"),
        *("--visits", ",".join(laps), "--points", points, "--laps", len(laps)),
        *("--state", state, "--site", place.name),
    ]
    started = time.monotonic()
    ended_s, outcome = 0.0, {}
    with subprocess.Popen(
        agent(*command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "begun":
                tally.walk_s.append(event["expected_s"])
            elif event["event"] == "ended":
                ended_s = time.monotonic() - started
            elif event["event"] == "outcome":
                outcome = event
        said = process.stderr.read()
    if process.returncode or not outcome:
        raise SystemExit(f"{' '.join(map(str, command))}: {said}")
    tally.machine_s.append(time.monotonic() - started - ended_s)
    tally.n_active += outcome["active"]


def evaluate(place: Place, day: str, state: Path, tally: Tally) -> None:
    """Locate a day's later visits."""
    _, visits = place.visits(day)
    out = run(
        "edge_agent",
        *("evaluate", place.survey, "--environment", day, "--json"),
        *("--visits", ",".join(visits), "--state", state, "--site", place.name),
    )
    found = json.loads(out)
    assert found["is_revisit"], f"{day}: {visits} calibrated the site"
    tally.errors.append(found["error_m"]["mean"])
    tally.r95.append(found["error_m"]["mean_r95"])
    within = found["coverage"]["r95"]
    tally.n_within += round(within["share"] * within["n"])
    tally.n_located += within["n"]


def report(place: Place, tallies: dict[str, Tally], n_days: int) -> None:
    """Print the rows."""
    none = np.array(tallies["not that day"].errors)
    full = np.array(tallies["all points"].errors)
    for way, tally in tallies.items():
        errors = np.array(tally.errors)
        kept = (none - errors).sum() / (none - full).sum()
        walk, machine = (
            f"{np.median(values):.0f}" if values else "0"
            for values in (tally.walk_s, tally.machine_s)
        )
        print(
            f"| {place.name}, {n_days} days, {place.n_points} points | {way} | {walk} "
            f"| {machine} | {tally.n_active} | {errors.mean():.2f} "
            f"{interval(errors)} | {kept:.0%} | {tally.n_within / tally.n_located:.0%} "
            f"| {np.mean(tally.r95):.2f} |",
            flush=True,
        )


def interval(errors: np.ndarray) -> str:
    """Return the 95 % interval of the mean over days."""
    rng = np.random.default_rng(0)
    means = rng.choice(errors, (BOOTSTRAPS, len(errors))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"({low:.2f} .. {high:.2f})"


def agent(*arguments: object) -> list[str]:
    """Return the command line of the agent."""
    return [sys.executable, "-m", "edge_agent", *map(str, arguments)]


def run(program: str, *arguments: object) -> str:
    """Run a command, and return what it prints."""
    command = [sys.executable, "-m", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
