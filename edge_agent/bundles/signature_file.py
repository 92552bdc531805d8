"""The file ``manifest.sig`` beside a bundle's manifest.

It is JSON:

    schema      metaloc.signature/1
    algorithm   ed25519
    key         first 16 hexadecimal digits of the SHA-256 of the public key's DER
    signature   base64 of the 64 bytes over the exact bytes of manifest.json

``key`` only says which key to try; what it says proves nothing.
"""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any, Self

from edge_agent.errors import BundleError

SIGNATURE_SCHEMA = "metaloc.signature/1"

_ALGORITHM = "ed25519"
_KEY = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class SignatureFile:
    """A signature, which may be anybody's."""

    key: str
    """Which key signed, as it says itself."""

    value: bytes
    """64 bytes."""

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise ValueError(f"key is {self.key!r}, not 16 hexadecimal digits")
        if len(self.value) != 64:
            raise ValueError(f"signature has {len(self.value)} bytes, not 64")

    def to_bytes(self) -> bytes:
        """Return the file."""
        document = {
            "schema": SIGNATURE_SCHEMA,
            "algorithm": _ALGORITHM,
            "key": self.key,
            "signature": base64.b64encode(self.value).decode("ascii"),
        }
        return (json.dumps(document, indent=2) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the file.

        Raises:
            BundleError: It is not such a file.
        """
        try:
            return cls._from_document(json.loads(data.decode("utf-8")))
        except KeyError as error:
            raise BundleError(f"its signature file lacks {error}") from error
        except (RecursionError, TypeError, ValueError) as error:
            raise BundleError(f"its signature file makes no sense: {error}") from error

    @classmethod
    def _from_document(cls, document: Any) -> Self:  # noqa: ANN401  (JSON)
        if not isinstance(document, dict):
            raise TypeError("not a JSON object")
        expected = {"schema": SIGNATURE_SCHEMA, "algorithm": _ALGORITHM}
        for name, word in expected.items():
            if document[name] != word:
                raise ValueError(f"{name} is {document[name]!r}, expected {word!r}")
        value = base64.b64decode(document["signature"], validate=True)
        return cls(str(document["key"]), value)
