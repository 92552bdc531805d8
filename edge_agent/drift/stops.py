"""Where a device is put down: one stop is one observation, however long it lasts.

Images of one stop say the same thing again and again: where exactly the device lies is
most of what they differ by from the shots. Counted one by one, an afternoon on a couch
would be ten thousand observations of one fact. So a stop counts once, with the means of
its images, until the device is carried on.

A stop begins with the first image at rest, and ends with the first that is not, with a
silence, or when the clock jumps. A device that is never picked up begins a new one
after one hour, two more, four more ..: things do change around it, but one that lies
between two points must not raise an alarm by lying there.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from edge_agent.drift.baseline import Revisits
from edge_agent.evidence import Evidence
from edge_agent.neighbours.whitening import Matrix

RESTLESS_DB = 4.3
"""`Evidence.restlessness_db` of a device under way: at rest on 23 days of PolyU, and in
a simulated laboratory with two people, 99.9 % of images are below 3.9; carried through
the laboratory at 0.25 to 1 m/s, 99 % are above 4.4 (docs/drift.md)."""

LEAST_IMAGES = 3
LEAST_S = 3.0
"""A shorter rest is none: an image takes as long [s]."""

_SILENCE_S = 30.0
_RENEWED_S = 3600.0


@dataclass(frozen=True, slots=True)
class Stop:
    """What the images of one stop have in common."""

    row: Revisits
    """Means over its images; one row."""

    point: int
    """The point whose shots were nearest most often."""

    n_images: int

    started_ns: int
    """[ns since the UNIX epoch]; 0 where captures tell no time."""

    ended_ns: int

    @property
    def is_long_enough(self) -> bool:
        """Whether it counts."""
        lasted_s = (self.ended_ns - self.started_ns) / 1e9
        return self.n_images >= LEAST_IMAGES and (
            lasted_s >= LEAST_S or self.ended_ns == 0
        )


class StopWatch:
    """Tells where one stop ends and the next begins."""

    def __init__(self, n_channels: int) -> None:
        """Start under way.

        Args:
            n_channels: Of an image.
        """
        self._n_channels = n_channels
        self._renew_after_s = _RENEWED_S
        self._clear()

    def see(self, evidence: Evidence, point: int, time_ns: int) -> Stop | None:
        """Take one image.

        Args:
            evidence: What it says.
            point: Of the nearest shot.
            time_ns: Of its newest frame; 0 when unknown.

        Returns:
            The stop that has ended with it, if one has.
        """
        ended = None
        if self._points and self._is_over(evidence, time_ns):
            ended = self.stop
            self._clear()
        if evidence.restlessness_db < RESTLESS_DB:
            if not self._points:
                self._started_ns = self._renewed_ns = time_ns
            elif time_ns - self._renewed_ns >= self._renew_after_s * 1e9:
                ended = self.stop
                renew_after_s = 2 * self._renew_after_s
                self._clear()
                self._started_ns = self._renewed_ns = time_ns
                self._renew_after_s = renew_after_s
            self._add(Revisits.of([evidence], self._n_channels), point)
            self._ended_ns = time_ns
        return ended

    @property
    def stop(self) -> Stop | None:
        """The one that goes on, if one does."""
        if not self._points:
            return None
        n_images = self._points.total()
        known = np.maximum(self._n_known, 1)
        means = np.where(self._n_known > 0, self._sums / known, np.nan)
        gap, offset_db, silent = means
        return Stop(
            Revisits(
                np.array([self._nearest / n_images]),
                gap[None],
                offset_db[None],
                silent[None],
            ),
            min(self._points, key=lambda point: (-self._points[point], point)),
            n_images,
            self._started_ns,
            self._ended_ns,
        )

    def _clear(self) -> None:
        self._points: Counter[int] = Counter()
        self._nearest = 0.0
        self._sums: Matrix = np.zeros((3, self._n_channels))
        self._n_known: Matrix = np.zeros((3, self._n_channels))
        self._started_ns = self._ended_ns = self._renewed_ns = 0
        self._renew_after_s = _RENEWED_S

    def _is_over(self, evidence: Evidence, time_ns: int) -> bool:
        since_ns = time_ns - self._ended_ns
        return (
            evidence.restlessness_db >= RESTLESS_DB
            or not 0 <= since_ns <= _SILENCE_S * 1e9
        )

    def _add(self, row: Revisits, point: int) -> None:
        self._points[point] += 1
        self._nearest += float(row.nearest[0])
        values = np.stack([row.gap[0], row.offset_db[0], row.silent[0]])
        known = np.isfinite(values)
        self._sums += np.where(known, values, 0)
        self._n_known += known
