"""The channel over time against closed forms, and against summing all paths."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.builders import empty_room
from trainer.errors import RoomError
from trainer.simulate.channel import observe
from trainer.simulate.diffuse import Waves
from trainer.simulate.furniture import Furniture
from trainer.simulate.paths import find_paths
from trainer.simulate.people import draw_people, shadows
from trainer.simulate.room import draw_room
from trainer.simulate.tones import TONES, used_tones

C = 299_792_458.0
CARRIER = 5.18e9
HUGE = (2000.0, 2000.0, 2000.0)
CENTRE = (1000.0, 1000.0, 1000.0)
"""Walls so far away that they do not count."""

MIDDLE = np.array([[2.0, 2.0, 1.1]])


def observed(rng, room, places=MIDDLE, **changes):
    values = {"n_packets": 3, "interval_s": 0.1} | changes
    return observe(rng, room, 0, places, **values)


def summed(room, place, tones=TONES, access_point=0):
    """H of a still room by the formula, path after path, transmit power included."""
    paths = find_paths(room, access_point, place)
    field = np.zeros(len(tones), np.complex128)
    for delay, gain in zip(paths.delays[0], paths.gains[0], strict=True):
        field += gain * np.exp(-2j * np.pi * 312_500.0 * tones * delay)
    return field * 10 ** (room.power_dbm[access_point] / 20)


@pytest.fixture
def furnished():
    rng = np.random.default_rng(4)
    return draw_room(rng, size=(6.0, 4.0, 3.0), free=[(2, 2), (4, 3)], motion_share=0.2)


# -- at rest ---------------------------------------------------------------------------


def test_far_from_walls_the_channel_is_friis(rng):
    room = empty_room(HUGE, [CENTRE], power_dbm=17.0)
    place = np.array([np.add(CENTRE, (5.0, 0, 0))])

    channel = observed(rng, room, place)

    assert channel.dtype == np.complex64
    assert channel.shape == (3, 56)
    # 60.71 dB at 5 m and 5.18 GHz.
    np.testing.assert_allclose(20 * np.log10(np.abs(channel)), 17 - 60.71, atol=0.05)
    turn = np.angle(channel[0, 1:28] / channel[0, :27])
    np.testing.assert_allclose(turn, -2 * np.pi * 312.5e3 * 5 / C, atol=3e-3)


@pytest.mark.parametrize("bandwidth_mhz", [20, 40, 80])
def test_where_nothing_moves_the_channel_is_the_sum_of_its_paths(
    rng, furnished, bandwidth_mhz
):
    still, tones = replace(furnished, motion_share=0.0), used_tones(bandwidth_mhz)

    channel = observed(rng, still, tones=tones)

    expected = summed(still, MIDDLE, tones)
    scale = np.abs(expected).max()
    for packet in channel:
        np.testing.assert_allclose(packet, expected, atol=2e-6 * scale)


def test_any_subcarriers_may_be_asked_for(rng, furnished):
    still = replace(furnished, motion_share=0.0)
    some = np.array([-20, 3, 4])

    channel = observed(rng, still, tones=some)

    expected = summed(still, MIDDLE, some)
    np.testing.assert_allclose(channel[0], expected, rtol=1e-4)
    assert observed(rng, furnished, tones=some[:1]).shape == (3, 1)


def test_the_power_of_an_access_point_is_its_own(rng, furnished):
    still = replace(furnished, motion_share=0.0)
    louder = replace(still, power_dbm=still.power_dbm + np.array([0.0, 6.0, 0.0]))

    usual, more = (
        observe(rng, room, 1, MIDDLE, n_packets=1, interval_s=0.1)
        for room in (still, louder)
    )

    np.testing.assert_allclose(more / usual, 10 ** (6 / 20), rtol=1e-5)


# -- motion ----------------------------------------------------------------------------


def covariance(room, tones=TONES):
    """Of the changes, from all paths: share² F^H F, the direct path left out."""
    paths = find_paths(room, 0, MIDDLE)
    steering = np.exp(-2j * np.pi * 312_500.0 * np.outer(paths.delays[0, 1:], tones))
    fields = paths.gains[0, 1:, None] * steering
    power = 10 ** (room.power_dbm[0] / 10)
    return power * room.motion_share**2 * fields.conj().T @ fields


def test_few_processes_move_the_tones_as_hundreds_of_paths_would(rng, furnished):
    """Independent samples: an hour apart."""
    channel = observed(rng, furnished, n_packets=60_000, interval_s=3600.0)

    change = channel - summed(furnished, MIDDLE)
    found = change.conj().T @ change / len(change)

    expected = covariance(furnished)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)).real)
    # Each entry has a spread of scale / sqrt(60 000) = 0.4 %.
    assert (np.abs(found - expected) / scale).max() < 0.02
    # And is circular, as complex noise is.
    assert (np.abs(change.T @ change / len(change)) / scale).max() < 0.02


def test_the_channel_changes_with_a_time_constant_of_6_s(rng, furnished):
    channel = observed(rng, furnished, n_packets=20_000, interval_s=1.0)

    change = channel - summed(furnished, MIDDLE)
    power = np.square(np.abs(change)).mean()
    for lag in (1, 6, 12):
        product = (change[lag:] * change[:-lag].conj()).mean().real
        # 20 000 s are 3300 independent times, of about five tones each.
        assert product / power == pytest.approx(np.exp(-lag / 6), abs=0.05)


def test_the_direct_path_does_not_move(rng):
    room = empty_room(HUGE, [CENTRE], motion_share=0.5)
    place = np.array([np.add(CENTRE, (5.0, 0, 0))])

    channel = observed(rng, room, place, n_packets=100)

    # What moves are echoes off walls a kilometre away.
    assert np.abs(channel).std() / np.abs(channel).mean() < 0.01


# -- people ----------------------------------------------------------------------------


def test_a_person_in_the_way_shades_the_direct_path(rng):
    start, end = np.array(CENTRE), np.add(CENTRE, (6.0, 0, 0))
    room = empty_room(HUGE, [CENTRE])
    people = np.array([[np.add(CENTRE, (3.0, y, 0))[:2]] for y in (0.0, 0.3, 60.0)])

    channel = observed(rng, room, end[None], people=people)

    level_db = 20 * np.log10(np.abs(channel).mean(axis=1))
    shade_db = 20 * np.log10(shadows(start, end[None], people, C / CARRIER))
    # They scatter too: at a height of 1.1 m, a kilometre below.
    np.testing.assert_allclose(level_db - level_db[2], shade_db, atol=0.05)


def test_people_scatter(rng):
    """At 4 m and 5 m, with a detour of 3 m to what is 6 m in sight."""
    size, at = (2000.0, 2000.0, 3.0), np.array((1000.0, 1000.0, 1.1))
    room = empty_room(size, [at], motion_share=0.0)
    place = (at + np.array((6.0, 0, 0)))[None]
    behind = np.array([[[1003.0, 1004.0]], [[1003.0, 1900.0]]])

    near, far = observed(rng, room, place, n_packets=2, people=behind)

    wavelength, frequencies = C / CARRIER, CARRIER + 312_500.0 * TONES
    power = 10 ** (17 / 20)
    gain = power * wavelength * 0.5**0.5 / ((4 * np.pi) ** 1.5 * 5.3**2)
    scattered = gain * np.exp(-2j * np.pi * frequencies * 10.6 / C)
    # Even 4 m beside the path a person takes a little of it, or adds.
    direct = (
        power * wavelength / (4 * np.pi * 6) * np.exp(-2j * np.pi * frequencies * 6 / C)
    )
    shade = shadows(at, place, behind, wavelength)[0] - 1
    np.testing.assert_allclose(near - far, scattered + shade * direct, atol=0.01 * gain)


def test_everybody_is_counted_whatever_the_number_of_packets(rng, furnished):
    """More packets than are looked at together."""
    still = replace(furnished, motion_share=0.0)
    people = np.tile([[(3.0, 1.0), (4.5, 3.0)]], (5000, 1, 1))

    channel = observed(rng, still, n_packets=5000, people=people)

    np.testing.assert_allclose(channel[4999], channel[0], rtol=1e-4)
    assert (np.abs(channel[0] - summed(still, MIDDLE)) > 0).all()


def test_what_people_scatter_is_weakened_by_inner_walls_too(rng):
    size, at = (2000.0, 2000.0, 3.0), np.array((1000.0, 1000.0, 1.1))
    place = (at + np.array((6.0, 0, 0)))[None]
    people = np.array([[[1003.0, 1004.0]]])
    open_room = empty_room(size, [at], motion_share=0.0)
    walled = replace(open_room, partitions=np.array([(0.0, 1005.0)]))

    free, behind = (
        observed(rng, room, place, n_packets=1, people=people)
        - observed(rng, room, place, n_packets=1)
        for room in (open_room, walled)
    )

    np.testing.assert_allclose(behind, free * 10 ** (-7 / 20), rtol=1e-2)


# -- on the way ------------------------------------------------------------------------


def test_a_moving_receiver_hears_every_place_in_turn(rng, furnished):
    still = replace(furnished, motion_share=0.0, furniture=empty_room().furniture)
    route = np.linspace((1, 1, 1), (5, 3, 1.5), 150)

    channel = observed(rng, still, route, n_packets=150)

    for packet in (0, 63, 64, 149):
        expected = summed(still, route[packet : packet + 1])
        scale = np.abs(expected).max()
        np.testing.assert_allclose(channel[packet], expected, atol=2e-5 * scale)


def test_a_receiver_that_stays_is_as_one_at_rest(rng, furnished):
    """Another way to sum, the same process: mean and power of the changes."""
    there = np.tile(MIDDLE, (4000, 1))

    channel = observed(rng, furnished, there, n_packets=4000, interval_s=3600.0)

    change = channel - summed(furnished, MIDDLE)
    expected = np.diag(covariance(furnished)).real
    # Each is the mean of 4000 exponential variables: 1.6 % of spread.
    found = np.square(np.abs(change)).mean(axis=0)
    np.testing.assert_allclose(found / expected, 1, atol=0.08)


def test_people_are_seen_on_the_way_too(rng, furnished):
    still = replace(furnished, motion_share=0.0)
    people = draw_people(
        rng, still.size, n_people=2, walking=1.0, n_packets=80, interval_s=0.1
    )

    resting = observed(rng, still, n_packets=80, people=people)
    moving = observed(rng, still, np.tile(MIDDLE, (80, 1)), n_packets=80, people=people)

    np.testing.assert_allclose(moving, resting, atol=1e-4 * np.abs(resting).max())


# -- promises --------------------------------------------------------------------------


def test_the_same_generator_gives_the_same_bytes(furnished):
    first, again, other = (
        observed(np.random.default_rng(seed), furnished, n_packets=100)
        for seed in (0, 0, 1)
    )

    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_packets": 0}, "0 packets, not 1 or more"),
        ({"interval_s": 0.0}, "0.0 s between packets, not above 0"),
        ({"interval_s": -0.1}, "-0.1 s between packets"),
        ({"places": np.array([[7.0, 1, 1]])}, r"receiver at \(7, 1, 1\) m is outside"),
        ({"interval_s": float("nan")}, "nan s between packets"),
        ({"places": np.array([[2.0, np.nan, 1]])}, "is outside the room of"),
        ({"places": np.array([[2.0, 1, -1]])}, "is outside the room of"),
        ({"places": np.array([2.0, 1, 1])}, r"places of shape \(3,\), not \(1, 3\)"),
        ({"places": np.ones((2, 3))}, r"not \(1, 3\) or \(3, 3\)"),
        ({"people": np.zeros((2, 1, 2))}, "people at 2 times, not 3"),
        ({"tones": np.array([1, 1])}, "subcarriers .* ascending"),
    ],
)
def test_nonsense_is_refused(rng, furnished, changes, message):
    with pytest.raises(RoomError, match=message):
        observed(rng, furnished, **changes)


@pytest.mark.parametrize("access_point", [-1, 3])
def test_an_access_point_that_is_none_is_refused(rng, furnished, access_point):
    with pytest.raises(RoomError, match=f"access point {access_point} of 3"):
        observe(rng, furnished, access_point, MIDDLE, n_packets=1, interval_s=0.1)


def test_a_receiver_inside_furniture_is_refused(rng):
    wardrobe = Furniture(
        np.array([[1.5, 1.5]]), np.array([[1.0, 1.0, 1.7]]), np.array([12.0])
    )
    room = empty_room(furniture=wardrobe)

    with pytest.raises(
        RoomError, match=r"at \(2, 2, 1.1\) m is inside furniture; name"
    ):
        observed(rng, room)
    observed(rng, room, np.array([[2.0, 2.0, 1.8]]))


def test_a_room_of_which_nothing_arrives_is_refused(rng):
    """Not even a direct path, behind hundreds of inner walls."""
    many = np.column_stack([np.zeros(2000), np.linspace(1.4, 1.6, 2000)])
    room = empty_room(partitions=many)

    with pytest.raises(RoomError, match=r"no path reaches .* with any power"):
        observed(rng, room)


def test_waves_reach_where_walls_send_nothing_back(rng):
    wave = Waves(np.array([[(1.0, 0, 0)]]), np.array([[1.0 + 0j]]), np.array([[5e-8]]))
    room = empty_room(HUGE, [CENTRE], waves=wave, k_db=-20.0, motion_share=0.0)
    place = np.array([np.add(CENTRE, (500.0, 0, 0))])

    channel = observed(rng, room, place)

    # 58.775 dB at 4 m, 20 dB stronger; the direct path is another 60 dB below.
    level_db = 20 * np.log10(np.abs(channel))
    np.testing.assert_allclose(level_db, 17 - 58.775 + 20, atol=0.05)
