"""What the device's programs cost in processes of their own, from the start."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SITE = "home"

_COMMAND = """\
import sys
from pathlib import Path
from edge_agent.cli import main
code = main(sys.argv[1:])
status = Path("/proc/self/status").read_text()
peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
print(peak.split()[1])
sys.exit(code)
"""
"""Not ru_maxrss of the child: that starts with the memory of its parent."""

_IDLE = """\
import sys, time
from pathlib import Path
from edge_agent.threads import use_one_blas_thread
use_one_blas_thread()
import numpy as np
from edge_agent.bundles.bundle import Bundle
from edge_agent.csi.image import CsiImage
from edge_agent.localizer import Localizer
from edge_agent.learning.predictor import make_predictor
from edge_agent.site_state import load_calibration

bundle, state, rate, n = sys.argv[1:]
bundle = Bundle.load(Path(bundle))
calibration = load_calibration(Path(state), bundle)
localizer = Localizer(calibration, make_predictor(bundle, calibration))
spec = bundle.manifest.spec
pixels = np.random.default_rng(0).integers(0, 256, (int(n), *spec.shape), np.uint8)
heard = np.ones(spec.n_channels, np.bool_)
images = [CsiImage(one, heard, 0, 10**9) for one in pixels]
localizer.locate(images[0])
before, due = time.process_time(), time.perf_counter()
for image in images:
    due += 1 / float(rate)
    time.sleep(max(0, due - time.perf_counter()))
    localizer.locate(image)
print((time.process_time() - before) / len(images))
"""


class Cost(NamedTuple):
    """What a process took."""

    wall_s: float
    peak_mb: float


def environment(work: Path) -> dict[str, str]:
    """Return the environment of one thread that remembers nothing outside ``work``."""
    return os.environ | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(work / "cache"),
    }


def adapting(bundle: Path, state: Path, backend: str) -> Cost:
    """Return the cost of ``edge_agent adapt`` from the stored shots, Python included.

    Args:
        bundle: The model.
        state: With the shots of `SITE`, which is calibrated.
        backend: Name of a `edge_agent.learning.backends.Backend`.
    """
    arguments = ["adapt", "--json", "--site", SITE, "--backend", backend]
    arguments += ["--bundle", str(bundle), "--state", str(state)]
    started = time.perf_counter()
    said = _run(_COMMAND, arguments, environment(state))
    wall_s = time.perf_counter() - started
    return Cost(wall_s, int(said.split()[-1]) * 1024 / 1e6)


def idle_cpu_s(bundle: Path, state: Path, *, rate_hz: float, n: int) -> float:
    """Return the CPU time of one location where some come every second [s]."""
    arguments = [str(bundle), str(state / SITE), str(rate_hz), str(n)]
    return float(_run(_IDLE, arguments, environment(state)))


def _run(code: str, arguments: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"a process of the benchmark failed:\n{done.stderr}")
    return done.stdout
