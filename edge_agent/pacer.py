"""When the capture thread may sleep although packets are coming.

Waking up costs ten times what taking a packet does. The reader says how many packets it
waits for; the time in which they will arrive can be slept through, as the kernel keeps
the packets and their times.
"""

import math
import time

_LONGEST_REST_S = 0.03
_SHORTEST_REST_S = 0.001
_MEMORY_S = 0.2
"""How soon the capture thread forgets how many packets came."""

_ENOUGH_PACKETS = 5
"""So many must be remembered for the next to be predicted."""

_FASTEST = 50_000
"""Frames per second that the socket buffer must bear while the capture thread rests."""

_BYTES_PER_FRAME = 1280
"""Of the socket buffer: a 20 MHz frame with what the kernel keeps beside it."""


class Pacer:
    """Predicts arrivals from the packets of the last fraction of a second."""

    def __init__(self, buffer_bytes: int) -> None:
        """Start without knowing anything.

        Args:
            buffer_bytes: Of the socket, which must bear a burst during a rest.
        """
        lasts_s = buffer_bytes / _BYTES_PER_FRAME / _FASTEST
        self._longest_rest_s = min(_LONGEST_REST_S, lasts_s)
        # Of the last fraction of a second: packets, and the seconds in which they came.
        self._n_packets = self._n_seconds = 0.0
        self._last = time.monotonic()

    def count(self, n_packets: int) -> None:
        """Note how many packets came since the last call."""
        now = time.monotonic()
        elapsed_s, self._last = now - self._last, now
        if elapsed_s > _MEMORY_S:  # a pause, which says nothing about what follows
            self._n_packets = self._n_seconds = 0.0
            return
        kept = math.exp(-elapsed_s / _MEMORY_S)
        self._n_packets = self._n_packets * kept + n_packets
        self._n_seconds = self._n_seconds * kept + elapsed_s

    def rest(self, n_missing: int) -> bool:
        """Sleep until ``n_missing`` more packets should be there; say whether.

        Not where nearly nothing comes, or so much that the sleep would be no rest.
        """
        if n_missing < 2 or self._n_packets < _ENOUGH_PACKETS:
            return False
        expected_s = (n_missing + 0.5) * self._n_seconds / self._n_packets
        if expected_s < _SHORTEST_REST_S:
            return False
        time.sleep(min(expected_s, self._longest_rest_s))
        return True
