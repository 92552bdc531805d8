"""Which chip and firmware write simulated frames, and on which channel.

Any chip with any header generation, on any channel that the chip can receive, as long
as some firmware could have written it. Byte tables: firmware_notes/csi_udp_format.md.
"""

from dataclasses import dataclass
from enum import IntEnum

from edge_agent.csi.chanspec import ChanspecError, decode_chanspec
from edge_agent.csi.chips import CHIPS, UNNAMED_CHIP, Chip, WordFormat
from edge_agent.csi.frame import PHYSTATUS_GENERATIONS, Generation
from edge_agent.csi.header import LAYOUTS, Layout
from edge_agent.csi.subcarriers import Phy
from trainer.errors import TrainerError

CHANSPECS = {20: 0xD024, 40: 0xD826, 80: 0xE02A}
"""Channel 36 at 5.18 GHz as the primary one, by bandwidth [MHz]."""

N_CORES = {"bcm4339": 1, "bcm4358": 2, "bcm43455c0": 1, "bcm4366c0": 4}
"""Receive cores by the chip's name."""

_SWAPPING = (Generation.OLD, Generation.PR169)
"""Generations whose int16 firmware stores the imaginary part first."""


class FirmwareError(TrainerError):
    """No firmware writes such frames, or values do not fit the format."""

    exit_code = 2


class FrameKind(IntEnum):
    """The Wi-Fi frame on which the channel was measured; the frame control's byte."""

    BEACON = 0x80
    """Legacy OFDM in the primary 20 MHz."""

    QOS_DATA = 0x88
    """VHT (HT in the 2.4 GHz band) over the whole channel."""


@dataclass(frozen=True, slots=True)
class Firmware:
    """A chip with its firmware, tuned to a channel."""

    chip_name: str = "bcm43455c0"
    generation: Generation = Generation.NEW

    chanspec: int = CHANSPECS[20]
    """In `Generation.MOBISYS_2018` it is not sent, but says where the tones are."""

    imaginary_first: bool | None = None
    """Whether int16 words hold Q,I. None: as that generation's main branch does; some
    branches with the old header store I,Q."""

    names_chip: bool = True
    """False for the old header before 28 October 2019: 0xdead stands for any chip."""

    def __post_init__(self) -> None:
        """Refuse what no firmware writes.

        Raises:
            FirmwareError: With what would do.
        """
        if self.chip_name not in N_CORES:
            known = ", ".join(N_CORES)
            raise FirmwareError(f"chip {self.chip_name!r} is not one of {known}")
        try:
            bandwidth = decode_chanspec(self.chanspec).bandwidth_mhz
        except ChanspecError as error:
            raise FirmwareError(str(error)) from error
        if self.generation is Generation.MOBISYS_2018:
            if self.chip_name != "bcm4339":
                raise FirmwareError(
                    f"the 2018 extractor runs on the bcm4339, not on {self.chip_name}"
                )
            if bandwidth != 80:
                raise FirmwareError(
                    f"the 2018 extractor sends the 255 words of 80 MHz, not "
                    f"{64 * bandwidth // 20}: choose a channel of 80 MHz"
                )
        if not self.names_chip and self.generation is not Generation.OLD:
            raise FirmwareError(
                f"a {self.generation.name} header always names its chip; only the old "
                "one did not"
            )
        if self.imaginary_first and not self._may_swap:
            raise FirmwareError(
                "only int16 words under the old header or that of pull request 169 "
                f"hold Q,I, not {self.word_format} under {self.generation.name}"
            )

    @property
    def _may_swap(self) -> bool:
        integers = self.word_format is WordFormat.INT16
        return integers and self.generation in _SWAPPING

    @property
    def chip(self) -> Chip:
        """What the decoder knows about the chip."""
        return next(c for c in CHIPS.values() if c.name == self.chip_name)

    @property
    def chip_field(self) -> int:
        """What the header says about the chip."""
        return self.chip.number if self.names_chip else UNNAMED_CHIP

    @property
    def word_format(self) -> WordFormat:
        """How a gain is packed."""
        return self.chip.word_format

    @property
    def stores_imaginary_first(self) -> bool:
        """Whether words hold Q,I."""
        return self._may_swap and self.imaginary_first is not False

    @property
    def n_cores(self) -> int:
        """Receive cores of the chip."""
        return N_CORES[self.chip_name]

    @property
    def bandwidth_mhz(self) -> int:
        """20, 40 or 80."""
        return decode_chanspec(self.chanspec).bandwidth_mhz

    @property
    def carrier_hz(self) -> float:
        """Centre of the channel [Hz]."""
        return decode_chanspec(self.chanspec).centre_mhz * 1e6

    @property
    def fft_size(self) -> int:
        """64, 128 or 256: word i of a frame is subcarrier i, or i - fft_size."""
        return 64 * self.bandwidth_mhz // 20

    @property
    def n_words(self) -> int:
        """Words in a frame: as `fft_size`, but 255 in the 2018 extractor."""
        oldest = self.generation is Generation.MOBISYS_2018
        return self.fft_size - 1 if oldest else self.fft_size

    @property
    def layout(self) -> Layout:
        """The header's record; the old one is the new one with other contents."""
        old = self.generation is Generation.OLD
        generation = Generation.NEW if old else self.generation
        return next(
            layout
            for layout in LAYOUTS.values()
            if layout.generation is generation and layout.n_subcarriers == self.n_words
        )

    @property
    def writes_phystatus(self) -> bool:
        """Whether PhyRxStatus takes the place of three words."""
        return self.generation in PHYSTATUS_GENERATIONS

    def phy(self, kind: FrameKind) -> Phy:
        """Return how a frame is modulated."""
        if kind is FrameKind.BEACON:
            return Phy.LEGACY
        return Phy.VHT if decode_chanspec(self.chanspec).band_ghz == 5 else Phy.HT

    def subbands(self, kind: FrameKind) -> int:
        """Return the 20 MHz sub-bands a frame occupies, bit 0 the lowest frequency."""
        channel = decode_chanspec(self.chanspec)
        if kind is FrameKind.BEACON:
            return 1 << channel.primary_subband
        return (1 << channel.bandwidth_mhz // 20) - 1
