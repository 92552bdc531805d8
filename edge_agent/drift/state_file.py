"""``drift.json`` of a site: what its monitor knows, for the time after a restart.

    {"schema": "metaloc.drift/1", "calibration": "cal.2026..", "monitor": {..}}

Of live reception alone: a replay begins with nothing seen, and gives the same every
time. Written when a stop has ended, and at most once a minute, as memory cards wear. A
file of another calibration, or a damaged one, is replaced: all that is lost is what was
suspected.
"""

import contextlib
import json
from pathlib import Path
from typing import Final

from edge_agent.arrays import write_atomically
from edge_agent.drift.monitor import Monitor

DRIFT_FILE: Final = "drift.json"
DRIFT_SCHEMA: Final = "metaloc.drift/1"

_MAX_BYTES: Final = 1 << 20
_LEAST_NS: Final = 60_000_000_000


class DriftFile:
    """Keeps one monitor."""

    def __init__(self, path: Path, calibration: str) -> None:
        """Take a place; nothing is read or written.

        Args:
            path: Of the file.
            calibration: Identifier of the site's.
        """
        self._path, self._calibration = path, calibration
        self._written_ns = 0
        self._n_written = 0

    def restore(self, monitor: Monitor) -> bool:
        """Have a monitor go on where it was.

        Args:
            monitor: Of the same calibration, with nothing seen.

        Returns:
            Whether there was something to go on from.
        """
        try:
            with self._path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
            if len(data) > _MAX_BYTES:
                return False
            document = json.loads(data)
            if (document["schema"], document["calibration"]) != (
                DRIFT_SCHEMA,
                self._calibration,
            ):
                return False
            monitor.restore(document["monitor"])
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            OverflowError,
            RecursionError,
        ):
            return False
        self._n_written = monitor.n_counted
        return True

    def keep(self, monitor: Monitor, now_ns: int) -> None:
        """Write what a monitor knows, if it has learnt something and it is time.

        Where it cannot be written, location goes on.

        Args:
            monitor: Of the site.
            now_ns: Time of the newest frame [ns since the UNIX epoch].
        """
        is_new = monitor.n_counted != self._n_written
        if not is_new or 0 <= now_ns - self._written_ns < _LEAST_NS:
            return
        self._written_ns, self._n_written = now_ns, monitor.n_counted
        document = {
            "schema": DRIFT_SCHEMA,
            "calibration": self._calibration,
            "monitor": monitor.memory(),
        }
        with contextlib.suppress(OSError):
            write_atomically(self._path, json.dumps(document).encode())
