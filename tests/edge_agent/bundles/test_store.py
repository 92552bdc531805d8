"""Installed bundles on disk: which is in use, which was before, what is removed."""

import errno
import json
import os

import pytest

from edge_agent.bundles.files import SIGNATURE, BundleFiles
from edge_agent.bundles.store import SHIPPED, BundleStore, InUse, bundle_name
from edge_agent.config import SHIPPED_BUNDLE
from edge_agent.errors import BundleError
from tests.edge_agent.bundle_copies import CONTENTS, damage, write_files

A, B, C = (letter * 16 for letter in "abc")


@pytest.fixture
def store(tmp_path):
    store = BundleStore(tmp_path / "state")
    store.folder.mkdir(parents=True)
    return store


@pytest.fixture
def files(tmp_path):
    return BundleFiles.load(write_files(tmp_path / "bundle"))


def bytes_below(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# -- the record ------------------------------------------------------------------------


def test_where_nothing_was_installed_the_shipped_one_is_in_use(tmp_path):
    store = BundleStore(tmp_path / "nowhere")

    assert store.in_use() == InUse(SHIPPED, None)
    assert store.names() == []
    assert store.path(SHIPPED) == SHIPPED_BUNDLE


def test_what_is_put_in_use_is_in_use(store):
    for in_use in (InUse(A, SHIPPED), InUse(B, A), InUse(SHIPPED, B)):
        store.use(in_use)
        assert store.in_use() == in_use


def test_the_one_before_is_the_one_that_was_in_use():
    assert InUse().followed_by(A) == InUse(A, SHIPPED)
    assert InUse(A, SHIPPED).followed_by(B) == InUse(B, A)
    assert InUse(B, A).followed_by(A) == InUse(A, B)


def test_installing_the_one_in_use_again_keeps_the_one_before():
    assert InUse(B, A).followed_by(B) == InUse(B, A)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"current": "../elsewhere", "previous": null}',
        json.dumps({"current": A, "previous": 7}),
        json.dumps({"current": A.upper(), "previous": None}),
        "\0" * 4096,
    ],
)
def test_a_damaged_record_says_so(store, text):
    (store.folder / "in-use.json").write_text(text)

    with pytest.raises(BundleError, match=r"in-use.json is damaged .*install a bundle"):
        store.in_use()


def test_a_record_that_cannot_be_read_says_why(store):
    (store.folder / "in-use.json").mkdir()

    with pytest.raises(BundleError, match=r"in-use.json: Is a directory"):
        store.in_use()


# -- bundles ---------------------------------------------------------------------------


def test_a_bundle_is_copied_byte_by_byte(store, files):
    name = store.add(files)

    assert name == bundle_name(files.digest)
    assert store.names() == [name]
    assert bytes_below(store.path(name)) == bytes_below(files.directory)
    assert store.path(name).stat().st_mode & 0o777 == 0o755


def test_a_signature_comes_along(store, tmp_path):
    directory = write_files(tmp_path / "bundle")
    (directory / SIGNATURE).write_bytes(b"signed")

    name = store.add(BundleFiles.load(directory))

    assert (store.path(name) / SIGNATURE).read_bytes() == b"signed"


def test_what_the_manifest_does_not_list_stays_behind(store, files):
    (files.directory / "stray").touch()

    name = store.add(BundleFiles.load(files.directory))

    assert not (store.path(name) / "stray").exists()


def test_what_was_read_is_copied_whatever_became_of_it_since(store, files):
    (files.directory / "b.onnx").write_bytes(b"other")

    name = store.add(files)

    assert (store.path(name) / "b.onnx").read_bytes() == CONTENTS["b.onnx"]


@pytest.mark.parametrize("mishap", [damage, os.remove])
def test_adding_one_again_mends_it(store, files, mishap):
    name = store.add(files)
    mishap(store.path(name) / "a.npz")

    assert store.add(files) == name
    assert BundleFiles.load(store.path(name)).digest == files.digest


def test_only_the_two_in_use_are_kept(store, files):
    name = store.add(files)
    for other in (A, B):
        write_files(store.path(other))
    leftover = write_files(store.folder / ".half")
    (store.folder / ".in-use.json.half").touch()

    with store.locked():
        gone = store.prune(InUse(B, name))

    assert gone == [A]
    assert sorted(store.names()) == sorted([B, name])
    assert not leftover.exists()
    assert [p.name for p in store.folder.glob(".*")] == [".lock"]


def test_two_cannot_change_the_store_at_once(store):
    with (
        store.locked(),
        pytest.raises(BundleError, match="another edge_agent bundle or adapt comm"),
        BundleStore(store.folder.parent).locked(),
    ):
        pass
    with store.locked():
        pass


def test_a_store_that_cannot_be_written_says_where_else(tmp_path, files):
    (tmp_path / "file").touch()
    store = BundleStore(tmp_path / "file")

    reason = "cannot write to .*file/bundles: .*; choose another place with --state"
    with pytest.raises(BundleError, match=reason), store.locked():
        pass
    with pytest.raises(BundleError, match=reason):
        store.add(files)
    with pytest.raises(BundleError, match=reason):
        store.use(InUse(A))


def test_a_disk_that_is_full_leaves_no_half_bundle(store, files, monkeypatch):
    from edge_agent.bundles import store as bundle_store

    write = bundle_store.write_atomically
    room = 0

    def write_or_fail(path, data):
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room -= 1
        write(path, data)

    monkeypatch.setattr(bundle_store, "write_atomically", write_or_fail)
    for room_for in range(3):
        room = room_for
        with pytest.raises(BundleError, match="No space left on device"):
            store.add(files)
        assert list(store.folder.iterdir()) == []
    room = 3
    name = store.add(files)
    assert store.names() == [name]
