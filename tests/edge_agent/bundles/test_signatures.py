"""Signatures against openssl, which made the keys, and against RFC 8032."""

import base64
import builtins
import hashlib
import re
import subprocess
import sys

import pytest

from edge_agent.bundles.signature_file import SignatureFile
from edge_agent.bundles.signatures import SigningKey, TrustedKeys
from edge_agent.errors import BundleError, ConfigError
from tests.keys import make_key, openssl

MANIFEST = b'{"name": "rooms-1"}\n'

RFC_8032 = [  # section 7.1, tests 1 to 3: secret key, public key, message, signature
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
        "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
        "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
        "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]

DER_OF_SECRET = "302e020100300506032b657004220420"
DER_OF_PUBLIC = "302a300506032b6570032100"
"""What stands in front of the 32 bytes of a key: RFC 8410."""


def pem(what, der):
    text = base64.b64encode(bytes.fromhex(der)).decode()
    return f"-----BEGIN {what} KEY-----\n{text}\n-----END {what} KEY-----\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return make_key(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return make_key(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture
def no_library(monkeypatch):
    """The machine does not have cryptography."""
    real = builtins.__import__

    def refuse(name, *arguments):
        if name.split(".")[0] == "cryptography":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr("builtins.__import__", refuse)


# -- against others --------------------------------------------------------------------


def test_openssl_accepts_what_we_sign(pair, tmp_path):
    private, public = pair
    signature = SignatureFile.from_bytes(SigningKey.read(private).sign(MANIFEST))
    (tmp_path / "manifest.json").write_bytes(MANIFEST)
    (tmp_path / "raw").write_bytes(signature.value)

    said = openssl(
        *("pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin"),
        *("-in", tmp_path / "manifest.json", "-sigfile", tmp_path / "raw"),
    )

    assert b"Verified Successfully" in said


def test_we_accept_what_openssl_signs(pair, tmp_path):
    private, public = pair
    (tmp_path / "manifest.json").write_bytes(MANIFEST)
    raw = openssl(
        *("pkeyutl", "-sign", "-inkey", private, "-rawin"),
        *("-in", tmp_path / "manifest.json"),
    )
    name = SigningKey.read(private).key_id

    signer = TrustedKeys.read(public).check(
        MANIFEST, SignatureFile(name, raw).to_bytes()
    )

    assert signer == name


def test_a_key_is_called_as_openssl_and_sha256_call_it(pair):
    private, public = pair
    der = openssl("pkey", "-pubin", "-in", public, "-outform", "DER")

    name = hashlib.sha256(der).hexdigest()[:16]

    assert SigningKey.read(private).key_id == name
    assert TrustedKeys.read(public).ids == [name]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_the_standard_hold(tmp_path, secret, public, message, signature):
    private_file, public_file = tmp_path / "secret.pem", tmp_path / "public.pem"
    private_file.write_text(pem("PRIVATE", DER_OF_SECRET + secret))
    public_file.write_text(pem("PUBLIC", DER_OF_PUBLIC + public))
    key = SigningKey.read(private_file)

    file = key.sign(bytes.fromhex(message))

    assert SignatureFile.from_bytes(file).value.hex() == signature
    trusted = TrustedKeys.read(public_file)
    assert trusted.check(bytes.fromhex(message), file) == key.key_id


# -- refusals --------------------------------------------------------------------------


def test_an_unsigned_bundle_is_refused(pair):
    trusted = TrustedKeys.read(pair[1])

    with pytest.raises(
        BundleError, match=rf"it is not signed; trusted are {trusted.ids[0]} \(model.t"
    ):
        trusted.check(MANIFEST, None)


def test_a_stranger_s_bundle_is_refused_and_the_stranger_named(pair, stranger):
    theirs = SigningKey.read(stranger[0])

    with pytest.raises(BundleError, match=f"signed by {theirs.key_id}; trusted are "):
        TrustedKeys.read(pair[1]).check(MANIFEST, theirs.sign(MANIFEST))


def test_a_stranger_who_calls_himself_one_of_us_is_refused(pair, stranger):
    ours = SigningKey.read(pair[0])
    theirs = SignatureFile.from_bytes(SigningKey.read(stranger[0]).sign(MANIFEST))
    forged = SignatureFile(ours.key_id, theirs.value).to_bytes()

    with pytest.raises(
        BundleError, match=f"the signature of {ours.key_id} does not fit its manifest"
    ):
        TrustedKeys.read(pair[1]).check(MANIFEST, forged)


def test_one_flipped_bit_anywhere_is_noticed(pair):
    ours, trusted = SigningKey.read(pair[0]), TrustedKeys.read(pair[1])
    file = ours.sign(MANIFEST)
    value = SignatureFile.from_bytes(file).value

    for position in range(len(MANIFEST)):
        changed = bytearray(MANIFEST)
        changed[position] ^= 1
        with pytest.raises(BundleError, match="does not fit"):
            trusted.check(bytes(changed), file)
    for position in range(len(value)):
        changed = bytearray(value)
        changed[position] ^= 1
        with pytest.raises(BundleError, match="does not fit"):
            trusted.check(
                MANIFEST, SignatureFile(ours.key_id, bytes(changed)).to_bytes()
            )


# -- trusted keys ----------------------------------------------------------------------


def test_one_of_several_keys_is_enough(pair, stranger, tmp_path):
    together = tmp_path / "keys.pem"
    together.write_bytes(pair[1].read_bytes() + b"\n" + stranger[1].read_bytes())
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "a.pem").write_bytes(pair[1].read_bytes())
    (folder / "b.pem").write_bytes(stranger[1].read_bytes())
    (folder / "readme.txt").write_text("no key")
    theirs = SigningKey.read(stranger[0])

    for path in (together, folder):
        trusted = TrustedKeys.read(path)
        assert len(trusted.ids) == 2
        assert trusted.check(MANIFEST, theirs.sign(MANIFEST)) == theirs.key_id


