"""Checkpoints of received power, and what is none."""

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays, unpack_arrays
from tests.edge_agent.rss.places import checkpoint
from trainer.errors import CheckpointError
from trainer.rss_checkpoint import RSS_SCHEMA, RssCheckpoint, is_rss_checkpoint


@pytest.fixture
def path(tmp_path, rng):
    checkpoint(rng).save(tmp_path / "rss.npz")
    return tmp_path / "rss.npz"


def test_what_is_saved_is_loaded(path):
    loaded = RssCheckpoint.load(path)

    expected = checkpoint(np.random.default_rng(20221122))
    for name in ("spec", "architecture", "adaptation", "training"):
        assert getattr(loaded, name) == getattr(expected, name)
    assert list(loaded.parameters) == list(expected.parameters)
    for name, array in expected.parameters.items():
        np.testing.assert_array_equal(loaded.parameters[name], array)


def test_files_tell_whether_they_are_such_checkpoints(path, tmp_path):
    other = tmp_path / "other.npz"
    other.write_bytes(pack_arrays({"schema": "metaloc.checkpoint/1"}, {}))

    assert is_rss_checkpoint(path)
    assert not is_rss_checkpoint(other)
    assert not is_rss_checkpoint(tmp_path / "none.npz")


def test_a_checkpoint_that_cannot_be_written_is_an_error(tmp_path, rng):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot write"):
        checkpoint(rng).save(tmp_path / "file" / "rss.npz")


def test_a_checkpoint_that_is_not_there_or_damaged_is_an_error(path, tmp_path):
    with pytest.raises(CheckpointError, match="No such file"):
        RssCheckpoint.load(tmp_path / "none.npz")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(CheckpointError, match="damaged"):
        RssCheckpoint.load(path)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"architecture": {"k": 4, "hidden": [8, 8]}}, r"layer0.weight has shape"),
        ({"architecture": {"k": 4}}, "lacks 'hidden'"),
        ({"spec": {"window_s": 0}}, "window_s is 0"),
        ({"adaptation": {"alpha": 0.1, "n_steps": -1}}, "n_steps is -1"),
    ],
)
def test_a_checkpoint_that_makes_no_sense_is_refused(path, header, reason):
    old, arrays = unpack_arrays(path.read_bytes(), schema=RSS_SCHEMA, max_bytes=1 << 20)
    path.write_bytes(pack_arrays(old | header, arrays))

    with pytest.raises(CheckpointError, match=reason):
        RssCheckpoint.load(path)
