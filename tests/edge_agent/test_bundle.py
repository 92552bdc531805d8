"""The model bundle, verified to the last byte."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays
from edge_agent.bundle import (
    BUNDLE_SCHEMA,
    MANIFEST,
    PREDICT,
    THETA,
    THETA_SCHEMA,
    AdaptationDefaults,
    Bundle,
    Manifest,
    as_float32,
)
from edge_agent.errors import BundleError
from tests.edge_agent.sites import ARCHITECTURE, SPEC, checkpoint, random_parameters


@pytest.fixture
def directory(tmp_path, bundle_directory):
    """A bundle of one's own, to be damaged."""
    return shutil.copytree(bundle_directory, tmp_path / "bundle")


def replace_file(directory, name, data):
    """Put another file into a bundle, with a manifest that vouches for it."""
    (directory / name).write_bytes(data)
    document = json.loads((directory / MANIFEST).read_text())
    document["files"][name] = {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    (directory / MANIFEST).write_text(json.dumps(document))


def change_manifest(directory, **changes):
    document = json.loads((directory / MANIFEST).read_text())
    (directory / MANIFEST).write_text(json.dumps(document | changes))


def theta(parameters, schema=THETA_SCHEMA):
    return pack_arrays({"schema": schema}, parameters)


def test_a_written_bundle_loads_as_what_was_trained(bundle):
    trained = checkpoint(np.random.default_rng(1))

    manifest = bundle.manifest
    assert manifest.name == "tiny-1"
    assert manifest.spec == SPEC
    assert manifest.architecture == ARCHITECTURE
    assert manifest.adaptation == trained.adaptation
    assert manifest.training == trained.training
    assert bundle.parameters.keys() == trained.parameters.keys()
    for name, array in trained.parameters.items():
        assert bundle.parameters[name].dtype == np.float32
        np.testing.assert_array_equal(bundle.parameters[name], array)


def test_the_digest_is_that_of_the_manifest(bundle, bundle_directory):
    text = (bundle_directory / MANIFEST).read_bytes()

    assert bundle.digest == hashlib.sha256(text).hexdigest()


def test_the_graph_is_that_of_the_file(bundle, bundle_directory):
    assert bundle.predict_graph == (bundle_directory / PREDICT).read_bytes()


def test_a_manifest_reads_as_it_was_written(bundle):
    text = bundle.manifest.to_json()

    assert Manifest.from_json(text) == bundle.manifest
    assert text.endswith("}\n")


@pytest.mark.parametrize("name", [THETA, PREDICT])
def test_one_flipped_bit_is_noticed_wherever_it_is(directory, name):
    data = (directory / name).read_bytes()

    for position in (0, len(data) // 2, len(data) - 1):
        flipped = bytearray(data)
        flipped[position] ^= 0x01
        (directory / name).write_bytes(flipped)
        with pytest.raises(BundleError, match=f"{name} does not have the checksum of"):
            Bundle.load(directory)


@pytest.mark.parametrize("name", [THETA, PREDICT])
def test_a_file_of_another_size_is_named(directory, name):
    data = (directory / name).read_bytes()
    (directory / name).write_bytes(data[:-1])

    reason = f"{name} has {len(data) - 1} bytes, the manifest says {len(data)}: copy"
    with pytest.raises(BundleError, match=reason):
        Bundle.load(directory)


@pytest.mark.parametrize("name", [MANIFEST, THETA, PREDICT])
def test_a_missing_file_is_named(directory, name):
    (directory / name).unlink()

    with pytest.raises(BundleError, match=f"{name}: No such file or directory"):
        Bundle.load(directory)


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"nowhere/manifest.json: No such file"):
        Bundle.load(tmp_path / "nowhere")


def test_a_file_larger_than_any_bundle_is_not_read(directory):
    with (directory / MANIFEST).open("ab") as file:
        file.truncate((1 << 20) + 1)

    with pytest.raises(
        BundleError, match=r"manifest.json is larger than 1048576 bytes"
    ):
        Bundle.load(directory)


def test_a_file_that_the_manifest_does_not_list_is_not_used(directory):
    change_manifest(directory, files={})

    with pytest.raises(BundleError, match=f"{MANIFEST} does not list {THETA}"):
        Bundle.load(directory)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[]", "not a JSON object"),
        ("{}", f"schema is None, this agent reads '{BUNDLE_SCHEMA}'"),
        ('{"schema": "metaloc.bundle/9"}', "schema is 'metaloc.bundle/9', this agent"),
        (f'{{"schema": "{BUNDLE_SCHEMA}"}}', "lacks 'architecture'"),
    ],
)
def test_a_foreign_manifest_is_refused(directory, text, reason):
    (directory / MANIFEST).write_text(text)

    with pytest.raises(BundleError, match=rf"manifest.json: {reason}"):
        Bundle.load(directory)


