"""One back end in a process of its own: is it right, how fast, and what does it take?

    python -P -m edge_agent.selftest.measurement REQUEST

takes a request in JSON, the arguments of `measure`, and prints lines of JSON:
``{"stage": ...}`` before each part, then ``{"result": ...}``. A process of its own,
because the peak of memory is that of a process, and because a back end that crashes
takes its process with it.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edge_agent.bundles import golden
from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import BundleFiles, Kind
from edge_agent.bundles.terms import Terms
from edge_agent.errors import AgentError, BackendError
from edge_agent.learning.adaptation import Adapted, adapt
from edge_agent.learning.backends import Backend
from edge_agent.learning.predictor import make_predictor
from edge_agent.learning.steps import make_step
from edge_agent.learning.support import Support
from edge_agent.rss import golden as rss_golden
from edge_agent.rss import measurement as rss_measurement
from edge_agent.rss.bundle import RssBundle
from edge_agent.selftest.machine import process_status

N_POINTS, N_SHOTS = 10, 30
"""Of the site that is adapted to: three shots of each point."""

_N_PREDICTIONS = 200
_LONGEST_S = 3.0
"""Of predicting: enough for a median where one prediction takes long."""

OnStage = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a back end did."""

    absent: str | None = None
    """Why it could not be tried: it is not installed, or does not work here. Nothing
    else is set then."""

    refused: str | None = None
    """Why the bundle cannot be used, or not with it. Nothing else is set then."""

    differences: tuple[golden.Difference, ...] = ()
    """Of the golden task."""

    adaptation_s: float | None = None
    """Adapting to `N_SHOTS` shots with the bundle's number of steps [s]."""

    n_steps: int | None = None
    """Of that adaptation."""

    prediction_s: float | None = None
    """Median time of locating one image [s]."""

    peak_memory_mb: float | None = None
    """Most that the process had in memory, Python and all [10^6 bytes]."""

    threads: int | None = None
    """Of the process, at its end."""


def measure(
    directory: Path,
    backend: Backend,
    *,
    quick: bool,
    max_memory_mb: int,
    on_stage: OnStage,
) -> Measurement:
    """Check and time a back end in this process.

    Args:
        directory: Of the bundle.
        backend: Not AUTO.
        quick: Repeat the golden task only.
        max_memory_mb: As of `edge_agent.bundles.terms.Terms`.
        on_stage: Called with what is done next.
    """
    try:
        files = BundleFiles.load(directory, Terms(max_memory_mb))
        if files.kind is Kind.RSS:
            parts = _received_power(files, backend, quick=quick)
        else:
            parts = _images(files, backend, quick=quick, on_stage=on_stage)
    except BackendError as error:
        return Measurement(absent=str(error))
    except (AgentError, ValueError) as error:
        return Measurement(refused=str(error))
    peak_kb = process_status("VmHWM")
    return replace(
        parts,
        peak_memory_mb=None if peak_kb is None else peak_kb * 1024 / 1e6,
        threads=process_status("Threads"),
    )


def _images(
    files: BundleFiles, backend: Backend, *, quick: bool, on_stage: OnStage
) -> Measurement:
    """Return accuracy and times of a network of CSI images."""
    bundle = Bundle.from_files(files)
    report = golden.check(bundle, backend, on_stage=on_stage)
    if quick:
        return Measurement(differences=report.differences)
    adaptation_s, prediction_s = _times(bundle, backend, on_stage)
    return Measurement(
        differences=report.differences,
        adaptation_s=adaptation_s,
        n_steps=bundle.manifest.adaptation.n_steps,
        prediction_s=prediction_s,
    )


def _received_power(
    files: BundleFiles, backend: Backend, *, quick: bool
) -> Measurement:
    """Return accuracy and times of a network of received power."""
    if backend is not Backend.NUMPY:
        raise BackendError("received power is computed in NumPy alone")
    bundle = RssBundle.from_files(files)
    differences = rss_golden.check(bundle)
    if quick:
        return Measurement(differences=differences)
    adaptation_s, prediction_s = rss_measurement.times(bundle, N_SHOTS)
    return Measurement(
        differences=differences,
        adaptation_s=adaptation_s,
        n_steps=bundle.manifest.adaptation.n_steps,
        prediction_s=prediction_s,
    )


def synthetic_shots(shape: tuple[int, int, int], rng: np.random.Generator) -> Support:
    """Return shots of ten points, each with a pattern of its own under noise."""
    n_channels, _, n_tones = shape
    patterns = rng.integers(64, 192, (N_POINTS, n_channels, 1, n_tones))
    points = np.arange(N_SHOTS) % N_POINTS
    images = patterns[points] + rng.integers(-32, 33, (N_SHOTS, *shape))
    heard = np.ones((N_SHOTS, n_channels), np.bool_)
    return Support.of(images.astype(np.uint8), heard, points, N_POINTS)


def _times(bundle: Bundle, backend: Backend, on_stage: OnStage) -> tuple[float, float]:
    """Return how long an adaptation and a prediction take [s].

    Raises:
        BundleError: The back end refuses a graph.
        ValueError: No step lowers the loss.
    """
    manifest = bundle.manifest
    shots = synthetic_shots(manifest.architecture.image_shape, np.random.default_rng(0))
    n_steps = manifest.adaptation.n_steps
    on_stage(f"{n_steps} steps on {N_SHOTS} shots")
    began = time.perf_counter()
    adapted = adapt(
        bundle.parameters,
        make_step(bundle, shots, backend),
        shots,
        architecture=manifest.architecture,
        alpha=manifest.adaptation.alpha,
        n_steps=n_steps,
    )
    adaptation_s = time.perf_counter() - began
    on_stage("locating one image after the other")
    return adaptation_s, _prediction_s(bundle, backend, shots, adapted)


def _prediction_s(
    bundle: Bundle, backend: Backend, shots: Support, adapted: Adapted
) -> float:
    site = golden.nameless_site(bundle, adapted.parameters, adapted.statistics)
    predictor = make_predictor(bundle, site, backend)
    images, heard = shots.images[:1], shots.heard[:1]
    predictor.predict(images, heard)
    times: list[float] = []
    while not times or (len(times) < _N_PREDICTIONS and sum(times) < _LONGEST_S):
        began = time.perf_counter()
        predictor.predict(images, heard)
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def to_json(measurement: Measurement) -> dict[str, Any]:
    """Return JSON values."""
    return asdict(measurement)


def from_json(document: dict[str, Any]) -> Measurement:
    """Return what `to_json` made JSON of.

    Raises:
        KeyError, TypeError: It did not make this.
    """
    differences = tuple(golden.Difference(**d) for d in document["differences"])
    return Measurement(**document | {"differences": differences})


def _main() -> None:
    request = json.loads(sys.argv[1])

    def write(line: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    measurement = measure(
        Path(request["directory"]),
        Backend(request["backend"]),
        quick=request["quick"],
        max_memory_mb=request["max_memory_mb"],
        on_stage=lambda stage: write({"stage": stage}),
    )
    write({"result": to_json(measurement)})


if __name__ == "__main__":
    _main()
