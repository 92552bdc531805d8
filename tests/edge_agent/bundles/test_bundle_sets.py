"""Bundles with a parameter set per environment: what they hold, what is refused."""

import shutil

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays
from edge_agent.bundles.bundle import THETA_SCHEMA, Bundle, Manifest
from edge_agent.bundles.files import MANIFEST
from edge_agent.bundles.parameter_sets import NO_CHOICE, TOTAL, Reason, SetChoice
from edge_agent.bundles.proof import prove
from edge_agent.config import ModelConfig
from edge_agent.errors import BundleError
from edge_agent.models import model_of
from edge_agent.task_similarity.history import SIMILARITY
from tests.edge_agent.bundle_copies import change_manifest, manifest_of, replace_file
from tests.edge_agent.known_places import (
    SLOPES,
    parameters_at,
    shots_at,
)
from tests.edge_agent.sites import environment, random_parameters


@pytest.fixture
def directory(tmp_path, places_directory):
    """A bundle of one's own, to be damaged."""
    return shutil.copytree(places_directory, tmp_path / "bundle")


def listed(*sets):
    return [{"name": name, "file": file} for name, file in sets]


# -- what it holds ---------------------------------------------------------------------


@pytest.mark.parametrize("name", SLOPES)
def test_every_set_holds_what_was_learnt_there(places_bundle, name):
    found = places_bundle.parameters_of(name)

    expected = parameters_at(name)
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)


def test_total_is_the_parameters_of_all(places_bundle, bundle):
    found = places_bundle.parameters_of(TOTAL)

    for key, array in bundle.parameters.items():
        np.testing.assert_array_equal(found[key], array)


def test_the_manifest_is_described_as_it_was_read(places_bundle):
    manifest = places_bundle.manifest

    assert [each.name for each in manifest.sets] == list(SLOPES)
    assert Manifest.from_document(manifest.to_document()) == manifest


def test_a_bundle_of_one_set_says_nothing_of_sets(rng, bundle):
    assert bundle.sets is None
    assert "sets" not in bundle.manifest.to_document()
    assert bundle.choose_set(environment(rng)) == NO_CHOICE
    assert bundle.parameters_of(TOTAL) is bundle.parameters


# -- choosing --------------------------------------------------------------------------


@pytest.mark.parametrize("name", SLOPES)
def test_shots_choose_the_place_that_they_are_like(places_bundle, name):
    assert places_bundle.choose_set(shots_at(1, SLOPES[name])).name == name


@pytest.mark.parametrize("name", ["attic", TOTAL])
def test_what_is_asked_for_is_taken(places_bundle, name):
    found = places_bundle.choose_set(shots_at(1, SLOPES["hall"]), name)

    assert found == SetChoice(name, Reason.ASKED)


def test_total_can_be_asked_for_where_there_is_nothing_else(rng, bundle):
    found = bundle.choose_set(environment(rng), TOTAL)

    assert found == SetChoice(TOTAL, Reason.ASKED)


def test_a_set_that_is_not_there_is_answered_by_those_that_are(places_bundle, bundle):
    reason = "no parameter set 'cellar'; it has total, hall, lab, attic$"
    with pytest.raises(BundleError, match=reason):
        places_bundle.choose_set(shots_at(1, 0), "cellar")
    with pytest.raises(BundleError, match=reason):
        places_bundle.parameters_of("cellar")
    with pytest.raises(BundleError, match=reason):
        model_of(places_bundle.files, parameter_set="cellar")
    with pytest.raises(BundleError, match=r"set 'hall'; it has total$"):
        bundle.choose_set(shots_at(1, 0), "hall")


# -- what is refused -------------------------------------------------------------------


def test_a_set_is_read_when_it_is_asked_for_and_proven_before_it_is_used(
    rng, directory
):
    """Many sets take no more memory than one; a damaged one is found all the same."""
    wrong = random_parameters(rng)
    wrong["norm0.shift"][0] = np.nan
    replace_file(directory, "theta.1.npz", pack_arrays({"schema": THETA_SCHEMA}, wrong))

    bundle = Bundle.load(directory)

    bundle.parameters_of("hall")
    reason = r"theta.1.npz: norm0.shift holds values that are"
    with pytest.raises(BundleError, match=reason):
        bundle.parameters_of("lab")
    with pytest.raises(BundleError, match=reason):
        bundle.check_sets()
    with pytest.raises(BundleError, match=reason):
        prove(bundle.files, ModelConfig())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"nothing", "theta.2.npz is damaged or no array file"),
        (pack_arrays({"schema": "other"}, {}), "theta.2.npz has schema 'other'"),
        (pack_arrays({"schema": THETA_SCHEMA}, {}), r"theta.2.npz: parameters lack"),
    ],
)
def test_a_set_that_is_none_is_named(directory, data, reason):
    replace_file(directory, "theta.2.npz", data)

    with pytest.raises(BundleError, match=reason):
        Bundle.load(directory).parameters_of("attic")


@pytest.mark.parametrize("name", ["theta.1.npz", SIMILARITY])
def test_a_file_that_is_not_there_is_missed(directory, name):
    (directory / name).unlink()

    with pytest.raises(BundleError, match=f"{name}: No such file"):
        Bundle.load(directory)


@pytest.mark.parametrize("name", ["theta.1.npz", SIMILARITY])
def test_a_file_that_the_manifest_does_not_vouch_for_is_missed(directory, name):
    files = manifest_of(directory)["files"]
    del files[name]
    change_manifest(directory, files=files)

    with pytest.raises(BundleError, match=f"{MANIFEST} does not list {name}"):
        Bundle.load(directory)


@pytest.mark.parametrize(
    ("sets", "reason"),
    [
        (listed(("a", "theta.0.npz"), ("b", "theta.0.npz")), "have the file 'theta.0"),
        (listed(("a", "theta.0.npz"), ("a", "theta.1.npz")), "have the name 'a'"),
        (listed(("a", "../theta.0.npz")), "no theta.NUMBER.npz"),
        (listed(("a", "theta.npz")), "no theta.NUMBER.npz"),
        (listed(*((f"r{n}", f"theta.{n}.npz") for n in range(101))), "more than 100"),
        ([{"name": "a"}], "missing 1 required positional argument: 'file'"),
        ([{"name": "a", "file": "theta.0.npz", "url": ""}], "unexpected keyword"),
        ([{"name": ["a"], "file": "theta.0.npz"}], "not text"),
        (["a"], "must be a mapping"),
        ({"a": "theta.0.npz"}, "must be a mapping"),
        (7, "not iterable"),
    ],
)
def test_sets_that_make_no_sense_are_refused(directory, sets, reason):
    change_manifest(directory, sets=sets)

    with pytest.raises(BundleError, match=rf"manifest.json: .*{reason}"):
        Bundle.load(directory)


def test_tasks_of_other_sets_are_refused(directory):
    change_manifest(
        directory, sets=listed(("hall", "theta.0.npz"), ("lab", "theta.1.npz"))
    )

    with pytest.raises(BundleError, match=r"similarity.npz: has vectors of set 2, the"):
        Bundle.load(directory)


def test_tasks_that_make_no_sense_are_refused(directory):
    replace_file(directory, SIMILARITY, b"nothing")

    with pytest.raises(BundleError, match=r"similarity.npz: is damaged"):
        Bundle.load(directory)
