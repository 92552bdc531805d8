"""What stands in words that carry no channel, as in recordings."""

import numpy as np
import pytest

from edge_agent.csi import Generation
from edge_agent.csi.words import words_to_csi
from trainer.simulate.firmware import CHANSPECS, Firmware
from trainer.simulate.null_words import fill_null_words

AMPLITUDE = 512.0
N = 200

# bandwidth, used words, chip -> words that hold constants
STALE = {
    (20, "bcm43455c0"): {0, *range(29, 36)},
    (20, "bcm4339"): {0, *range(29, 36)},
    (40, "bcm43455c0"): {0, 1, *range(61, 68), 127},
    (80, "bcm43455c0"): set(range(125, 132)),
    (80, "bcm4339"): {1, *range(125, 132)},
    (80, "bcm4358"): set(),
    (20, "bcm4366c0"): set(),
}


def filled(firmware, used, *, n=N, amplitude=AMPLITUDE):
    """Amplitudes of all words in units of the signal, shape (n, n_words)."""
    csi = np.full((n, len(used)), amplitude, np.complex64)
    words = np.zeros((n, firmware.n_words), "<u4")
    fill_null_words(words, used, csi, firmware, np.random.default_rng(3))
    return np.abs(words_to_csi(words, firmware.word_format)) / amplitude


@pytest.mark.parametrize(("bandwidth", "chip"), STALE)
def test_constants_stand_where_recordings_have_them(bandwidth, chip):
    firmware = Firmware(chip, Generation.OLD, CHANSPECS[bandwidth])
    stale = STALE[bandwidth, chip]
    used = np.array([7, 9])

    amplitude = filled(firmware, used)

    empty = np.setdiff1d(np.arange(firmware.n_words), used)
    is_constant = np.ptp(amplitude[:, empty], axis=0) == 0
    assert set(empty[is_constant].tolist()) == stale
    assert (amplitude[:, used] == 0).all()  # left to the caller


def test_constants_are_larger_than_the_signal():
    amplitude = filled(Firmware(), np.array([7, 9]))[0]

    assert 1 <= amplitude[0] <= 17
    guards = amplitude[29:36]
    # Of 14 bits, so a part beyond 8191 counts is cut.
    assert (guards >= 9 * 0.99).all()
    assert (guards <= 15 * 1.01).all()


def test_constants_have_14_bits_however_strong_the_signal():
    firmware = Firmware()
    words = np.zeros((1, 64), "<u4")
    csi = np.full((1, 1), 30000, np.complex64)

    fill_null_words(words, np.array([7]), csi, firmware, np.random.default_rng(0))

    parts = np.delete(words, 7)[[0, *range(28, 35)]].view("<i2")
    assert np.abs(parts).max() == 8191


@pytest.mark.parametrize("chip", ["bcm43455c0", "bcm4358", "bcm4366c0"])
def test_other_words_hold_noise_30_decibels_below_the_signal(chip):
    firmware = Firmware(chip, Generation.OLD, CHANSPECS[80])

    amplitude = filled(firmware, np.arange(2, 30))[:, 40:120]

    power_db = 10 * np.log10(np.mean(np.square(amplitude)))
    assert power_db == pytest.approx(-30, abs=0.3)


def test_the_2018_extractor_has_no_last_word():
    firmware = Firmware("bcm4339", Generation.MOBISYS_2018, CHANSPECS[80])

    amplitude = filled(firmware, np.array([7, 9]), n=5)

    assert amplitude.shape == (5, 255)
    assert (amplitude[:, 125:132] > 8).all()


def test_no_frame_and_no_empty_word_need_nothing():
    every = np.arange(64)

    assert filled(Firmware(), np.array([7]), n=0).shape == (0, 64)
    assert (filled(Firmware(), every, n=2) == 0).all()
