"""What the paper's hall costs to simulate: against ten minutes and 2 GB, on one core.

    python benchmarks/simulate.py            a tenth of the points, and how cost grows
    python benchmarks/simulate.py --full     all 3.5 million frames as well

Runs the command that people run, `trainer simulate hall`, in a process of its own that
is bound to one core, and writes real files. What is not the simulator's, starting
Python, is in it. Growth: CPU time over the number of frames, where points and where
packets are varied; the exponent is the slope of the logarithms after start-up, so 1 is
linear.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S, LIMIT_MB = 600.0, 2000.0
N_FRAMES = 90 * 5 * 52 * 50 * 3
ROUNDS = 3


class Cost(NamedTuple):
    """What one run took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run(scene: str, **settings: int) -> Cost:
    """Simulate into a folder that is removed afterwards."""
    flags = [f"--{name}={value}" for name, value in settings.items()]
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "trainer", "simulate", scene, f"{folder}/out", *flags]
        started = time.perf_counter()
        child = os.fork()
        if child == 0:
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            os.chdir(ROOT)
            os.environ["OMP_NUM_THREADS"] = "1"
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.execv(sys.executable, [sys.executable, *command])
        _, status, usage = os.wait4(child, 0)
        wall_s = time.perf_counter() - started
    if status:
        sys.exit(f"trainer simulate {scene} {' '.join(flags)} failed")
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def report(title: str, cost: Cost, share: float) -> None:
    """Print a run beside the share of the limits that it may take."""
    each_us = cost.wall_s / (share * N_FRAMES) * 1e6
    print(
        f"{title}: {cost.wall_s:.1f} s ({cost.cpu_s:.1f} s of CPU), {each_us:.1f} us "
        f"per frame, {cost.peak_mb:.0f} MB"
    )
    print(f"  time / limit = {cost.wall_s / (share * LIMIT_S):.3f}")
    print(f"  memory / limit = {cost.peak_mb / LIMIT_MB:.3f}")


def growth(name: str, values: Sequence[int], **fixed: int) -> None:
    """Print how CPU time grows with one setting."""
    start_s = np.median([run("hall", **_SMALLEST).cpu_s for _ in range(ROUNDS)])
    cost_s = [
        np.median([run("hall", **fixed | {name: n}).cpu_s for _ in range(ROUNDS)])
        for n in values
    ]
    slope, _ = np.polyfit(np.log(values), np.log(np.array(cost_s) - start_s), 1)
    line = np.polyfit(values, cost_s, 1)
    off = np.abs(np.polyval(line, values) / cost_s - 1).max()
    print(
        f"{name} {', '.join(map(str, values))}: exponent {slope:.2f}, "
        f"{100 * off:.0f} % off a straight line at most"
    )


_SMALLEST = {"points": 1, "days": 1, "visits": 1, "images": 1, "packets": 1}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the whole hall as well")
    args = parser.parse_args()
    for scene in ("hall", "lab"):
        report(f"a tenth of the {scene}", run(scene, points=9), 0.1)
    growth("points", (11, 22, 45, 90), days=1)
    growth("packets", (50, 100, 200, 400), points=9, days=1)
    if args.full:
        for scene in ("hall", "lab"):
            report(f"the whole {scene}", run(scene), 1.0)


if __name__ == "__main__":
    main()
