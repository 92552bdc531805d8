"""What the receiver adds, measured where the channel itself is known.

Between walls two kilometres apart only the direct path counts: the channel is flat, and
what is not flat is the receiver's.
"""

import numpy as np
import pytest

from tests.trainer.builders import empty_room
from trainer.simulate.receiver import place_device, receive
from trainer.simulate.room import TONES, Clutter, draw_room

HUGE = (2000.0, 2000.0, 2000.0)
CENTRE = (1000.0, 1000.0, 1000.0)
N_PACKETS = 400


def beside(distance):
    x, y, z = CENTRE
    return np.array([[x + distance, y, z]])


def received(rng, distance=5.0, *, power_dbm=17.0, n_packets=N_PACKETS):
    room = empty_room(HUGE, [CENTRE], power_dbm=power_dbm)
    return receive(rng, room, 0, beside(distance), n_packets=n_packets, interval_s=0.05)


def levels(csi):
    """Root mean square over the tones of each packet."""
    return np.sqrt(np.square(np.abs(csi)).mean(axis=1))


# -- gain control ----------------------------------------------------------------------


@pytest.mark.parametrize("distance", [1.0, 100.0])
def test_gain_control_holds_the_level_wherever_the_receiver_stands(rng, distance):
    level = levels(received(rng, distance).csi)

    # 590 counts, 0.4 dB of spread: 5 % per packet.
    assert level.mean() == pytest.approx(590, rel=4 * 0.05 / N_PACKETS**0.5 + 0.003)
    assert (20 * np.log10(level)).std() == pytest.approx(0.4, rel=0.2)


def test_amplitudes_are_whole_counts_that_fit_16_bits(rng):
    room = draw_room(rng, size=(8.0, 6.0, 2.6))

    csi = receive(
        rng, room, 2, np.array([[2.0, 2.0, 1.1]]), n_packets=N_PACKETS, interval_s=0.05
    ).csi

    assert csi.dtype == np.complex64
    assert csi.shape == (N_PACKETS, len(TONES))
    for part in (csi.real, csi.imag):
        np.testing.assert_array_equal(part, np.rint(part))
        assert np.abs(part).max() < 2**15


# -- noise -----------------------------------------------------------------------------


def test_noise_is_36_db_below_the_signal(rng):
    csi = received(rng).csi

    relative = np.abs(csi) / levels(csi)[:, None]

    # Of a flat channel: the part of the noise that is in phase, half its power.
    assert relative.std() == pytest.approx(10 ** (-36 / 20) / 2**0.5, rel=0.05)


def test_timing_jitters_and_the_common_phase_is_arbitrary(rng):
    csi = received(rng).csi

    slope, offset = np.polyfit(TONES, np.unwrap(np.angle(csi), axis=1).T, 1)

    timing = slope / (-2 * np.pi * 312.5e3)
    assert timing.std() == pytest.approx(75e-9, rel=4 / (2 * N_PACKETS) ** 0.5)
    assert abs(np.exp(1j * offset).mean()) < 4 / N_PACKETS**0.5


# -- RSSI ------------------------------------------------------------------------------


def test_rssi_is_the_received_power(rng):
    """Friis at 5.18 GHz and 5 m: 60.7 dB below 17 dBm."""
    rssi = received(rng).rssi_dbm

    # Half a decibel of spread, and rounding: 1/sqrt(12).
    assert rssi.mean() == pytest.approx(17 - 60.7, abs=0.15)
    assert rssi.std() == pytest.approx((0.5**2 + 1 / 12) ** 0.5, rel=0.2)


def test_rssi_falls_by_20_db_per_decade_of_free_space(rng):
    means = [received(rng, distance).rssi_dbm.mean() for distance in (1, 10, 100)]

    assert np.diff(means) == pytest.approx([-20, -20], abs=0.3)


def test_rssi_falls_with_distance_in_an_empty_room(rng):
    room = empty_room((30.0, 4.0, 3.0), [(1.0, 2.0, 2.0)])

    near, middle, far = (
        np.mean(
            [
                receive(
                    rng,
                    room,
                    0,
                    np.array([[x, y, 1.1]]),
                    n_packets=20,
                    interval_s=0.05,
                ).rssi_dbm.mean()
                for x in np.linspace(start, start + 1, 5)
                for y in (1.0, 1.5, 2.5)
            ]
        )
        for start in (2.0, 8.0, 26.0)
    )

    assert near > middle + 3 > far + 6


