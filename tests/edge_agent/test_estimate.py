"""From the probabilities of points to one location, against hand-made figures."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from edge_agent.estimate import estimate_from_posterior
from edge_agent.survey import Point

# Each point's nearest neighbour is 2 m away, so each stands for a disc of radius 1 m.
SQUARE = (
    Point("a", 0, 0, "west"),
    Point("b", 2, 0, "east"),
    Point("c", 0, 2, "west"),
    Point("d", 2, 2, "east"),
)


def estimate(posterior, points=SQUARE, **context):
    defaults = {
        "time_ns": 12,
        "n_frames": 150,
        "window_s": 2.5,
        "n_heard": 2,
        "n_channels": 3,
    }
    return estimate_from_posterior(
        np.asarray(posterior), points, **(defaults | context)
    )


def test_the_location_is_the_posterior_mean():
    answer = estimate([0.5, 0.3, 0.2, 0.0])

    assert answer.position.x == pytest.approx(0.3 * 2)
    assert answer.position.y == pytest.approx(0.2 * 2)


def test_the_covariance_is_that_of_the_points_and_of_their_discs():
    xx, xy, yy = estimate([0.5, 0.3, 0.2, 0.0]).position.covariance

    # E[x²] - E[x]², and a uniform disc of radius r has variance r²/4 along each axis.
    assert xx == pytest.approx(0.3 * 4 - 0.6**2 + 1 / 4)
    assert yy == pytest.approx(0.2 * 4 - 0.4**2 + 1 / 4)
    assert xy == pytest.approx(0 - 0.6 * 0.4)


def test_a_model_that_is_sure_of_a_point_knows_no_more_than_its_disc():
    answer = estimate([0, 0, 1, 0])

    assert (answer.position.x, answer.position.y) == (0, 2)
    assert answer.position.covariance == pytest.approx((1 / 4, 0, 1 / 4))
    assert (answer.position.r68, answer.position.r95) == (1, 1)


def test_the_radii_hold_their_share_of_the_belief_and_the_discs():
    line = tuple(Point(str(x), x, 0) for x in (0, 2, 4))

    answer = estimate([0.05, 0.75, 0.2], line)

    # The mean is at 2.3; from there the points are 2.3, 0.3 and 1.7 away.
    assert answer.position.x == pytest.approx(2.3)
    assert answer.position.r68 == pytest.approx(math.hypot(0.3, 1))
    assert answer.position.r95 == pytest.approx(math.hypot(1.7, 1))


def test_the_largest_radius_reaches_the_farthest_point_if_need_be():
    line = tuple(Point(str(x), x, 0) for x in (0, 2, 4))

    answer = estimate([0.06, 0.74, 0.2], line)

    assert answer.position.r95 == pytest.approx(math.hypot(0.74 * 2 + 0.2 * 4, 1))


def test_a_single_point_has_no_neighbour_and_no_disc():
    answer = estimate([0.3], (Point("only", 1, 2),))

    assert (answer.position.x, answer.position.y) == (1, 2)
    assert answer.position.covariance == (0, 0, 0)
    assert (answer.position.r68, answer.position.r95) == (0, 0)


def test_the_posterior_is_normalised():
    answer = estimate([2, 1, 1, 0])

    assert answer.posterior == (0.5, 0.25, 0.25, 0)
    assert (answer.position.x, answer.position.y) == (0.5, 0.5)


def test_the_discs_weigh_as_much_as_their_points():
    line = tuple(Point(str(x), x, 0) for x in (0, 2, 8))  # discs of 1, 1 and 3 m

    assert estimate([0, 0, 1], line).position.r68 == pytest.approx(3)
    assert estimate([0, 1, 0], line).position.r68 == pytest.approx(1)


def test_two_points_share_the_covariance_of_both_and_of_their_discs():
    apart = (Point("a", 0, 0), Point("b", 4, 0))

    answer = estimate([0.5, 0.5], apart)

    # Each is 2 m from the mean; a uniform disc of 2 m has variance 1 along each axis.
    assert answer.position.covariance == pytest.approx((2**2 + 1, 0, 1))
    assert answer.position.r68 == pytest.approx(math.hypot(2, 2))


def test_rooms_have_the_probabilities_of_their_points_best_first():
    answer = estimate([0.1, 0.4, 0.15, 0.35])

    assert [room for room, _ in answer.rooms] == ["east", "west"]
    assert [p for _, p in answer.rooms] == pytest.approx([0.75, 0.25])


def test_a_point_without_a_room_gives_its_belief_to_none():
    points = (Point("a", 0, 0, "kitchen"), Point("b", 2, 0))

    answer = estimate([0.25, 0.75], points)

    assert answer.rooms == (("kitchen", 0.25),)


def test_without_rooms_there_are_none():
    assert estimate([0.5, 0.5], (Point("a", 0, 0), Point("b", 2, 0))).rooms == ()


def test_the_floor_is_the_one_that_most_belief_is_on():
    points = (
        Point("a", 0, 0, floor=0),
        Point("b", 2, 0, floor=1),
        Point("c", 4, 0, floor=1),
    )

    assert estimate([0.4, 0.3, 0.3], points).floor == 1


ROOMS = (
    Point("table", None, None, "kitchen"),
    Point("desk", None, None, "office"),
    Point("outside", None, None),
)


def test_without_coordinates_there_is_no_position_but_a_room():
    answer = estimate([0.5, 0.3, 0.2], ROOMS)

    assert answer.position is None
    assert dict(answer.rooms) == {"kitchen": 0.5, "office": 0.3}
    assert answer.outside == 0.2


def test_what_is_believed_to_be_outside_is_nowhere_on_the_plan():
    answer = estimate([0.3, 0.1, 0.0, 0.0, 0.6], (*SQUARE, ROOMS[2]))

    assert answer.outside == 0.6
    inside = estimate([0.75, 0.25, 0, 0]).position
    assert (answer.position.x, answer.position.y) == pytest.approx((inside.x, inside.y))
    assert answer.position.covariance == pytest.approx(inside.covariance)
    assert answer.position.r95 == pytest.approx(inside.r95)
    assert dict(answer.rooms) == {"west": 0.3, "east": 0.1}


def test_who_is_surely_outside_has_no_position():
    answer = estimate([0, 0, 0, 0, 1.0], (*SQUARE, ROOMS[2]))

    assert (answer.position, answer.outside) == (None, 1.0)


def test_the_rest_is_passed_on():
    answer = estimate(
        [1, 0, 0, 0], time_ns=7, n_frames=8, window_s=0.5, n_heard=1, n_channels=2
    )

    assert answer.time_ns == 7
    assert answer.n_frames == 8
    assert answer.window_s == 0.5
    assert (answer.n_heard, answer.n_channels) == (1, 2)


@pytest.mark.parametrize(
    ("posterior", "reason"),
    [
        ([0.5, 0.5], r"\(2,\) probabilities for 4 points"),
        ([[0.25] * 4], r"\(1, 4\) probabilities for 4 points"),
        ([0.5, math.nan, 0.5, 0], "must be finite, not negative"),
        ([0.5, math.inf, 0.5, 0], "must be finite, not negative"),
        ([0.6, -0.1, 0.5, 0], "must be finite, not negative"),
        ([0, 0, 0, 0], "not all zero"),
    ],
)
def test_what_is_no_distribution_is_refused(posterior, reason):
    with pytest.raises(ValueError, match=reason):
        estimate(posterior)


@st.composite
def _beliefs(draw):
    n = draw(st.integers(1, 12))
    coordinate = st.floats(-100, 100).map(lambda value: round(value, 3))
    points = tuple(
        Point(str(i), draw(coordinate), draw(coordinate), draw(st.sampled_from("abc")))
        for i in range(n)
    )
    # As the network computes it: a softmax in single precision.
    logits = draw(
        hypothesis_numpy.arrays(np.float32, n, elements=st.floats(-50, 0, width=32))
    )
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum(), points


@given(_beliefs())
def test_whatever_is_believed_the_figures_agree_with_each_other(belief):
    posterior, points = belief

    answer = estimate(posterior, points)

    slack = 1e-9  # [m]: rounding of sums over coordinates of 100 m
    assert min(p.x for p in points) - slack <= answer.position.x
    assert answer.position.x <= max(p.x for p in points) + slack
    assert min(p.y for p in points) - slack <= answer.position.y
    assert answer.position.y <= max(p.y for p in points) + slack
    assert 0 <= answer.position.r68 <= answer.position.r95
    assert sum(p for _, p in answer.rooms) == pytest.approx(1)
    shares = [p for _, p in answer.rooms]
    assert shares == sorted(shares, reverse=True)
    xx, xy, yy = answer.position.covariance
    assert xx >= 0
    assert yy >= 0
    assert xy * xy <= xx * yy + slack
