"""The files of a bundle, verified to the last byte, on the device's own terms."""

import hashlib
import json
import os

import pytest

from edge_agent.bundles.files import (
    BUNDLE_SCHEMA,
    MANIFEST,
    SIGNATURE,
    BundleFiles,
    Kind,
    claimed,
)
from edge_agent.bundles.terms import MAX_MEMORY_MB, Terms
from edge_agent.errors import BundleError
from tests.edge_agent.bundle_copies import (
    CONTENTS,
    change_manifest,
    manifest_of,
    write_files,
)


@pytest.fixture
def directory(tmp_path):
    """A bundle of no model in particular."""
    return write_files(tmp_path / "bundle")


class Witness:
    """Trusts, or does not, and remembers what it was asked."""

    def __init__(self, verdict="0123456789abcdef"):
        self.verdict, self.asked = verdict, []

    def check(self, manifest, signature):
        self.asked.append((manifest, signature))
        if isinstance(self.verdict, BundleError):
            raise self.verdict
        return self.verdict


# -- a bundle --------------------------------------------------------------------------


def test_what_was_written_is_read(directory):
    files = BundleFiles.load(directory)

    assert files.directory == directory
    assert files.contents == CONTENTS
    assert files.kind is Kind.CSI
    assert files.name == "rooms-1"
    assert files.document["colour"] == "green"
    assert files.manifest == (directory / MANIFEST).read_bytes()
    assert files.signature is None
    assert files.signer is None


def test_the_digest_is_that_of_the_manifest(directory):
    text = (directory / MANIFEST).read_bytes()

    assert BundleFiles.load(directory).digest == hashlib.sha256(text).hexdigest()


def test_sizes_and_checksums_are_what_other_programs_find(directory):
    listed = manifest_of(directory)["files"]

    assert listed.keys() == CONTENTS.keys()
    for name, data in CONTENTS.items():
        assert listed[name] == {
            "bytes": (directory / name).stat().st_size,
            "sha256": hashlib.sha256(data).hexdigest(),
        }


def test_a_file_is_had_by_its_name(directory):
    files = BundleFiles.load(directory)

    assert files.content("b.onnx") == b"graph"
    with pytest.raises(BundleError, match=r"manifest.json does not list c.npz"):
        files.content("c.npz")


def test_a_file_that_the_manifest_does_not_list_is_not_read(directory):
    (directory / "stray.npz").write_bytes(b"stray")

    assert "stray.npz" not in BundleFiles.load(directory).contents


# -- damage ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONTENTS)
def test_one_flipped_bit_is_noticed_wherever_it_is(directory, name):
    data = CONTENTS[name]

    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 0x01
        (directory / name).write_bytes(flipped)
        with pytest.raises(BundleError, match=f"{name} does not have the checksum of"):
            BundleFiles.load(directory)


@pytest.mark.parametrize("change", [b"", b"grap", b"graph!"])
def test_a_file_of_another_size_is_named(directory, change):
    (directory / "b.onnx").write_bytes(change)

    reason = f"b.onnx has {len(change)} bytes, the manifest says 5: copy the bundle"
    with pytest.raises(BundleError, match=reason):
        BundleFiles.load(directory)


@pytest.mark.parametrize("name", [MANIFEST, *CONTENTS])
def test_a_missing_file_is_named(directory, name):
    (directory / name).unlink()

    with pytest.raises(BundleError, match=f"{name}: No such file or directory"):
        BundleFiles.load(directory)


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"nowhere/manifest.json: No such file"):
        BundleFiles.load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE, *CONTENTS])
def test_a_pipe_is_not_waited_for(directory, name):
    (directory / name).unlink(missing_ok=True)
    os.mkfifo(directory / name)

    with pytest.raises(BundleError, match=f"{name} is not a regular file"):
        BundleFiles.load(directory)


@pytest.mark.parametrize(
    ("name", "limit"), [(MANIFEST, 1 << 20), (SIGNATURE, 4096), ("a.npz", 256_000_000)]
)
def test_a_file_larger_than_any_of_its_like_is_not_read(directory, name, limit):
    with (directory / name).open("ab") as file:
        file.truncate(limit + 1)

    with pytest.raises(BundleError, match=f"{name} is larger than {limit} bytes"):
        BundleFiles.load(directory)


# -- manifests that make no sense ------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[" * 100_000, "maximum recursion depth"),
        ("[]", "not a JSON object"),
        ("{}", f"schema is None, this agent reads '{BUNDLE_SCHEMA}'"),
        ('{"schema": 2}', "schema is 2, this agent reads"),
        ('{"schema": "metaloc.bundle/9"}', ".*it is newer; update the agent"),
        ('{"schema": "metaloc.bundle/1"}', ".*it is older; export the checkpoint aga"),
        (f'{{"schema": "{BUNDLE_SCHEMA}"}}', "lacks 'kind'"),
    ],
)
def test_a_foreign_manifest_is_refused(directory, text, reason):
    (directory / MANIFEST).write_text(text)

    with pytest.raises(BundleError, match=rf"manifest.json: {reason}"):
        BundleFiles.load(directory)


def test_a_manifest_that_is_no_text_is_refused(directory):
    (directory / MANIFEST).write_bytes(b"\xff\xfe")

    with pytest.raises(BundleError, match=r"manifest.json: .*utf-8"):
        BundleFiles.load(directory)


