"""The radio channel against closed forms: Friis, mirrors, plane waves."""

from dataclasses import fields, replace

import numpy as np
import pytest

from tests.trainer.builders import empty_room
from trainer.simulate.room import (
    TONES,
    Clutter,
    Paths,
    draw_room,
    find_paths,
    next_day,
    response,
)

C = 299_792_458.0
CARRIER = 5.18e9
WAVELENGTH = 0.0578750
"""[m]: C / CARRIER."""

HUGE = (2000.0, 2000.0, 2000.0)
CENTRE = (1000.0, 1000.0, 1000.0)
"""Walls so far away that they do not count."""

EXACT = 1e-9


def friis_db(distance):
    """Free-space gain [dB], from the form that engineers use: km and MHz."""
    return -(20 * np.log10(distance / 1000) + 20 * np.log10(CARRIER / 1e6) + 32.4478)


def places(*positions):
    return np.array(positions, np.float64)


def one_wave(direction, delay_s, gain=1.0):
    """A diffuse tail of a single plane wave."""
    return Clutter(
        scatterers=np.empty((0, 3)),
        cross_sections=np.empty(0),
        scatter_phases=np.empty(0),
        wave_directions=np.array([[direction]]),
        wave_gains=np.array([[gain]], np.complex128),
        wave_delays=np.array([[delay_s]]),
    )


def one_scatterer(position, cross_section, phase=0.0):
    return Clutter(
        scatterers=places(position),
        cross_sections=np.array([cross_section]),
        scatter_phases=np.array([phase]),
        wave_directions=np.empty((1, 0, 3)),
        wave_gains=np.empty((1, 0), np.complex128),
        wave_delays=np.empty((1, 0)),
    )


def field(room, position):
    """H at one place, without any motion, shape (n_tones,)."""
    paths = find_paths(room, 0, places(position))
    return response(paths, np.ones((1, paths.delays.shape[1]), np.complex128))[0]


def swapped(room, position):
    """The room with its transmitter at ``position``."""
    return replace(room, access_points=places(position))


# -- the direct path -------------------------------------------------------------------


@pytest.mark.parametrize("distance", [0.5, 1.0, 4.0, 30.0])
def test_the_direct_path_follows_friis(distance):
    room = empty_room(HUGE, [CENTRE])
    x, y, z = CENTRE

    paths = find_paths(room, 0, places((x, y + distance, z)))

    gain_db = 20 * np.log10(abs(paths.gains[0, 0]))
    assert gain_db == pytest.approx(friis_db(distance), abs=1e-3)
    assert paths.delays[0, 0] == pytest.approx(distance / C, rel=EXACT)


def test_far_from_walls_only_the_direct_path_counts():
    room = empty_room(HUGE, [CENTRE])
    x, y, z = CENTRE

    gain = np.abs(field(room, (x + 3, y, z)))

    # Six mirrors, two kilometres away, at 0.4 of the amplitude.
    np.testing.assert_allclose(20 * np.log10(gain), friis_db(3.0), atol=0.05)


def test_a_receiver_at_the_transmitter_is_not_infinitely_loud():
    room = empty_room(HUGE, [CENTRE])

    paths = find_paths(room, 0, places(CENTRE))

    assert np.isfinite(paths.gains).all()
    assert abs(paths.gains[0, 0]) < 0.1


# -- walls -----------------------------------------------------------------------------


