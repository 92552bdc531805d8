"""Any bundle: read back and checked before it is in its place, or not there at all."""

import errno
import os
from pathlib import Path

import pytest

from edge_agent.bundles.files import MANIFEST, SIGNATURE, BundleFiles
from edge_agent.bundles.signatures import SigningKey
from edge_agent.bundles.terms import Terms
from edge_agent.errors import BundleError
from export.bundle_writer import ExportError, write_files
from tests.edge_agent.bundle_copies import CONTENTS, DOCUMENT
from tests.keys import make_key


@pytest.fixture
def key(tmp_path_factory):
    return SigningKey.read(make_key(tmp_path_factory.mktemp("ours"))[0])


@pytest.fixture
def stranger(tmp_path_factory):
    return SigningKey.read(make_key(tmp_path_factory.mktemp("stranger"))[0])


def accept(_files):
    """There is nothing to check."""


def names_below(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_what_is_read(tmp_path):
    directory = tmp_path / "out" / "bundle"

    files = write_files(directory, DOCUMENT, CONTENTS, accept)

    assert files.directory == directory
    assert files.digest == BundleFiles.load(directory).digest
    assert files.contents == CONTENTS
    assert names_below(tmp_path / "out") == ["bundle"]
    assert names_below(directory) == sorted([*CONTENTS, MANIFEST])


def test_the_check_sees_it_before_it_is_in_its_place(tmp_path):
    seen = []

    def check(files):
        seen.append((files.contents, (tmp_path / "bundle").exists()))

    write_files(tmp_path / "bundle", DOCUMENT, CONTENTS, check)

    assert seen == [(CONTENTS, False)]


@pytest.mark.parametrize("error", [ExportError("no"), KeyboardInterrupt()])
def test_what_the_check_refuses_leaves_nothing_behind(tmp_path, error):
    def check(_files):
        raise error

    with pytest.raises(type(error)):
        write_files(tmp_path / "bundle", DOCUMENT, CONTENTS, check)

    assert names_below(tmp_path) == []


def test_a_bundle_that_no_device_would_read_leaves_nothing_behind(tmp_path):
    with pytest.raises(BundleError, match="name is ''"):
        write_files(tmp_path / "bundle", DOCUMENT | {"name": ""}, CONTENTS, accept)

    assert names_below(tmp_path) == []


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_exists_already_is_left_alone(tmp_path, kind):
    path = tmp_path / "bundle"
    {
        "folder": path.mkdir,
        "file": path.touch,
        "link": lambda: path.symlink_to("nowhere"),
    }[kind]()

    with pytest.raises(ExportError, match="exists already; remove it or choose"):
        write_files(path, DOCUMENT, CONTENTS, accept)

    assert names_below(tmp_path) == ["bundle"]


def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(_path, _data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", fail)

    with pytest.raises(ExportError, match=r"cannot write .*bundle: No space left"):
        write_files(tmp_path / "bundle", DOCUMENT, CONTENTS, accept)

    assert names_below(tmp_path) == []


def test_a_parent_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ExportError, match=r"cannot write .*bundle: "):
        write_files(tmp_path / "file" / "bundle", DOCUMENT, CONTENTS, accept)


def test_a_signed_bundle_is_taken_by_those_who_trust_its_key(tmp_path, key):
    directory = tmp_path / "bundle"

    files = write_files(directory, DOCUMENT, CONTENTS, accept, key)

    assert files.signer == key.key_id
    assert (directory / SIGNATURE).is_file()
    trust = key.public
    assert BundleFiles.load(directory, Terms(trust=trust)).signer == key.key_id


def test_a_signature_changes_nothing_else(tmp_path, key):
    signed = write_files(tmp_path / "signed", DOCUMENT, CONTENTS, accept, key)
    unsigned = write_files(tmp_path / "unsigned", DOCUMENT, CONTENTS, accept)

    assert signed.manifest == unsigned.manifest
    assert signed.digest == unsigned.digest


def test_the_same_key_signs_with_the_same_bytes(tmp_path, key):
    files = [
        write_files(tmp_path / name, DOCUMENT, CONTENTS, accept, key)
        for name in ("first", "again")
    ]

    assert files[0].signature == files[1].signature


def test_who_trusts_somebody_else_refuses_it(tmp_path, key, stranger):
    write_files(tmp_path / "bundle", DOCUMENT, CONTENTS, accept, key)

    with pytest.raises(BundleError, match=f"it is signed by {key.key_id}; trusted are"):
        BundleFiles.load(tmp_path / "bundle", Terms(trust=stranger.public))
