"""Ways around furniture, against hand-drawn rooms."""

from dataclasses import replace

import numpy as np
import pytest

from trainer.errors import RoomError
from trainer.simulate.furniture import NO_FURNITURE, Furniture
from trainer.simulate.room import draw_room
from trainer.simulate.ways import find_way, walk_along


def room_with(*boxes):
    """A room of 6 m by 4 m; boxes as (x, y, length, width)."""
    room = draw_room(
        np.random.default_rng(0), size=(6.0, 4.0, 2.6), partitions=[], n_furniture=0
    )
    if not boxes:
        return replace(room, furniture=NO_FURNITURE)
    table = np.array(boxes, np.float64)
    sizes = np.column_stack([table[:, 2:], np.full(len(table), 0.7)])
    return replace(
        room, furniture=Furniture(table[:, :2], sizes, np.full(len(table), 3.0))
    )


def length(corners):
    return np.linalg.norm(np.diff(corners, axis=0), axis=1).sum()


def test_in_an_empty_room_the_way_is_straight():
    found = find_way(room_with(), (0.55, 0.5), (5.3, 3.2))

    assert found.tolist() == [[0.55, 0.5], [5.3, 3.2]]


def test_around_a_table_the_way_has_a_corner_and_is_hardly_longer_than_need_be():
    """Past the lower end of a table from y = 1 m to the wall, and 0.1 m beside it."""
    room = room_with((2.8, 1.0, 0.4, 3.0))

    found = find_way(room, (1.0, 2.0), (5.0, 2.0))

    around = 2 * np.hypot(1.7, 1.1) + 0.6
    assert around <= length(found) < 1.05 * around
    assert found[0].tolist() == [1.0, 2.0]
    assert found[-1].tolist() == [5.0, 2.0]
    feet = walk_along(found, speed_m_s=1.0, interval_s=0.01)
    assert not room.furniture.holds(
        np.column_stack([feet, np.full(len(feet), 0.1)])
    ).any()


def test_a_cable_under_the_table_is_no_way():
    """Nor is one over it: a device at 1.1 m would pass over a desk of 0.7 m."""
    room = room_with((2.8, 0.5, 0.4, 3.5))

    found = find_way(room, (1.0, 2.0), (5.0, 2.0))

    assert found[:, 1].min() < 0.5


def test_where_furniture_reaches_from_wall_to_wall_there_is_no_way():
    room = room_with((2.8, 0.0, 0.4, 4.0))

    with pytest.raises(RoomError, match=r"no way from \(1, 2\) to \(5, 2\)"):
        find_way(room, (1.0, 2.0), (5.0, 2.0))


def test_ends_that_furniture_surrounds_are_refused():
    """A place of 4 cm between four boxes."""
    room = room_with(
        (0.5, 0.5, 2.0, 1.48), (0.5, 2.02, 2.0, 1.4), (0.5, 1.98, 0.98, 0.04),
        (1.52, 1.98, 0.98, 0.04),
    )  # fmt: skip

    with pytest.raises(RoomError, match=r"the end at \(1.5, 2\) is walled in"):
        find_way(room, (5.0, 2.0), (1.5, 2.0))


@pytest.mark.parametrize("place", [(-0.1, 2.0), (6.1, 2.0), (3.0, 2.0)])
def test_ends_outside_or_in_furniture_are_refused(place):
    room = room_with((2.8, 1.0, 0.4, 2.0))

    with pytest.raises(RoomError, match="a receiver at"):
        find_way(room, (1.0, 2.0), place)


def test_one_walks_at_a_steady_pace_and_arrives():
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.5]])

    found = walk_along(corners, speed_m_s=0.5, interval_s=0.5)

    np.testing.assert_allclose(
        found, [[0.25, 0], [0.5, 0], [0.75, 0], [1, 0], [1, 0.25], [1, 0.5]]
    )


def test_who_is_there_already_stays_for_a_packet():
    found = walk_along(np.array([[2.0, 1.0], [2.0, 1.0]]), speed_m_s=1, interval_s=0.1)

    assert found.tolist() == [[2.0, 1.0]]
