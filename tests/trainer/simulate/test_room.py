"""Rooms: how they are drawn, what changes from day to day, and which cannot be."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.builders import empty_room
from trainer.errors import RoomError
from trainer.simulate.furniture import Furniture
from trainer.simulate.image_sources import room_walls
from trainer.simulate.room import Room, draw_room, next_day

SIZE = (7.0, 5.0, 2.5)
GRID = [(x, y) for x in (1.0, 2.5, 4.0, 5.5) for y in (1.0, 2.5, 4.0)]


def box(corner, size):
    return Furniture(
        np.array([corner], float), np.array([size], float), np.array([3.0])
    )


# -- drawing ---------------------------------------------------------------------------


def test_a_drawn_room_is_furnished_and_all_in_it_is_inside(rng):
    for _ in range(20):
        room = draw_room(rng, size=SIZE)

        assert room.size.tolist() == [*SIZE]
        assert room.n_aps == 3
        for things in (room.access_points, room.scatterers.positions):
            assert ((things > 0) & (things < room.size)).all()
        assert 5 < len(room.furniture) <= 10
        assert len(room.partitions) <= 2
        for axis, at in room.partitions:
            assert 0.3 * room.size[int(axis)] <= at <= 0.7 * room.size[int(axis)]
        assert -4 <= room.k_db <= 4
        assert 15e-9 <= room.tail_delay_s <= 40e-9


def test_places_stay_free_on_every_day(rng):
    room = draw_room(rng, size=SIZE, n_furniture=15, free=GRID)
    where = np.column_stack([np.array(GRID), np.full(len(GRID), 0.5)])

    for _ in range(10):
        room = next_day(room, rng, moved=1.0)
        room.check_places(where)
    assert len(room.furniture) > 5


def test_what_is_given_is_used(rng):
    walls = room_walls(sides=("glass", "glass"))

    room = draw_room(
        rng,
        size=SIZE,
        walls=walls,
        partitions=[(0, 3.0), (1, 2.0)],
        access_points=[(1, 1, 2)],
        n_furniture=0,
        k_db=7.0,
        tail_delay_s=200e-9,
        motion_share=0.4,
        carrier_hz=2.44e9,
        free=[(2, 2)],
    )

    assert room.walls == walls
    assert room.partitions.tolist() == [[0.0, 3.0], [1.0, 2.0]]
    assert room.access_points.tolist() == [[1.0, 1.0, 2.0]]
    assert len(room.furniture) == 0
    assert (room.k_db, room.motion_share) == (7.0, 0.4)
    # Delays of 10 ns and an exponential part of that mean, 80 of them.
    excess = room.waves.delays.mean() - 10e-9
    assert excess == pytest.approx(200e-9, rel=4 / 80**0.5)
    assert room.wavelength == pytest.approx(0.12287, rel=1e-4)
    assert room.free.tolist() == [[2.0, 2.0]]


def test_the_same_generator_gives_the_same_room():
    first, again, other = (
        draw_room(np.random.default_rng(seed), size=SIZE) for seed in (0, 0, 1)
    )

    assert same_things(first, again) == (1, 1, 1)
    np.testing.assert_array_equal(first.power_dbm, again.power_dbm)
    np.testing.assert_array_equal(first.filters, again.filters)
    assert (first.scatterers.positions != other.scatterers.positions).all()


# -- from day to day -------------------------------------------------------------------


def same_things(first, second):
    """Share of furniture, of scatterers and of waves that two days have in common."""
    return (
        (first.furniture.corners == second.furniture.corners).all(axis=1).mean(),
        (first.scatterers.positions == second.scatterers.positions).all(axis=1).mean(),
        (first.waves.gains == second.waves.gains).mean(),
    )


def test_a_share_of_the_things_is_moved_and_walls_stay(rng):
    room = draw_room(rng, size=SIZE)

    days = [next_day(room, rng, moved=0.35) for _ in range(40)]

    kept = np.mean([same_things(room, day) for day in days], axis=0)
    # 400 pieces, 1600 scatterers and 9600 waves: four standard deviations.
    n = np.array([40 * len(room.furniture), 1600, 9600])
    np.testing.assert_array_less(np.abs(kept - 0.65), 4 * (0.65 * 0.35 / n) ** 0.5)
    for day in days:
        np.testing.assert_array_equal(day.access_points, room.access_points)
        np.testing.assert_array_equal(day.partitions, room.partitions)
        np.testing.assert_array_equal(day.filters, room.filters)
        assert day.walls == room.walls
    power = np.array([day.power_dbm - room.power_dbm for day in days])
    assert power.std() == pytest.approx(2, rel=0.25)


def test_transmit_powers_change_as_told(rng):
    room = draw_room(rng, size=SIZE)

    same = next_day(room, rng, power_db=0.0)

    np.testing.assert_array_equal(same.power_dbm, room.power_dbm)


@pytest.mark.parametrize(("moved", "kept"), [(0.0, 1.0), (1.0, 0.0)])
def test_nothing_or_everything_is_moved(rng, moved, kept):
    room = draw_room(rng, size=SIZE)

    later = next_day(room, rng, moved=moved)

    assert same_things(room, later) == pytest.approx((kept,) * 3, abs=0.11)


def test_the_day_before_stays_as_it_was(rng):
    room, again = (draw_room(np.random.default_rng(1), size=SIZE) for _ in range(2))

    next_day(room, rng, moved=1.0)

    assert same_things(room, again) == (1, 1, 1)
    np.testing.assert_array_equal(room.power_dbm, again.power_dbm)


@pytest.mark.parametrize("moved", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(rng, moved):
    with pytest.raises(RoomError, match="of the things are moved, not a share"):
        next_day(draw_room(rng, size=SIZE), rng, moved=moved)


# -- nonsense --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size", [(1.9, 5, 2.5), (7, 0, 2.5), (7, 5, -1), (7, 5, float("nan")), (7, 5)]
)
def test_a_room_that_is_too_small_is_refused(rng, size):
    with pytest.raises(RoomError, match="no side may be shorter than 2 m"):
        draw_room(rng, size=size)


@pytest.mark.parametrize("wall", [(0, 7.0), (0, 0.0), (1, 5.5), (1, -1.0), (2, 1.0)])
def test_an_inner_wall_outside_is_refused(rng, wall):
    with pytest.raises(RoomError, match="lies outside the room of"):
        draw_room(rng, size=SIZE, partitions=[(0, 3.0), wall])


@pytest.mark.parametrize("place", [(7.5, 1, 1), (1, -1, 1), (1, 1, 2.5)])
def test_an_access_point_outside_is_refused(rng, place):
    with pytest.raises(RoomError, match=r"an access point at .* is outside"):
        draw_room(rng, size=SIZE, access_points=[(1, 1, 1), place])


def test_a_room_without_access_points_is_refused(rng):
    with pytest.raises(RoomError, match="a room without access points"):
        draw_room(rng, size=SIZE, access_points=[])


def test_an_access_point_inside_furniture_is_refused():
    with pytest.raises(RoomError, match=r"at \(1, 1, 2\) m is inside furniture"):
        empty_room(furniture=box((0.5, 0.5), (1, 1, 2.2)))


@pytest.mark.parametrize(
    ("corner", "size"),
    [
        ((2, 2), (9, 1, 1)),  # longer than the room
        ((2, 2), (1, 1, 3.5)),  # higher
        ((5.5, 2), (1, 1, 1)),  # through the wall
        ((-0.1, 2), (1, 1, 1)),
    ],
)
def test_furniture_that_does_not_fit_is_refused(corner, size):
    with pytest.raises(RoomError, match="does not fit the room of"):
        empty_room(furniture=box(corner, size))


@pytest.mark.parametrize("size", [(0, 1, 1), (1, -1, 1), (1, 1, float("nan"))])
def test_furniture_of_no_size_is_refused(size):
    with pytest.raises(RoomError, match="furniture has sizes above 0 only"):
        empty_room(furniture=box((2, 2), size))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"n_furniture": -1}, "-1 pieces of furniture"),
        ({"cabinets": 1.5}, "1.5 of them cabinets"),
        ({"tail_delay_s": 0.0}, "a decay time of 0.0 s, not above 0"),
        ({"tail_delay_s": -1e-9}, "a decay time of -1e-09 s"),
        ({"k_db": float("nan")}, "a K factor of nan dB is no number"),
        ({"carrier_hz": 0.0}, "a carrier of 0.0 Hz, not above 0"),
        ({"motion_share": -0.1}, "people move -0.1 of the paths, not 0 to 1"),
        ({"motion_share": 1.0}, "people move 1.0 of the paths"),
        ({"free": [(8, 1)]}, "a free place at .* is outside"),
    ],
)
def test_nonsense_is_refused(rng, asked, message):
    with pytest.raises(RoomError, match=message):
        draw_room(rng, size=SIZE, **asked)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tail_delay_s": 0.0}, "a decay time of 0.0 s"),
        ({"power_dbm": np.array([np.nan])}, "transmit powers of .* are no numbers"),
    ],
)
def test_a_room_is_checked_however_it_is_made(changed, message):
    room = empty_room()
    assert isinstance(room, Room)

    with pytest.raises(RoomError, match=message):
        replace(room, **changed)
