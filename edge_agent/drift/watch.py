"""The drift of one calibrated site: images in, what became of it out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from edge_agent.csi.image import CsiImage
from edge_agent.drift.baseline import Revisits
from edge_agent.drift.monitor import DriftState, Monitor
from edge_agent.evidence import Evidence, Examiner
from edge_agent.survey import Point


@dataclass(slots=True, eq=False)
class DriftWatch:
    """Compares each image with the site's shots, once for all who ask."""

    examiner: Examiner
    monitor: Monitor
    evidence: Evidence | None = field(default=None, init=False)
    """Of the image seen last."""

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
        return self.monitor.update(evidence, point, image.ended_ns)

    def finish(self) -> DriftState:
        """Count the stop that goes on: the recording has ended."""
        return self.monitor.finish()
