"""Images in √nW, power in dBm."""

import numpy as np
import pytest

from trainer.surveys.power import amplitude_of, mean_power_db, power_dbm, with_power


def test_one_nanowatt_is_minus_sixty_dbm():
    assert power_dbm(np.ones((1, 4, 5, 1), np.float32)) == pytest.approx(-60)


def test_power_and_amplitude_are_inverse():
    dbm = np.array([-90.0, -60.0, -33.5])
    images = np.broadcast_to(amplitude_of(dbm), (2, 3, 4, 3)).astype(np.float32)

    np.testing.assert_allclose(power_dbm(images), [dbm, dbm], atol=1e-4)


def test_silent_packets_do_not_lower_the_mean_and_silent_channels_have_none():
    images = np.zeros((1, 4, 2, 2), np.float32)
    images[0, 1, :, 0] = [0.0, 2.0]  # mean square 2 nW

    power = power_dbm(images)

    assert power[0, 0] == pytest.approx(-60 + 10 * np.log10(2), abs=1e-5)
    assert np.isnan(power[0, 1])
    assert power.dtype == np.float32


def test_the_level_over_all_packets_is_the_received_power_where_none_is_silent(rng):
    images = rng.uniform(0.5, 2, (3, 4, 5, 2)).astype(np.float32)

    level = mean_power_db(images)

    np.testing.assert_allclose(level, power_dbm(images) + 60, atol=1e-5)
    expected = 10 * np.log10((images.astype(np.float64) ** 2).mean(axis=(1, 2)))
    np.testing.assert_allclose(level, expected, rtol=1e-12)


def test_silent_packets_lower_the_level_over_all_packets():
    images = np.zeros((1, 4, 2, 2), np.float32)
    images[0, 1, :, 0] = [0.0, 2.0]  # mean square 2 in one packet of four

    level = mean_power_db(images)

    assert level[0, 0] == pytest.approx(10 * np.log10(2 / 4))
    assert np.isnan(level[0, 1])


def test_the_level_that_gain_control_removed_is_put_back_packet_by_packet():
    counts = np.array([[3.0, 4.0], [30.0, 40.0], [5.0, 5.0]], np.float32)

    restored = with_power(counts, np.array([-60.0, -60.0, -40.0]))

    # -60 dBm is a mean square of 1 nW, -40 dBm of 100 nW; the shape stays.
    np.testing.assert_allclose(np.square(restored).mean(axis=1), [1, 1, 100], rtol=1e-6)
    np.testing.assert_allclose(restored[0], restored[1], rtol=1e-6)
    np.testing.assert_allclose(restored[0, 1] / restored[0, 0], 4 / 3, rtol=1e-6)
    assert restored.dtype == np.float32
    np.testing.assert_allclose(with_power(counts, np.array(-40.0))[2], [10, 10])
