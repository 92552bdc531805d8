"""On which terms a device takes a bundle."""

from dataclasses import dataclass
from typing import Protocol

MAX_MEMORY_MB = 512
"""Half of what the smaller Raspberry Pis have."""


class Trust(Protocol):
    """Decides whose bundles are taken."""

    def check(self, manifest: bytes, signature: bytes | None) -> str:
        """Return which key signed a manifest.

        Args:
            manifest: Its exact bytes; nothing in them has been believed yet.
            signature: The signature file, if there is one.

        Raises:
            BundleError: It is not signed, or by nobody who is trusted.
        """


@dataclass(frozen=True, slots=True)
class Terms:
    """What a device asks of every bundle; nothing in a manifest changes it."""

    max_memory_mb: int = MAX_MEMORY_MB
    """Most that the bundle's files, and adapting and predicting with them, may take
    [10^6 bytes]; what the program takes without a model comes on top."""

    trust: Trust | None = None
    """Whose bundles are taken; None: anybody's."""

    @property
    def max_memory(self) -> int:
        """The same in bytes."""
        return self.max_memory_mb * 1_000_000
