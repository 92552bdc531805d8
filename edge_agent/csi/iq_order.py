"""Which of the two integers of a word is the real part.

Nexmon's int16 firmware stored Q,I and stores I,Q since; the change reached its main
branch with the new header, on 11 December 2021, but public branches have the old header
with the new order, so the header cannot tell. The signal can:
a receiver locks on after the first path, so the rest arrives later and the phase falls
with frequency. A rising phase means that the parts are swapped.

Source: firmware_notes/csi_udp_format.md, section 3 (issue 44 of nexmon_csi, c74d78b).
"""

from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

_MAX_SAMPLED_FRAMES = 32
_ENOUGH_FRAMES = 100
_MIN_COHERENCE = 0.1  # noise alone gives about 1 / sqrt(frames * tones) = 0.02


class IqOrder(StrEnum):
    """Order of the parts in frames whose header does not tell it."""

    AUTO = "auto"
    """From the signal; Q,I as long as the signal does not contradict it."""

    IQ = "iq"
    QI = "qi"


class IqOrderEstimate:
    """Decides the order for one receiver from the frames seen so far."""

    def __init__(self, order: IqOrder = IqOrder.AUTO) -> None:
        self.imaginary_first = order is not IqOrder.IQ
        """The answer so far: whether words hold Q,I."""

        self._is_final = order is not IqOrder.AUTO
        self._slope = 0j
        self._n_frames = 0

    def observe(self, csi: npt.NDArray[np.complex64], *, swapped: bool) -> bool:
        """Take more frames into account, and return the answer so far.

        Args:
            csi: Gains of int16 words, shape (n_frames, n_subcarriers).
            swapped: Whether the parts were exchanged already, as for Q,I.
        """
        if self._is_final:
            return self.imaginary_first
        step = -(-len(csi) // _MAX_SAMPLED_FRAMES)
        sample = csi[::step]
        slope = _phase_slope(sample)
        # Exchanging the parts mirrors the phase.
        self._slope += slope.conjugate() if swapped else slope
        self._n_frames += len(sample)
        falls = self._slope.imag < 0
        coherent = abs(self._slope) > _MIN_COHERENCE * self._n_frames
        self.imaginary_first = not (falls and coherent)
        self._is_final = coherent and self._n_frames >= _ENOUGH_FRAMES
        return self.imaginary_first


def _phase_slope(csi: npt.NDArray[np.complex64]) -> complex:
    """Return Σ over frames of the normalised mean of H[k+1] conj H[k]."""
    lower, upper = _neighbours(csi.shape[1])
    products = csi[:, upper] * csi[:, lower].conj()
    weight = np.abs(products).sum(axis=1)
    total = products.sum(axis=1)
    return complex(np.divide(total, weight, out=total, where=weight > 0).sum())


@lru_cache(maxsize=8)
def _neighbours(n: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return words of neighbouring tones.

    Never DC, guards and overwritten words: some hold large constants.
    """
    edge = {64: 26, 128: 58}.get(n, 122)
    lower = np.concatenate([np.arange(n - edge, n - 3), np.arange(3, edge)])
    return lower, lower + 1
