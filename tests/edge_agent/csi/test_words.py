"""Packed words against closed forms in exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi.chips import WordFormat
from edge_agent.csi.words import exchange_parts, infer_word_format, words_to_csi
from tests.builders import int16_words

INT16, BCM4358, BCM4366 = WordFormat
BITS = {BCM4358: (9, 5), BCM4366: (12, 6)}  # sign and magnitude; exponent


def packed(word_format, *, real, imag, exponent):
    """A packed word, from the table in the format description."""
    component_bits, exponent_bits = BITS[word_format]
    word = 0
    for part in (real, imag):
        word = word << component_bits | (part < 0) << (component_bits - 1) | abs(part)
    return word << exponent_bits | exponent % (1 << exponent_bits)


def gains(words, word_format):
    """The decoder's answer as pairs of exact fractions."""
    csi = words_to_csi(np.array([words], np.uint32), word_format)
    assert csi.dtype == np.complex64
    return [(Fraction(float(h.real)), Fraction(float(h.imag))) for h in csi[0]]


def components(word_format):
    limit = (1 << (BITS[word_format][0] - 1)) - 1
    return st.integers(-limit, limit)


def exponents(word_format):
    half = 1 << (BITS[word_format][1] - 1)
    return st.integers(-half, half - 1)


@st.composite
def packed_gains(draw):
    word_format = draw(st.sampled_from([BCM4358, BCM4366]))
    part = components(word_format)
    return word_format, draw(part), draw(part), draw(exponents(word_format))


@settings(max_examples=300, deadline=None)
@given(packed_gains())
def test_packed_floats_are_exact(gain):
    word_format, real, imag, exponent = gain
    word = packed(word_format, real=real, imag=imag, exponent=exponent)

    found = gains([word], word_format)

    scale = Fraction(2) ** exponent
    assert found == [(real * scale, imag * scale)]


@pytest.mark.parametrize(
    ("word_format", "word", "real", "imag"),
    [
        (BCM4358, 0x00000000, 0, 0),
        (BCM4358, 0x003FE000, 255, -0.0),  # magnitude 255, sign of the other part
        (BCM4358, 0x00401FE0, -0.0, 255),
        (BCM4358, 0x0000402F, 2.0**15, 2.0**15),  # largest exponent
        (BCM4358, 0x00004030, 2.0**-16, 2.0**-16),  # smallest
        (BCM4366, 0x1FFC0000, 2047, 0),
        (BCM4366, 0x2003FFC0, -0.0, -2047),
        (BCM4366, 0x0004005F, 2.0**31, 2.0**31),
        (BCM4366, 0x00040060, 2.0**-32, 2.0**-32),
        (BCM4366, 0x1FFDFFDF, 2047 * 2.0**31, 2047 * 2.0**31),
    ],
)
def test_packed_floats_at_their_limits(word_format, word, real, imag):
    csi = words_to_csi(np.array([[word]], np.uint32), word_format)

    assert csi[0, 0].real == real
    assert csi[0, 0].imag == imag
    assert np.signbit(csi[0, 0].real) == np.signbit(real)
    assert np.signbit(csi[0, 0].imag) == np.signbit(imag)


@pytest.mark.parametrize(("word_format", "n_used"), [(BCM4358, 23), (BCM4366, 30)])
def test_unused_top_bits_are_ignored(word_format, n_used):
    word = packed(word_format, real=-100, imag=7, exponent=-3)

    with_rubbish = word | (0xFFFFFFFF << n_used & 0xFFFFFFFF)

    assert gains([with_rubbish], word_format) == gains([word], word_format)