def test_walls_mirror_the_transmitter():
    """Length 6, width 4, height 3; transmitter (1, 1, 2), receiver (4, 2, 1)."""
    once = [(-1, 1, 2), (11, 1, 2), (1, -1, 2), (1, 7, 2), (1, 1, -2), (1, 1, 4)]
    twice_along = [
        (-11, 1, 2),
        (13, 1, 2),
        (1, -7, 2),
        (1, 9, 2),
        (1, 1, -4),
        (1, 1, 8),
    ]
    twice_across = [
        *[(x, y, 2) for x in (-1, 11) for y in (-1, 7)],
        *[(x, 1, z) for x in (-1, 11) for z in (-2, 4)],
        *[(1, y, z) for y in (-1, 7) for z in (-2, 4)],
    ]
    expected = [
        (np.linalg.norm(np.subtract(image, (4, 2, 1))), 0.4**bounces)
        for bounces, images in (
            (0, [(1, 1, 2)]),
            (1, once),
            (2, twice_along + twice_across),
        )
        for image in images
    ]

    paths = find_paths(empty_room(), 0, places((4, 2, 1)))

    distances = np.array([distance for distance, _ in expected])
    gains = np.array([WAVELENGTH / (4 * np.pi * d) * bounce for d, bounce in expected])
    assert paths.delays.shape == paths.gains.shape == (1, 25)
    assert paths.delays[0, 0] * C == pytest.approx(11**0.5)
    by_delay, by_distance = np.argsort(paths.delays[0]), np.argsort(distances)
    np.testing.assert_allclose(
        paths.delays[0, by_delay] * C, distances[by_distance], rtol=EXACT
    )
    # No two of these images are equally far, so that the order is the same.
    np.testing.assert_allclose(paths.gains[0, by_delay], gains[by_distance], rtol=1e-6)


def test_bare_walls_are_reciprocal():
    room = empty_room(partitions=[(0, 3.0)])
    here, there = (1.0, 1.0, 2.0), (4.0, 2.5, 1.1)

    forth = field(swapped(room, here), there)
    back = field(swapped(room, there), here)

    np.testing.assert_allclose(forth, back, rtol=EXACT)


def test_scatterers_are_reciprocal():
    room = empty_room(clutter=one_scatterer((2.0, 3.0, 1.0), 0.7, phase=1.0))
    here, there = (1.0, 1.0, 2.0), (4.0, 2.5, 1.1)

    forth = field(swapped(room, here), there)
    back = field(swapped(room, there), here)

    np.testing.assert_allclose(forth, back, rtol=EXACT)


def test_a_symmetric_room_gives_a_symmetric_field():
    room = empty_room((6.0, 4.0, 3.0), [(3.0, 1.0, 2.0)])

    left, right = field(room, (1.0, 2.5, 1.0)), field(room, (5.0, 2.5, 1.0))

    np.testing.assert_allclose(left, right, rtol=1e-6)


# -- inner walls -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partitions", "n_crossed"),
    [
        ([], 0),
        ([(0, 2.0)], 1),  # between x = 1 and x = 4
        ([(0, 5.0)], 0),
        ([(1, 2.0)], 1),  # between y = 1 and y = 3
        ([(1, 3.5)], 0),
        ([(0, 2.0), (0, 3.0)], 2),
        ([(0, 2.0), (1, 2.0)], 2),
        ([(0, 2.0), (1, 3.5)], 1),
    ],
)
def test_every_inner_wall_on_the_way_costs_7_db(partitions, n_crossed):
    clutter = one_scatterer((2.0, 3.0, 1.0), 0.7)
    receiver = places((4.0, 3.0, 1.0))

    bare = find_paths(empty_room(clutter=clutter), 0, receiver)
    walled = find_paths(empty_room(clutter=clutter, partitions=partitions), 0, receiver)

    loss_db = 20 * np.log10(np.abs(walled.gains / bare.gains))
    np.testing.assert_allclose(loss_db, -7.0 * n_crossed, atol=EXACT)
    np.testing.assert_array_equal(walled.delays, bare.delays)


def test_inner_walls_are_counted_for_every_place():
    paths = find_paths(
        empty_room(partitions=[(0, 2.0)]), 0, places((1.5, 1, 1), (2.5, 1, 1))
    )
    bare = find_paths(empty_room(), 0, places((1.5, 1, 1), (2.5, 1, 1)))

    factor = np.abs(paths.gains / bare.gains)

    np.testing.assert_allclose(factor[0], 1.0)
    np.testing.assert_allclose(factor[1], 10 ** (-7 / 20))


