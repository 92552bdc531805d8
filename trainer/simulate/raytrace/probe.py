"""Whether ray tracing works on this machine, and what to do if it does not.

The answer comes from a tiny room that is traced: versions alone do not tell whether
LLVM compiles the kernels, and one that cannot takes its process with it.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.simulate.image_sources import Wall
from trainer.simulate.materials import MATERIALS
from trainer.simulate.raytrace.errors import Failure, RayTracerError
from trainer.simulate.raytrace.layouts import Layout
from trainer.simulate.raytrace.process import Settings, run_worker

TIMEOUT_S = 60.0
"""Ten times what a slow machine takes without a kernel cache."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether ray tracing works."""

    failure: Failure | None
    """None if it works."""

    detail: str
    """What was found, for people."""

    versions: dict[str, str]
    """Of sionna-rt, mitsuba, drjit and llvm; empty if it does not work."""

    kernel_cache: Path | None
    """Where compiled kernels are kept; None if they are compiled anew every time."""

    @property
    def usable(self) -> bool:
        """Whether it works."""
        return self.failure is None

    @property
    def remedy(self) -> str:
        """What to do; empty if it works."""
        return "" if self.failure is None else self.failure.value


def probe(*, timeout_s: float = TIMEOUT_S) -> Probe:
    """Trace a tiny room, in a process of its own.

    Args:
        timeout_s: When to give up [s].
    """
    cache = kernel_cache()
    wall = Wall(MATERIALS["concrete"], 0.2)
    layout = Layout(
        "probe",
        size_m=np.array([4.0, 3.0, 2.5]),
        walls=(wall,) * 6,
        boxes=(),
        panels=(),
        access_points=np.array([[1.0, 1.0, 2.0]]),
        receivers=np.array([[3.0, 2.0, 1.0]]),
        carrier_hz=5.18e9,
    )
    try:
        answer = run_worker(
            layout, np.zeros(1), Settings(samples=1000), timeout_s=timeout_s
        )
    except RayTracerError as error:
        return Probe(error.failure, error.detail, {}, cache)
    if not np.abs(answer.response).all():
        return Probe(
            Failure.RAISED, "nothing crosses an empty room", answer.versions, cache
        )
    versions = sorted(answer.versions.items())
    detail = ", ".join(f"{name} {found}" for name, found in versions)
    return Probe(None, detail, answer.versions, cache)


def kernel_cache() -> Path | None:
    """Return the folder in which Dr.Jit will keep compiled kernels, if it can.

    That is ``DRJIT_CACHE_DIR``, or ``.drjit`` below ``HOME``.
    """
    named = os.environ.get("DRJIT_CACHE_DIR")
    home = os.environ.get("HOME")
    if not named and not home:
        return None
    folder = Path(named) if named else Path(home or "", ".drjit")
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        # Permissions do not tell: root has them all, and not every folder takes files.
        tempfile.TemporaryDirectory(dir=there).cleanup()
    except OSError:
        return None
    return folder
