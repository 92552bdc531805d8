"""Which subcarriers of a frame carry the channel, and which carry leftovers.

Null, guard and DC words are not zero: they hold noise or constants larger than the
signal. And in a 40 or 80 MHz channel most frames occupy 20 MHz only; the rest of the
vector is noise. So usable tones depend on the frame, not only on the channel.

    frame                          used tones k                            count
    legacy OFDM, 20 MHz            +-1 .. +-26                                52
    HT / VHT, 20 MHz               +-1 .. +-28                                56
    HT / VHT, 40 MHz               +-2 .. +-58                               114
    VHT, 80 MHz                    +-2 .. +-122                              242
    narrow or duplicate in wide    c + the 20 (40) MHz set, c = sub-band centre

Less the words that PhyRxStatus overwrites (new header): k = 28 at 20 MHz, 0..2 above.
Source: firmware_notes/csi_udp_format.md, sections 4 and 6; IEEE 802.11-2020, 17.3.5.10,
19.3.11, 21.3.10.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from edge_agent.csi.frame import PHYSTATUS_GENERATIONS, FrameBatch

_OCCUPIED_DB = -15.0
"""A sub-band this far below the strongest is empty. Measured on real 80 MHz frames:
occupied ones down to -12 dB, empty ones from -18 dB."""

_LAYOUT_UNKNOWN_CHIPS = (0x006A,)
"""Chips whose PhyRxStatus is laid out differently (bcm4366c0)."""

Tones = npt.NDArray[np.intp]
"""Subcarrier numbers k, ascending; negative below the carrier."""


class Phy(IntEnum):
    """What kind of frame the channel was measured on."""

    UNKNOWN = 0
    LEGACY = 1
    HT = 2
    VHT = 3


@dataclass(frozen=True, slots=True, order=True)
class FrameFormat:
    """What decides which tones of a frame are usable; frames of one format mix."""

    n_subcarriers: int
    """Words in the frame: 64, 128 or 256, by the channel's bandwidth; 255 in 2018."""

    phy: Phy
    """`Phy.UNKNOWN` where the firmware does not tell."""

    subbands: int
    """Bit i is set where the 20 MHz sub-band i is occupied, lowest frequency first."""

    overwritten: bool
    """Whether PhyRxStatus took the place of three words."""

    def __str__(self) -> str:
        """Return for example ``80 MHz, legacy in 20 MHz sub-band 0``."""
        n = n_subbands(self.n_subcarriers)
        phy = "" if self.phy is Phy.UNKNOWN else f" {self.phy.name}"
        if self.subbands == (1 << n) - 1:
            return f"{20 * n} MHz{phy}"
        occupied = "+".join(str(i) for i in range(n) if self.subbands >> i & 1)
        return f"{20 * n} MHz,{phy} in sub-band {occupied}"


def n_subbands(n_subcarriers: int) -> int:
    """Return how many 20 MHz sub-bands a frame of so many words spans."""
    return (n_subcarriers + 63) // 64


def subband_centres(n_subcarriers: int) -> list[int]:
    """Return the centre k of each 20 MHz sub-band, lowest frequency first."""
    n = n_subbands(n_subcarriers)
    return [64 * i - 32 * (n - 1) for i in range(n)]


def _symmetric(first: int, last: int) -> Tones:
    return np.concatenate([np.arange(-last, 1 - first), np.arange(first, last + 1)])


_LEGACY_20 = _symmetric(1, 26)
_HT_20 = _symmetric(1, 28)
_HT_40 = _symmetric(2, 58)
_VHT_80 = _symmetric(2, 122)


