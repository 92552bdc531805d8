"""Rows of a few numbers, and statistics of what is heard against plain loops."""

import numpy as np

from tests.trainer.days import NAN, day, hall, images
from trainer.methods.rows import Rows, group_means, residuals_within

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


def test_some_rows_are_selected_by_number_or_by_mask():
    first = day(PLACE, [[-40, NAN], [-62.5, -99.5]], [2, 0])
    second = day(PLACE, [[-110, -60]], [1])
    rows = Rows.of([first, second], -100.0)

    for chosen in (np.array([2, 0]), np.array([True, False, True])):
        found = rows.select(chosen)

        assert found.values.tolist() == rows.values[chosen].tolist()
        assert found.point_of.tolist() == rows.point_of[chosen].tolist()
        assert found.stop_of.tolist() == rows.stop_of[chosen].tolist()


def test_the_level_of_a_point_is_the_mean_of_what_it_hears():
    rss = [[-40, NAN], [-60, -90], [NAN, -80], [-70, NAN]]

    rows = Rows.of([day(PLACE, rss, [2, 2, 2, 0])], -100.0)

    expected = [[30, NAN], [NAN, NAN], [50, 15]]
    np.testing.assert_array_equal(rows.level(3), expected)


def test_detection_is_the_share_of_a_points_rows_that_hear():
    rss = [[-40, NAN], [-60, -90], [NAN, NAN], [-70, NAN]]

    rows = Rows.of([day(PLACE, rss, [2, 2, 2, 0])], -100.0)

    expected = [[1, 0], [NAN, NAN], [2 / 3, 1 / 3]]
    np.testing.assert_array_equal(rows.detection(3), expected)


def test_the_spread_is_about_the_mean_of_each_stop():
    # Stops 10 dB apart; within them 1, 3, 5 (variance 4) and 0, 2 (variance 2).
    rss = [[-59], [-57], [-55], [-70], [-68]]
    place = hall([(0, 0), (5, 0)], 1)

    rows = Rows.of([day(place, rss, [0, 0, 0, 0, 0], visits=[0, 0, 0, 1, 1])], -100.0)

    np.testing.assert_allclose(rows.spread, [(2 * 4 + 1 * 2) / 3])


def test_silence_is_no_part_of_the_spread():
    # Without it the stops have 1, 3, 5 and 0, 2, as above.
    rss = [[-59], [NAN], [-57], [-55], [-70], [-68], [NAN], [NAN]]
    place = hall([(0, 0), (5, 0)], 1)
    visits = [0, 0, 0, 0, 1, 1, 1, 2]

    rows = Rows.of([day(place, rss, [0] * 8, visits=visits)], -100.0)

    np.testing.assert_allclose(rows.spread, [(2 * 4 + 1 * 2) / 3])


def test_every_channel_has_a_spread_of_its_own(rng):
    values = rng.uniform(0, 60, (40, 5)) * (rng.random((40, 5)) < 0.6)
    stops = rng.integers(0, 9, 40)

    found = Rows(values, stops % 3, stops).spread

    for channel, column in enumerate(values.T):
        groups = [column[(stops == s) & (column > 0)] for s in range(9)]
        groups = [g for g in groups if len(g) > 1]
        pooled = sum((len(g) - 1) * np.var(g, ddof=1) for g in groups)
        expected = pooled / sum(len(g) - 1 for g in groups)
        np.testing.assert_allclose(found[channel], expected)


def test_where_no_stop_hears_a_channel_twice_nothing_is_known_to_vary():
    rows = Rows(np.array([[7.0, 3], [0, 5], [9, 4]]), np.zeros(3), np.array([0, 0, 1]))

    assert rows.spread.tolist() == [0, 2]


def test_no_rows_hear_nothing_and_vary_by_nothing():
    none = Rows(np.zeros((0, 2)), np.zeros(0, np.intp), np.zeros(0, np.intp))

    assert none.is_heard.tolist() == [False, False]
    assert none.spread.tolist() == [0, 0]
    assert np.isnan(none.level(3)).all()
    assert np.isnan(none.detection(3)).all()


def test_a_group_without_rows_has_no_mean():
    values = np.array([[1.0, 10], [3, 20], [7, 0]])

    found = group_means(values, np.array([2, 2, 0]), 4)

    np.testing.assert_array_equal(found, [[7, 0], [NAN, NAN], [2, 15], [NAN, NAN]])


def test_residuals_are_what_the_mean_of_the_group_leaves():
    values = np.array([[1.0, 10], [7, 0], [3, 20]])

    found = residuals_within(values, np.array([2, 0, 2]))

    assert found.tolist() == [[-1, -5], [0, 0], [1, 5]]


def test_of_no_rows_there_are_no_residuals():
    assert residuals_within(np.zeros((0, 2)), np.zeros(0, np.intp)).shape == (0, 2)