def test_furniture_in_the_way_weakens_the_direct_path_alone():
    clutter = one_scatterer((2.0, 3.0, 1.0), 0.7)
    receiver = places((4.0, 3.0, 1.0))
    free = empty_room(clutter=clutter)

    paths = find_paths(free, 0, receiver)
    blocked = find_paths(replace(free, direct_db=-10.0), 0, receiver)

    loss_db = 20 * np.log10(np.abs(blocked.gains / paths.gains))
    np.testing.assert_allclose(loss_db[0, 0], -10.0)
    np.testing.assert_allclose(loss_db[0, 1:], 0.0, atol=EXACT)
    np.testing.assert_array_equal(blocked.delays, paths.delays)


# -- furniture and the diffuse tail ----------------------------------------------------


def test_a_scatterer_follows_the_radar_equation():
    """P_r / P_t = λ² σ / ((4π)³ d₁² d₂²), with distances of 3 m and 4 m."""
    x, y, z = CENTRE
    clutter = one_scatterer((x + 3, y, z), cross_section=0.5, phase=0.8)
    room = empty_room(HUGE, [CENTRE], clutter=clutter)

    paths = find_paths(room, 0, places((x + 3, y + 4, z)))

    gain = paths.gains[0, -1]
    expected = WAVELENGTH * 0.5 / ((4 * np.pi) ** 1.5 * 3 * 4)
    # Both distances are 5 cm longer, so that none can be zero.
    assert abs(gain) == pytest.approx(expected, rel=0.05 / 3 + 0.05 / 4)
    assert np.angle(gain) == pytest.approx(0.8)
    assert paths.delays[0, -1] * C == pytest.approx(7.0, abs=0.1)


@pytest.mark.parametrize("direction", [(1, 0, 0), (0, -1, 0), (0.6, 0, 0.8)])
def test_the_diffuse_tail_is_made_of_plane_waves(direction):
    clutter = one_wave(direction, delay_s=50e-9, gain=0.3 - 0.4j)
    room, bare = empty_room(clutter=clutter, tail_db=3.0), empty_room()
    here = np.array((3.0, 2.0, 1.0))
    there = here + np.array((0.01, 0.02, -0.01))  # less than a wavelength

    waves = [field(room, r) - field(bare, r) for r in (here, there)]

    turn = np.angle(waves[1] / waves[0])
    along = np.dot(there - here, direction)
    # The direct distance changes too, by which the outermost tone turns 0.004 rad.
    np.testing.assert_allclose(turn, -2 * np.pi * along / WAVELENGTH, atol=0.005)
    level_db = friis_db(4.0) + 3.0 + 20 * np.log10(0.5)
    np.testing.assert_allclose(20 * np.log10(np.abs(waves)), level_db, atol=1e-2)


def test_the_diffuse_tail_comes_after_the_direct_path():
    room = empty_room(clutter=one_wave((1, 0, 0), delay_s=50e-9))

    wave = field(room, (3.0, 2.0, 1.0)) - field(empty_room(), (3.0, 2.0, 1.0))

    # Phase falls by 2π Δf τ from tone to tone.
    direct = np.linalg.norm(np.subtract((3, 2, 1), (1, 1, 2))) / C
    turn = np.angle(wave[1:28] / wave[:27])
    np.testing.assert_allclose(turn, -2 * np.pi * 312.5e3 * (direct + 50e-9), atol=1e-6)


# -- the response ----------------------------------------------------------------------


def test_tones_are_those_of_an_ht_frame():
    assert TONES.tolist() == [*range(-28, 0), *range(1, 29)]


