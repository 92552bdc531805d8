"""Which bundle the agent works with, and what it does where that one is damaged."""

import re
import shutil
from dataclasses import replace

import pytest

from edge_agent.bundles.files import SIGNATURE, BundleFiles
from edge_agent.bundles.model_in_use import (
    choose,
    load_directory,
    load_files,
    load_named,
    terms_of,
)
from edge_agent.bundles.signatures import SigningKey
from edge_agent.bundles.store import SHIPPED, BundleStore, InUse
from edge_agent.bundles.terms import Terms
from edge_agent.config import SHIPPED_BUNDLE, ModelConfig
from edge_agent.errors import BundleError, ConfigError
from tests.edge_agent.bundle_copies import damage, write_files
from tests.keys import make_key


@pytest.fixture
def config(tmp_path):
    return ModelConfig(state=str(tmp_path / "state"))


@pytest.fixture
def store(config):
    store = BundleStore(config.state_path)
    store.folder.mkdir(parents=True)
    return store


@pytest.fixture
def two(tmp_path, store):
    """Names of two installed bundles, the second in use, the first before."""
    names = [
        store.add(BundleFiles.load(write_files(tmp_path / name, name=name)))
        for name in ("first", "second")
    ]
    store.use(InUse(names[1], names[0]))
    return names


@pytest.fixture
def keys(tmp_path):
    """A private key and a folder with its public one."""
    folder = tmp_path / "keys"
    folder.mkdir()
    private, _ = make_key(folder)
    return SigningKey.read(private), folder


def signed(directory, key):
    manifest = (directory / "manifest.json").read_bytes()
    (directory / SIGNATURE).write_bytes(key.sign(manifest))
    return directory


def load(config):
    """The bundle's name, and what was said."""
    cautions = []
    files = load_files(config, on_caution=cautions.append)
    return files.name, cautions


# -- which one -------------------------------------------------------------------------


def test_where_nothing_was_installed_it_is_the_shipped_one(config):
    files = load_files(config)

    assert files.directory == SHIPPED_BUNDLE
    assert not config.state_path.exists()  # nothing is written to find that out


def test_what_was_installed_last_is_used(config, two):
    assert load(config) == ("second", [])


def test_what_is_configured_goes_before_what_is_installed(tmp_path, config, two):
    directory = write_files(tmp_path / "mine", name="mine")

    assert load(ModelConfig(str(directory), config.state)) == ("mine", [])


# -- damage ----------------------------------------------------------------------------


def test_where_it_is_damaged_the_one_before_is_used(config, store, two):
    damage(store.path(two[1]) / "a.npz")

    name, (caution,) = load(config)

    assert name == "first"
    assert re.fullmatch(
        r"the installed bundle cannot be used: .*a.npz does not have the checksum .*; "
        r"install one again: edge_agent bundle install DIR; the one before it, first, "
        r"is used instead",
        caution,
    )


def test_where_both_are_damaged_the_shipped_one_is_used(config, store, two):
    for name in two:
        (store.path(name) / "manifest.json").unlink()

    choice = choose(config)

    assert choice.name == SHIPPED
    assert choice.files.directory == SHIPPED_BUNDLE
    installed, before, used = re.split("; (?=the )", choice.caution)
    assert installed.startswith("the installed bundle cannot be used: ")
    assert before.startswith("the one before it cannot be used: ")
    assert used == f"the shipped bundle, {choice.files.name}, is used instead"


def test_where_the_record_is_damaged_the_shipped_one_is_used(config, store, two):
    (store.folder / "in-use.json").write_text("{")

    name, (caution,) = load(config)

    assert name == BundleFiles.load(SHIPPED_BUNDLE).name
    assert "in-use.json is damaged" in caution
    assert caution.endswith(f"; the shipped bundle, {name}, is used instead")


def test_another_bundle_in_its_place_is_not_it(config, store, two):
    """Somebody copied over what was installed; calibrations would not fit."""
    first, second = (store.path(name) for name in two)
    (second / "manifest.json").write_bytes((first / "manifest.json").read_bytes())

    name, (caution,) = load(config)

    assert name == "first"
    assert f"holds the bundle {BundleFiles.load(first).digest}" in caution


def test_a_damaged_one_that_is_configured_is_an_error(tmp_path, config, two):
    """Whoever asks for one does not want another."""
    directory = write_files(tmp_path / "mine", name="mine")
    damage(directory / "a.npz")

    with pytest.raises(BundleError, match=r"a.npz does not have the checksum"):
        load(ModelConfig(str(directory), config.state))


def test_a_shipped_one_that_is_damaged_is_an_error(config, monkeypatch, tmp_path):
    monkeypatch.setattr("edge_agent.bundles.store.SHIPPED_BUNDLE", tmp_path / "none")

    with pytest.raises(BundleError, match=r"none/manifest.json: No such file"):
        load(config)


# -- terms -----------------------------------------------------------------------------


def test_terms_are_those_of_the_configuration(keys):
    key, folder = keys

    assert terms_of(ModelConfig(max_memory_mb=99)) == Terms(99, None)
    assert terms_of(ModelConfig(trusted_keys=str(folder))).trust.ids == [key.key_id]


def test_keys_that_cannot_be_read_are_an_error(tmp_path):
    """And no reason to trust everybody."""
    with pytest.raises(ConfigError, match=r"model.trusted_keys .*none: No such file"):
        load_files(ModelConfig(trusted_keys=str(tmp_path / "none")))


def test_with_trusted_keys_a_signed_bundle_is_used(tmp_path, keys):
    key, folder = keys
    directory = signed(write_files(tmp_path / "mine"), key)

    files = load_files(ModelConfig(str(directory), trusted_keys=str(folder)))

    assert files.signer == key.key_id


def test_with_trusted_keys_an_unsigned_one_is_refused(tmp_path, keys):
    directory = write_files(tmp_path / "mine")

    with pytest.raises(BundleError, match="mine: it is not signed; trusted are"):
        load_files(ModelConfig(str(directory), trusted_keys=str(keys[1])))


def test_the_shipped_one_needs_no_signature(config, keys):
    trusting = ModelConfig(state=config.state, trusted_keys=str(keys[1]))

    assert load_files(trusting).directory == SHIPPED_BUNDLE


def test_the_shipped_one_needs_none_by_its_path_either(tmp_path, config, keys):
    """A copy of it lies where anybody may have written."""
    linked, copied = tmp_path / "link", tmp_path / "copy"
    linked.symlink_to(SHIPPED_BUNDLE)
    shutil.copytree(SHIPPED_BUNDLE, copied)
    trusting = ModelConfig(trusted_keys=str(keys[1]))

    for path in (SHIPPED_BUNDLE, linked):
        assert load_directory(path, terms_of(trusting)).directory == path
        assert choose(replace(trusting, bundle=str(path))).name is None
    with pytest.raises(BundleError, match="copy: it is not signed; trusted are"):
        load_directory(copied, terms_of(trusting))


def test_an_installed_one_is_asked_for_its_signature_at_every_start(
    config, store, two, keys
):
    """Keys may have been configured since, or withdrawn."""
    key, folder = keys
    signed(store.path(two[0]), key)
    trusting = ModelConfig(state=config.state, trusted_keys=str(folder))

    name, (caution,) = load(trusting)

    assert name == "first"
    assert "it is not signed" in caution


def test_memory_is_limited_for_the_shipped_one_too(store):
    assert load_named(store, SHIPPED, Terms(17)).terms.max_memory_mb == 17
