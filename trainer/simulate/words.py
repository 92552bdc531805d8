"""Turn complex gains into the 32-bit words of a chip: the inverse of the decoder.

`pack_words` is exact: what it accepts, `edge_agent.csi.words` gives back bit for bit.
`nearest` rounds any gains to ones that it accepts, as the chip does. The float formats
have one exponent for both parts of a gain:

    m = max(|re|, |im|)    e = floor(log2 m) - (magnitude bits - 1), within its range

so that the larger part is normalised. Bit layout: edge_agent/csi/words.py.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge_agent.csi.chips import WordFormat
from trainer.simulate.firmware import FirmwareError

Words = npt.NDArray[np.uint32]
Csi = npt.NDArray[np.complex64]
Parts = npt.NDArray[np.float32]
"""Real or imaginary parts, or their magnitudes, shape as the gains'."""

Exponents = npt.NDArray[np.int32]

_INT16 = np.iinfo(np.int16)


class _Float(NamedTuple):
    magnitude_bits: int
    exponent_bits: int

    @property
    def smallest_exponent(self) -> int:
        return -(1 << (self.exponent_bits - 1))

    @property
    def largest_exponent(self) -> int:
        return (1 << (self.exponent_bits - 1)) - 1


_FLOATS = {WordFormat.FLOAT_9_5: _Float(8, 5), WordFormat.FLOAT_12_6: _Float(11, 6)}


def pack_words(
    csi: Csi, word_format: WordFormat, *, imaginary_first: bool = False
) -> Words:
    """Return the words that decode to exactly these gains.

    Args:
        csi: Shape (n_frames, n_tones).
        word_format: How to pack them.
        imaginary_first: For int16 words: Q,I instead of I,Q.

    Raises:
        FirmwareError: A gain that the format cannot hold.
    """
    if word_format is WordFormat.INT16:
        return _pack_integers(csi, imaginary_first=imaginary_first)
    packed = _FLOATS[word_format]
    real, imag = np.abs(csi.real), np.abs(csi.imag)
    exponent = _exponents(real, imag, packed)
    words = (exponent & ((1 << packed.exponent_bits) - 1)).astype(np.uint32)
    real_shift = packed.exponent_bits + packed.magnitude_bits + 1
    for magnitude, signed, shift in (
        (real, csi.real, real_shift),
        (imag, csi.imag, packed.exponent_bits),
    ):
        scaled = magnitude * _power_of_two(-exponent)
        whole = scaled.astype(np.uint32)
        if not np.array_equal(whole, scaled):
            _refuse(csi, word_format)
        whole |= np.signbit(signed).astype(np.uint32) << np.uint32(
            packed.magnitude_bits
        )
        words |= whole << np.uint32(shift)
    return words


def nearest(csi: Csi, word_format: WordFormat) -> Csi:
    """Return the gains that a chip would report: the nearest that its words can hold.

    Raises:
        FirmwareError: A gain beyond the format's range.
    """
    rounded = np.empty_like(csi, np.complex64)
    if word_format is WordFormat.INT16:
        np.rint(csi.real, out=rounded.real)
        np.rint(csi.imag, out=rounded.imag)
        _check_range(rounded)
        return rounded
    packed = _FLOATS[word_format]
    exponent = _exponents(csi.real, csi.imag, packed)
    unit = _power_of_two(exponent)
    np.rint(csi.real / unit, out=rounded.real)
    np.rint(csi.imag / unit, out=rounded.imag)
    # Rounding up may have made a magnitude one bit longer; then the exponent must grow,
    # and what is left has to be rounded to that.
    largest = np.maximum(np.abs(rounded.real), np.abs(rounded.imag))
    full = largest >= 1 << packed.magnitude_bits
    if bool(full.any()):
        exponent[full] += 1
        _check_exponents(exponent, packed)
        unit = _power_of_two(exponent)
        np.rint(csi.real / unit, out=rounded.real)
        np.rint(csi.imag / unit, out=rounded.imag)
    rounded.real *= unit
    rounded.imag *= unit
    return rounded


def _pack_integers(csi: Csi, *, imaginary_first: bool) -> Words:
    _check_range(csi)
    parts = np.ascontiguousarray(csi, np.complex64).view(np.float32)
    integers = parts.astype("<i2")
    if not np.array_equal(integers, parts):
        _refuse(csi, WordFormat.INT16)
    words: Words = integers.view("<u4")
    half = np.uint32(16)
    return words << half | words >> half if imaginary_first else words


def _check_range(csi: Csi) -> None:
    for parts in (csi.real, csi.imag):
        # Written so that NaN, which compares with nothing, is refused as well.
        if not bool(((parts >= _INT16.min) & (parts <= _INT16.max)).all()):
            raise FirmwareError(
                f"gains of {_extremes(csi)} do not fit int16 words: {_INT16.min} to "
                f"{_INT16.max} in each part; scale them first"
            )


def _exponents(real: Parts, imag: Parts, packed: _Float) -> Exponents:
    """Return e of each gain."""
    largest = np.maximum(np.abs(real), np.abs(imag))
    if not bool(np.isfinite(largest).all()):
        raise FirmwareError("a gain is infinite or not a number")
    _, log2 = np.frexp(largest)  # m = f 2^log2 with 1/2 <= f < 1
    exponent: Exponents = np.maximum(
        log2 - packed.magnitude_bits, packed.smallest_exponent
    )
    _check_exponents(exponent, packed)
    return exponent


def _check_exponents(exponent: Exponents, packed: _Float) -> None:
    most = packed.largest_exponent
    if bool((exponent > most).any()):
        raise FirmwareError(
            f"a gain needs the exponent {exponent.max()}, the format ends at {most}; "
            "scale the gains first"
        )


def _power_of_two(exponent: Exponents) -> Parts:
    """Return 2^e; looked up, which is faster than ldexp."""
    return _POWERS[exponent + _MOST]


_MOST = 64
_POWERS = np.ldexp(np.float32(1), np.arange(-_MOST, _MOST + 1))


def _refuse(csi: Csi, word_format: WordFormat) -> None:
    raise FirmwareError(
        f"{word_format} words do not hold gains of {_extremes(csi)} exactly: round "
        "them with nearest()"
    )


def _extremes(csi: Csi) -> str:
    magnitude = np.abs(csi)
    return f"{magnitude.min():g} to {magnitude.max():g}"
