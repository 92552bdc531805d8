"""Write a bundle of ``kind: rss``, prove it, then put it in its place."""

from pathlib import Path

import numpy as np

from edge_agent.arrays import pack_arrays
from edge_agent.bundles.files import BundleFiles
from edge_agent.bundles.golden_file import GOLDEN
from edge_agent.bundles.signatures import SigningKey
from edge_agent.learning.onnx_runtime import Session
from edge_agent.rss.bundle import (
    ADAPT,
    PREDICT,
    THETA,
    THETA_SCHEMA,
    RssBundle,
    RssManifest,
)
from edge_agent.rss.fingerprints import LENGTH_M
from edge_agent.rss.golden import RssGolden, check
from edge_agent.rss.network import regress, step
from export.bundle_writer import ExportError, write_files
from export.rss_golden import make_rss_golden
from export.rss_graphs import NEW, build_rss_adapt_graph, build_rss_predict_graph
from trainer.rss_checkpoint import RssCheckpoint

PARITY_TOLERANCE = 1e-5
"""Largest difference between ONNX Runtime and NumPy: of a loss, of a parameter after a
step, of a location in units of `LENGTH_M`."""


def write_rss_bundle(
    checkpoint: RssCheckpoint,
    directory: Path,
    *,
    name: str,
    key: SigningKey | None = None,
) -> RssBundle:
    """Write a checkpoint as a bundle.

    Args:
        checkpoint: From training.
        directory: Where the bundle will be; must not exist yet.
        name: What the model is called in every published location.
        key: Signs it, if given.

    Raises:
        ExportError: The directory exists or cannot be written, or graphs, NumPy and
            autograd disagree; nothing is left behind.
    """
    architecture = checkpoint.architecture
    manifest = RssManifest(
        name,
        checkpoint.spec,
        architecture,
        checkpoint.adaptation,
        checkpoint.training,
    )
    golden = make_rss_golden(architecture, checkpoint.parameters, checkpoint.adaptation)
    contents = {
        THETA: pack_arrays({"schema": THETA_SCHEMA}, dict(checkpoint.parameters)),
        PREDICT: build_rss_predict_graph(architecture).SerializeToString(
            deterministic=True
        ),
        ADAPT: build_rss_adapt_graph(architecture).SerializeToString(
            deterministic=True
        ),
        GOLDEN: golden.to_bytes(),
    }

    def prove(files: BundleFiles) -> None:
        bundle = RssBundle.from_files(files)
        check_rss_parity(bundle)
        for difference in check(bundle):
            if not difference.is_allowed:
                raise ExportError(f"NumPy and autograd disagree: {difference}")

    files = write_files(directory, manifest.to_document(), contents, prove, key)
    return RssBundle.from_files(files)


def check_rss_parity(bundle: RssBundle) -> float:
    """Compare the graphs with NumPy on the golden task.

    Returns:
        The largest difference.

    Raises:
        ExportError: It exceeds `PARITY_TOLERANCE`, or a value is not finite.
    """
    manifest, files = bundle.manifest, bundle.files
    golden = RssGolden.from_bytes(files.content(GOLDEN), manifest.architecture)
    examples, alpha = golden.examples, manifest.adaptation.alpha
    answers = regress(bundle.parameters, examples.inputs)
    located = golden.origins + LENGTH_M * answers
    loss, after = step(bundle.parameters, examples, alpha)
    predicted = Session(files.content(PREDICT), PREDICT).run(
        {**bundle.parameters, "inputs": examples.inputs, "origins": golden.origins}
    )
    stepped = Session(files.content(ADAPT), ADAPT).run(
        {
            **bundle.parameters,
            "inputs": examples.inputs,
            "targets": examples.targets,
            "weights": examples.weights,
            "alpha": np.array(alpha, np.float32),
        }
    )
    differences = [
        np.abs(predicted["locations"] - located).max() / LENGTH_M,
        np.abs(stepped["loss"] - loss),
        *(np.abs(stepped[NEW + k] - array).max() for k, array in after.items()),
    ]
    largest = float(np.max(differences))
    if not largest <= PARITY_TOLERANCE:  # not a number, too
        raise ExportError(
            f"onnxruntime and numpy differ by {largest:.2g}, more than "
            f"{PARITY_TOLERANCE:g}"
        )
    return largest
