"""The point table: every place once, whoever reads it."""

import numpy as np
import pytest

from trainer.surveys.points import finite_rows, make_place
from trainer.surveys.report import Skips, SurveyDataError


def test_points_are_rounded_to_a_millimetre_and_ordered_by_x_y_floor():
    rows = np.array(
        [[2, 0, 1], [1, 5, 0], [1.0004, 5.0001, 0], [1, -3, 0], [2, 0, 0]], float
    )

    place, point_of = make_place("hall", rows, ("a",))

    assert place.locations.tolist() == [[1, -3], [1, 5], [2, 0], [2, 0]]
    assert place.floors.tolist() == [0, 0, 0, 1]
    assert point_of.tolist() == [3, 1, 1, 0, 2]


def test_the_order_of_the_samples_does_not_matter(rng):
    rows = rng.integers(0, 4, (50, 2)).astype(float)
    mixed = rng.permutation(50)

    one, of_one = make_place("hall", rows, ("a",))
    other, of_other = make_place("hall", rows[mixed], ("a",))

    np.testing.assert_array_equal(one.locations, other.locations)
    np.testing.assert_array_equal(of_one[mixed], of_other)
    np.testing.assert_array_equal(one.locations[of_one], rows)


def test_without_a_floor_points_are_on_the_ground():
    place, _ = make_place("hall", np.array([[1.0, 2.0]]), ("a",))

    assert place.floors.tolist() == [0]


@pytest.mark.parametrize(
    ("rows", "channels", "message"),
    [
        (np.empty((0, 2)), ("a",), "not one sample"),
        (np.array([[1.0, 2.0]]), (), "no channel"),
        (np.array([[1.0, 2.0, 0.5]]), ("a",), "whole number"),
    ],
)
def test_a_place_without_points_channels_or_floors_is_refused(rows, channels, message):
    with pytest.raises(SurveyDataError, match=f"hall: .*{message}"):
        make_place("hall", rows, channels)


def test_samples_without_coordinates_are_counted():
    skips = Skips()
    rows = np.array([[0, 0], [np.nan, 1], [1, np.inf], [1e9, 0], [5, 5]])

    assert finite_rows(rows, skips).tolist() == [True, False, False, False, True]
    assert skips.counts == {"samples without coordinates": 3}


def test_nothing_left_out_is_not_a_line_of_the_report():
    skips = Skips()

    skips.count("reason", 0)
    skips.count("z")
    skips.count("a", 2)

    assert list(skips.counts.items()) == [("a", 2), ("z", 1)]