def test_a_path_without_keys_is_refused(tmp_path):
    (tmp_path / "empty.pem").touch()
    (tmp_path / "folder").mkdir()

    for name in ("empty.pem", "folder"):
        with pytest.raises(ConfigError, match=f"{name} holds 0 keys in PEM, expected"):
            TrustedKeys.read(tmp_path / name)
    with pytest.raises(ConfigError, match=r"nowhere: No such file"):
        TrustedKeys.read(tmp_path / "nowhere")


def test_too_many_keys_are_refused(pair, tmp_path):
    (tmp_path / "keys.pem").write_bytes(pair[1].read_bytes() * 65)

    with pytest.raises(ConfigError, match="holds 65 keys in PEM, expected 1 to 64"):
        TrustedKeys.read(tmp_path / "keys.pem")


def test_a_private_key_is_no_business_of_a_device(pair):
    with pytest.raises(ConfigError, match="holds a private key, which no device needs"):
        TrustedKeys.read(pair[0])


def test_other_keys_are_refused(tmp_path):
    ec = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    private, public = make_key(tmp_path, "other", *ec)

    with pytest.raises(ConfigError, match=r"other.pem holds a key that is not Ed25519"):
        TrustedKeys.read(public)
    with pytest.raises(ConfigError, match=r"other.key is no Ed25519 key; make one: op"):
        SigningKey.read(private)


def test_what_is_no_key_is_refused(tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(pem("PUBLIC", "00" * 8))

    with pytest.raises(ConfigError, match=r"key.pem holds no public key: "):
        TrustedKeys.read(file)
    with pytest.raises(
        ConfigError, match=r"key.pem is no private key in PEM; make one"
    ):
        SigningKey.read(file)
    with pytest.raises(ConfigError, match=r"nowhere: No such file"):
        SigningKey.read(tmp_path / "nowhere")


def test_an_encrypted_key_says_what_is_needed(pair, tmp_path):
    locked = tmp_path / "locked.key"
    openssl(
        *("pkey", "-in", pair[0], "-aes-256-cbc", "-passout", "pass:x"),
        *("-out", locked),
    )

    with pytest.raises(ConfigError, match=r"encrypted; .*--sign <\(openssl pkey -in "):
        SigningKey.read(locked)


def test_what_it_says_works_in_bash(pair, tmp_path):
    """A key that comes through a pipe."""
    locked = tmp_path / "locked.key"
    openssl(
        *("pkey", "-in", pair[0], "-aes-256-cbc", "-passout", "pass:x"),
        *("-out", locked),
    )
    with subprocess.Popen(
        ["openssl", "pkey", "-in", locked, "-passin", "pass:x"], stdout=subprocess.PIPE
    ) as openssl_process:
        descriptor = openssl_process.stdout.fileno()

        key = SigningKey.read(tmp_path / f"/dev/fd/{descriptor}")

    assert key.key_id == SigningKey.read(pair[0]).key_id


def test_without_the_library_a_device_says_what_to_install_and_where(pair, no_library):
    """Its Python is seldom the one on the path."""
    command = re.escape(f"{sys.executable} -m pip install cryptography;")
    with pytest.raises(ConfigError, match=command):
        TrustedKeys.read(pair[1])


def test_without_the_library_the_laboratory_says_what_to_install(pair, no_library):
    with pytest.raises(
        ConfigError, match=r"signing needs .*pip install '.\[export\]'$"
    ):
        SigningKey.read(pair[0])
