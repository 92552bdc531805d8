"""Which of the two integers of a word is the real part.

Nexmon's int16 firmware stored Q,I and stores I,Q since; the change reached its main
branch with the new header, on 11 December 2021, but public branches have the old header
with the new order, so the header cannot tell. The signal can:
a receiver locks on after the first path, so the rest arrives later and the phase falls
with frequency. A rising phase means that the parts are swapped.

Source: firmware_notes/csi_udp_format.md, section 3 (issue 44 of nexmon_csi, c74d78b).
"""

from enum import StrEnum

import numpy as np
import numpy.typing as npt

_MAX_SAMPLED_FRAMES = 64
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
        self._fixed = None if order is IqOrder.AUTO else order is IqOrder.QI
        self._slope = 0j
        self._n_frames = 0

    def imaginary_first(self, words: npt.NDArray[np.uint32]) -> bool:
        """Return whether these frames, and those seen before, look like Q,I.

        Args:
            words: int16 words, shape (n_frames, n_subcarriers).
        """
        if self._fixed is not None:
            return self._fixed
        step = -(-len(words) // _MAX_SAMPLED_FRAMES)
        sample = words[::step]
        self._slope += _phase_slope(sample)
        self._n_frames += len(sample)
        falls = self._slope.imag < 0
        coherent = abs(self._slope) > _MIN_COHERENCE * self._n_frames
        answer = not (falls and coherent)
        if coherent and self._n_frames >= _ENOUGH_FRAMES:
            self._fixed = answer
        return answer


def _phase_slope(words: npt.NDArray[np.uint32]) -> complex:
    """Return Σ over frames of the normalised mean of H[k+1] conj H[k], read as I,Q."""
    n = words.shape[1]
    # Never the DC, guard and overwritten words: some hold large constants.
    edge = {64: 26, 128: 58}.get(n, 122)
    total = 0j
    for tones in (slice(3, edge + 1), slice(n - edge, n - 2)):
        parts = np.ascontiguousarray(words[:, tones]).view("<i2").astype(np.float32)
        gains = parts.view(np.complex64)
        products = gains[:, 1:] * gains[:, :-1].conj()
        weight = np.abs(products).sum(axis=1)
        mean = products.sum(axis=1)[weight > 0] / weight[weight > 0]
        total += complex(mean.sum()) / 2
    return total
