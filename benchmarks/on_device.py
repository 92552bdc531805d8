"""What adapting and locating cost on a device: against torch, and against limits.

    python benchmarks/on_device.py             about a minute

Networks of 4 layers on images of 3 x 50 x 52 pixels, 10 points with 3 shots, 10 steps;
one thread, single precision. The peer is the same network as one would write it in
torch: its layers, SGD, autograd, `inference_mode`. Ours are bundles that the exporter
writes, adapted and asked by what the agent runs, with every back end that is here.

In one process they take turns; what is printed is the median of the ratios of
neighbouring turns, of CPU time. Ours includes the pass after the last step, which the
site's statistics come from. Processes of their own run the command ``edge_agent adapt``
on stored shots, from starting Python to the calibration on the disk: medians of wall
time and of peak resident memory.

Exit code 1 where a limit is exceeded, or ours and torch do not compute the same.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.command_line import only_help  # noqa: E402
from benchmarks.device_models import (  # noqa: E402
    ADAPTATION,
    N_POINTS,
    NETWORKS,
    Network,
    export,
    random_shots,
)
from benchmarks.fresh_process import SITE, Cost, adapting, idle_cpu_s  # noqa: E402
from benchmarks.torch_peer import TorchPeer  # noqa: E402
from edge_agent.bundles.bundle import Bundle  # noqa: E402
from edge_agent.bundles.files import Kind  # noqa: E402
from edge_agent.calibration import Calibration  # noqa: E402
from edge_agent.environment import Environment  # noqa: E402
from edge_agent.errors import BackendError  # noqa: E402
from edge_agent.learning import backends, layer_kernel  # noqa: E402
from edge_agent.learning.backends import Backend  # noqa: E402
from edge_agent.learning.predictor import make_predictor  # noqa: E402
from edge_agent.learning.support import Support  # noqa: E402
from edge_agent.site_state import SiteState  # noqa: E402

ROUNDS, PREDICTIONS, PROCESSES = 15, 50, 5
RATE_HZ, LOCATIONS = 20.0, 100
"""Of the idle cost."""

LIMIT_ADAPT, LIMIT_PREDICT, LIMIT_IDLE_MS = 1.25, 1 / 3, 1.0
"""Ours in units of torch's, and CPU time of one location."""


class Verdicts:
    """Prints measurements beside their limits, and remembers whether all held."""

    def __init__(self) -> None:
        self.all_held = True

    def show(
        self,
        what: str,
        value: float,
        unit: str,
        *,
        ratio: float | None = None,
        limit: float | None = None,
    ) -> None:
        """Print a line.

        Args:
            what: What was measured.
            value: What came of it.
            unit: Of the value.
            ratio: The value in units of the peer's.
            limit: Of the ratio, or of the value where there is no ratio; None for
                what is printed for information.
        """
        line = f"  {what:<36} {value:8.3g} {unit:<3}"
        line += f"{ratio:7.3f} x torch" if ratio is not None else " " * 15
        if limit is not None:
            held = (value if ratio is None else ratio) <= limit
            self.all_held &= held
            line += f"   limit {limit:5.3g}  {'OK' if held else 'OVER'}"
        print(line.rstrip(), flush=True)


def available() -> list[Backend]:
    """Return the back ends that run here."""
    found: list[Backend] = []
    for backend in (b for b in Backend if b is not Backend.AUTO):
        try:
            if backend is backends.for_adapting(backend, on_caution=print):
                found.append(backend)
        except BackendError as error:
            print(f"{backend}: {error}")
    return found


def calibrate(bundle: Bundle, shots: Environment, backend: Backend) -> Calibration:
    """Adapt by what the agent runs."""
    return Calibration.from_shots(bundle, shots, now=datetime.now(UTC), backend=backend)


