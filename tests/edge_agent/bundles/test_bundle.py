"""The model of a bundle that locates from CSI images."""

import contextlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.arrays import pack_arrays
from edge_agent.bundles.bundle import (
    ADAPT,
    PREDICT,
    THETA,
    THETA_SCHEMA,
    AdaptationDefaults,
    Bundle,
    as_float32,
)
from edge_agent.bundles.files import MANIFEST
from edge_agent.bundles.terms import Terms
from edge_agent.errors import BundleError
from tests.edge_agent.bundle_copies import change_manifest, manifest_of, replace_file
from tests.edge_agent.sites import ARCHITECTURE, SPEC, checkpoint, random_parameters


@pytest.fixture
def directory(tmp_path, bundle_directory):
    """A bundle of one's own, to be damaged."""
    return shutil.copytree(bundle_directory, tmp_path / "bundle")


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


@pytest.mark.parametrize("name", [THETA, ADAPT, PREDICT])
def test_a_file_that_the_manifest_does_not_list_is_missed(directory, name):
    files = manifest_of(directory)["files"]
    del files[name]
    change_manifest(directory, files=files)

    with pytest.raises(BundleError, match=f"{MANIFEST} does not list {name}"):
        Bundle.load(directory)


def test_a_bundle_of_another_kind_is_refused(directory):
    change_manifest(directory, kind="rss")

    with pytest.raises(BundleError, match="locates from rss, not from CSI images"):
        Bundle.load(directory)


@pytest.mark.parametrize(
    "key", ["image", "architecture", "adaptation", "training", "capacity"]
)
def test_a_manifest_that_lacks_something_says_what(directory, key):
    document = manifest_of(directory)
    del document[key]
    (directory / MANIFEST).write_text(json.dumps(document))

    with pytest.raises(BundleError, match=f"{MANIFEST}: lacks '{key}'"):
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
        ("architecture", {"image_shape": []}, r"image_shape is \(\), not three whole"),
        ("architecture", {"image_shape": [2, 8.0, 16]}, "not three whole numbers"),
        ("architecture", {"image_shape": [0, 8, 16]}, "not three whole numbers"),
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
        ("capacity", {"n_shots": 0}, "n_shots is 0, not a whole number to 1000000"),
        ("capacity", {"n_points": 1.5}, "n_points is 1.5, not a whole number to"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(directory, section, change, reason):
    document = manifest_of(directory)
    change_manifest(directory, **{section: document[section] | change})

    with pytest.raises(BundleError, match=rf"manifest.json: .*{reason}"):
        Bundle.load(directory)


@pytest.mark.parametrize(
    ("slots", "reason"),
    [
        ({}, r"no slots for \['conv0.bias'"),
        ({"conv0.bias": 0}, r"bytes 0 to 12 of the graph are no slot"),
        ({"conv0.bias": 1 << 40}, r"conv0.bias has 12 bytes from 1099511627776 on"),
        ({"conv0.bias": "0"}, r"conv0.bias begins at '0', not a whole number"),
        (7, r"'int' object is not iterable"),
    ],
)
def test_a_graph_without_the_places_for_a_site_s_parameters_is_refused(
    directory, slots, reason
):
    document = manifest_of(directory)
    both = document["predict_slots"] | slots if slots and slots != 7 else slots
    (directory / MANIFEST).write_text(json.dumps(document | {"predict_slots": both}))

    with pytest.raises(BundleError, match=rf"manifest.json: {reason}"):
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


def test_parameters_that_claim_more_than_the_network_has_are_not_unpacked(directory):
    """Gigabytes of zeros take little room in an archive."""
    n_zeros = 1 << 20
    data = theta({"conv0.weight": np.zeros(n_zeros)})
    assert len(data) < n_zeros / 100
    replace_file(directory, THETA, data)

    with pytest.raises(BundleError, match=r"theta.npz holds \d+ bytes of arrays, more"):
        Bundle.load(directory)


def test_a_network_for_which_there_is_no_memory_is_refused(directory):
    image = manifest_of(directory)["image"] | {"n_packets": 4096, "n_tones": 242}
    shape = [image["n_channels"], image["n_packets"], image["n_tones"]]
    architecture = {"image_shape": shape, "filters": [512, 4]}
    change_manifest(directory, image=image, architecture=architecture)

    with pytest.raises(
        BundleError, match=r"adapting to two shots needs about \d+ MB, allowed are 64 "
    ):
        Bundle.load(directory, Terms(max_memory_mb=64))


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


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "csi", "\0", "\ud800"])
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


def places_in(value, place=()):
    """Where anything stands in JSON."""
    yield place
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from places_in(item, (*place, key))


def with_value(document, place, value):
    """JSON with another value at a place."""
    if not place:
        return value
    changed = document.copy()
    changed[place[0]] = with_value(document[place[0]], place[1:], value)
    return changed


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_manifest_with_anything_anywhere_is_taken_or_refused(
    tmp_path_factory, bundle_directory, data
):
    """And never more than that: no other error, nothing without end."""
    document = manifest_of(bundle_directory)
    place = data.draw(st.sampled_from(list(places_in(document))))
    text = json.dumps(with_value(document, place, data.draw(JSON)))
    directory = tmp_path_factory.getbasetemp() / "anything"
    if not directory.exists():
        shutil.copytree(bundle_directory, directory)
    (directory / MANIFEST).write_text(text)

    with contextlib.suppress(BundleError):
        Bundle.load(directory)
