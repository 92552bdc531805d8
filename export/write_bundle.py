"""Write a bundle, prove it with the device's own loader, then put it in its place."""

from collections.abc import Mapping
from pathlib import Path

from edge_agent.arrays import pack_arrays
from edge_agent.bundles.bundle import (
    ADAPT,
    PREDICT,
    THETA,
    THETA_SCHEMA,
    Bundle,
    Manifest,
)
from edge_agent.bundles.files import BundleFiles
from edge_agent.bundles.golden_file import GOLDEN
from edge_agent.bundles.signatures import SigningKey
from edge_agent.estimators import Estimator
from edge_agent.neighbours.file import NEIGHBOURS, pack_neighbours
from edge_agent.trust.prior import TRUST, pack_priors
from export.adapt_graph import build_adapt_graph
from export.bundle_writer import write_files
from export.golden import check_golden, make_golden
from export.parameter_sets import set_files
from export.parity import check_parity
from export.predict_graph import build_predict_graph
from trainer.checkpoint import Checkpoint
from trainer.neighbours.attachments import from_attachments
from trainer.neighbours.trust import priors_from_attachments


def write_bundle(
    checkpoint: Checkpoint,
    directory: Path,
    *,
    name: str,
    key: SigningKey | None = None,
    of_environment: Mapping[str, Checkpoint] | None = None,
) -> Bundle:
    """Write a checkpoint as a bundle.

    Args:
        checkpoint: From training.
        directory: Where the bundle will be; must not exist yet.
        name: What the model is called in every published location.
        key: Signs the bundle.
        of_environment: Checkpoints of `export.parameter_sets.Trained`, by name.

    Raises:
        CheckpointError: One of these does not tell what its tasks were like.
        ExportError: The directory exists or cannot be written, or the back ends
            disagree; nothing is left behind.
    """
    predict = build_predict_graph(checkpoint.architecture)
    neighbours, are_recommended = from_attachments(checkpoint) or (None, False)
    sets, contents_of_sets = set_files(of_environment or {})
    manifest = Manifest(
        name,
        checkpoint.spec,
        checkpoint.architecture,
        checkpoint.adaptation,
        checkpoint.training,
        predict.slots,
        estimator=Estimator.NEIGHBOURS if are_recommended else Estimator.NETWORK,
        sets=sets,
    )
    contents = {
        THETA: pack_arrays({"schema": THETA_SCHEMA}, checkpoint.parameters),
        ADAPT: build_adapt_graph(checkpoint.architecture).SerializeToString(
            deterministic=True
        ),
        PREDICT: predict.data,
        GOLDEN: make_golden(
            checkpoint.architecture, checkpoint.parameters, checkpoint.adaptation
        ).to_bytes(),
        **contents_of_sets,
    }

    if neighbours is not None:
        contents[NEIGHBOURS] = pack_neighbours(neighbours)
    if (priors := priors_from_attachments(checkpoint)) is not None:
        contents[TRUST] = pack_priors(priors)

    def check(files: BundleFiles) -> None:
        bundle = Bundle.from_files(files)
        bundle.check_sets()
        check_parity(bundle)
        check_golden(bundle)

    files = write_files(directory, manifest.to_document(), contents, check, key)
    return Bundle.from_files(files)