def in_turns(turns: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Return the CPU time of each turn in every round [s]; the first is no round."""
    costs: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(ROUNDS + 1):
        for name, turn in turns.items():
            started = time.process_time()
            turn()
            if number:
                costs[name].append(time.process_time() - started)
    return costs


def show_turns(
    verdicts: Verdicts,
    what: str,
    costs: dict[str, list[float]],
    *,
    each: int,
    default: Backend,
    limit: float,
) -> None:
    """Print the times, and their ratios to the peer's.

    Args:
        verdicts: Where to.
        what: What was done.
        costs: By name; the first is the peer's.
        each: How often in a turn.
        default: Whose ratio the limit is for.
        limit: Of the ratio.
    """
    peer, *ours = costs
    verdicts.show(f"{what}, {peer}", np.median(costs[peer]) / each * 1e3, "ms")
    for name in ours:
        verdicts.show(
            f"{what}, {name}" + (" (default)" if name == default else ""),
            float(np.median(costs[name])) / each * 1e3,
            "ms",
            ratio=float(np.median(np.array(costs[name]) / costs[peer])),
            limit=limit if name == default else None,
        )


def measure_turns(
    verdicts: Verdicts, bundle: Bundle, shots: Environment, found: list[Backend]
) -> None:
    """Measure adapting and predicting in this process."""
    support = Support.of(shots.images, shots.heard, shots.point_of, N_POINTS)
    peer = TorchPeer(bundle.manifest.architecture, bundle.parameters, N_POINTS)
    turns: dict[str, Callable[[], object]] = {
        "torch": partial(peer.adapt, support, ADAPTATION)
    }
    turns |= {b.value: partial(calibrate, bundle, shots, b) for b in found}
    show_turns(
        verdicts,
        "adapting",
        in_turns(turns),
        each=1,
        default=backends.for_adapting(Backend.AUTO, print),
        limit=LIMIT_ADAPT,
    )

    losses = peer.adapt(support, ADAPTATION)
    peer.freeze(support)
    answers = peer.predict(shots.images)
    one, heard = shots.images[:1], shots.heard[:1]
    turns = {"torch": partial(repeat, partial(peer.predict, one))}
    differences = []
    for backend in found:
        calibration = calibrate(bundle, shots, backend)
        predictor = make_predictor(bundle, calibration, backend)
        turns[backend.value] = partial(repeat, partial(predictor.predict, one, heard))
        found_here = predictor.predict(shots.images, shots.heard)
        differences.append(
            (
                abs(calibration.losses[1] / losses[1] - 1),
                abs(found_here - answers).max(),
            )
        )
    show_turns(
        verdicts,
        "predicting",
        in_turns(turns),
        each=PREDICTIONS,
        default=backends.for_predicting(Backend.AUTO, print),
        limit=LIMIT_PREDICT,
    )
    first, last = np.max(differences, axis=0)
    verdicts.show("loss after a step: off torch's by", first, "", limit=1e-5)
    verdicts.show("probabilities: off torch's by", last, "", limit=0.01)


def repeat(predict: Callable[[], object]) -> None:
    """Predict so often that the clock is fine enough."""
    for _ in range(PREDICTIONS):
        predict()


def measure_processes(
    verdicts: Verdicts, work: Path, shots: Environment, found: list[Backend]
) -> None:
    """Measure processes of their own, networks and back ends in turns."""
    default = backends.for_adapting(Backend.AUTO, print)
    costs: dict[tuple[Network, Backend], list[Cost]] = {}
    for number in range(PROCESSES + 1):  # the first fills the caches of the disk
        for network, backend in product(NETWORKS, found):
            state = work / f"state-{network.name}"
            shots.save(SiteState(state / SITE, Kind.CSI).shots)
            # The default is not named, so that choosing it is measured too.
            wanted = Backend.AUTO if backend is default else backend
            cost = adapting(work / network.name, state, wanted.value)
            if number:
                costs.setdefault((network, backend), []).append(cost)
    for (network, backend), all_ in costs.items():
        wall_s, peak_mb = np.median(all_, axis=0)
        what = f"{network.name}, {backend}"
        if backend is default:
            verdicts.show(f"{what} (default)", wall_s, "s", limit=network.limit_s)
            verdicts.show("", peak_mb, "MB", limit=network.limit_mb)
        else:
            verdicts.show(what, wall_s, "s")
            verdicts.show("", peak_mb, "MB")


def measure_idling(verdicts: Verdicts, work: Path) -> None:
    """Measure what locating costs that is not asked for all the time."""
    for network in NETWORKS:
        bundle, state = work / network.name, work / f"state-{network.name}"
        idle_s = idle_cpu_s(bundle, state, rate_hz=RATE_HZ, n=LOCATIONS)
        verdicts.show(network.name, idle_s * 1e3, "ms", limit=LIMIT_IDLE_MS)


def main() -> int:
    """Measure, print, and return the exit code."""
    only_help(__doc__)
    torch.set_num_threads(1)
    verdicts = Verdicts()
    found = available()
    shots = random_shots(np.random.default_rng(0))
    print(
        f"torch {torch.__version__}, numpy {np.__version__}, onnxruntime "
        f"{version('onnxruntime')}, kernel for "
        f"{' '.join(layer_kernel.targets()[:1]) or 'nothing: not built'}; "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for network in NETWORKS:
            print(f"filters {network.name}")
            bundle = export(network, Path(folder) / network.name)
            measure_turns(verdicts, bundle, shots, found)
        print(f"edge_agent adapt from the start, medians of {PROCESSES}")
        measure_processes(verdicts, Path(folder), shots, found)
        print(f"CPU time of a location, {RATE_HZ:.0f} every second")
        measure_idling(verdicts, Path(folder))
    return 0 if verdicts.all_held else 1


if __name__ == "__main__":
    sys.exit(main())
