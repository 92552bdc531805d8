"""Who is heard where, and who is off the air, by hand."""

import numpy as np
import pytest

from edge_agent.neighbours.hearing import dropped_channels, hearing
from edge_agent.neighbours.walk_means import WhitenedShots


def shots(heard, point_of, n_points=2):
    heard = np.array(heard, bool).reshape(len(point_of), 2)
    zeros = np.zeros(len(heard), int)
    return WhitenedShots(
        np.zeros((*heard.shape, 1)),
        heard,
        np.array(point_of, int),
        zeros,
        zeros,
        n_points,
    )


NOTHING = shots(np.zeros((0, 2)), [])


def test_what_was_seen_is_mixed_with_what_was_expected():
    """Channel 0 was heard in 3 of 4 past shots: 3 of 3 at point 0, none at point 1."""
    before = shots([[1, 0], [1, 0], [1, 0], [0, 0]], [0, 0, 0, 1])
    now = shots([[0, 0]], [0])

    found = hearing(before, now)

    overall = 3 / 5  # of 5 shots, past and fresh
    past = (3 + overall) / 4
    assert found[0, 0] == pytest.approx((0 + past) / 2)
    assert found[1, 0] == pytest.approx((0 + overall) / 2)


def test_a_channel_that_is_new_is_as_likely_anywhere_as_fresh_shots_hear_it():
    before = shots([[1, 0]] * 6, [0, 0, 0, 1, 1, 1])
    now = shots([[1, 1], [1, 0]], [0, 0])

    assert hearing(before, now)[1, 1] == pytest.approx(0.5)


def test_nobody_is_surer_than_98_percent():
    before = shots([[1, 0]] * 200, [0, 1] * 100)

    found = hearing(before, NOTHING)

    np.testing.assert_allclose(found, [[0.98, 0.02]] * 2)


def test_silence_where_there_should_be_something_drops_a_channel():
    before = shots([[1, 1]] * 20, [0, 1] * 10)

    assert dropped_channels(before, shots([[1, 0]] * 3, [0, 0, 1])).tolist() == [0, 1]
    assert not dropped_channels(before, shots([[1, 0]], [0])).any()  # chance: 2 %
    assert not dropped_channels(before, NOTHING).any()


def test_a_channel_that_is_seldom_heard_is_not_dropped_for_its_silence():
    before = shots([[1, 1]] + [[1, 0]] * 9, [0, 1] * 5)

    assert not dropped_channels(before, shots([[1, 0]] * 5, [0, 1, 0, 1, 0])).any()


def test_one_fresh_shot_that_hears_it_keeps_a_channel():
    before = shots([[1, 1]] * 20, [0, 1] * 10)
    now = shots([[1, 0]] * 9 + [[1, 1]], [0] * 10)

    assert not dropped_channels(before, now).any()
