"""The neighbours travel in the checkpoint."""

from dataclasses import replace

import numpy as np
import pytest

from tests.edge_agent.sites import checkpoint
from tests.edge_agent.whitened import random_neighbours
from tests.trainer.neighbours.places import place
from trainer.checkpoint import Checkpoint
from trainer.errors import CheckpointError
from trainer.neighbours.attachments import (
    from_attachments,
    to_attachments,
    with_neighbours,
)
from trainer.neighbours.compare import compare
from trainer.neighbours.learn import learn_neighbours


@pytest.mark.parametrize("recommended", [True, False])
def test_what_is_attached_comes_back_from_the_file(rng, tmp_path, recommended):
    neighbours = random_neighbours(rng)
    arrays = to_attachments(neighbours, is_recommended=recommended)
    replace(checkpoint(rng), attachments=arrays).save(tmp_path / "c.npz")

    found, is_recommended = from_attachments(Checkpoint.load(tmp_path / "c.npz"))

    assert is_recommended is recommended
    assert found.kernel == neighbours.kernel
    for name in ("scale", "root"):
        kept, given = (getattr(n.whitening, name) for n in (found, neighbours))
        np.testing.assert_array_equal(kept, given.astype(np.float32))


def test_a_checkpoint_without_neighbours_has_none(rng):
    other = replace(checkpoint(rng), attachments={"golden/images": np.zeros(2)})

    assert from_attachments(other) is None


def test_a_trained_checkpoint_says_what_was_learnt_and_compared(rng):
    trained = replace(checkpoint(rng), attachments={"golden/images": np.zeros(2)})
    learnt = learn_neighbours([place(rng) for _ in range(3)])
    compared = compare(trained, learnt)

    found = with_neighbours(trained, learnt)

    facts = found.training["neighbours"]
    assert facts["shrinkage"] == learnt.shrinkage
    assert facts["freedom"] == learnt.neighbours.kernel.freedom
    assert facts["replays"] == compared.n_replays
    assert facts["mean_error_m"] == {
        "network": round(compared.network_m, 3),
        "neighbours": round(compared.neighbours_m, 3),
    }
    assert from_attachments(found)[1] is compared.favours_neighbours
    assert "golden/images" in found.attachments
    assert found.training["data"] == trained.training["data"]


def test_where_nothing_was_learnt_the_checkpoint_is_as_it_was(rng):
    trained = checkpoint(rng)

    assert with_neighbours(trained, None) is trained


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"root": None}, "the checkpoint lacks whitening/root"),
        ({"recommended": None}, "the checkpoint lacks whitening/recommended"),
        ({"kernel": np.ones(2)}, "checkpoint's whitening: not enough values"),
        ({"kernel": np.zeros(3)}, "checkpoint's whitening: freedom is 0.0"),
        ({"scale": np.ones(3)}, "checkpoint's whitening: scale has shape"),
        ({"scale": np.array(["x"] * 17)}, "checkpoint's whitening: could not convert"),
        ({"recommended": np.ones(2)}, "checkpoint's whitening: can only convert an"),
        ({"scale": np.ones(9), "root": np.eye(9)}, "whitening: whitens 8 tones"),
    ],
)
def test_attachments_that_make_no_sense_are_refused(rng, changes, reason):
    arrays = to_attachments(random_neighbours(rng), is_recommended=True)
    arrays |= {f"whitening/{name}": array for name, array in changes.items()}
    kept = {name: array for name, array in arrays.items() if array is not None}

    with pytest.raises(CheckpointError, match=reason):
        from_attachments(replace(checkpoint(rng), attachments=kept))
