"""The paths of a whole room: what stands in their way, and in which order they come."""

import numpy as np
import pytest

from tests.trainer.builders import empty_room
from trainer.simulate.diffuse import Waves
from trainer.simulate.furniture import Furniture, Scatterers
from trainer.simulate.image_sources import image_paths, image_positions
from trainer.simulate.paths import find_paths
from trainer.simulate.room import draw_room

CARRIER = 5.18e9
C = 299_792_458.0
N_IMAGES = 63
ONE_SCATTERER = Scatterers(np.array([[2.0, 3.0, 1.0]]), np.array([0.7 * np.exp(1j)]))


def places(*positions):
    return np.array(positions, np.float64)


def box(corner, size, loss_db):
    return Furniture(np.array([corner]), np.array([size]), np.array([loss_db]))


def level_db(changed, usual):
    return 20 * np.log10(np.abs(changed.gains / usual.gains))


def test_an_empty_room_has_its_images_with_the_carriers_phase():
    room = empty_room()

    paths = find_paths(room, 0, places((4, 2, 1)))

    delays, gains = image_paths((1, 1, 2), [(4, 2, 1)], room.size, room.walls, CARRIER)
    np.testing.assert_allclose(paths.delays, delays)
    turned = gains * np.exp(-2j * np.pi * CARRIER * delays)
    np.testing.assert_allclose(paths.gains, turned, atol=1e-12)
    assert paths.delays[0, 0] == paths.delays.min() == pytest.approx(11**0.5 / C)


def test_images_scatterers_and_waves_follow_each_other():
    waves = Waves(
        np.array([[(1.0, 0, 0), (0, 1.0, 0)]]),
        np.array([[0.5 + 0j, 0.5j]]),
        np.array([[50e-9, 80e-9]]),
    )
    room = empty_room(scatterers=ONE_SCATTERER, waves=waves)

    paths = find_paths(room, 0, places((4, 2, 1), (5, 2, 1)))

    assert paths.delays.shape == paths.gains.shape == (2, N_IMAGES + 1 + 2)
    direct = paths.delays[:, 0]
    np.testing.assert_allclose(paths.delays[:, -2] - direct, 50e-9)
    np.testing.assert_allclose(paths.delays[:, -1] - direct, 80e-9)
    over = np.linalg.norm((1, 2, -1)) + np.linalg.norm((2, -1, 0)) + 0.1
    assert paths.delays[0, N_IMAGES] == pytest.approx(over / C)


def test_bare_walls_and_scatterers_are_reciprocal():
    here, there = (1.0, 1.0, 2.0), (4.0, 2.5, 1.1)
    fields = {"partitions": places((0, 3.0)), "scatterers": ONE_SCATTERER}

    forth = find_paths(empty_room(access_points=[here], **fields), 0, places(there))
    back = find_paths(empty_room(access_points=[there], **fields), 0, places(here))

    assert forth.gains.sum() == pytest.approx(back.gains.sum(), rel=1e-6)


def test_a_symmetric_room_gives_a_symmetric_field():
    room = empty_room((6.0, 4.0, 3.0), [(3.0, 1.0, 2.0)])

    left, right = find_paths(room, 0, places((1.0, 2.5, 1.0), (5.0, 2.5, 1.0))).gains

    assert left.sum() == pytest.approx(right.sum(), rel=1e-6)


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
    walls = np.array(partitions, np.float64).reshape(-1, 2)
    receiver = places((4.0, 3.0, 1.0))
    fields = {"scatterers": ONE_SCATTERER}

    bare = find_paths(empty_room(**fields), 0, receiver)
    walled = find_paths(empty_room(partitions=walls, **fields), 0, receiver)

    np.testing.assert_allclose(level_db(walled, bare), -7.0 * n_crossed, atol=1e-9)
    np.testing.assert_array_equal(walled.delays, bare.delays)


def test_inner_walls_are_counted_for_every_place():
    where = places((1.5, 1, 1), (2.5, 1, 1))

    paths = find_paths(empty_room(partitions=places((0, 2.0))), 0, where)

    losses = level_db(paths, find_paths(empty_room(), 0, where))
    np.testing.assert_allclose(losses[0], 0, atol=1e-9)
    np.testing.assert_allclose(losses[1], -7)


# -- furniture -------------------------------------------------------------------------


def test_a_cabinet_in_the_way_weakens_the_direct_path():
    """From (1, 1, 2) to (4, 1, 1): at x = 2.5 the path is 1.5 m high."""
    receiver = places((4.0, 1.0, 1.0))
    cabinet = box((2.4, 0.8), (0.2, 0.4, 1.7), 12.0)
    desk = box((2.4, 0.8), (0.2, 0.4, 0.75), 3.0)

    free = find_paths(empty_room(), 0, receiver)
    shaded = find_paths(empty_room(furniture=cabinet), 0, receiver)
    over = find_paths(empty_room(furniture=desk), 0, receiver)

    assert level_db(shaded, free)[0, 0] == pytest.approx(-12)
    assert level_db(over, free)[0, 0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("corner", "shaded"),
    [
        ((4.5, 0.8), True),  # between the receiver and the wall behind it
        ((0.1, 0.8), False),  # behind the transmitter
    ],
)
def test_furniture_weakens_the_last_leg_of_a_reflection(corner, shaded):
    """Off the wall at x = 6: the image is at (11, 1, 2), seen from (4, 1, 1)."""
    receiver = places((4.0, 1.0, 1.0))
    cabinet = box(corner, (0.4, 0.4, 1.7), 12.0)

    free = find_paths(empty_room(), 0, receiver)
    paths = find_paths(empty_room(furniture=cabinet), 0, receiver)

    images = image_positions(np.array((1.0, 1.0, 2.0)), np.array((6.0, 4.0, 3.0)), 3)
    (at,) = np.flatnonzero(np.isclose(images, (11, 1, 2)).all(axis=1))
    loss = level_db(paths, free)[0]
    assert loss[at] == pytest.approx(-12 if shaded else 0, abs=1e-9)
    assert loss[0] == pytest.approx(0, abs=1e-9)


def test_many_places_are_as_one_by_one(rng):
    room = draw_room(rng, size=(6.0, 4.0, 3.0), n_furniture=8, free=[(1, 1), (4, 3)])
    where = places((1, 1, 1.1), (4, 3, 1.1))

    both = find_paths(room, 1, where)

    for row in range(2):
        alone = find_paths(room, 1, where[row : row + 1])
        np.testing.assert_allclose(both.delays[row], alone.delays[0])
        np.testing.assert_allclose(both.gains[row], alone.gains[0])
