"""The drift of one calibrated site: images in, what became of it out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from edge_agent.csi.image import CsiImage
from edge_agent.drift.baseline import Revisits
from edge_agent.drift.monitor import DriftState, Monitor
from edge_agent.drift.state_file import DriftFile
from edge_agent.evidence import Evidence, Examiner
from edge_agent.survey import Point


@dataclass(slots=True, eq=False)
class DriftWatch:
    """Compares each image with the site's shots, once for all who ask."""

    examiner: Examiner
    monitor: Monitor
    evidence: Evidence | None = field(default=None, init=False)
    """Of the image seen last."""

    _file: DriftFile | None = field(default=None, init=False)

    @classmethod
    def of(
        cls,
        examiner: Examiner,
        past: Revisits,
        points: Sequence[Point],
        channels: Sequence[str],
        *,
        calibrated_ns: int = 0,
    ) -> Self:
        """Return a watch that has seen nothing.

        Args:
            examiner: Of the site's shots.
            past: As of `Monitor`, as is the rest.
            points: .
            channels: .
            calibrated_ns: .
        """
        monitor = Monitor(past, points, channels, calibrated_ns=calibrated_ns)
        return cls(examiner, monitor)

    def see(self, image: CsiImage) -> DriftState:
        """Take one image.

        Args:
            image: As it is located.
        """
        self.evidence = evidence = self.examiner.examine(image.pixels, image.heard)
        point = int(self.examiner.fingerprints.point_of[evidence.nearest])
        state = self.monitor.update(evidence, point, image.ended_ns)
        if self._file is not None:
            self._file.keep(self.monitor, image.ended_ns)
        return state

    @property
    def nearest(self) -> float | None:
        """D of the shot nearest to the image seen last; None before the first."""
        return None if self.evidence is None else float(self.evidence.distances.min())

    def remember(self, file: DriftFile) -> None:
        """Go on where the agent was before it was restarted, and keep it from now on.

        Args:
            file: Of the site and the calibration.
        """
        file.restore(self.monitor)
        self._file = file

    def finish(self) -> DriftState:
        """Count the stop that goes on: the recording has ended."""
        return self.monitor.finish()
