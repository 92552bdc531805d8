"""Checkpoints: what was saved comes back, and nothing else does."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays
from edge_agent.bundles.bundle import AdaptationDefaults
from edge_agent.csi.image import ImageSpec
from edge_agent.learning.network import Architecture
from tests.trainer.builders import SMALL, SMALL_NETWORK, checkpoint, random_parameters
from trainer.checkpoint import Checkpoint
from trainer.errors import CheckpointError

HEADER = {
    "schema": "metaloc.checkpoint/1",
    "spec": asdict(SMALL),
    "architecture": asdict(SMALL_NETWORK),
    "adaptation": {"alpha": 0.02, "n_steps": 7},
    "training": {},
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.npz"


def write(path, header, parameters=None):
    """A checkpoint file put together by hand."""
    if parameters is None:
        parameters = random_parameters(SMALL_NETWORK, np.random.default_rng(0))
    path.write_bytes(pack_arrays(header, parameters))


def refusal(path):
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.load(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


# -- round trip ------------------------------------------------------------------------


def test_a_checkpoint_comes_back_as_it_was(path):
    spec = ImageSpec(
        n_packets=7, n_tones=9, n_channels=2, floor_dbm=-100.5, max_span_s=12.0
    )
    training = {"seed": 3, "meta": {"alpha": 0.02}, "simulated": True, "notes": ["ä"]}
    saved = checkpoint(
        spec=spec, adaptation=AdaptationDefaults(0.02, 7), training=training
    )

    saved.save(path)
    loaded = Checkpoint.load(path)

    assert loaded.spec == spec
    assert loaded.architecture == SMALL_NETWORK
    assert loaded.adaptation == AdaptationDefaults(0.02, 7)
    assert loaded.training == training
    assert loaded.parameters.keys() == saved.parameters.keys()
    for name, value in saved.parameters.items():
        assert loaded.parameters[name].dtype == np.float32
        np.testing.assert_array_equal(loaded.parameters[name], value)


def test_parameters_come_back_in_the_precision_of_the_device(path):
    parameters = random_parameters(SMALL_NETWORK, np.random.default_rng(0))

    checkpoint(parameters=parameters).save(path)

    for name, value in Checkpoint.load(path).parameters.items():
        np.testing.assert_array_equal(value, parameters[name].astype(np.float32))


def test_a_file_written_by_hand_is_read(path):
    write(path, HEADER)

    assert Checkpoint.load(path).adaptation == AdaptationDefaults(0.02, 7)


def test_saving_replaces_the_file_and_leaves_no_other(path):
    path.write_bytes(b"old")

    checkpoint().save(path)

    Checkpoint.load(path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_saving_makes_the_folder(tmp_path):
    path = tmp_path / "out" / "models" / "checkpoint.npz"

    checkpoint().save(path)

    Checkpoint.load(path)


def test_a_checkpoint_is_no_pickle(path):
    checkpoint().save(path)

    with np.load(path, allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())

    assert header["schema"] == "metaloc.checkpoint/1"


# -- refusals --------------------------------------------------------------------------


def test_a_path_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot write .*: Is a directory"):
        checkpoint().save(tmp_path)


def test_a_missing_file_is_refused(path):
    assert "No such file" in refusal(path)


@pytest.mark.parametrize("data", [b"", b"PK", b"text\n" * 99], ids=["", "PK", "text"])
def test_a_file_that_holds_no_arrays_is_refused(path, data):
    path.write_bytes(data)

    assert "is damaged or no array file" in refusal(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_is_refused(path, share):
    checkpoint().save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])

    assert "is damaged or no array file" in refusal(path)


def test_arrays_without_a_header_are_refused(path):
    np.savez(path, weight=np.zeros(3))

    assert "is damaged or no array file" in refusal(path)


def test_arrays_of_objects_are_refused(path):
    parameters = random_parameters(SMALL_NETWORK, np.random.default_rng(0))
    parameters["conv0.bias"] = np.array([{}], np.object_)
    write(path, HEADER, parameters)

    assert "is damaged or no array file" in refusal(path)


@pytest.mark.parametrize("schema", ["metaloc.checkpoint/2", "metaloc.theta/1", None])
def test_another_schema_is_refused(path, schema):
    write(path, HEADER | {"schema": schema})

    assert f"has schema {schema!r}, expected 'metaloc.checkpoint/1'" in refusal(path)


@pytest.mark.parametrize("field", ["spec", "architecture", "adaptation", "training"])
def test_a_missing_field_is_refused(path, field):
    write(path, {name: value for name, value in HEADER.items() if name != field})

    assert field in refusal(path)


@pytest.mark.parametrize("value", [None, 3, [1]])
@pytest.mark.parametrize("field", ["spec", "architecture", "adaptation", "training"])
def test_a_field_that_is_no_object_is_refused(path, field, value):
    write(path, HEADER | {field: value})

    refusal(path)


@pytest.mark.parametrize(
    ("field", "name", "value"),
    [
        ("spec", "n_packets", 0),
        ("spec", "colour", "blue"),
        ("architecture", "filters", []),
        ("architecture", "filters", "34"),
        ("architecture", "pixel_std", 0),
        ("architecture", "image_shape", [2, 1, 1]),
        ("adaptation", "alpha", -0.1),
        ("adaptation", "alpha", float("nan")),
        ("adaptation", "n_steps", -1),
    ],
)
def test_a_field_that_makes_no_sense_is_refused(path, field, name, value):
    write(path, HEADER | {field: HEADER[field] | {name: value}})

    refusal(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_parameters_that_are_not_finite_are_refused(path, value):
    parameters = random_parameters(SMALL_NETWORK, np.random.default_rng(0))
    parameters["conv1.weight"][1, 2, 0, 0] = value
    checkpoint(parameters=parameters).save(path)

    assert "conv1.weight holds values that are not finite" in refusal(path)


def test_parameters_of_another_network_are_refused(path):
    other = Architecture(SMALL.shape, filters=(3, 5))
    write(path, HEADER | {"architecture": asdict(other)})

    assert "conv1.weight has shape (4, 3, 3, 3), not (5, 3, 3, 3)" in refusal(path)


def test_missing_parameters_are_refused(path):
    parameters = random_parameters(SMALL_NETWORK, np.random.default_rng(0))
    del parameters["norm1.shift"]
    write(path, HEADER, parameters)

    assert "parameters lack ['norm1.shift']" in refusal(path)


def test_unknown_parameters_are_refused(path):
    parameters = random_parameters(SMALL_NETWORK, np.random.default_rng(0))
    write(path, HEADER, parameters | {"conv9.bias": np.zeros(3)})

    assert "parameters ['conv9.bias'] are not the network's" in refusal(path)


def test_a_head_is_refused(path):
    rng = np.random.default_rng(0)
    write(path, HEADER, random_parameters(SMALL_NETWORK, rng, n_points=4))

    found = "parameters ['head.bias', 'head.weight'] are not the network's"
    assert found in refusal(path)


def test_more_arrays_than_memory_allows_are_refused(path, monkeypatch):
    checkpoint().save(path)
    monkeypatch.setattr("trainer.checkpoint._MAX_BYTES", 1000)

    assert "bytes of arrays, more than 1000" in refusal(path)


def test_images_of_another_shape_than_the_network_takes_are_refused(path):
    spec = asdict(ImageSpec(n_packets=9, n_tones=9, n_channels=3))
    write(path, HEADER | {"spec": spec})

    found = f"the network takes images of {SMALL.shape}, the specification gives"
    assert f"{found} (3, 9, 9)" in refusal(path)
