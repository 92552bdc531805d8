"""A folder of ``trainer train --method maml-ts`` as the parameter sets of a bundle.

total.npz         θ_total
NNN-<name>.npz    θ_i* of an environment, and what its tasks were like

All must be of one training, and every environment of it be there: total.npz tells of
how many it was. What else lies in the folder, an interrupted training's files for
example, is passed over.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.arrays import pack_arrays
from edge_agent.bundles.bundle import THETA_SCHEMA
from edge_agent.bundles.parameter_sets import MAX_SETS, TOTAL, ParameterSet
from edge_agent.task_similarity.history import SIMILARITY, TaskHistory
from export.bundle_writer import ExportError
from trainer.checkpoint import Checkpoint
from trainer.meta.task_attachments import attached_tasks

_TOTAL_FILE = f"{TOTAL}.npz"
_MOST_NAMED = 3
_NUMBER = re.compile(r"^[0-9]{3,}-")
_OWN_FACTS = (
    *("environment", "environments", "points", "images", "simulated"),
    "neighbours",
)
"""What the training says of a checkpoint, not of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What one training of MAML-TS has left."""

    total: Checkpoint
    of_environment: dict[str, Checkpoint]
    """By name."""

    @classmethod
    def read(cls, folder: Path) -> "Trained":
        """Read the checkpoints of a folder.

        Raises:
            CheckpointError: One is damaged.
            ExportError: There is no ``total.npz``, there are no others or too many,
                some are missing, or they are not of one training.
        """
        if not (folder / _TOTAL_FILE).is_file():
            raise ExportError(
                f"{folder} has no {_TOTAL_FILE}: it is not what trainer train --method "
                "maml-ts writes, or that has not come to its end"
            )
        total = Checkpoint.load(folder / _TOTAL_FILE)
        paths = sorted(p for p in folder.glob("*.npz") if p.name != _TOTAL_FILE)
        if not 1 <= len(paths) <= MAX_SETS:
            raise ExportError(
                f"{folder} has checkpoints of {len(paths)} environments, not 1 to "
                f"{MAX_SETS}"
            )
        checkpoints = [Checkpoint.load(path) for path in paths]
        for path, checkpoint in zip(paths, checkpoints, strict=True):
            _check_alike(path, checkpoint, total)
        _check_complete(folder, paths, total)
        names = _names([path.stem for path in paths])
        return cls(total, dict(zip(names, checkpoints, strict=True)))


def set_files(
    of_environment: Mapping[str, Checkpoint],
) -> tuple[tuple[ParameterSet, ...], dict[str, bytes]]:
    """Return the sets of the manifest, and the files that they are in.

    Args:
        of_environment: As of `Trained`; where there are none, there are no files.

    Raises:
        CheckpointError: A checkpoint does not tell what its tasks were like.
        ExportError: An environment has a name that no set can have.
    """
    if not of_environment:
        return (), {}
    contents: dict[str, bytes] = {}
    sets, tasks = [], []
    for number, (name, checkpoint) in enumerate(of_environment.items()):
        try:
            sets.append(ParameterSet(name, f"theta.{number}.npz"))
        except ValueError as error:
            raise ExportError(str(error)) from error
        contents[sets[-1].file] = pack_arrays(
            {"schema": THETA_SCHEMA}, checkpoint.parameters
        )
        tasks.append(attached_tasks(checkpoint))
    history = TaskHistory(
        tuple(each.tasks for each in tasks), all(each.has_level for each in tasks)
    )
    return tuple(sets), contents | {SIMILARITY: history.to_bytes()}


def _check_complete(folder: Path, paths: Sequence[Path], total: Checkpoint) -> None:
    """Check that there is a checkpoint of every environment that all were taught by.

    Without some of them a device would choose among the others, and say nothing.
    """
    n_taught = total.training.get("environments")
    if len(paths) == n_taught:
        return
    found = f"{folder} has checkpoints of {len(paths)} environments, {_TOTAL_FILE} is "
    found += f"of {n_taught}"
    if type(n_taught) is not int or len(paths) > n_taught:
        raise ExportError(f"{found}: move away those that are not of this training")
    there = {path.name.split("-")[0] for path in paths}
    lacking = [f"{k:03}-*.npz" for k in range(n_taught) if f"{k:03}" not in there]
    shown = ", ".join(lacking[:_MOST_NAMED])
    more = f" and {n} more" if (n := len(lacking) - _MOST_NAMED) > 0 else ""
    raise ExportError(
        f"{found}, and {shown}{more} missing: training was interrupted (run it again "
        "to go on), or a checkpoint was removed"
    )


def _check_alike(path: Path, checkpoint: Checkpoint, total: Checkpoint) -> None:
    """Check that a checkpoint and that of all are of one training."""
    for what in ("spec", "architecture", "adaptation"):
        ours, theirs = getattr(checkpoint, what), getattr(total, what)
        if ours != theirs:
            raise ExportError(
                f"{path} and {_TOTAL_FILE} are not of one training: their {what} is "
                f"{ours} and {theirs}"
            )
    ours, theirs = _common_facts(checkpoint), _common_facts(total)
    for fact in sorted(ours.keys() | theirs.keys()):
        if ours.get(fact) != theirs.get(fact):
            raise ExportError(
                f"{path} and {_TOTAL_FILE} are not of one training: their {fact} is "
                f"{ours.get(fact)} and {theirs.get(fact)}"
            )


def _common_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    return {k: v for k, v in checkpoint.training.items() if k not in _OWN_FACTS}


def _names(stems: Sequence[str]) -> list[str]:
    """Return the names without their numbers, where they can be told apart so."""
    plain = [_NUMBER.sub("", stem) for stem in stems]
    usable = len(set(plain)) == len(plain) and TOTAL not in plain and "" not in plain
    return plain if usable else list(stems)
