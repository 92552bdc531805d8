"""The filter, against Bayes' rule and the mean of a rest, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.survey import Point
from edge_agent.tracking.belief import Belief, mean_span_s, newest_share
from edge_agent.tracking.grid import Grid

ROW = tuple(Point(str(x), float(x), 0.0, "hall") for x in range(5))
DOUBT = 0.02


@pytest.fixture
def belief():
    return Belief(Grid(ROW, speed_m_s=1.2))


def near(cell, *, sure=0.8, n=5):
    posterior = np.full(n, (1 - sure) / (n - 1))
    posterior[cell] = sure
    return posterior


def hear(belief, posterior, *, passed_s=0.1, window_s=1.0, motion=0.0, rested_s=0.0):
    belief.update(
        np.asarray(posterior, np.float64),
        passed_s=passed_s,
        window_s=window_s,
        motion=motion,
        rested_s=rested_s,
    )


def rest(belief, posteriors, *, passed_s=0.1, **options):
    for number, posterior in enumerate(posteriors):
        rested_s = number * passed_s
        hear(belief, posterior, passed_s=passed_s, rested_s=rested_s, **options)


def test_before_anything_is_heard_nothing_is_known(belief):
    assert belief.probabilities == pytest.approx(np.full(5, 0.2))


def test_the_first_image_is_believed_but_for_some_doubt(belief):
    hear(belief, near(2))

    expected = (1 - DOUBT) * near(2) + DOUBT / 5
    assert belief.probabilities == pytest.approx(expected)


def test_what_an_image_excludes_is_not_excluded_for_good(belief):
    hear(belief, [0, 0, 1, 0, 0])

    assert belief.probabilities.min() == pytest.approx(DOUBT / 5)


def test_a_walker_s_image_is_bayes_with_an_exponent(belief):
    hear(belief, near(1))
    before = belief.probabilities
    grid = Grid(ROW, speed_m_s=1.2)

    hear(belief, near(3), passed_s=0.03, window_s=1.0, motion=1.0)

    likelihood = (1 - DOUBT) * near(3) + DOUBT / 5
    expected = grid.after(before, 0.03) * likelihood**0.3
    assert belief.probabilities == pytest.approx(expected / expected.sum())


def test_the_same_second_says_as_much_in_forty_images_as_in_twenty():
    def heard(n):
        belief = Belief(Grid(ROW, speed_m_s=1e-6))  # nobody walks
        hear(belief, near(0))
        for _ in range(n):
            hear(belief, near(1, sure=0.3), passed_s=1 / n, window_s=1.0, motion=1.0)
        return belief.probabilities

    assert heard(40) == pytest.approx(heard(20), abs=0.01)


def test_an_image_of_which_all_packets_are_new_counts_once_and_no_more(belief):
    twin = Belief(Grid(ROW, speed_m_s=1.2))
    for one in (belief, twin):
        hear(one, near(0))

    hear(belief, near(3), passed_s=2.0, window_s=2.0, motion=1.0)
    hear(twin, near(3), passed_s=2.0, window_s=0.0, motion=1.0)

    assert belief.probabilities == pytest.approx(twin.probabilities)


def test_what_is_believed_at_rest_is_the_mean_of_the_images_of_the_rest(belief, rng):
    heard = rng.dirichlet(np.ones(5), 200)

    rest(belief, heard)

    # Images 0 to 10 reach back to before the rest, or hold no more than it.
    assert belief.probabilities == pytest.approx(heard[10:].mean(axis=0))


def test_until_an_image_holds_nothing_but_the_rest_the_newest_counts_alone(belief):
    rest(belief, [near(0), near(1), near(2)], window_s=2.5)

    assert belief.probabilities == pytest.approx(near(2))


def test_a_rest_is_no_surer_than_its_images(belief):
    rest(belief, [near(2, sure=0.5)] * 3000)

    assert belief.probabilities == pytest.approx(near(2, sure=0.5))


def test_half_carried_is_half_of_both(belief):
    grid = Grid(ROW, speed_m_s=1.2)
    hear(belief, near(1))
    before = belief.probabilities

    hear(belief, near(3), passed_s=0.02, window_s=1.0, motion=0.5, rested_s=1.02)

    likelihood = (1 - DOUBT) * near(3) + DOUBT / 5
    carried = grid.after(before, 0.01) * likelihood**0.1
    carried /= carried.sum()
    # Half of the newest of two images.
    expected = 0.75 * carried + 0.25 * near(3)
    assert belief.probabilities == pytest.approx(expected)


def test_the_longer_the_rest_the_less_one_image_changes(belief):
    rest(belief, [near(2)] * 20)
    soon = belief.probabilities
    hear(belief, near(4), rested_s=2.0)
    change_soon = np.abs(belief.probabilities - soon).sum()

    rest(belief, [near(2)] * 600)
    late = belief.probabilities
    hear(belief, near(4), rested_s=60.0)

    assert np.abs(belief.probabilities - late).sum() < change_soon / 10


def test_a_mistake_at_rest_ends_some_day(belief):
    rest(belief, [near(2)] * 100)

    for number in range(6000):
        hear(belief, near(4), rested_s=10 + number / 10)

    assert belief.probabilities.argmax() == 4


def test_who_walks_leaves_what_was_believed_behind(belief):
    rest(belief, [near(0)] * 600)

    for _ in range(30):
        hear(belief, near(4), motion=1.0)

    assert belief.probabilities[4] > 0.8


def test_without_a_word_about_motion_images_count_once_a_second(belief):
    grid = Grid(ROW, speed_m_s=1.2)
    hear(belief, near(1))
    before = belief.probabilities

    hear(belief, near(3), passed_s=0.25, window_s=0.5, motion=None)

    likelihood = (1 - DOUBT) * near(3) + DOUBT / 5
    expected = grid.after(before, 0.25 / 3) * likelihood**0.25
    assert belief.probabilities == pytest.approx(expected / expected.sum())


def test_the_newest_image_s_share_of_a_mean_falls_with_its_span():
    assert newest_share(0.1, 0.9) == pytest.approx(0.1)
    assert newest_share(0.0, 0.9) == 0.0
    assert newest_share(0.0, 0.0) == newest_share(2.0, 0.0) == 1.0


def test_images_of_a_rest_hold_it_alone_from_a_window_on_and_five_minutes_at_most():
    assert mean_span_s(2.5, 1.0) == 0.0
    assert mean_span_s(2.5, 12.5) == 10.0
    assert mean_span_s(2.0, 3600.0) == 298.0


posteriors = st.lists(
    st.lists(st.floats(0, 1), min_size=5, max_size=5).filter(lambda p: sum(p) > 1e-3),
    min_size=1,
    max_size=30,
)


@given(
    posteriors,
    st.lists(st.sampled_from([0.0, 1e-9, 0.1, 3.0, 119.0]), min_size=30, max_size=30),
    st.lists(st.sampled_from([None, 0.0, 0.3, 1.0]), min_size=30, max_size=30),
    st.sampled_from([0.0, 0.5, 30.0]),
)
def test_probabilities_sum_to_one_whatever_comes(stream, passed, motions, window_s):
    belief = Belief(Grid(ROW, speed_m_s=1.2))
    for posterior, passed_s, motion in zip(stream, passed, motions, strict=False):
        hear(
            belief,
            np.array(posterior) / sum(posterior),
            passed_s=passed_s,
            window_s=window_s,
            motion=motion,
        )
        assert np.isfinite(belief.probabilities).all()
        assert belief.probabilities.sum() == pytest.approx(1)


def test_a_posterior_of_other_cells_is_refused(belief):
    with pytest.raises(ValueError, match=r"\(3,\) probabilities for 5 cells"):
        hear(belief, [0.2, 0.3, 0.5])
