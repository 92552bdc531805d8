"""The reverberant tail: plane waves, level, delays."""

import numpy as np
import pytest

from trainer.simulate.diffuse import Waves, diffuse_paths, draw_waves, redraw_waves

WAVELENGTH = 299_792_458 / 5.18e9


def one_wave(direction, gain=1.0):
    return Waves(
        np.array([[direction]], np.float64),
        np.array([[gain]], np.complex128),
        np.array([[50e-9]]),
    )


def heard(waves, places, **changes):
    values = {"k_db": 0.0, "wavelength": WAVELENGTH} | changes
    places = np.array(places, np.float64)
    return diffuse_paths(waves, 0, places, np.full(len(places), 20e-9), **values)


@pytest.mark.parametrize("direction", [(1, 0, 0), (0, -1, 0), (0.6, 0, 0.8)])
def test_phases_are_those_of_plane_waves(direction):
    here = np.array((3.0, 2.0, 1.0))
    there = here + np.array((0.01, 0.02, -0.01))  # less than a wavelength

    _, gains = heard(one_wave(direction, gain=0.3 - 0.4j), [here, there])

    along = np.dot(there - here, direction)
    turn = np.angle(gains[1, 0] / gains[0, 0])
    assert turn == pytest.approx(-2 * np.pi * along / WAVELENGTH, abs=1e-9)


@pytest.mark.parametrize("k_db", [-3.0, 0.0, 6.0])
def test_the_level_is_that_of_4_m_in_sight_less_the_k_factor(k_db):
    _, gains = heard(one_wave((1, 0, 0)), [(1, 2, 3), (6, 1, 1)], k_db=k_db)

    # 20 log10(4 km / 1000) + 20 log10(5180) + 32.4478 = 58.775 dB at 4 m.
    level_db = 20 * np.log10(np.abs(gains[:, 0]))
    np.testing.assert_allclose(level_db, -58.775 - k_db, atol=1e-3)


def test_waves_come_after_the_direct_path():
    delays, _ = heard(one_wave((1, 0, 0)), [(1, 2, 3)])

    assert delays[0, 0] == pytest.approx(70e-9)


def test_drawn_waves_come_from_everywhere_with_unit_power(rng):
    waves = draw_waves(rng, 200, 30e-9)

    assert waves.gains.shape == (200, 80)
    lengths = np.linalg.norm(waves.directions, axis=2)
    np.testing.assert_allclose(lengths, 1)
    # 16 000 directions, each coordinate with spread 1 / sqrt(3).
    np.testing.assert_allclose(waves.directions.mean(axis=(0, 1)), 0, atol=0.02)
    assert np.square(np.abs(waves.gains)).sum(axis=1).mean() == pytest.approx(
        1, abs=0.035
    )
    assert waves.delays.min() >= 10e-9
    assert waves.delays.mean() == pytest.approx(40e-9, rel=0.03)


def test_places_half_a_wavelength_apart_hear_another_sum(rng):
    """An isotropic field's correlation is sin(kr) / kr: none at λ/2."""
    waves = draw_waves(rng, 400, 30e-9)
    places = np.array([(3, 2, 1), (3 + WAVELENGTH / 2, 2, 1), (3 + 0.002, 2, 1)])
    sums = np.array(
        [
            diffuse_paths(
                waves, ap, places, np.zeros(3), k_db=0.0, wavelength=WAVELENGTH
            )[1].sum(axis=1)
            for ap in range(400)
        ]
    )

    far = np.vdot(sums[:, 0], sums[:, 1])
    near = np.vdot(sums[:, 0], sums[:, 2])
    power = np.vdot(sums[:, 0], sums[:, 0]).real
    kr = 2 * np.pi * 0.002 / WAVELENGTH
    assert abs(far) / power < 0.2
    assert near.real / power == pytest.approx(np.sin(kr) / kr, abs=0.02)


def test_a_share_of_the_waves_changes_as_wholes(rng):
    waves = draw_waves(rng, 50, 30e-9)

    later = redraw_waves(rng, waves, 30e-9, moved=0.3)

    same = later.gains == waves.gains
    np.testing.assert_array_equal(
        (later.directions == waves.directions).all(axis=2), same
    )
    np.testing.assert_array_equal(later.delays == waves.delays, same)
    assert same.mean() == pytest.approx(0.7, abs=4 * (0.21 / 4000) ** 0.5)
