"""Places that furniture leaves free."""

import numpy as np
import pytest

from trainer.errors import RoomError
from trainer.simulate.image_sources import Wall
from trainer.simulate.materials import MATERIALS
from trainer.simulate.raytrace.layouts import Box
from trainer.simulate.raytrace.places import draw_places, free_grid

SIZE = np.array([4.0, 3.0, 2.5])
WOOD = Wall(MATERIALS["wood"], 0.02)


def box(low, high):
    return Box("chest", low, high, WOOD)


def test_a_grid_is_centred_and_goes_row_by_row():
    points = free_grid(SIZE, (), spacing_m=1.0, height_m=1.2, margin_m=0.4)

    # Along x 3.2 m are usable, of which 4 points take 3 m; along y 2.2 m, of which 2.
    assert points.tolist() == [
        [x, y, 1.2] for y in (0.5, 1.5, 2.5) for x in (0.5, 1.5, 2.5, 3.5)
    ]


def test_a_grid_that_just_fits_keeps_its_last_row():
    # 4 - 2 x 1.85 is 0.2999999999999998, into which 0.1 goes twice.
    size = np.array([4.0, 4.0, 2.5])

    points = free_grid(size, (), spacing_m=0.1, height_m=1.2, margin_m=1.85)

    assert len(points) == 4 * 4


def test_furniture_takes_points_from_a_grid():
    chest = box((1.0, 1.0, 0.0), (2.0, 2.0, 1.5))
    free = free_grid(SIZE, (), spacing_m=1.0, height_m=1.2, margin_m=0.4)

    left = free_grid(SIZE, (chest,), spacing_m=1.0, height_m=1.2, margin_m=0.4)

    taken = [point for point in free.tolist() if point not in left.tolist()]
    assert taken == [[1.5, 1.5, 1.2]]


def test_a_grid_keeps_clear_of_furniture():
    chest = box((1.0, 1.0, 0.0), (1.42, 2.0, 1.5))

    near, far = (
        free_grid(
            SIZE, (chest,), spacing_m=1, height_m=1.2, margin_m=0.4, clearance_m=gap
        )
        for gap in (0.1, 0.05)
    )

    assert (len(near), len(far)) == (11, 12)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"spacing_m": 0.0}, "0.0 m between points; above 0 is needed"),
        ({"spacing_m": -0.6}, "-0.6 m between points"),
        ({"spacing_m": np.nan}, "above 0"),
        ({"spacing_m": 0.001}, "3001 x 2001 points is more than 4096"),
        ({"height_m": 2.6}, "no place 0.5 m from its walls and 2.6 m above"),
        ({"height_m": 0.0}, "no place"),
        ({"margin_m": 1.6}, "no place 1.6 m from its walls"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(changes, complaint):
    with pytest.raises(RoomError, match=complaint):
        free_grid(SIZE, (), **({"spacing_m": 1.0, "height_m": 1.2} | changes))


def test_a_room_full_of_furniture_has_no_grid():
    with pytest.raises(RoomError, match="no point of the grid free"):
        free_grid(
            SIZE,
            (box((0.1, 0.1, 0.1), (3.9, 2.9, 2.4)),),
            spacing_m=1.0,
            height_m=1.2,
        )


def test_drawn_places_are_free_and_everywhere(rng):
    chest = box((1.0, 0.0, 0.0), (3.0, 3.0, 2.5))

    places = draw_places(rng, SIZE, (chest,), count=400, heights_m=(1.5, 2.2))

    assert places.shape == (400, 3)
    assert not chest.holds(places, clearance_m=0.1).any()
    assert (places >= (0.3, 0.3, 1.5)).all()
    assert (places <= (3.7, 2.7, 2.2)).all()
    # Both sides of it, and all heights: 0.6 of 1.2 m are west, more or less.
    assert 160 < (places[:, 0] < 2).sum() < 240
    assert np.ptp(places[:, 2]) > 0.65


def test_the_generator_decides_on_drawn_places():
    first, again, other = (
        draw_places(
            np.random.default_rng(seed), SIZE, (), count=5, heights_m=(1.0, 2.0)
        )
        for seed in (1, 1, 2)
    )

    assert np.array_equal(first, again)
    assert not np.isin(first, other).any()


def test_a_room_full_of_furniture_has_no_places(rng):
    with pytest.raises(RoomError, match=r"no room for 3 places from .* to .* m"):
        draw_places(
            rng,
            SIZE,
            (box((0.0, 0.0, 0.0), (4.0, 3.0, 2.5)),),
            count=3,
            heights_m=(1, 2),
        )