@pytest.mark.parametrize("key", ["kind", "name", "files"])
def test_a_manifest_that_lacks_something_says_what(directory, key):
    document = manifest_of(directory)
    del document[key]
    (directory / MANIFEST).write_text(json.dumps(document))

    with pytest.raises(BundleError, match=f"manifest.json: lacks '{key}'"):
        BundleFiles.load(directory)


ENTRY = {"bytes": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "smell"}, "kind is 'smell', not one of csi, rss"),
        ({"kind": ["csi"]}, r"kind is \['csi'\], not one of"),
        ({"name": ""}, "name is '', not 1 to 100 printable characters"),
        ({"name": "x" * 101}, "not 1 to 100 printable characters"),
        ({"name": "\x1b[2J"}, "not 1 to 100 printable characters"),
        ({"name": 7}, "name is 7, not 1 to 100 printable characters"),
        ({"files": []}, "files is not an object"),
        ({"files": {f"f{i}": ENTRY for i in range(257)}}, "lists 257 files, more than"),
        ({"files": {"a": 1}}, "not subscriptable"),
        ({"files": {"a": {"bytes": 1}}}, "lacks 'sha256'"),
        ({"files": {"a": ENTRY | {"bytes": -1}}}, "a has -1 bytes, not a whole number"),
        ({"files": {"a": ENTRY | {"bytes": 1.5}}}, "a has 1.5 bytes, not a whole"),
        ({"files": {"a": ENTRY | {"bytes": True}}}, "a has True bytes, not a whole"),
        ({"files": {"a": ENTRY | {"sha256": "0"}}}, "sha256 of a is '0', not 64 hexa"),
        ({"files": {"a": ENTRY | {"sha256": 0}}}, "sha256 of a is 0, not 64 hexadec"),
        (
            {"files": {n: ENTRY | {"bytes": 128_000_001} for n in "ab"}},
            "lists 256000002 bytes of files, more than 256000000",
        ),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(directory, changes, reason):
    change_manifest(directory, **changes)

    with pytest.raises(BundleError, match=rf"manifest.json: .*{reason}"):
        BundleFiles.load(directory)


@pytest.mark.parametrize(
    "name",
    ["../a.npz", "/etc/passwd", "a/b", "", ".hidden", "-f", "a\n", MANIFEST, SIGNATURE],
)
def test_a_name_that_leads_elsewhere_is_refused(directory, name):
    change_manifest(directory, files={name: ENTRY})

    with pytest.raises(BundleError, match="which is no name of a bundle's file"):
        BundleFiles.load(directory)


# -- terms -----------------------------------------------------------------------------


def test_files_for_which_there_is_no_memory_are_not_read(directory):
    change_manifest(directory, files={"a.npz": ENTRY | {"bytes": 65_000_000}})

    with pytest.raises(
        BundleError, match=r"lists 65 MB of files, allowed are 64 \(model.max_memory_mb"
    ):
        BundleFiles.load(directory, Terms(max_memory_mb=64))


def test_without_terms_anybody_s_bundle_is_taken(directory):
    assert BundleFiles.load(directory).terms == Terms(MAX_MEMORY_MB, None)


def test_whoever_decides_sees_the_very_bytes(directory):
    (directory / SIGNATURE).write_bytes(b"signed")
    witness = Witness()

    files = BundleFiles.load(directory, Terms(trust=witness))

    assert witness.asked == [((directory / MANIFEST).read_bytes(), b"signed")]
    assert files.signer == witness.verdict
    assert files.signature == b"signed"


def test_a_bundle_of_nobody_who_is_trusted_is_refused(directory):
    refusal = Witness(BundleError("it is not signed"))

    with pytest.raises(BundleError, match=f"{directory}: it is not signed"):
        BundleFiles.load(directory, Terms(trust=refusal))


def test_nothing_is_believed_before_the_signature(directory):
    """What would be said about the manifest is not said."""
    (directory / MANIFEST).write_text("no JSON")

    with pytest.raises(BundleError, match="not trusted"):
        BundleFiles.load(directory, Terms(trust=Witness(BundleError("not trusted"))))


def test_a_signature_is_not_part_of_the_digest(directory):
    """So that a bundle may be signed later, and calibrations stay."""
    unsigned = BundleFiles.load(directory).digest
    (directory / SIGNATURE).write_bytes(b"signed")

    assert BundleFiles.load(directory).digest == unsigned


# -- what a refused one says of itself -------------------------------------------------


def test_a_refused_bundle_still_has_a_name(directory):
    (directory / "a.npz").unlink()

    assert claimed(directory) == ("rooms-1", Kind.CSI)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"schema": "metaloc.bundle/2", "kind": "csi", "name": "\\u001b[2J"}',
        b'{"schema": "metaloc.bundle/2", "kind": "csi"}',
        b'{"schema": "metaloc.bundle/3", "kind": "csi", "name": "x"}',
        b" " * ((1 << 20) + 1),
    ],
)
def test_what_a_terminal_should_not_read_is_no_name(directory, text):
    (directory / MANIFEST).write_bytes(text)

    assert claimed(directory) is None


def test_where_there_is_no_bundle_there_is_no_name(tmp_path):
    assert claimed(tmp_path / "nowhere") is None