def test_rssi_is_whole_decibels_below_zero(rng):
    rssi = received(rng).rssi_dbm

    assert rssi.dtype == np.int8
    assert len(set(rssi.tolist())) < 8


@pytest.mark.parametrize(("power_dbm", "reported"), [(200.0, -1), (-200.0, -127)])
def test_rssi_stays_within_what_a_header_can_say(rng, power_dbm, reported):
    rssi = received(rng, power_dbm=power_dbm, n_packets=10).rssi_dbm

    assert set(rssi.tolist()) == {reported}


# -- motion ----------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "share"), [({}, 0.25), ({"motion_share": 0.4}, 0.4)])
def test_people_move_every_path_but_the_direct_one(rng, given, share):
    """A quarter of each path's amplitude comes and goes, in six seconds.

    One echo of about a tenth of the direct path, 200 m longer: a ripple over the tones
    whose size and phase are the echo's.
    """
    x, y, z = CENTRE
    interval_s, n_packets = 0.5, 8000
    clutter = Clutter(
        scatterers=np.array([[x, y + 100.0, z]]),
        cross_sections=np.array([2000.0]),
        scatter_phases=np.zeros(1),
        wave_directions=np.empty((1, 0, 3)),
        wave_gains=np.empty((1, 0), np.complex128),
        wave_delays=np.empty((1, 0)),
    )
    room = empty_room(HUGE, [CENTRE], clutter=clutter)

    csi = receive(
        rng, room, 0, beside(2.0), n_packets=n_packets, interval_s=interval_s, **given
    ).csi

    amplitude = np.abs(csi) / levels(csi)[:, None]
    extra_s = (100 + 100.02 - 2) / 299_792_458
    ripple = amplitude - amplitude.mean(axis=1, keepdims=True)
    echo = ripple @ np.exp(2j * np.pi * 312.5e3 * TONES * extra_s)
    moving = echo - echo.mean()
    power = np.square(np.abs(moving)).mean()
    # About 300 independent times: correlations are good to 1/sqrt(300) = 0.06.
    for n_lags, expected in ((2, np.exp(-1 / 6)), (12, np.exp(-1)), (60, np.exp(-5))):
        products = moving[n_lags:] * moving[:-n_lags].conj()
        assert products.mean().real / power == pytest.approx(expected, abs=0.15)
    assert np.sqrt(power) / abs(echo.mean()) == pytest.approx(share, rel=0.2)


def test_a_moving_receiver_is_heard_from_where_it_is(rng):
    x, y, z = CENTRE
    route = np.array([[x + d, y, z] for d in [1.0] * 20 + [10.0] * 20])
    room = empty_room(HUGE, [CENTRE])

    rssi = receive(rng, room, 0, route, n_packets=40, interval_s=0.05).rssi_dbm

    assert rssi[:20].mean() - rssi[20:].mean() == pytest.approx(20, abs=0.7)


def test_access_points_have_their_own_place_and_power(rng):
    x, y, z = CENTRE
    room = empty_room(HUGE, [CENTRE, (x + 20.0, y, z)], power_dbm=(17.0, 12.0))

    near, far = (
        receive(rng, room, ap, beside(2.0), n_packets=50, interval_s=0.05).rssi_dbm
        for ap in (0, 1)
    )

    # 2 m and 18 m.
    assert near.mean() - far.mean() == pytest.approx(20 * np.log10(9) + 5, abs=0.5)


def test_the_same_generator_gives_the_same_packets():
    first, again, other = (
        received(np.random.default_rng(seed), n_packets=5) for seed in (0, 0, 1)
    )

    np.testing.assert_array_equal(first.csi, again.csi)
    np.testing.assert_array_equal(first.rssi_dbm, again.rssi_dbm)
    assert (first.csi != other.csi).any()


# -- the device ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "spread_m"), [({}, 0.004), ({"placement_m": 0.03}, 0.03)]
)
def test_a_device_is_put_down_within_millimetres(rng, given, spread_m):
    placed = np.concatenate([place_device(rng, 3.0, 2.0, **given) for _ in range(500)])

    assert placed.shape == (500, 3)
    middle, spread = placed[:, :2].mean(axis=0), placed[:, :2].std(axis=0)
    np.testing.assert_allclose(middle, (3.0, 2.0), atol=0.2 * spread_m)
    np.testing.assert_allclose(spread, spread_m, rtol=0.15)
    assert set(placed[:, 2].tolist()) == {1.1}


def test_a_device_may_stand_higher(rng):
    assert place_device(rng, 3.0, 2.0, height=1.8)[0, 2] == 1.8
