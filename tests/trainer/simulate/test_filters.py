"""Filters: how large their ripple is, and whose."""

import numpy as np
import pytest

from trainer.simulate.filters import draw_filters, filter_gains
from trainer.simulate.tones import TONES


def ripple_db(coefficients):
    return 20 * np.log10(filter_gains(coefficients, TONES, 28))


def test_the_ripple_is_that_of_recorded_receivers(rng):
    ripples = [ripple_db(c) for _ in range(150) for c in draw_filters(rng, 2)]

    # sqrt(1.3² + 0.6²) = 1.43 dB; 300 of them, in pairs of one receiver.
    assert np.sqrt(np.mean([r.var() for r in ripples])) == pytest.approx(1.43, rel=0.15)


def test_access_points_share_the_receivers_part(rng):
    pairs = [draw_filters(rng, 2) for _ in range(200)]

    of_both = [np.corrcoef(ripple_db(a), ripple_db(b))[0, 1] for a, b in pairs]

    # 1.3² / (1.3² + 0.6²) = 0.82
    assert np.mean(of_both) == pytest.approx(0.8, abs=0.08)


def test_a_single_coefficient_is_a_cosine_over_the_band():
    gains_db = ripple_db(np.array([2.0, 0.0, 0.0], np.complex128))

    expected = 2 * np.cos(np.pi * TONES / 28)
    np.testing.assert_allclose(gains_db - gains_db.mean(), expected - expected.mean())


def test_filters_leave_the_power_as_it_is(rng):
    (coefficients,) = draw_filters(rng, 1)

    gains = filter_gains(coefficients, TONES, 28)

    assert np.square(gains).mean() == pytest.approx(1)
    flat = filter_gains(np.zeros(3, np.complex128), TONES, 28)
    np.testing.assert_array_equal(flat, 1)
