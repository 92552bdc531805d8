"""Who vouches for a bundle: Ed25519 signatures of its manifest (RFC 8032).

One signature is enough: the manifest holds the SHA-256 of every other file. Keys are in
PEM, as openssl writes them; docs/bundles.md has the commands, and how to verify a
signature without this program.

The library is imported by this module alone, and not before it is needed: a device that
names no trusted keys runs without it.
"""

import hashlib
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from edge_agent.bundles.signature_file import SignatureFile
from edge_agent.errors import BundleError, ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

_MAX_KEY_FILE = 1 << 16
_MAX_KEYS = 64
_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)
_CANNOT_VERIFY = (
    "trusted keys need the library cryptography, where the agent is installed: "
    f"{shlex.quote(sys.executable)} -m pip install cryptography; or take bundles as "
    "they are: without model.trusted_keys"
)
_CANNOT_SIGN = (
    "signing needs the library cryptography; in the clone: pip install '.[export]'"
)


class TrustedKeys:
    """The public keys of those whose bundles a device takes."""

    def __init__(self, keys: dict[str, "Ed25519PublicKey"], where: Path) -> None:
        """Take keys by `key_id`, and where they were read."""
        self._keys, self._where = keys, where

    @property
    def ids(self) -> list[str]:
        """Of all of them, in order."""
        return sorted(self._keys)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a PEM file with one or several keys, or a folder of ``*.pem`` files.

        Raises:
            ConfigError: There is none, one is no public Ed25519 key, or the library is
                missing.
        """
        try:
            files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
            blocks = [(file, block) for file in files for block in _blocks(file)]
        except OSError as error:
            raise ConfigError(f"model.trusted_keys {path}: {error.strerror}") from error
        if not 1 <= len(blocks) <= _MAX_KEYS:
            raise ConfigError(
                f"model.trusted_keys {path} holds {len(blocks)} keys in PEM, expected "
                f"1 to {_MAX_KEYS}"
            )
        keys = [_public_key(file, block) for file, block in blocks]
        return cls({key_id(key): key for key in keys}, path)

    def check(self, manifest: bytes, signature: bytes | None) -> str:
        """Return the id of the trusted key that signed a manifest.

        Raises:
            BundleError: None of them did.
        """
        trusted = (
            f"trusted are {', '.join(self.ids)} (model.trusted_keys {self._where})"
        )
        if signature is None:
            raise BundleError(f"it is not signed; {trusted}")
        claimed = SignatureFile.from_bytes(signature)
        key = self._keys.get(claimed.key)
        if key is None:
            raise BundleError(f"it is signed by {claimed.key}; {trusted}")
        from cryptography.exceptions import InvalidSignature

        try:
            key.verify(claimed.value, manifest)
        except InvalidSignature as error:
            raise BundleError(
                f"the signature of {claimed.key} does not fit its manifest: one of the "
                "two was changed; get the bundle anew"
            ) from error
        return claimed.key


class SigningKey:
    """A private key."""

    def __init__(self, key: "Ed25519PrivateKey") -> None:
        self._key = key

    @property
    def key_id(self) -> str:
        """Of its public key."""
        return key_id(self._key.public_key())

    @property
    def public(self) -> TrustedKeys:
        """What a device needs to trust its signatures."""
        return TrustedKeys({self.key_id: self._key.public_key()}, Path("its own"))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a PEM file, or a pipe that brings one.

        Raises:
            ConfigError: It is no private Ed25519 key or encrypted, or the library is
                missing.
        """
        try:
            from cryptography.exceptions import UnsupportedAlgorithm
            from cryptography.hazmat.primitives.asymmetric.ed25519 import (
                Ed25519PrivateKey,
            )
            from cryptography.hazmat.primitives.serialization import (
                load_pem_private_key,
            )
        except ImportError as error:
            raise ConfigError(_CANNOT_SIGN) from error
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_KEY_FILE)
            key = load_pem_private_key(data, password=None)
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error
        except TypeError as error:
            raise ConfigError(
                f"{path} is encrypted; in bash, openssl asks for its passphrase and "
                f"nothing is written: --sign <(openssl pkey -in {path})"
            ) from error
        except (UnsupportedAlgorithm, ValueError) as error:
            raise ConfigError(
                f"{path} is no private key in PEM; make one: openssl genpkey "
                "-algorithm ed25519 -out KEY.pem"
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError(
                f"{path} is no Ed25519 key; make one: openssl genpkey -algorithm "
                "ed25519 -out KEY.pem"
            )
        return cls(key)

    def sign(self, manifest: bytes) -> bytes:
        """Return the signature file of a manifest."""
        return SignatureFile(self.key_id, self._key.sign(manifest)).to_bytes()


def key_id(key: "Ed25519PublicKey") -> str:
    """Return what a key is called: the beginning of its SHA-256."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:16]


def _blocks(path: Path) -> list[bytes]:
    """Return what stands between BEGIN and END in a file, with both."""
    with path.open("rb") as file:
        data = file.read(_MAX_KEY_FILE)
    return [match[0] for match in _PEM.finditer(data)]


def _public_key(path: Path, block: bytes) -> "Ed25519PublicKey":
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise ConfigError(_CANNOT_VERIFY) from error
    if b"PRIVATE KEY" in block.split(b"\n", 1)[0]:
        raise ConfigError(
            f"{path} holds a private key, which no device needs; take its public key: "
            "openssl pkey -in KEY.pem -pubout -out PUBLIC.pem"
        )
    try:
        key = load_pem_public_key(block)
    except (UnsupportedAlgorithm, ValueError) as error:
        raise ConfigError(f"{path} holds no public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{path} holds a key that is not Ed25519")
    return key
