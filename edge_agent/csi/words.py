"""Turn the 32-bit words of a CSI frame into complex gains.

    chip               word format
    4339, 43455c0      two int16, 14 bits used, sign-extended
    4358               re: sign bit 22, magnitude 21-14; im: sign 13, magnitude 12-5;
                       exponent 4-0, two's complement
    4366c0             re: sign bit 29, magnitude 28-18; im: sign 17, magnitude 16-6;
                       exponent 5-0, two's complement

The gain is (-1)^sign * magnitude * 2^exponent, unscaled; complex64 holds every value
exactly. Source: firmware_notes/csi_udp_format.md, section 3.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.csi.chips import WordFormat

Words = npt.NDArray[np.uint32]
"""Words as on the wire, little endian, shape (n_frames, n_subcarriers)."""

Csi = npt.NDArray[np.complex64]
"""Complex gains, shape (n_frames, n_subcarriers), FFT order, linear scale."""

_ROWS_PER_PASS = 1536  # keeps the working set of the in-place passes inside L2


@dataclass(frozen=True, slots=True, eq=False)
class _PackedFloat:
    """Bit layout of one packed floating-point word, and its lookup tables."""

    component_bits: int
    """Sign and magnitude of the real, or of the imaginary, part."""

    exponent_bits: int

    components: npt.NDArray[np.float32]
    """Value of each sign-and-magnitude code, shape (2^component_bits,)."""

    scales: npt.NDArray[np.float32]
    """2^e of each exponent code, shape (2^exponent_bits,)."""


def _packed_float(component_bits: int, exponent_bits: int) -> _PackedFloat:
    magnitude = np.arange(1 << (component_bits - 1), dtype=np.float32)
    half = 1 << (exponent_bits - 1)
    exponent = np.r_[0:half, -half:0]  # two's complement
    return _PackedFloat(
        component_bits,
        exponent_bits,
        components=np.concatenate([magnitude, -magnitude]),
        scales=np.ldexp(np.float32(1), exponent),
    )


_PACKED = {
    WordFormat.FLOAT_9_5: _packed_float(component_bits=9, exponent_bits=5),
    WordFormat.FLOAT_12_6: _packed_float(component_bits=12, exponent_bits=6),
}


def exchange_parts(csi: Csi) -> None:
    """Exchange real and imaginary parts in place: Q + jI becomes I + jQ.

    As j * conj(Q + jI), two vectorised passes, which numpy does three times faster than
    exchanging neighbours.
    """
    for start in range(0, len(csi), _ROWS_PER_PASS):
        block = csi[start : start + _ROWS_PER_PASS]
        np.conjugate(block, out=block)
        np.multiply(block, np.complex64(1j), out=block)


def _packed_float_to_csi(words: Words, word_format: WordFormat, out: Csi) -> None:
    packed = _PACKED[word_format]
    mask = np.uint32((1 << packed.component_bits) - 1)
    imag_shift = np.uint32(packed.exponent_bits)
    real_shift = np.uint32(packed.exponent_bits + packed.component_bits)
    for start in range(0, len(words), _ROWS_PER_PASS):
        rows = slice(start, start + _ROWS_PER_PASS)
        block = words[rows]
        scale = packed.scales[block & np.uint32((1 << packed.exponent_bits) - 1)]
        np.multiply(
            packed.components[block >> real_shift & mask], scale, out=out[rows].real
        )
        np.multiply(
            packed.components[block >> imag_shift & mask], scale, out=out[rows].imag
        )


def words_to_csi(words: Words, word_format: WordFormat) -> Csi:
    """Return the complex gains of words of one format, first part real.

    Args:
        words: Shape (n_frames, n_subcarriers); frames may be strided, words may not.
        word_format: How they are packed; unused top bits are ignored.
    """
    out = np.empty(words.shape, np.complex64)
    if word_format is WordFormat.INT16:
        out.view(np.float32)[...] = words.view("<i2")
    else:
        _packed_float_to_csi(words, word_format, out)
    return out


def infer_word_format(words: Words) -> WordFormat | None:
    """Tell from the bits which format a frame without a chip name uses.

    Packed floats leave their top bits zero and are normalised: the larger of the two
    magnitudes has its top bit set in 99.5 % of real words. Integers use 14 bits.

    Args:
        words: Shape (n_frames, n_subcarriers), all of one format.

    Returns:
        The format, or None where the words fit none of the three.
    """
    if not words.any():
        return None
    for word_format, packed in _PACKED.items():
        used_bits = 2 * packed.component_bits + packed.exponent_bits
        if (words >> np.uint32(used_bits)).any():
            continue
        top = 1 << (packed.component_bits - 2)
        normalised = words & np.uint32(
            top << packed.exponent_bits
            | top << (packed.exponent_bits + packed.component_bits)
        )
        if np.count_nonzero(normalised) > 0.9 * words.size:
            return word_format
    parts = np.ascontiguousarray(words).view("<i2")
    if parts.min() >= -(1 << 13) and parts.max() < 1 << 13:
        return WordFormat.INT16
    return None
