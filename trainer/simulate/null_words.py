"""What stands in the words that carry no channel: not zeros.

    chip                 words                                  hold
    bcm4339, 43455c0     64:  0, 29..35                         the same constant in
                         128: 0, 1, 61..67, 127                 every frame, larger
                         256: 125..131, and 1 on bcm4339        than the signal
    all                  the others                             noise

Sizes measured on 45 public captures of the bcm43455c0: DC 1 to 17 times the median
amplitude, guards 9 to 15 times. Empty sub-bands of real 80 MHz captures lie 18 dB and
more below the occupied ones. Source: firmware_notes/csi_udp_format.md, section 4.2.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from edge_agent.csi.chips import WordFormat
from trainer.simulate.firmware import Firmware
from trainer.simulate.words import nearest, pack_words

_STALE = {
    64: (0, *range(29, 36)),
    128: (0, 1, *range(61, 68), 127),
    256: tuple(range(125, 132)),
}
_STALE_ON_4339 = 1
_DC = (1.0, 17.0)
_GUARD = (9.0, 15.0)
_NOISE_DB = -30.0
_LARGEST_PART = 8191
"""Int16 words have 14 bits, sign-extended."""

_SAMPLED_FRAMES = 64


def fill_null_words(
    words: npt.NDArray[np.uint32],
    used: npt.NDArray[np.intp],
    csi: npt.NDArray[np.complex64],
    firmware: Firmware,
    rng: np.random.Generator,
) -> None:
    """Write leftovers into all words but the used ones.

    Args:
        words: Of one capture, shape (n_frames, n_words); changed.
        used: Which words carry the channel, shape (n_tones,).
        csi: What they carry, shape (n_frames, n_tones): leftovers are as large as the
            signal is.
        firmware: Whose leftovers.
        rng: Source of their values.
    """
    empty = np.setdiff1d(np.arange(firmware.n_words), used)
    if len(csi) == 0 or len(empty) == 0:
        return
    step = -(-len(csi) // _SAMPLED_FRAMES)
    level = float(np.median(np.abs(csi[::step])))
    stale = np.intersect1d(empty, _stale_words(firmware))
    if len(stale):
        low, high = np.where((stale == 0)[:, None], _DC, _GUARD).T
        amplitude = level * rng.uniform(low, high)
        constants = amplitude * np.exp(2j * np.pi * rng.uniform(size=len(stale)))
        words[:, stale] = _packed(_clipped(constants)[None], firmware)
    noisy = np.setdiff1d(empty, stale)
    if len(noisy):
        parts = rng.standard_normal((len(csi), len(noisy), 2), np.float32)
        parts *= level * 10 ** (_NOISE_DB / 20) / np.sqrt(2)
        words[:, noisy] = _packed(parts.view(np.complex64)[..., 0], firmware)


def _stale_words(firmware: Firmware) -> list[int]:
    if firmware.word_format is not WordFormat.INT16:
        return []
    words = [word for word in _STALE[firmware.fft_size] if word < firmware.n_words]
    if firmware.fft_size == 256 and firmware.chip_name == "bcm4339":
        words.append(_STALE_ON_4339)
    return words


def _packed(
    gains: npt.NDArray[np.complexfloating[Any, Any]], firmware: Firmware
) -> npt.NDArray[np.uint32]:
    rounded = nearest(gains.astype(np.complex64), firmware.word_format)
    return pack_words(
        rounded, firmware.word_format, imaginary_first=firmware.stores_imaginary_first
    )


def _clipped(
    gains: npt.NDArray[np.complex128],
) -> npt.NDArray[np.complex128]:
    limit = _LARGEST_PART
    return gains.real.clip(-limit, limit) + 1j * gains.imag.clip(-limit, limit)
