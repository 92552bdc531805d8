"""Packets in, locations out: `edge_agent.pipeline` for received power."""

from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.raw import RawFrames
from edge_agent.estimate import Estimate
from edge_agent.pipeline import SitePipeline, Wording
from edge_agent.rss.calibration import RssCalibration
from edge_agent.rss.localizer import RssLocalizer
from edge_agent.rss.receptions import ReceptionDecoder
from edge_agent.rss.window import RssSample, RssSpec, WindowBuilder

_FRAMES_AT_ONCE = 64
"""A window's end is told by the time of the frame after it, not by a number of frames:
taking those that came within a twentieth of a second together is soon enough."""


class RssPipeline(SitePipeline[RssSample]):
    """Locates from received power."""

    wording = Wording(
        "frame with received power",
        "frames with received power",
        "is the interface in monitor mode, on a channel with access points? See "
        "docs/rss.md",
        "edge_agent frames FILE shows whom a recording has heard",
        "they span less than a window of time",
    )

    def __init__(
        self,
        spec: RssSpec,
        calibration: RssCalibration,
        localizer: RssLocalizer,
        *,
        iq_order: IqOrder = IqOrder.AUTO,
    ) -> None:
        """Start with an empty window.

        Args:
            spec: How received power is averaged.
            calibration: The site's.
            localizer: Of the same calibration.
            iq_order: For firmware whose header does not tell the order of I and Q.
        """
        self._decoder = ReceptionDecoder(iq_order)
        self._builder = WindowBuilder(
            calibration.transmitters, window_s=spec.window_s, hop_s=spec.hop_s
        )
        self._localizer = localizer
        super().__init__(
            calibration.transmitters,
            is_site_simulated=calibration.is_simulated,
            unused=self._builder.unused,
        )

    @property
    def frames_until_due(self) -> int:
        """See `SitePipeline`."""
        return _FRAMES_AT_ONCE

    def _samples(self, raw: RawFrames) -> list[RssSample]:
        received = self._decoder.decode(raw)
        self.counters.packets += received.n_packets
        self.counters.frames += len(received.receptions)
        self.counters.refused.update(received.refused)
        return self._builder.feed(received.receptions)

    def _last_samples(self) -> list[RssSample]:
        return self._builder.finish()

    def _locate(self, sample: RssSample) -> Estimate:
        return self._localizer.locate(sample)