INTEGERS = st.integers(-32768, 32767)
PAIRS = st.lists(st.tuples(INTEGERS, INTEGERS), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(PAIRS)
def test_integers_are_taken_as_they_are(pairs):
    assert gains(int16_words(pairs), INT16) == pairs


@settings(max_examples=200, deadline=None)
@given(PAIRS)
def test_parts_are_exchanged_exactly(pairs):
    csi = words_to_csi(np.array([int16_words(pairs)], np.uint32), INT16)

    exchange_parts(csi)

    assert csi.tolist() == [[complex(second, first) for first, second in pairs]]


def test_parts_of_thousands_of_frames_are_exchanged(rng):
    """More than one pass holds."""
    parts = rng.integers(-8192, 8192, (3100, 64, 2)).astype(np.float32)
    csi = parts.view(np.complex64)[..., 0].copy()

    exchange_parts(csi)

    np.testing.assert_array_equal(csi.real, parts[..., 1])
    np.testing.assert_array_equal(csi.imag, parts[..., 0])


def test_the_smallest_integer_does_not_overflow():
    words = int16_words([(-32768, -32768), (-32768, 32767), (32767, -32768)])

    csi = words_to_csi(np.array([words], np.uint32), INT16)

    assert csi.tolist() == [[-32768 - 32768j, -32768 + 32767j, 32767 - 32768j]]
    assert np.abs(csi).min() > 46339


@pytest.mark.parametrize("word_format", WordFormat)
def test_thousands_of_strided_frames_equal_single_ones(rng, word_format):
    """As they lie in a capture: behind headers, and more than one pass holds."""
    records = rng.integers(0, 256, (3100, 18 + 4 * 64), np.uint8)
    words = records[:, 18:].view("<u4")

    csi = words_to_csi(words, word_format)

    for row in (0, 1535, 1536, 3071, 3072, 3099):
        alone = words_to_csi(words[row : row + 1].copy(), word_format)
        np.testing.assert_array_equal(csi[row], alone[0])


# -- telling the format from the words -------------------------------------------------


def normalised(word_format, rng, *, n_small=0):
    """Words of which all but a few have the top magnitude bit set, as real ones do."""
    top = 1 << (BITS[word_format][0] - 2)
    larger = rng.integers(top, 2 * top, 256)
    larger[:n_small] = rng.integers(1, top, n_small)
    smaller, exponent = rng.integers(0, top, 256), rng.integers(-9, -5, 256)
    words = [
        packed(word_format, real=real, imag=-imag, exponent=e)
        for real, imag, e in zip(
            larger.tolist(), smaller.tolist(), exponent.tolist(), strict=True
        )
    ]
    return np.array([words], np.uint32)


@pytest.mark.parametrize("word_format", [BCM4358, BCM4366])
def test_packed_floats_are_recognised(rng, word_format):
    assert infer_word_format(normalised(word_format, rng)) is word_format


@pytest.mark.parametrize("word_format", [BCM4358, BCM4366])
def test_a_few_words_need_not_be_normalised(rng, word_format):
    assert infer_word_format(normalised(word_format, rng, n_small=20)) is word_format


@pytest.mark.parametrize("word_format", [BCM4358, BCM4366])
def test_words_that_are_mostly_small_are_no_packed_floats(rng, word_format):
    assert (
        infer_word_format(normalised(word_format, rng, n_small=60)) is not word_format
    )


def test_fourteen_bit_integers_are_recognised(rng):
    parts = rng.integers(-8192, 8192, (4, 64, 2)).reshape(-1, 2).tolist()

    words = np.array(int16_words(parts), np.uint32).reshape(4, 64)

    assert infer_word_format(words) is INT16


@pytest.mark.parametrize("part", [8191, -8192])
def test_the_largest_fourteen_bit_integers_are_recognised(part):
    words = np.array([int16_words([(-1, -1)] * 63 + [(part, 5)])], np.uint32)

    assert infer_word_format(words) is INT16


@pytest.mark.parametrize("part", [8192, -8193])
def test_integers_of_more_than_fourteen_bits_are_no_answer(part):
    words = np.array([int16_words([(-1, -1)] * 63 + [(part, 5)])], np.uint32)

    assert infer_word_format(words) is None


def test_zeros_fit_every_format_and_tell_none():
    assert infer_word_format(np.zeros((2, 64), np.uint32)) is None
