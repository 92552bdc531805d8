"""Wall reflections against mirrors drawn by hand, Friis and reciprocity."""

import numpy as np
import pytest

from trainer.errors import RoomError
from trainer.simulate.image_sources import (
    Wall,
    image_paths,
    image_positions,
    room_walls,
)
from trainer.simulate.materials import MATERIALS, Polarisation, slab

C = 299_792_458.0
CARRIER = 5.18e9
WAVELENGTH = C / CARRIER
SIZE = (6.0, 4.0, 3.0)
METAL = (Wall(MATERIALS["metal"], 0.002),) * 6
FRONT, BACK = Wall(MATERIALS["glass"], 0.01), Wall(MATERIALS["brick"], 0.12)
LEFT, RIGHT = Wall(MATERIALS["wood"], 0.05), Wall(MATERIALS["concrete"], 0.2)
FLOOR, CEILING = Wall(MATERIALS["wood"], 0.03), Wall(MATERIALS["chipboard"], 0.02)
ALL_DIFFERENT = (FRONT, BACK, LEFT, RIGHT, FLOOR, CEILING)


def friis_db(distance):
    """Free-space gain [dB], from the form that engineers use: km and MHz."""
    return -(20 * np.log10(distance / 1000) + 20 * np.log10(CARRIER / 1e6) + 32.4478)


def paths(transmitter, receiver, walls=METAL, order=3):
    delays, gains = image_paths(transmitter, [receiver], SIZE, walls, CARRIER, order)
    return delays[0] * C, gains[0]


@pytest.mark.parametrize("distance", [0.5, 1.0, 4.0])
def test_the_direct_path_follows_friis(distance):
    lengths, gains = paths((1, 2, 1), (1 + distance, 2, 1))

    assert lengths[0] == pytest.approx(distance)
    assert 20 * np.log10(abs(gains[0])) == pytest.approx(friis_db(distance), abs=1e-3)
    assert np.angle(gains[0]) == 0


def test_a_receiver_at_the_transmitter_is_not_infinitely_loud():
    lengths, gains = paths((1, 2, 1), (1, 2, 1))

    assert lengths[0] == pytest.approx(0.1)
    assert 20 * np.log10(abs(gains[0])) == pytest.approx(friis_db(0.1), abs=1e-3)


@pytest.mark.parametrize(("order", "n_paths"), [(0, 1), (1, 7), (2, 25), (3, 63)])
def test_there_are_as_many_images_as_ways_to_bounce(order, n_paths):
    """Points of the integer grid within an octahedron: 1, 7, 25, 63."""
    lengths, _ = paths((1, 1, 2), (4, 2, 1), order=order)

    assert lengths.shape == (n_paths,)


def test_walls_mirror_the_transmitter():
    once = [(-1, 1, 2), (11, 1, 2), (1, -1, 2), (1, 7, 2), (1, 1, -2), (1, 1, 4)]
    along = [(-11, 1, 2), (13, 1, 2), (1, -7, 2), (1, 9, 2), (1, 1, -4), (1, 1, 8)]
    across = [
        *[(x, y, 2) for x in (-1, 11) for y in (-1, 7)],
        *[(x, 1, z) for x in (-1, 11) for z in (-2, 4)],
        *[(1, y, z) for y in (-1, 7) for z in (-2, 4)],
    ]

    images = image_positions(np.array((1.0, 1.0, 2.0)), np.array(SIZE), 2)

    found = [tuple(image) for image in images.round(9).tolist()]
    assert found[0] == (1, 1, 2)
    assert sorted(found[1:7]) == sorted(once)
    assert sorted(found[7:]) == sorted(along + across)


def test_metal_walls_lose_nothing_but_distance():
    lengths, gains = paths((1, 1, 2), (4, 2, 1))

    friis = WAVELENGTH / (4 * np.pi * lengths)
    np.testing.assert_allclose(np.abs(gains), friis, rtol=0.01)


def reflection(wall, cos_incidence, polarisation):
    field, _ = slab(
        wall.material,
        wall.thickness_m,
        np.array([cos_incidence]),
        CARRIER,
        polarisation,
    )
    return field[0]


