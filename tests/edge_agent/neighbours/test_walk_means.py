"""Means of visits, by hand."""

import numpy as np

from edge_agent.neighbours.walk_means import MOST_WALKS, WalkMeans, WhitenedShots
from edge_agent.neighbours.whitening import channel_features
from tests.edge_agent.walked import grid_points, plain_neighbours, walked


def shots(z, point_of, visit_of, walk_of, heard=None, n_points=2):
    z = np.asarray(z, float).reshape(len(point_of), 1, -1)
    heard = np.ones((len(z), 1), bool) if heard is None else np.array(heard)[:, None]
    return WhitenedShots(
        z, heard, np.array(point_of), np.array(visit_of), np.array(walk_of), n_points
    )


def test_a_mean_is_of_visits_however_many_images_each_has():
    found = WalkMeans.of(shots([1, 1, 1, 5], [0] * 4, [0, 0, 0, 1], [0] * 4))

    assert found.means[0, 0, 0, 0] == 3
    assert found.n_visits[0, 0, 0] == 2


def test_scatter_is_of_visits_about_the_mean_of_their_walk():
    found = WalkMeans.of(
        shots([1, 5, 7, 7, 100, 102], [0, 0, 0, 1, 0, 0], range(6), [0, 0, 0, 0, 1, 1])
    )

    by_hand = sum((x - 13 / 3) ** 2 for x in (1, 5, 7)) + 1 + 1
    np.testing.assert_allclose(found.scatter, [[by_hand]])
    assert found.n_degrees == 2 + 0 + 1


def test_what_was_not_heard_has_no_mean_and_no_part():
    found = WalkMeans.of(
        shots([1, 9, 3], [0, 0, 1], [0, 1, 1], [0] * 3, heard=[True, False, False])
    )

    assert found.means[0, 0, 0, 0] == 1
    assert np.isnan(found.means[0, 1, 0, 0])
    assert not found.scatter.any()


def test_walks_and_visits_are_told_apart_by_their_names(rng):
    past = walked(rng, grid_points(4), n_walks=2, n_laps=3)

    seen = WhitenedShots.of(plain_neighbours(), past)

    assert seen.n_walks == 2
    assert len(np.unique(seen.visit_of)) == 6
    np.testing.assert_array_equal(seen.walk_of, np.repeat([0, 1], 12))
    np.testing.assert_allclose(
        seen.z, plain_neighbours().whitening(channel_features(past.images, past.spec))
    )
    assert seen.as_one_walk().n_walks == 1
    np.testing.assert_array_equal(seen.counts(), np.full((4, 2), 6))
    np.testing.assert_array_equal(seen.n_shots(), [6] * 4)


def test_only_the_newest_walks_are_kept(rng):
    past = walked(rng, grid_points(2), n_walks=MOST_WALKS + 3, n_laps=1)

    seen = WhitenedShots.of(plain_neighbours(), past)

    assert seen.n_walks == MOST_WALKS
    assert len(seen.z) == 2 * MOST_WALKS
    np.testing.assert_allclose(
        seen.z[-2:],
        plain_neighbours().whitening(channel_features(past.images[-2:], past.spec)),
    )


def test_a_point_that_was_not_walked_to_for_long_keeps_its_shots(rng):
    """One walk to all points, then many to one of them."""
    past = walked(rng, grid_points(3), n_walks=MOST_WALKS + 3, n_laps=1)
    sparse = past.select(
        np.flatnonzero((past.point_of == 1) | (np.arange(len(past)) < 3))
    )

    seen = WhitenedShots.of(plain_neighbours(), sparse)

    assert seen.n_shots().tolist() == [1, MOST_WALKS, 1]
    assert seen.n_walks == MOST_WALKS + 1


def test_no_shots_are_of_no_walk(rng):
    past = walked(rng, grid_points(2))

    seen = WhitenedShots.of(plain_neighbours(), past.select(np.zeros(0, np.intp)))

    assert seen.n_walks == 0
    assert not seen.counts().any()
