"""Run the agent under another Python, in all its ways, and compare with this one.

    python scripts/same_answers.py PYTHON [--cpu MODEL]

Both adapt the shipped model to the shots of the demonstration and locate its walk. The
other's losses must be ours, and its locations those that we find with its calibration:
so a difference of the processors shows, and is not mixed with how ten gradient steps
amplify the last bit of a sum.

The ``MODEL`` of processor is what qemu-user emulates where PYTHON runs under it. Times
are the emulator's, so they say nothing about the device.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "edge_agent" / "demo" / "data"
SITE = "demo"

FIRST_LOSS_TOLERANCE = 1e-3
"""Relative difference of the loss after one step; printed with four decimals."""

LAST_LOSS_TOLERANCE = 0.2
"""Relative, after all steps, of a loss that is near zero then."""

APART_M = 0.01
"""Between two locations of one calibration [m]; published to a millimetre."""

_BACKENDS = """\
from edge_agent.learning.backends import Backend
print(*[backend for backend in Backend if backend is not Backend.AUTO])"""


class RunError(Exception):
    """A program failed, or two of them do not agree."""


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent under some Python."""

    python: Path
    cpu: str | None = None
    """What qemu-user emulates; its default when None."""

    def run(self, *arguments: str) -> str:
        """Return what Python prints on standard output.

        Raises:
            RunError: It cannot be started, or does not end with 0.
        """
        environment = dict(os.environ)
        if self.cpu is not None:
            environment["QEMU_CPU"] = self.cpu
        try:
            done = subprocess.run(
                [self.python, *arguments],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise RunError(f"cannot start {self.python}: {error.strerror}") from error
        if done.returncode:
            raise RunError(
                f"{self.python} {' '.join(arguments)} ended with {done.returncode}:\n"
                f"{done.stderr}"
            )
        return done.stdout

    def backends(self) -> list[str]:
        """Return all there are, but for the automatic choice."""
        return self.run("-c", _BACKENDS).split()

    def adapt(self, state: Path, backend: str) -> list[float]:
        """Adapt to the stored shots and return the losses per point."""
        said = self.run("-m", "edge_agent", "adapt", *_flags(state, backend))
        losses: list[float] = json.loads(said)["losses"]
        return losses

    def locate(self, state: Path, backend: str, estimator: str) -> list[dict[str, Any]]:
        """Return the locations of the walk."""
        walk = ["--pcap", str(DATA / "walk.pcapng"), "--broker", "none"]
        walk += ["--estimator", estimator]
        said = self.run("-m", "edge_agent", "capture", *walk, *_flags(state, backend))
        return [json.loads(line) for line in said.splitlines()]


def _flags(state: Path, backend: str) -> list[str]:
    return ["--backend", backend, "--state", str(state), "--site", SITE, "--json"]


def check_losses(ours: Sequence[float], theirs: Sequence[float]) -> None:
    """Check that two adaptations to the same shots went the same way.

    Raises:
        RunError: They differ by more than the last bits of a sum explain.
    """
    if len(ours) != len(theirs):
        raise RunError(f"{len(theirs) - 1} steps, expected {len(ours) - 1}")
    for step, tolerance in ((1, FIRST_LOSS_TOLERANCE), (-1, LAST_LOSS_TOLERANCE)):
        if not math.isclose(ours[step], theirs[step], rel_tol=tolerance, abs_tol=2e-4):
            raise RunError(
                f"losses {list(theirs)}, expected about {list(ours)}: not within "
                f"{tolerance:g} of each other after step {step % len(ours)}"
            )


def farthest_apart(
    ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]
) -> float:
    """Return the largest distance between two locations of the same moment [m].

    Raises:
        RunError: Not the same moments, or none; another room, or too far apart.
    """
    times, expected = ([one["time"] for one in all_] for all_ in (theirs, ours))
    if times != expected or not expected:
        raise RunError(f"{len(theirs)} locations, expected {len(ours)} at other times")
    apart = [
        math.hypot(a["x"] - b["x"], a["y"] - b["y"])
        for a, b in zip(ours, theirs, strict=True)
    ]
    for a, b, distance in zip(ours, theirs, apart, strict=True):
        if not distance <= APART_M or a["room"] != b["room"]:
            raise RunError(
                f"at {a['time']}: {b['x']}, {b['y']} in {b['room']}, expected "
                f"{a['x']}, {a['y']} in {a['room']}"
            )
    return max(apart)


def compare(ours: Agent, theirs: Agent, work: Path, how: tuple[str, str]) -> str:
    """Return one line of the table.

    Args:
        ours: What is expected comes from it.
        theirs: What is compared.
        work: Directory for their states.
        how: Back end and estimator.

    Raises:
        RunError: A program failed, or they do not agree.
    """
    backend, estimator = how
    states = [work / name / estimator / backend for name in ("ours", "theirs")]
    for state in states:
        (state / SITE).mkdir(parents=True)
        shutil.copy(DATA / "shots.npz", state / SITE)
    started = time.perf_counter()
    losses = theirs.adapt(states[1], backend)
    adapted_s = time.perf_counter() - started
    check_losses(ours.adapt(states[0], "numpy"), losses)
    started = time.perf_counter()
    locations = theirs.locate(states[1], backend, estimator)
    located_s = time.perf_counter() - started
    apart = farthest_apart(ours.locate(states[1], "numpy", estimator), locations)
    return (
        f"{theirs.cpu or 'as it is':<12} {estimator:<11} {backend:<12} "
        f"{losses[0]:.4f} -> {losses[-1]:.4f} {adapted_s:8.1f} s "
        f"{len(locations):>10} {apart:8.3f} m {located_s:8.1f} s"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare all ways to locate and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python", type=Path, metavar="PYTHON")
    parser.add_argument("--cpu", metavar="MODEL", help="what qemu-user emulates")
    args = parser.parse_args(arguments)
    # A link would lead to a Python that lacks the virtual environment of this one.
    ours, theirs = Agent(Path(sys.executable)), Agent(args.python.absolute(), args.cpu)
    print(
        f"{'processor':<12} {'estimator':<11} {'back end':<12} {'loss':^16} "
        f"{'adapted':>10} {'locations':>10} {'apart':>10} {'located':>10}"
    )
    try:
        with (
            tempfile.TemporaryDirectory() as work,
            ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads,
        ):
            one = partial(compare, ours, theirs, Path(work))
            ways = [(backend, "network") for backend in theirs.backends()]
            for line in threads.map(one, [*ways, ("auto", "neighbours")]):
                print(line, flush=True)
    except RunError as error:
        print(f"same_answers: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