def usable_tones(frame_format: FrameFormat) -> Tones:
    """Return the subcarriers that carry the channel in frames of this format.

    Where the firmware does not tell the PHY, only those that are used by all of them.
    """
    centres = subband_centres(frame_format.n_subcarriers)
    occupied = [c for i, c in enumerate(centres) if frame_format.subbands >> i & 1]
    n_occupied, wide = len(occupied), frame_format.phy in (Phy.HT, Phy.VHT)
    contiguous = bool(occupied) and occupied[-1] - occupied[0] == 64 * (n_occupied - 1)
    if wide and contiguous and n_occupied in (1, 2, 4):
        tones = {1: _HT_20, 2: _HT_40, 4: _VHT_80}[n_occupied]
        tones = tones + (occupied[0] + occupied[-1]) // 2
    else:
        parts = [_LEGACY_20 + centre for centre in occupied]
        tones = np.concatenate(parts) if parts else np.empty(0, np.intp)
    if frame_format.overwritten:
        lost = (28,) if frame_format.n_subcarriers == 64 else (0, 1, 2)
        tones = tones[~np.isin(tones, lost)]
    return tones.astype(np.intp)


def select_tones(frame_format: FrameFormat, n_tones: int) -> Tones | None:
    """Return ``n_tones`` usable subcarriers, evenly spread, or None if there are fewer.

    Frames of one 20 MHz band give +-1..+-26 first, whatever their PHY: the same 52
    tones that the paper uses.
    """
    tones = usable_tones(frame_format)
    if frame_format.subbands.bit_count() == 1:
        centre = subband_centres(frame_format.n_subcarriers)[
            frame_format.subbands.bit_length() - 1
        ]
        common = tones[np.abs(tones - centre) <= 26]
        tones = common if len(common) >= n_tones else tones
    if len(tones) < n_tones:
        return None
    chosen = np.linspace(0, len(tones) - 1, n_tones).round().astype(np.intp)
    return np.take(tones, chosen)


def word_indices(tones: Tones, n_subcarriers: int) -> Tones:
    """Return where subcarriers stand in a frame's words (FFT order)."""
    fft_size = 64 * n_subbands(n_subcarriers)
    return tones % fft_size


def frame_formats(
    batch: FrameBatch,
) -> tuple[npt.NDArray[np.intp], tuple[FrameFormat, ...]]:
    """Return which format each frame has, shape (n,), and the formats so numbered.

    The PHY comes from PhyRxStatus where the firmware has it. The occupied sub-bands are
    those with energy; where PhyRxStatus names them too, those in both.
    """
    n = batch.n_subcarriers
    has_status = np.isin(batch.generation, PHYSTATUS_GENERATIONS)
    legible = has_status & ~np.isin(batch.chip, _LAYOUT_UNKNOWN_CHIPS)
    phy = np.where(legible, batch.phystatus[:, 0] & 0b11, Phy.UNKNOWN)
    subbands = _subbands_with_energy(batch)
    named = subbands & (batch.phystatus[:, 0] >> 12)
    subbands = np.where(legible & (named != 0), named, subbands)
    codes = phy | subbands << 2 | has_status.astype(np.int64) << 6
    distinct, format_of = np.unique(codes, return_inverse=True)
    return format_of, tuple(
        FrameFormat(n, Phy(code & 0b11), code >> 2 & 0b1111, bool(code >> 6))
        for code in distinct.tolist()
    )


def _subbands_with_energy(batch: FrameBatch) -> npt.NDArray[np.int64]:
    """Return a bit per sub-band that is within reach of the strongest, shape (n,)."""
    centres = subband_centres(batch.n_subcarriers)
    if len(centres) == 1:
        return np.ones(len(batch), np.int64)
    inner = _symmetric(3, 26)  # never an overwritten word
    power = np.stack(
        [
            np.square(
                np.abs(batch.csi[:, word_indices(inner + c, batch.n_subcarriers)])
            ).mean(axis=1)
            for c in centres
        ],
        axis=1,
    )  # (n, n_subbands)
    reach = power.max(axis=1, keepdims=True) * 10 ** (_OCCUPIED_DB / 10)
    occupied = (power >= reach).astype(np.int64)
    bits: npt.NDArray[np.int64] = occupied @ (1 << np.arange(len(centres)))
    return bits
