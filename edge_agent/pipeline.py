"""Packets in, locations out: what live capture, replay and demonstration share.

packets (RawFrames)            live.py, capture_file.py, replay.py
   | Decoder                   csi/decode.py
CSI frames
   | ImageBuilder              csi/image.py
CSI images
   | Localizer                 localizer.py
estimates  --payload.py-->  JSON  --publish.py-->  MQTT
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from edge_agent.calibration import Calibration
from edge_agent.csi.decode import Decoded, Decoder
from edge_agent.csi.image import CsiImage, ImageBuilder, ImageSpec, Unused
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.refusal import Refusal
from edge_agent.csi.simulated import is_simulated_address
from edge_agent.estimate import Estimate
from edge_agent.localizer import Localizer
from edge_agent.payload import Source


@dataclass(slots=True)
class PipelineCounters:
    """What became of the packets."""

    packets: int = 0
    frames: int = 0
    """CSI frames among them."""

    images: int = 0
    refused: Counter[Refusal] = field(default_factory=Counter)
    """Packets that are no CSI frame, by reason."""

    unused: Counter[Unused] = field(default_factory=Counter)
    """CSI frames that entered no image, by reason."""


class Fix(NamedTuple):
    """One location and where it comes from."""

    estimate: Estimate
    source: Source


class Pipeline:
    """Turns the packets of one receiver into locations at one site."""

    def __init__(
        self,
        spec: ImageSpec,
        calibration: Calibration,
        localizer: Localizer,
        *,
        hop: int,
        iq_order: IqOrder = IqOrder.AUTO,
    ) -> None:
        """Start with empty windows.

        Args:
            spec: What an image looks like.
            calibration: The site's.
            localizer: Of the same calibration.
            hop: New packets per channel from one location to the next.
            iq_order: For firmware whose header does not tell the order of I and Q.
        """
        self._decoder = Decoder(iq_order)
        self._builder = ImageBuilder(
            spec, calibration.channels, hop=min(hop, spec.n_packets)
        )
        self._localizer = localizer
        self.transmitters = sorted({c.mac for c in calibration.channels})
        """Addresses that the calibration knows."""

        self._simulated = [is_simulated_address(c.mac) for c in calibration.channels]
        self._is_site_simulated = calibration.is_simulated
        self.counters = PipelineCounters(unused=self._builder.unused)

    @property
    def knows_simulated(self) -> bool:
        """Whether locations may be simulated, whatever frames come.

        So they are where the calibration was made of simulated shots, and where it
        knows a transmitter that is reserved for simulations. Only what it knows is
        located: stray simulated frames do nothing.
        """
        return self._is_site_simulated or any(self._simulated)

    @property
    def frames_until_due(self) -> int:
        """At least so many CSI frames must arrive before the next location."""
        return self._builder.frames_until_due

    def feed(self, raw: RawFrames, source: Source) -> list[Fix]:
        """Return the locations that these packets complete.

        Args:
            raw: Packets in order of arrival.
            source: What they are, if nothing says that they are simulated.
        """
        decoded = self._decoder.decode(raw)
        self._count(decoded)
        return self._locate(self._builder.feed(decoded), source)

    def finish(self, source: Source) -> list[Fix]:
        """Return the location that still waited for a channel, if there is one."""
        return self._locate(self._builder.finish(), source)

    def _count(self, decoded: Decoded) -> None:
        self.counters.packets += decoded.n_packets
        self.counters.frames += decoded.n_frames
        self.counters.refused.update(decoded.refused)

    def _locate(self, images: list[CsiImage], source: Source) -> list[Fix]:
        fixes = []
        for image in images:
            self.counters.images += 1
            heard = image.heard.tolist()
            simulated = self._is_site_simulated or any(
                h and s for h, s in zip(heard, self._simulated, strict=False)
            )
            fixes.append(
                Fix(
                    self._localizer.locate(image),
                    Source.SIMULATED if simulated else source,
                )
            )
        return fixes
