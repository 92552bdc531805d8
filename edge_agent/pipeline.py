"""Packets in, locations out: what live capture, replay and demonstration share.

packets (RawFrames)            live.py, capture_file.py, replay.py
   | Decoder                   csi/decode.py             rss/receptions.py
CSI frames                                               received power
   | ImageBuilder              csi/image.py              rss/window.py
CSI images                                               windows
   | Localizer                 localizer.py              rss/localizer.py
estimates  --payload.py-->  JSON  --publish.py-->  MQTT
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from edge_agent.calibration import Calibration
from edge_agent.csi.decode import Decoder
from edge_agent.csi.image import CsiImage, ImageBuilder, ImageSpec
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.simulated import is_simulated_address
from edge_agent.drift.monitor import DriftState
from edge_agent.drift.state_file import DriftFile
from edge_agent.drift.watch import DriftWatch
from edge_agent.estimate import Estimate
from edge_agent.localizer import Localizer
from edge_agent.payload import Source
from edge_agent.tracking.unrest import unrest


@dataclass(slots=True)
class PipelineCounters:
    """What became of the packets."""

    packets: int = 0
    frames: int = 0
    """Frames among them that a location can be made of."""

    images: int = 0
    """Images, or windows, that were located."""

    refused: Counter[Any] = field(default_factory=Counter)
    """Packets that are no such frame, by reason."""

    unused: Counter[Any] = field(default_factory=Counter)
    """Such frames that entered no image or window, by reason."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What people read about the frames of a kind of model."""

    frame: str
    """What one is called."""

    frames: str
    """What several are called."""

    none: str
    """What to look for where there are none."""

    look: str
    """How to see what a recording holds."""

    too_few: str
    """What is missing where there are too few."""


class Sample(Protocol):
    """What is located: an image, or a window."""

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """Which of the site's channels it holds, shape (n_channels,)."""


class Fix(NamedTuple):
    """One location and where it comes from."""

    estimate: Estimate
    source: Source
    drift: DriftState | None = None
    """Whether the site is still what it was calibrated to; None where nobody watches:
    no re-visits are known, or the kind of model has no such watch."""

    sample: Sample | None = None
    """What was located."""

    unrest: float | None = None
    """Whether the device was carried; see `edge_agent.tracking.unrest`. None where its
    packets do not tell."""


SampleT = TypeVar("SampleT", bound=Sample)


class SitePipeline(ABC, Generic[SampleT]):
    """Turns the packets of one receiver into locations at one site."""

    wording: Wording

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        is_site_simulated: bool,
        unused: Counter[Any],
    ) -> None:
        """Start with empty windows.

        Args:
            addresses: Transmitter of each of the site's channels.
            is_site_simulated: Whether it is calibrated to simulated shots.
            unused: Where frames that enter no sample are counted.
        """
        self.transmitters = sorted(set(addresses))
        """Addresses that the calibration knows."""

        self._simulated = [is_simulated_address(address) for address in addresses]
        self._is_site_simulated = is_site_simulated
        self.counters = PipelineCounters(unused=unused)
        self.drift: DriftState | None = None
        """As of the newest `Fix`."""

    @property
    def knows_simulated(self) -> bool:
        """Whether locations may be simulated, whatever frames come.

        So they are where the calibration was made of simulated shots, and where it
        knows a transmitter that is reserved for simulations. Only what it knows is
        located: stray simulated frames do nothing.
        """
        return self._is_site_simulated or any(self._simulated)

    def remember_drift(self, path: Path, calibration: str) -> None:
        """Go on watching for drift where an agent before was, and keep it for the next.

        Does nothing where nobody watches.

        Args:
            path: Where it is kept.
            calibration: Identifier of the site's.
        """
        return None

    @property
    @abstractmethod
    def frames_until_due(self) -> int:
        """At least so many frames should arrive before the next location."""

    def feed(self, raw: RawFrames, source: Source) -> list[Fix]:
        """Return the locations that these packets complete.

        Args:
            raw: Packets in order of arrival.
            source: What they are, if nothing says that they are simulated.
        """
        return self._fixes(self._samples(raw), source)

    def finish(self, source: Source) -> list[Fix]:
        """Return the location that was still waited for, if there is one."""
        return self._fixes(self._last_samples(), source)

    @abstractmethod
    def _samples(self, raw: RawFrames) -> list[SampleT]:
        """Return what packets complete, and count them."""

    @abstractmethod
    def _last_samples(self) -> list[SampleT]:
        """Return what is left at the end."""

    @abstractmethod
    def _locate(self, sample: SampleT) -> Estimate:
        """Return where a sample was recorded."""

    def _fixes(self, samples: list[SampleT], source: Source) -> list[Fix]:
        fixes = []
        for sample in samples:
            self.counters.images += 1
            heard = sample.heard.tolist()
            simulated = self._is_site_simulated or any(
                h and s for h, s in zip(heard, self._simulated, strict=False)
            )
            estimate = self._locate(sample)
            kind = Source.SIMULATED if simulated else source
            unrest = self._unrest(sample)
            fixes.append(Fix(estimate, kind, self.drift, sample, unrest))
        return fixes

    def _unrest(self, _sample: SampleT) -> float | None:
        """Return whether the device was carried, as far as a sample tells."""
        return None


class Pipeline(SitePipeline[CsiImage]):
    """Locates from CSI images."""

    wording = Wording(
        "CSI frame",
        "CSI frames",
        "is the chip armed (nexutil -k), is there traffic on its channel? See "
        "firmware_notes/README.md",
        "edge_agent frames FILE shows what a recording holds",
        "no calibrated access point has a full window of recent frames",
    )

    def __init__(
        self,
        spec: ImageSpec,
        calibration: Calibration,
        localizer: Localizer,
        *,
        hop: int,
        iq_order: IqOrder = IqOrder.AUTO,
        watch: DriftWatch | None = None,
    ) -> None:
        """Start with empty windows.

        Args:
            spec: What an image looks like.
            calibration: The site's.
            localizer: Of the same calibration.
            hop: New packets per channel from one location to the next.
            iq_order: For firmware whose header does not tell the order of I and Q.
            watch: What notices that the site has changed, if anything does.
        """
        self._decoder = Decoder(iq_order)
        self._builder = ImageBuilder(
            spec, calibration.channels, hop=min(hop, spec.n_packets)
        )
        self._localizer, self._watch = localizer, watch
        super().__init__(
            [channel.mac for channel in calibration.channels],
            is_site_simulated=calibration.is_simulated,
            unused=self._builder.unused,
        )

    def remember_drift(self, path: Path, calibration: str) -> None:
        """See `SitePipeline`."""
        if self._watch is not None:
            self._watch.remember(DriftFile(path, calibration))

    @property
    def frames_until_due(self) -> int:
        """At least so many CSI frames must arrive before the next location."""
        return self._builder.frames_until_due

    def _samples(self, raw: RawFrames) -> list[CsiImage]:
        decoded = self._decoder.decode(raw)
        self.counters.packets += decoded.n_packets
        self.counters.frames += decoded.n_frames
        self.counters.refused.update(decoded.refused)
        return self._builder.feed(decoded)

    def _last_samples(self) -> list[CsiImage]:
        return self._builder.finish()

    def _locate(self, sample: CsiImage) -> Estimate:
        if self._watch is None:
            return self._localizer.locate(sample)
        self.drift = self._watch.see(sample)
        return self._localizer.locate(
            sample, is_drifted=self.drift.is_alarm, nearest=self._watch.nearest
        )

    def _unrest(self, sample: CsiImage) -> float | None:
        return unrest(sample)
