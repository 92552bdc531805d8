"""Words of the simulator, by hand and through the device's decoder."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_agent.csi.chips import WordFormat
from edge_agent.csi.words import words_to_csi
from trainer.simulate.firmware import FirmwareError
from trainer.simulate.words import nearest, pack_words

INT16, NARROW, WIDE = WordFormat.INT16, WordFormat.FLOAT_9_5, WordFormat.FLOAT_12_6
FORMATS = pytest.mark.parametrize("word_format", [INT16, NARROW, WIDE])

# (bits of a magnitude, least exponent, largest exponent)
RANGES = {NARROW: (8, -16, 15), WIDE: (11, -32, 31)}
LARGEST = {INT16: 32767.0, NARROW: 255 * 2.0**15, WIDE: 2047 * 2.0**31}


def gains(*values):
    return np.array([values], np.complex64)


def bits(csi):
    """The gains as integers: tells -0.0 from 0.0."""
    return np.ascontiguousarray(csi).view(np.uint32)


# -- by hand ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gain", "word_format", "word"),
    [
        (1 + 2j, INT16, 0x0002_0001),
        (-1 - 32768j, INT16, 0x8000_FFFF),
        # re 128 2^-7, im 0: sign 0, 1000 0000 | sign 0, 0 | exponent -7 = 1 1001
        (1, NARROW, 0b0_10000000_0_00000000_11001),
        # -3 + 1.5j = (-192 + 96j) 2^-6
        (-3 + 1.5j, NARROW, 0b1_11000000_0_01100000_11010),
        (255 * 2.0**15, NARROW, 0b0_11111111_0_00000000_01111),
        # 1j = 1024 2^-10; exponent -10 = 11 0110
        (1j, WIDE, 0b0_00000000000_0_10000000000_110110),
        (-5 - 3j, WIDE, 0b1_10100000000_1_01100000000_111000),
        (2.0**-32, WIDE, 0b0_00000000001_0_00000000000_100000),
    ],
)
def test_a_word_is_laid_out_as_the_table_says(gain, word_format, word):
    (packed,) = pack_words(gains(gain), word_format)[0].tolist()

    assert packed == word, f"{packed:032b}"


def test_imaginary_parts_come_first_where_they_do():
    (packed,) = pack_words(gains(1 + 2j), INT16, imaginary_first=True)[0].tolist()

    assert packed == 0x0001_0002


# -- there and back --------------------------------------------------------------------


@settings(deadline=None)
@given(
    parts=arrays(np.int16, (3, 4, 2), elements=st.integers(-(2**15), 2**15 - 1)),
    imaginary_first=st.booleans(),
)
def test_integers_come_back_bit_for_bit(parts, imaginary_first):
    csi = (parts[..., 0] + 1j * parts[..., 1]).astype(np.complex64)

    words = pack_words(csi, INT16, imaginary_first=imaginary_first)
    decoded = words_to_csi(words, INT16)

    if imaginary_first:
        decoded = decoded.imag + 1j * decoded.real
    np.testing.assert_array_equal(decoded, csi)


@pytest.mark.parametrize("word_format", [NARROW, WIDE])
@settings(deadline=None)
@given(data=st.data())
def test_floats_come_back_bit_for_bit(word_format, data):
    magnitude_bits, least, most = RANGES[word_format]
    draw = data.draw
    shape = (2, 3)
    magnitude = st.integers(0, 2**magnitude_bits - 1)
    sign = arrays(np.float32, shape, elements=st.sampled_from([-1.0, 1.0]))
    exponent = draw(arrays(np.int32, shape, elements=st.integers(least, most)))
    csi = np.empty(shape, np.complex64)
    for part in (csi.real, csi.imag):
        values = draw(arrays(np.int32, shape, elements=magnitude))
        part[...] = np.copysign(np.ldexp(np.float32(1) * values, exponent), draw(sign))

    decoded = words_to_csi(pack_words(csi, word_format), word_format)

    np.testing.assert_array_equal(bits(decoded), bits(csi))


# -- rounding --------------------------------------------------------------------------


@pytest.mark.parametrize("word_format", [NARROW, WIDE])
@settings(deadline=None)
@given(
    csi=arrays(
        np.complex64,
        (2, 5),
        elements=st.complex_numbers(max_magnitude=8e6, width=64),
    )
)
def test_gains_are_rounded_to_the_nearest_that_the_words_hold(word_format, csi):
    magnitude_bits, least, _ = RANGES[word_format]

    rounded = nearest(csi, word_format)

    decoded = words_to_csi(pack_words(rounded, word_format), word_format)
    np.testing.assert_array_equal(bits(decoded), bits(rounded))
    # Half a unit of the last bit of the larger part, or of the smallest exponent.
    wide = csi.astype(np.complex128)
    larger = np.maximum(np.abs(wide.real), np.abs(wide.imag))
    bound = np.maximum(larger * 2.0**-magnitude_bits, 2.0 ** (least - 1))
    error = rounded - wide
    assert (np.abs(error.real) <= bound).all()
    assert (np.abs(error.imag) <= bound).all()


@FORMATS
def test_what_fits_stays_as_it_is(word_format):
    csi = gains(0, 1, -3 + 4j, 100 - 200j)

    np.testing.assert_array_equal(nearest(csi, word_format), csi)


def test_a_magnitude_that_rounds_up_to_one_bit_more_takes_the_next_exponent():
    (rounded,) = nearest(gains(255.75 + 1j), NARROW)[0].tolist()

    # In units of 2: 127.875 and 0.5, which becomes the even neighbour 0.
    assert rounded == 256


def test_integers_are_rounded_part_by_part():
    rounded = nearest(gains(1.4 - 2.6j, -0.5 + 1.5j), INT16)

    assert rounded[0].tolist() == [1 - 3j, 2j]


# -- what does not fit -----------------------------------------------------------------


@FORMATS
def test_the_largest_gain_fits_and_twice_that_does_not(word_format):
    largest = gains(LARGEST[word_format])

    assert words_to_csi(pack_words(largest, word_format), word_format) == largest
    for convert in (pack_words, nearest):
        with pytest.raises(FirmwareError, match="scale"):
            convert(2 * largest, word_format)


def test_a_magnitude_that_rounds_up_past_the_last_exponent_is_refused():
    with pytest.raises(FirmwareError, match="exponent 16, the format ends at 15"):
        nearest(gains(255.75 * 2.0**15), NARROW)


@FORMATS
@pytest.mark.parametrize("gain", [np.nan, np.inf, 1j * np.nan, -1j * np.inf])
def test_what_is_no_number_is_refused(word_format, gain):
    for convert in (pack_words, nearest):
        with pytest.raises(FirmwareError, match=r"fit int16|infinite or not"):
            convert(gains(gain), word_format)


@pytest.mark.parametrize(
    ("word_format", "gain"),
    [
        (INT16, 0.5),
        (INT16, 1 + 0.25j),
        (NARROW, 257),
        (NARROW, 1 + 2.0**-9 * 1j),
        (WIDE, 4097),
        (WIDE, 2.0**-33),
    ],
)
def test_packing_never_rounds(word_format, gain):
    with pytest.raises(FirmwareError, match=r"words do not hold .* nearest\(\)"):
        pack_words(gains(gain), word_format)


@FORMATS
def test_no_frame_gives_no_word(word_format):
    none = np.empty((0, 3), np.complex64)

    assert pack_words(nearest(none, word_format), word_format).shape == (0, 3)
