"""The file that says who signed a bundle."""

import base64
import json

import pytest

from edge_agent.bundles.signature_file import SIGNATURE_SCHEMA, SignatureFile
from edge_agent.errors import BundleError

KEY = "0123456789abcdef"
DOCUMENT = {
    "schema": SIGNATURE_SCHEMA,
    "algorithm": "ed25519",
    "key": KEY,
    "signature": base64.b64encode(bytes(range(64))).decode(),
}


def test_it_is_what_other_programs_can_read():
    document = json.loads(SignatureFile(KEY, bytes(range(64))).to_bytes())

    assert document == DOCUMENT


def test_what_was_written_is_read():
    written = SignatureFile(KEY, bytes(range(64)))

    assert SignatureFile.from_bytes(written.to_bytes()) == written


@pytest.mark.parametrize("key", DOCUMENT)
def test_what_it_lacks_is_named(key):
    document = {k: v for k, v in DOCUMENT.items() if k != key}

    with pytest.raises(BundleError, match=f"its signature file lacks '{key}'"):
        SignatureFile.from_bytes(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"schema": "metaloc.signature/2"},
            "schema is 'metaloc.signature/2', expected",
        ),
        ({"algorithm": "none"}, "algorithm is 'none', expected 'ed25519'"),
        ({"key": KEY.upper()}, "key is '0123456789ABCDEF', not 16 hexadecimal digits"),
        ({"key": "../../etc/pass.."}, "not 16 hexadecimal digits"),
        ({"key": 7}, "key is '7', not 16"),
        ({"signature": "AAAA"}, "signature has 3 bytes, not 64"),
        ({"signature": ""}, "signature has 0 bytes, not 64"),
        ({"signature": "?" * 88}, "makes no sense"),
        ({"signature": "é"}, "makes no sense"),
        ({"signature": 7}, "makes no sense"),
    ],
)
def test_one_that_makes_no_sense_is_refused(changes, reason):
    with pytest.raises(BundleError, match=reason):
        SignatureFile.from_bytes(json.dumps(DOCUMENT | changes).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 4096])
def test_what_is_no_such_file_is_refused(data):
    with pytest.raises(BundleError, match="its signature file makes no sense: "):
        SignatureFile.from_bytes(data)