@pytest.mark.parametrize("gain", [1.0, 0.3 - 0.4j])
def test_the_response_of_a_single_path_is_a_turning_phasor(gain):
    delay = 100e-9
    paths = Paths(np.array([[delay]]), np.array([[gain]], np.complex128))

    (channel,) = response(paths, np.ones((1, 1), np.complex128))

    expected = [
        gain * np.exp(-2j * np.pi * (CARRIER + k * 312_500.0) * delay) for k in TONES
    ]
    np.testing.assert_allclose(channel, expected, rtol=1e-6)


def test_two_paths_add_up_and_fade():
    """Delays 1.6 µs apart are half a turn on odd subcarriers and none on even ones."""
    paths = Paths(np.array([[0.0, 1.6e-6]]), np.array([[1.0, 1.0]], np.complex128))

    (channel,) = response(paths, np.ones((1, 2), np.complex128))

    np.testing.assert_allclose(np.abs(channel[TONES % 2 == 0]), 2.0, atol=1e-3)
    np.testing.assert_allclose(np.abs(channel[TONES % 2 == 1]), 0.0, atol=1e-3)


def test_modulation_scales_every_path_at_every_time(rng):
    delays, gains = rng.uniform(0, 1e-7, (1, 3)), rng.normal(size=(1, 3)) + 0j
    modulation = rng.normal(size=(4, 3)) + 1j * rng.normal(size=(4, 3))

    channel = response(Paths(delays, gains), modulation)

    assert channel.shape == (4, len(TONES))
    for row, factors in zip(channel, modulation, strict=True):
        (alone,) = response(Paths(delays, gains * factors), np.ones((1, 3), complex))
        np.testing.assert_allclose(row, alone, rtol=EXACT, atol=1e-12)


def test_a_moving_receiver_hears_every_place_in_turn(rng):
    room = draw_room(rng, size=(6.0, 4.0, 3.0))
    route = places((1, 1, 1), (2, 1, 1), (2, 2, 1))
    paths = find_paths(room, 1, route)
    modulation = rng.normal(size=paths.delays.shape) + 0j

    channel = response(paths, modulation)

    for row, place, factors in zip(channel, route, modulation, strict=True):
        (alone,) = response(find_paths(room, 1, place[None]), factors[None])
        np.testing.assert_allclose(row, alone, rtol=EXACT, atol=1e-12)


# -- drawing ---------------------------------------------------------------------------


def test_a_drawn_room_is_furnished_and_all_in_it_is_inside(rng):
    for _ in range(20):
        room = draw_room(rng, size=(7.0, 5.0, 2.5))

        assert room.size.tolist() == [7.0, 5.0, 2.5]
        assert room.access_points.shape == (3, 3)
        for things in (room.access_points, room.clutter.scatterers):
            assert (things > 0).all()
            assert (things < room.size).all()
        assert len(room.partitions) <= 2
        for axis, at in room.partitions:
            assert 0.3 * room.size[int(axis)] <= at <= 0.7 * room.size[int(axis)]
        lengths = np.linalg.norm(room.clutter.wave_directions, axis=2)
        np.testing.assert_allclose(lengths, 1.0)
        assert (room.clutter.wave_delays >= 10e-9).all()


def test_the_diffuse_tail_has_unit_power_on_average(rng):
    rooms = [draw_room(rng, size=(5.0, 5.0, 3.0)) for _ in range(30)]

    powers = [np.square(np.abs(r.clutter.wave_gains)).sum(axis=1) for r in rooms]

    # The sum of 80 exponential variables of mean 1/80: spread 1/sqrt(80), over 90 sums.
    assert np.mean(powers) == pytest.approx(1.0, abs=4 / np.sqrt(80 * 90))


def test_given_inner_walls_are_used(rng):
    room = draw_room(rng, size=(7.0, 5.0, 2.5), partitions=[(0, 3.0), (1, 2.0)])

    assert room.partitions.tolist() == [[0.0, 3.0], [1.0, 2.0]]
    assert draw_room(rng, size=(7.0, 5.0, 2.5), partitions=[]).partitions.shape == (
        0,
        2,
    )


