"""Documents of recorded locations that are the same on every replay.

Live, an identifier is made of the clock and of chance. Here the time is that of the
capture, and chance is a digest of all that the document says: equal documents have
equal identifiers, others do not.
"""

from hashlib import sha256
from typing import Any

from edge_agent.payload import FixContext, LocationPayloads
from edge_agent.pipeline import Fix
from edge_agent.tracking.tracker import Tracked

_CHANCE_BYTES = 10


class ReplayedPayloads:
    """Makes the documents of successive recorded fixes."""

    def __init__(self, context: FixContext) -> None:
        """Begin with the first.

        Args:
            context: What all of them share.
        """
        self._context = context
        self._now_ns = self._chance = self._n_made = 0
        self._payloads = LocationPayloads(
            context, now_ns=lambda: self._now_ns, randomness=lambda: self._chance
        )

    def document(self, fix: Fix, tracked: Tracked | None) -> dict[str, Any]:
        """Return the JSON document of one fix, made when its last frame came in.

        Args:
            fix: From one image alone.
            tracked: What is believed after all images so far, if anybody follows them.
        """
        drift = None if fix.drift is None else fix.drift.score
        content = repr(
            (
                self._context,
                self._n_made,
                fix.source.value,
                fix.estimate,
                tracked,
                drift,
            )
        )
        digest = sha256(content.encode()).digest()
        self._chance = int.from_bytes(digest[:_CHANCE_BYTES])
        self._now_ns = fix.estimate.time_ns
        self._n_made += 1
        return self._payloads.document(
            fix.estimate, fix.source, tracked=tracked, drift=drift
        )
