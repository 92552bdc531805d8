"""Runs `selftest.measurement` per back end, in processes that may crash or hang."""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Any

from edge_agent.bundles.files import BundleFiles
from edge_agent.learning.backends import Backend
from edge_agent.selftest.measurement import Measurement, from_json

_MODULE = "edge_agent.selftest.measurement"
_MAX_COMPLAINT = 300
"""Of what a process that failed says last; more is not for a table."""


class Verdict(StrEnum):
    """What became of a back end."""

    PASSED = "passed"
    ABSENT = "not available"
    """Not installed, or found to crash when imported: the agent goes on without it."""

    UNUSABLE = "unusable"
    """It refuses the bundle, or the bundle is none."""

    WRONG = "wrong"
    """It computes something else than the bundle's author did."""

    CRASHED = "crashed"
    HUNG = "hung"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one back end."""

    backend: Backend
    verdict: Verdict
    reason: str
    """One line; empty where it passed."""

    measurement: Measurement

    @property
    def is_wrong(self) -> bool:
        """Whether there is something to report: all but passed and not available."""
        return self.verdict not in (Verdict.PASSED, Verdict.ABSENT)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; what is no number is null."""
        measured = self.measurement
        return {
            "verdict": str(self.verdict),
            "reason": self.reason or None,
            "golden": [
                {
                    "quantity": d.quantity,
                    "off_by": d.found if math.isfinite(d.found) else None,
                    "allowed": d.allowed,
                }
                for d in measured.differences
            ],
            "adaptation_s": measured.adaptation_s,
            "n_steps": measured.n_steps,
            "prediction_s": measured.prediction_s,
            "peak_memory_mb": measured.peak_memory_mb,
            "threads": measured.threads,
        }


def run_backend(
    bundle: BundleFiles,
    backend: Backend,
    *,
    quick: bool,
    timeout_s: float,
    on_stage: Callable[[str], None],
) -> Result:
    """Check and time a back end in a process of its own.

    Args:
        bundle: Read again there, on the same terms but for who signed it.
        backend: Not AUTO.
        quick: Repeat the golden task only.
        timeout_s: After which the process is killed [s].
        on_stage: Called with what it does next.
    """
    request = {
        "directory": str(bundle.directory),
        "backend": str(backend),
        "quick": quick,
        "max_memory_mb": bundle.terms.max_memory_mb,
    }
    # What this process runs is what that one shall: the same modules in the same order.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-P", "-m", _MODULE, json.dumps(request)]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=environment,
        )
        killed = threading.Event()

        def kill() -> None:
            killed.set()
            process.kill()

        timer = threading.Timer(timeout_s, kill)
        timer.start()
        try:
            measurement = None
            assert process.stdout is not None
            for line in _lines(process.stdout):
                if "stage" in line:
                    on_stage(line["stage"])
                elif "result" in line:
                    measurement = from_json(line["result"])
            code = process.wait()
        finally:
            timer.cancel()
            process.kill()
            process.communicate()
        complaint = _last_line(complaints)
    if killed.is_set():
        reason = f"no end within {timeout_s:g} s"
        return Result(backend, Verdict.HUNG, reason, Measurement())
    if code or measurement is None:
        return Result(backend, Verdict.CRASHED, _death(code, complaint), Measurement())
    return _judged(backend, measurement)


def _lines(stream: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Return what the process reports; libraries may print, too."""
    for text in stream:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line


def _judged(backend: Backend, measured: Measurement) -> Result:
    if measured.absent is not None:
        return Result(backend, Verdict.ABSENT, measured.absent, measured)
    if measured.refused is not None:
        return Result(backend, Verdict.UNUSABLE, measured.refused, measured)
    wrong = "; ".join(str(d) for d in measured.differences if not d.is_allowed)
    verdict = Verdict.WRONG if wrong else Verdict.PASSED
    return Result(backend, verdict, wrong, measured)


def _death(code: int, complaint: str) -> str:
    if code < 0:
        try:
            return f"its process died of {signal.Signals(-code).name}"
        except ValueError:
            return f"its process died of signal {-code}"
    return f"its process ended with exit code {code}: {complaint or 'no word'}"


def _last_line(file: IO[bytes]) -> str:
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 8192))
    lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:_MAX_COMPLAINT] if lines else ""
