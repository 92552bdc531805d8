"""The neighbours in a checkpoint: arrays beside the network's, for export.

whitening/scale, whitening/root     `edge_agent.neighbours.whitening.Whitening`
whitening/kernel                    ν, T, u of `edge_agent.neighbours.estimator.Kernel`
whitening/recommended               whether they locate better than the network
"""

from dataclasses import astuple, replace

import numpy as np

from edge_agent.arrays import Arrays
from edge_agent.neighbours.estimator import Kernel, Neighbours
from edge_agent.neighbours.whitening import Whitening
from trainer.checkpoint import Checkpoint
from trainer.errors import CheckpointError
from trainer.neighbours.compare import compare
from trainer.neighbours.learn import Learnt

_PREFIX = "whitening/"


def with_neighbours(checkpoint: Checkpoint, learnt: Learnt | None) -> Checkpoint:
    """Return a trained checkpoint with the neighbours, compared with its network.

    Args:
        checkpoint: Of a network.
        learnt: None where there was nothing to learn from; nothing is added then.
    """
    if learnt is None:
        return checkpoint
    compared, kernel = compare(checkpoint, learnt), learnt.neighbours.kernel
    facts = {
        "shrinkage": learnt.shrinkage,
        "freedom": kernel.freedom,
        "temperature": round(kernel.temperature, 4),
        "unheard": round(kernel.unheard, 4),
        "replays": compared.n_replays,
        "mean_error_m": {
            "network": round(compared.network_m, 3),
            "neighbours": round(compared.neighbours_m, 3),
        },
    }
    return replace(
        checkpoint,
        training=checkpoint.training | {"neighbours": facts},
        attachments=checkpoint.attachments
        | to_attachments(learnt.neighbours, is_recommended=compared.favours_neighbours),
    )


def to_attachments(neighbours: Neighbours, *, is_recommended: bool) -> Arrays:
    """Return the arrays that `from_attachments` reads."""
    return {
        f"{_PREFIX}scale": neighbours.whitening.scale.astype(np.float32),
        f"{_PREFIX}root": neighbours.whitening.root.astype(np.float32),
        f"{_PREFIX}kernel": np.array(astuple(neighbours.kernel), np.float64),
        f"{_PREFIX}recommended": np.array(is_recommended),
    }


def from_attachments(checkpoint: Checkpoint) -> tuple[Neighbours, bool] | None:
    """Return the neighbours of a checkpoint, and whether they are recommended.

    Returns:
        None where the checkpoint has none.

    Raises:
        CheckpointError: It has some of their arrays, or arrays that make no sense.
    """
    arrays = {
        name.removeprefix(_PREFIX): array
        for name, array in checkpoint.attachments.items()
        if name.startswith(_PREFIX)
    }
    if not arrays:
        return None
    try:
        whitening = Whitening(
            arrays["scale"].astype(np.float64), arrays["root"].astype(np.float64)
        )
        freedom, temperature, unheard = arrays["kernel"].astype(np.float64).tolist()
        neighbours = Neighbours(whitening, Kernel(freedom, temperature, unheard))
        return neighbours.check(checkpoint.spec), bool(arrays["recommended"].item())
    except KeyError as error:
        raise CheckpointError(
            f"the checkpoint lacks {_PREFIX}{error.args[0]}"
        ) from None
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the checkpoint's whitening: {error}") from error
