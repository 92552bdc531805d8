"""Rows of a few numbers, and their variances against numpy's."""

import numpy as np

from tests.trainer.days import NAN, day, hall, images
from trainer.methods.rows import (
    Rows,
    group_means,
    residuals_within,
    variance_within,
)

PLACE = hall([(0, 0), (5, 0), (0, 5)], 2)


def test_rows_are_decibels_above_the_floor_and_zero_where_nothing_is_heard():
    first = day(PLACE, [[-40, NAN], [-62.5, -99.5]], [2, 0])
    second = day(PLACE, [[-110, -60]], [1])

    found = Rows.of([first, second], -100.0)

    assert found.values.tolist() == [[60, 0], [37.5, 0.5], [0, 40]]
    assert found.values.dtype == np.float64
    assert found.point_of.tolist() == [2, 0, 1]


def test_a_stop_is_a_point_of_a_visit_of_an_environment():
    silence = np.full((5, 2), NAN)
    first = day(PLACE, silence, [0, 0, 0, 1, 0], visits=[0, 0, 1, 0, 0])
    second = day(PLACE, silence, [0, 0, 1, 1, 2], visits=[0, 0, 0, 0, 0])

    stops = Rows.of([first, second], -100.0).stop_of

    together = [{0, 1, 4}, {2}, {3}, {5, 6}, {7, 8}, {9}]
    assert [set(np.flatnonzero(stops == s)) for s in dict.fromkeys(stops)] == together


def test_a_channel_is_heard_if_any_row_hears_it():
    rows = Rows.of([day(PLACE, [[NAN, NAN], [NAN, -70]], [0, 1])], -100.0)

    assert rows.is_heard.tolist() == [False, True]


def test_silence_in_an_image_is_not_heard_whatever_the_floor(rng):
    # Decibels of the amplitude of the floor are the floor but for rounding.
    silent = day(PLACE, images(np.zeros((1, 2, 3, 2))), [0])

    for floor_db in rng.uniform(-90, 60, 300):
        rows = Rows.of([silent], floor_db)

        assert not rows.is_heard.any()
        assert (rows.values == 0).all()


def test_the_spread_is_about_the_mean_of_each_stop():
    # Stops 10 dB apart; within them 1, 3, 5 (variance 4) and 0, 2 (variance 2).
    rss = [[-59], [-57], [-55], [-70], [-68]]
    place = hall([(0, 0), (5, 0)], 1)

    rows = Rows.of([day(place, rss, [0, 0, 0, 0, 0], visits=[0, 0, 0, 1, 1])], -100.0)

    np.testing.assert_allclose(rows.spread, [(2 * 4 + 1 * 2) / 3])


def test_a_group_without_rows_has_no_mean():
    values = np.array([[1.0, 10], [3, 20], [7, 0]])

    found = group_means(values, np.array([2, 2, 0]), 4)

    np.testing.assert_array_equal(found, [[7, 0], [NAN, NAN], [2, 15], [NAN, NAN]])


def test_residuals_are_what_the_mean_of_the_group_leaves():
    values = np.array([[1.0, 10], [7, 0], [3, 20]])

    found = residuals_within(values, np.array([2, 0, 2]))

    assert found.tolist() == [[-1, -5], [0, 0], [1, 5]]


def test_the_variance_of_one_group_is_numpys(rng):
    values = rng.normal(5, 3, (20, 4))

    found = variance_within(values, np.full(20, 3))

    np.testing.assert_allclose(found, np.var(values, axis=0, ddof=1))


def test_variances_of_groups_are_pooled_by_their_degrees_of_freedom(rng):
    sizes = [2, 5, 1, 9]
    groups = [rng.normal(10 * i, 1 + i, (n, 3)) for i, n in enumerate(sizes)]

    found = variance_within(np.concatenate(groups), np.repeat([4, 0, 1, 3], sizes))

    sums = sum((len(g) - 1) * np.var(g, axis=0, ddof=1) for g in groups if len(g) > 1)
    np.testing.assert_allclose(found, sums / (1 + 4 + 8))


def test_where_no_group_has_two_rows_nothing_is_known_to_vary(rng):
    assert variance_within(rng.normal(0, 1, (4, 2)), np.arange(4)).tolist() == [0, 0]


def test_no_row_has_no_variance():
    none = np.zeros((0, 2))

    assert variance_within(none, np.zeros(0, np.intp)).tolist() == [0, 0]
    assert residuals_within(none, np.zeros(0, np.intp)).shape == (0, 2)
