"""Starts the process that traces, and says what went wrong when it does not return."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import Arrays, ArraysError, pack_arrays, unpack_arrays
from trainer.errors import RoomError
from trainer.simulate.materials import Floats, Material
from trainer.simulate.raytrace.errors import Failure, RayTracerError
from trainer.simulate.raytrace.layouts import Layout
from trainer.simulate.raytrace.scene import meshes_of
from trainer.simulate.raytrace.worker import (
    JOB_SCHEMA,
    MAX_BYTES,
    PROGRESS,
    RESULT_SCHEMA,
)

_WORKER = "trainer.simulate.raytrace.worker"
_PROGRESS = re.compile(rf"{PROGRESS} (\d+) (\d+)\n")
_MOST_WORDS = 300
_MOST: Final = {"max_depth": 20, "samples": 10_000_000, "threads": 256}


@dataclass(frozen=True, slots=True)
class Settings:
    """How thoroughly is traced.

    Raises:
        RoomError: A number below 1 or far beyond what finds more, or no such seed.
    """

    max_depth: int = 3
    """Most reflections and crossings of a path together."""

    samples: int = 20_000
    """Rays per access point: with them 97 % of the paths are found, and tones differ by
    0.9 % (rms) between seeds."""

    refraction: bool = True
    """Whether paths go through things."""

    seed: int = 0
    threads: int = 1
    """With one, the same seed gives the same bits; with two, up to the last bit."""

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            if not 1 <= getattr(self, name) <= most:
                raise RoomError(f"{name} is {getattr(self, name)}, not 1 to {most}")
        if not 0 <= self.seed < 1 << 32:
            raise RoomError(f"the seed is {self.seed}, not 0 to 2^32 - 1")


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the process brought back."""

    response: npt.NDArray[np.complex64]
    """Frequency responses, shape (n_receivers, n_aps, n_tones)."""

    n_paths: npt.NDArray[np.int32]
    """Shape (n_receivers, n_aps)."""

    versions: dict[str, str]
    """Of sionna-rt, mitsuba, drjit and llvm."""

    seconds: float
    """How long it worked [s]."""


def run_worker(
    layout: Layout,
    tones_hz: Floats,
    settings: Settings,
    *,
    timeout_s: float,
    on_batch: Callable[[int, int], None] = lambda _done, _all: None,
) -> Answer:
    """Trace in a process of its own.

    Args:
        layout: The room and its radios.
        tones_hz: Offsets from the carrier, shape (n_tones,).
        settings: How thoroughly.
        timeout_s: When to give up [s].
        on_batch: Called with the number of batches that are done, and of all.

    Raises:
        RayTracerError: No answer, and why.
    """
    meshes = meshes_of(layout)
    header = {
        "schema": JOB_SCHEMA,
        "carrier_hz": layout.carrier_hz,
        "materials": [
            [_itu_name(m.material.material), m.material.thickness_m] for m in meshes
        ],
        "max_depth": settings.max_depth,
        "samples": settings.samples,
        "refraction": settings.refraction,
        "seed": settings.seed,
        "threads": settings.threads,
    }
    arrays: Arrays = {
        "access_points": layout.access_points,
        "receivers": layout.receivers,
        "tones_hz": tones_hz,
    }
    for number, mesh in enumerate(meshes):
        arrays[f"vertices_{number}"] = mesh.vertices
        arrays[f"faces_{number}"] = mesh.faces
    with tempfile.TemporaryDirectory(prefix="metaloc-raytrace-") as folder:
        job, result = Path(folder, "job.npz"), Path(folder, "result.npz")
        job.write_bytes(pack_arrays(header, arrays))
        said = _run(job, result, timeout_s, on_batch)
        return _answer(result, said)


def _itu_name(material: Material) -> str:
    return material.name.replace(" ", "_")


def _run(
    job: Path, result: Path, timeout_s: float, on_batch: Callable[[int, int], None]
) -> str:
    """Run the worker; return what it said on standard error."""
    # -P, lest a sionna.py in the current folder be taken for sionna.
    command = [sys.executable, "-P", "-m", _WORKER, str(job), str(result)]
    late = threading.Event()
    with (
        tempfile.TemporaryFile("w+", errors="replace") as said,
        subprocess.Popen(
            command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            errors="replace",
        ) as process,
    ):

        def give_up() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(min(timeout_s, threading.TIMEOUT_MAX), give_up)
        timer.start()
        try:
            for line in process.stdout or ():
                if progress := _PROGRESS.fullmatch(line):
                    on_batch(int(progress[1]), int(progress[2]))
            code = process.wait()
        finally:
            timer.cancel()
            process.kill()
        said.seek(0)
        words = said.read()
    if late.is_set():
        raise RayTracerError(
            Failure.TIMED_OUT, f"the ray tracer did not finish within {timeout_s:g} s"
        )
    if code:
        failure = Failure.KILLED if code == -signal.SIGKILL else Failure.ABORTED
        how = f"ended with code {code}"
        if code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
        raise RayTracerError(failure, f"the ray tracer's process {how}{_words(words)}")
    return words


def _environment() -> dict[str, str]:
    """Return this process's environment, with this package to be found in it."""
    root = Path(__file__).parents[3]
    paths = [*filter(None, [os.environ.get("PYTHONPATH")]), str(root)]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def _answer(result: Path, said: str) -> Answer:
    try:
        header, arrays = unpack_arrays(
            result.read_bytes(), schema=RESULT_SCHEMA, max_bytes=MAX_BYTES
        )
    except (OSError, ArraysError) as error:
        raise RayTracerError(
            Failure.ABORTED,
            f"the ray tracer's process ended without a result{_words(said)}",
        ) from error
    if header["state"] != "done":
        failure, detail = Failure[header["state"]], header["detail"]
        if failure is Failure.RAISED:
            raised = RayTracerError(failure, detail)
            raised.add_note(said)  # its traceback, which --debug shows
            raise raised
        raise RayTracerError(failure, detail + _words(said))
    return Answer(
        arrays["response"], arrays["n_paths"], header["versions"], header["seconds"]
    )


def _words(said: str) -> str:
    """Return the line that tells most, in brackets, if anything was said at all.

    LLVM says what is wrong first, and then dumps what it was working on; Python ends
    with it.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines:
        return ""
    line = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    return f" ({line[:_MOST_WORDS]})"
