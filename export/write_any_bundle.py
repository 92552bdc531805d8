"""Write a checkpoint as a bundle, by what kind of model it holds."""

from pathlib import Path

from edge_agent.bundles.files import BundleFiles
from edge_agent.bundles.signatures import SigningKey
from export.parameter_sets import Trained
from export.write_bundle import write_bundle
from export.write_rss_bundle import write_rss_bundle
from trainer.checkpoint import Checkpoint
from trainer.rss_checkpoint import RssCheckpoint, is_rss_checkpoint


def write_any_bundle(
    checkpoint: Path, directory: Path, *, name: str, key: SigningKey | None = None
) -> BundleFiles:
    """Write a checkpoint as a bundle.

    Args:
        checkpoint: File of ``trainer train`` or ``trainer train-rss``, or folder of
            ``trainer train --method maml-ts``.
        directory: Where the bundle will be; must not exist yet.
        name: What the model is called in every published location.
        key: Signs it, if given.

    Raises:
        CheckpointError: There is no checkpoint, or it is damaged.
        ExportError: The bundle could not be written, or does not compute what it
            should; nothing is left behind.
    """
    if checkpoint.is_dir():
        trained = Trained.read(checkpoint)
        return write_bundle(
            trained.total,
            directory,
            name=name,
            key=key,
            of_environment=trained.of_environment,
        ).files
    if is_rss_checkpoint(checkpoint):
        loaded = RssCheckpoint.load(checkpoint)
        return write_rss_bundle(loaded, directory, name=name, key=key).files
    return write_bundle(
        Checkpoint.load(checkpoint), directory, name=name, key=key
    ).files