def test_tail_and_obstruction_can_be_given(rng):
    size = (7.0, 5.0, 2.5)

    room = draw_room(rng, size=size, tail_db=3.0, tail_delay_s=200e-9, direct_db=-6.0)

    assert (room.tail_db, room.tail_delay_s, room.direct_db) == (3.0, 200e-9, -6.0)
    # Delays of 10 ns and an exponential part of that mean, 240 of them.
    excess = room.clutter.wave_delays.mean() - 10e-9
    assert excess == pytest.approx(200e-9, rel=4 / 240**0.5)
    assert draw_room(rng, size=size).direct_db == 0.0


def test_the_same_generator_gives_the_same_room():
    first, again, other = (
        draw_room(np.random.default_rng(seed), size=(7.0, 5.0, 2.5))
        for seed in (0, 0, 1)
    )

    np.testing.assert_array_equal(first.clutter.scatterers, again.clutter.scatterers)
    np.testing.assert_array_equal(first.power_dbm, again.power_dbm)
    assert (first.clutter.scatterers != other.clutter.scatterers).all()


@pytest.mark.parametrize("size", [(1.9, 5.0, 2.5), (7.0, 0.0, 2.5), (7.0, 5.0, -1.0)])
def test_a_room_that_is_too_small_is_refused(rng, size):
    with pytest.raises(ValueError, match="no side may be shorter than 2 m"):
        draw_room(rng, size=size)


@pytest.mark.parametrize("wall", [(0, 7.0), (0, 0.0), (1, 5.5), (1, -1.0)])
def test_an_inner_wall_outside_is_refused(rng, wall):
    with pytest.raises(ValueError, match="lies outside"):
        draw_room(rng, size=(7.0, 5.0, 2.5), partitions=[(0, 3.0), wall])


# -- from day to day -------------------------------------------------------------------


def same_things(first, second):
    """Share of scatterers, and of diffuse waves, that two days have in common.

    All that belongs to one of them changes together.
    """
    same = {
        f.name: getattr(first.clutter, f.name) == getattr(second.clutter, f.name)
        for f in fields(Clutter)
    }
    scatterers = same["scatterers"].all(axis=1)
    waves = same["wave_directions"].all(axis=2)
    for part, whole in (
        ("cross_sections", scatterers),
        ("scatter_phases", scatterers),
        ("wave_gains", waves),
        ("wave_delays", waves),
    ):
        np.testing.assert_array_equal(same[part], whole)
    return scatterers.mean(), waves.mean()


def test_things_are_moved_as_wholes_and_walls_stay(rng):
    room = draw_room(rng, size=(7.0, 5.0, 2.5))

    later = next_day(room, rng, moved=0.35)

    # 40 scatterers and 240 waves: four standard deviations.
    scatterers, waves = same_things(room, later)
    assert scatterers == pytest.approx(0.65, abs=4 * (0.65 * 0.35 / 40) ** 0.5)
    assert waves == pytest.approx(0.65, abs=4 * (0.65 * 0.35 / 240) ** 0.5)
    np.testing.assert_array_equal(later.access_points, room.access_points)
    np.testing.assert_array_equal(later.partitions, room.partitions)
    assert 0 < np.abs(later.power_dbm - room.power_dbm).max() < 8


@pytest.mark.parametrize(("moved", "shared"), [(0.0, 1.0), (1.0, 0.0)])
def test_nothing_or_everything_is_moved(rng, moved, shared):
    room = draw_room(rng, size=(7.0, 5.0, 2.5))

    assert same_things(room, next_day(room, rng, moved=moved)) == (shared, shared)


def test_the_day_before_stays_as_it_was():
    rng = np.random.default_rng(0)
    room, again = (
        draw_room(np.random.default_rng(1), size=(7.0, 5.0, 2.5)) for _ in range(2)
    )

    next_day(room, rng)

    assert same_things(room, again) == (1.0, 1.0)
    np.testing.assert_array_equal(room.power_dbm, again.power_dbm)