def test_a_manifest_that_is_no_text_is_refused(directory):
    (directory / MANIFEST).write_bytes(b"\xff\xfe")

    with pytest.raises(BundleError, match=r"manifest.json: .*utf-8"):
        Bundle.load(directory)


@pytest.mark.parametrize(
    ("section", "change", "reason"),
    [
        ("image", {"n_packets": 0}, "n_packets is 0"),
        ("image", {"n_packet": 8}, "unexpected keyword argument 'n_packet'"),
        (
            "image",
            {"n_packets": 9},
            r"the network takes images of \(2, 8, 16\), the sp",
        ),
        ("architecture", {"filters": []}, "1 to 8 layers"),
        ("architecture", {"filters": 3}, "not iterable"),
        ("architecture", {"filters": [3.0, 4]}, "1 to 8 layers"),
        (
            "architecture",
            {"pixel_mean": float("nan")},
            "pixel_mean nan, .*: not finite",
        ),
        ("architecture", {"pixel_std": -1}, "pixel_std is -1, not positive"),
        ("adaptation", {"alpha": 0}, "alpha is 0, not positive"),
        ("adaptation", {"alpha": float("nan")}, "alpha is nan, not positive"),
        ("adaptation", {"alpha": float("inf")}, "alpha is inf, not positive"),
        ("adaptation", {"n_steps": -1}, "n_steps is -1, not a whole number to"),
        ("adaptation", {"n_steps": 10_001}, "n_steps is 10001, not a whole number"),
        ("adaptation", {"n_steps": 2.5}, "n_steps is 2.5, not a whole number to 10000"),
        ("files", {THETA: {"bytes": 1}}, "lacks 'sha256'"),
        ("files", {THETA: "abc"}, "string indices must be integers"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(directory, section, change, reason):
    document = json.loads((directory / MANIFEST).read_text())
    change_manifest(directory, **{section: document[section] | change})

    with pytest.raises(BundleError, match=rf"manifest.json: .*{reason}"):
        Bundle.load(directory)


def test_parameters_that_are_no_array_file_are_refused(directory):
    replace_file(directory, THETA, b"no array file")

    with pytest.raises(BundleError, match=r"theta.npz is damaged or no array file"):
        Bundle.load(directory)


def test_parameters_of_another_schema_are_refused(rng, directory):
    replace_file(directory, THETA, theta(random_parameters(rng), "metaloc.theta/2"))

    with pytest.raises(BundleError, match=r"theta.npz has schema 'metaloc.theta/2'"):
        Bundle.load(directory)


def test_parameters_of_another_architecture_are_refused(rng, directory):
    other = replace(ARCHITECTURE, filters=(3, 5))
    replace_file(directory, THETA, theta(random_parameters(rng, other)))

    with pytest.raises(BundleError, match=r"theta.npz: conv1.weight has shape \(5, 3"):
        Bundle.load(directory)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_that_are_not_finite_are_refused(rng, directory, value):
    parameters = random_parameters(rng)
    parameters["norm0.shift"][0] = value
    replace_file(directory, THETA, theta(parameters))

    with pytest.raises(
        BundleError, match=r"theta.npz: norm0.shift holds values that are"
    ):
        Bundle.load(directory)


def test_the_agent_computes_in_single_precision():
    assert as_float32({"a": np.array([1, 2])})["a"].dtype == np.float32


def test_no_steps_at_all_are_allowed():
    assert AdaptationDefaults(alpha=0.1, n_steps=0).n_steps == 0