def gain_over(image):
    """The gain of the path to (4, 2, 1) from this image of (1, 1, 2)."""
    lengths, gains = paths((1, 1, 2), (4, 2, 1), ALL_DIFFERENT)
    distance = np.linalg.norm(np.subtract(image, (4, 2, 1)))
    images = image_positions(np.array((1.0, 1.0, 2.0)), np.array(SIZE), 3)
    (at,) = np.flatnonzero(np.isclose(images, image).all(axis=1))
    assert lengths[at] == pytest.approx(distance)
    return gains[at], distance


@pytest.mark.parametrize(
    ("image", "wall", "axis"),
    [
        ((-1, 1, 2), FRONT, 0),
        ((11, 1, 2), BACK, 0),
        ((1, -1, 2), LEFT, 1),
        ((1, 7, 2), RIGHT, 1),
        ((1, 1, -2), FLOOR, 2),
        ((1, 1, 4), CEILING, 2),
    ],
)
def test_one_bounce_is_the_reflection_of_its_wall(image, wall, axis):
    gain, distance = gain_over(image)

    cosine = abs(image[axis] - (4, 2, 1)[axis]) / distance
    across = Polarisation.TM if axis == 2 else Polarisation.TE
    expected = WAVELENGTH / (4 * np.pi * distance) * reflection(wall, cosine, across)
    assert gain == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("image", "n_front", "n_back"),
    [
        ((-11, 1, 2), 1, 1),  # beyond the front, mirrored twice
        ((13, 1, 2), 1, 1),
        ((-13, 1, 2), 2, 1),  # leaves towards the front, and comes back to it
        ((23, 1, 2), 1, 2),
    ],
)
def test_walls_take_turns(image, n_front, n_back):
    gain, distance = gain_over(image)

    cosine = abs(image[0] - 4) / distance
    front, back = (reflection(wall, cosine, Polarisation.TE) for wall in (FRONT, BACK))
    friis = WAVELENGTH / (4 * np.pi * distance)
    assert gain == pytest.approx(friis * front**n_front * back**n_back, rel=1e-9)


def test_paths_are_reciprocal():
    forth = paths((1, 1, 2), (4, 2.5, 1.1), ALL_DIFFERENT)
    back = paths((4, 2.5, 1.1), (1, 1, 2), ALL_DIFFERENT)

    by_length, other = np.argsort(forth[0]), np.argsort(back[0])
    np.testing.assert_allclose(forth[0][by_length], back[0][other])
    np.testing.assert_allclose(forth[1][by_length], back[1][other])


def test_receivers_are_heard_each_at_its_place():
    places = [(4, 2, 1), (5, 3, 2)]

    delays, gains = image_paths((1, 1, 2), places, SIZE, ALL_DIFFERENT, CARRIER)

    for place, delay, gain in zip(places, delays, gains, strict=True):
        lengths, alone = paths((1, 1, 2), place, ALL_DIFFERENT)
        np.testing.assert_allclose(delay * C, lengths)
        np.testing.assert_allclose(gain, alone)


def test_usual_walls_are_made_of_what_is_asked_for():
    walls = room_walls(sides=("glass", "brick"), floor="wood", ceiling="chipboard")

    names = [wall.material.name for wall in walls]
    assert names == ["glass", "glass", "brick", "brick", "wood", "chipboard"]
    assert [wall.thickness_m for wall in walls][::2] == [0.01, 0.12, 0.05]


def test_walls_of_nothing_are_refused():
    with pytest.raises(
        RoomError, match="no material bricks, slime; there are concrete"
    ):
        room_walls(sides=("slime", "bricks"))
    for thickness_m in (0.0, -0.1, float("nan")):
        with pytest.raises(RoomError, match="m thick, not above 0"):
            Wall(MATERIALS["brick"], thickness_m)


def test_no_path_at_all_is_refused():
    with pytest.raises(RoomError, match="-1 bounces at most: not even the direct path"):
        paths((1, 1, 2), (4, 2, 1), order=-1)


def test_a_room_has_six_walls():
    with pytest.raises(RoomError, match="4 walls, not six"):
        paths((1, 1, 2), (4, 2, 1), walls=METAL[:4])
