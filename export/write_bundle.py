"""Write a bundle, prove it with the device's own loader, then put it in its place."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from edge_agent.adaptation import adapt
from edge_agent.arrays import pack_arrays
from edge_agent.backends import Backend
from edge_agent.bundle import (
    PREDICT,
    THETA,
    THETA_SCHEMA,
    Bundle,
    Manifest,
)
from edge_agent.bundle_files import BundleFiles
from edge_agent.calibration import Calibration
from edge_agent.layer_step import LayerStep
from edge_agent.predictor import make_predictor
from edge_agent.support import Support
from edge_agent.survey import Point
from export.bundle_writer import ExportError, write_files
from export.predict_graph import build_predict_graph
from trainer.checkpoint import Checkpoint

PARITY_TOLERANCE = 1e-4
"""Largest difference of a probability between the graph and NumPy. Summation in another
order gives about 1e-6."""

_N_PROBE_POINTS = 4


def write_bundle(checkpoint: Checkpoint, directory: Path, *, name: str) -> Bundle:
    """Write a checkpoint as a bundle.

    Args:
        checkpoint: From training.
        directory: Where the bundle will be; must not exist yet.
        name: What the model is called in every published location.

    Raises:
        ExportError: The directory exists or cannot be written, or the graph and NumPy
            disagree; nothing is left behind.
    """
    manifest = Manifest(
        name,
        checkpoint.spec,
        checkpoint.architecture,
        checkpoint.adaptation,
        checkpoint.training,
    )
    contents = {
        THETA: pack_arrays({"schema": THETA_SCHEMA}, checkpoint.parameters),
        PREDICT: build_predict_graph(checkpoint.architecture).SerializeToString(),
    }

    def check(files: BundleFiles) -> None:
        check_parity(Bundle.from_files(files))

    files = write_files(directory, manifest.to_document(), contents, check)
    return Bundle.from_files(files)


def check_parity(bundle: Bundle) -> float:
    """Adapt to random shots, predict with both back ends, and compare.

    Returns:
        The largest difference of a probability.

    Raises:
        ExportError: It exceeds `PARITY_TOLERANCE`, or a value is not finite.
    """
    rng = np.random.default_rng(0)
    spec = bundle.manifest.spec
    images = rng.integers(0, 256, (3 * _N_PROBE_POINTS, *spec.shape), dtype=np.uint8)
    heard = rng.random((len(images), spec.n_channels)) < 0.8
    points = np.arange(len(images)) % _N_PROBE_POINTS
    support = Support.of(images, heard, points, _N_PROBE_POINTS)
    architecture = bundle.manifest.architecture
    try:
        adapted = adapt(
            bundle.parameters,
            LayerStep(architecture, support),
            support,
            architecture=architecture,
            alpha=bundle.manifest.adaptation.alpha,
            n_steps=1,
        )
    except ValueError as error:
        raise ExportError(f"the network does not adapt: {error}") from error
    calibration = Calibration(
        bundle.digest,
        datetime.now(UTC).isoformat(),
        tuple(Point(str(i), i, 0) for i in range(_N_PROBE_POINTS)),
        (),
        adapted.parameters,
        adapted.statistics,
        adapted.losses,
        len(images),
        is_simulated=True,
    )
    answers = [
        make_predictor(bundle, calibration, backend).predict(images, heard)
        for backend in (Backend.ONNXRUNTIME, Backend.NUMPY)
    ]
    difference = float(np.abs(answers[0] - answers[1]).max())
    if not difference <= PARITY_TOLERANCE:  # not a number, too
        raise ExportError(
            f"onnxruntime and numpy differ by {difference:.2g} in a probability, more "
            f"than {PARITY_TOLERANCE:g}"
        )
    return difference
