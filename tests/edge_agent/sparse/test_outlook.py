"""What is expected of locations, against conditioning and against drawn days."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.neighbours.bent_map import BentMap
from edge_agent.sparse.outlook import Outlook, costs_of
from edge_agent.survey import Point
from tests.edge_agent.walked import (
    WALKED_SPEC,
    at_points,
    grid_points,
    last_walk,
    plain_neighbours,
    walked,
)

NOBODY = np.zeros(0, np.intp)
NEIGHBOURS = plain_neighbours()
POINTS = grid_points(8)


@pytest.fixture
def site():
    return last_walk(walked(np.random.default_rng(2), POINTS, 4))


def outlook_of(history, fresh):
    return Outlook.of(NEIGHBOURS, WALKED_SPEC, history, fresh)


def drawn_outlook(rng, n=4, d=2):
    """Any means and covariances."""
    roots = rng.normal(0, 1, (d, n, n))
    means = rng.normal(0, 2, (d, n))
    return Outlook(
        means,
        roots @ roots.transpose(0, 2, 1),
        (means[:, :, None] - means[:, None]) ** 2,
        np.ones(n, bool),
        costs_of(grid_points(n)),
    )


def test_a_visit_leaves_what_conditioning_leaves(rng):
    outlook = drawn_outlook(rng)

    after = outlook.visited(2, 3)

    for before, left in zip(outlook.covariances, after.covariances, strict=True):
        precision = np.linalg.inv(before)
        precision[2, 2] += 3
        np.testing.assert_allclose(left, np.linalg.inv(precision), atol=1e-9)


def test_the_gaps_that_are_expected_are_those_of_drawn_days(rng):
    """Posterior means of many days, each shot at one point."""
    outlook = drawn_outlook(rng, d=1)
    mean, covariance = outlook.means[0], outlook.covariances[0]
    days = rng.multivariate_normal(mean, covariance, 200_000)
    y = days[:, 2] + rng.normal(0, (1 / 3) ** 0.5, len(days))
    gain = covariance[:, 2] / (covariance[2, 2] + 1 / 3)
    posterior = mean + gain * (y - mean[2])[:, None]

    gaps = outlook.visited(2, 3).gaps[0]

    drawn = ((posterior[:, :, None] - posterior[:, None]) ** 2).mean(axis=0)
    np.testing.assert_allclose(gaps, drawn, rtol=0.03, atol=0.03)


def test_fresh_shots_give_the_means_of_the_bent_map(site):
    """The order in which points are told does not matter, and both ways agree."""
    history, fresh, _ = site
    some = at_points(fresh, [1, 4, 6])

    outlook = outlook_of(history, some)
    bent = BentMap.bend(NEIGHBOURS, WALKED_SPEC, history, some)

    expected = np.sort(bent.means.transpose(1, 2, 0).reshape(-1, 8), axis=0)
    np.testing.assert_allclose(np.sort(outlook.means, axis=0), expected, atol=1e-4)
    own = np.diagonal(outlook.covariances, axis1=1, axis2=2)
    np.testing.assert_allclose(
        outlook.gaps, (outlook.means[:, :, None] - outlook.means[:, None]) ** 2
    )
    expected = np.sort(bent.variances.transpose(1, 2, 0).reshape(-1, 8), axis=0)
    np.testing.assert_allclose(np.sort(own, axis=0), expected, atol=1e-4)


def test_a_channel_that_a_shot_does_not_hear_is_told_nothing(site):
    history, fresh, _ = site
    deaf = replace(fresh, heard=np.zeros_like(fresh.heard))

    before = outlook_of(history, fresh.select(NOBODY))
    after = outlook_of(history, at_points(deaf, [3]))

    np.testing.assert_allclose(after.means, before.means, atol=1e-6)
    np.testing.assert_allclose(after.covariances, before.covariances, atol=1e-6)


def test_two_points_alike_are_taken_for_one_another_half_of_the_time():
    alike = Outlook(
        np.zeros((1, 2)),
        np.full((1, 2, 2), 0.5),
        np.zeros((1, 2, 2)),
        np.ones(2, bool),
        np.array([[0.0, 4.0], [4.0, 0.0]]),
    )

    assert alike.error == pytest.approx(2)


def test_far_apart_they_are_not_as_bhattacharyya_bounds():
    apart = Outlook(
        np.array([[0.0, 3.0]]),
        np.zeros((1, 2, 2)),
        np.array([[[0.0, 9.0], [9.0, 0.0]]]),
        np.ones(2, bool),
        np.array([[0.0, 4.0], [4.0, 0.0]]),
    )

    weight = np.exp(-9 / 8)
    assert apart.error == pytest.approx(4 * weight / (1 + weight))


def test_points_that_nobody_has_shot_are_located_elsewhere(rng):
    known = drawn_outlook(rng)
    outlook = replace(known, is_known=np.array([True, False, True, True]))

    errors = outlook.errors()

    assert errors[1] >= 0.5  # the next point is half a metre away
    assert (errors[[0, 2, 3]] <= known.errors()[[0, 2, 3]] + 1).all()
    assert outlook.visited(1, 3).is_known.all()


def test_a_large_site_is_planned_with_fewer_directions():
    rng = np.random.default_rng(0)
    few = outlook_of(*last_walk(walked(rng, POINTS, 3))[:2])
    many = outlook_of(*last_walk(walked(rng, grid_points(180, 12), 2, n_laps=2))[:2])

    assert len(few.means) == 2 * 7
    assert len(many.means) == 9


# -- costs -----------------------------------------------------------------------------


def test_costs_are_metres_where_there_are_coordinates():
    costs = costs_of((Point("a", 0.0, 0.0), Point("b", 3.0, 4.0)))

    np.testing.assert_array_equal(costs, [[0, 5], [5, 0]])


def test_from_outside_to_any_point_it_is_as_far_as_it_can_be():
    costs = costs_of(
        (Point("a", 0.0, 0.0), Point("b", 3.0, 4.0), Point("outside", None, None))
    )

    np.testing.assert_array_equal(costs[2], [5, 5, 0])


def test_with_rooms_alone_another_room_costs_more_than_another_point():
    costs = costs_of(
        (
            Point("a", None, None, "kitchen"),
            Point("b", None, None, "kitchen"),
            Point("c", None, None, "hall"),
        )
    )

    np.testing.assert_allclose(costs, [[0, 0.3, 1], [0.3, 0, 1], [1, 1, 0]])
