"""Bundles of kind rss, and what is none."""

import json
import shutil

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays
from edge_agent.bundles.bundle import Bundle
from edge_agent.bundles.files import MANIFEST, manifest_text
from edge_agent.errors import BundleError
from edge_agent.models import model_of
from edge_agent.rss.bundle import THETA, THETA_SCHEMA, RssBundle
from edge_agent.rss.model import RssModel
from tests.edge_agent.rss.places import ARCHITECTURE, SPEC, theta


@pytest.fixture
def rewrite(rss_directory, tmp_path):
    """A copy of the bundle with other words in its manifest, and other files."""

    def rewrite(changes=(), contents=(), without=()):
        folder = tmp_path / "copy"
        shutil.copytree(rss_directory, folder)
        document = json.loads((folder / MANIFEST).read_text())
        files = {
            name: (folder / name).read_bytes()
            for name in document.pop("files")
            if name not in without
        } | dict(contents)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        text = manifest_text(document | dict(changes), files)
        (folder / MANIFEST).write_text(text)
        return folder

    return rewrite


def test_a_bundle_says_what_it_was_written_with(rss_bundle):
    manifest = rss_bundle.manifest

    assert (manifest.name, manifest.spec, manifest.architecture) == (
        "rss-tiny",
        SPEC,
        ARCHITECTURE,
    )
    assert (manifest.adaptation.alpha, manifest.adaptation.n_steps) == (0.02, 3)
    assert manifest.training == {"data": "none: random parameters"}
    expected = theta(np.random.default_rng(1))
    assert list(rss_bundle.parameters) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(rss_bundle.parameters[name], array)


def test_the_kind_decides_which_model_it_is(rss_bundle):
    assert isinstance(model_of(rss_bundle.files), RssModel)


def test_a_bundle_of_another_kind_is_refused(rss_directory, bundle_directory):
    with pytest.raises(BundleError, match="locates from csi, not from received power"):
        RssBundle.load(bundle_directory)
    with pytest.raises(BundleError, match="locates from rss, not from CSI images"):
        Bundle.load(rss_directory)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fingerprint": {"length_m": 1.0}}, r"scaled by .* this agent computes"),
        ({"windows": {"window_s": -1}}, "window_s is -1"),
        ({"windows": {"span": 1}}, "unexpected keyword"),
        ({"architecture": {"k": 3, "hidden": [8, 0]}}, "widths"),
        ({"architecture": {"k": 4, "hidden": [8, 8]}}, r"layer0.weight has shape"),
        ({"architecture": {"k": 3}}, "lacks 'hidden'"),
        ({"adaptation": {"alpha": 0, "n_steps": 1}}, "alpha is 0"),
    ],
)
def test_manifests_that_make_no_sense_are_refused(rewrite, changes, reason):
    with pytest.raises(BundleError, match=reason):
        RssBundle.load(rewrite(changes))


@pytest.mark.parametrize("name", ["theta.npz", "predict.onnx", "adapt.onnx"])
def test_all_files_must_be_there(rewrite, name):
    with pytest.raises(BundleError, match=f"does not list {name}"):
        RssBundle.load(rewrite(without=[name]))


def test_parameters_of_another_schema_are_refused(rewrite, rng):
    other = pack_arrays({"schema": "metaloc.theta/1"}, theta(rng))
    with pytest.raises(BundleError, match=r"has schema 'metaloc\.theta/1'"):
        RssBundle.load(rewrite(contents={THETA: other}))


def test_parameters_too_many_are_refused(rewrite, rng):
    other = pack_arrays(
        {"schema": THETA_SCHEMA}, theta(rng) | {"layer9.bias": np.zeros(2)}
    )
    with pytest.raises(BundleError, match=r"layer9\.bias has shape"):
        RssBundle.load(rewrite(contents={THETA: other}))
