"""What changes at a site, against days that were drawn with known variances."""

import math

import numpy as np
import pytest

from edge_agent.neighbours.changes import Changes, field_kernel
from edge_agent.neighbours.walk_means import WalkMeans, WhitenedShots


def drawn(rng, *, n_walks, n_points, point, common, local, visit, n_laps=3, field=None):
    """Shots of one visit per lap, with variances per direction."""
    point, common, local, visit = map(np.asarray, (point, common, local, visit))
    d, n_channels = len(point), 2
    root = np.eye(n_points) if field is None else np.linalg.cholesky(field)
    usual = rng.normal(0, 1, (n_points, n_channels, d)) * np.sqrt(point)
    z, point_of, visit_of, walk_of = [], [], [], []
    for walk in range(n_walks):
        day = rng.normal(0, 1, (n_channels, d)) * np.sqrt(common)
        noise = rng.normal(0, 1, (n_points, n_channels, d)) * np.sqrt(local)
        today = usual + day + np.einsum("pq,qcd->pcd", root, noise)
        for lap in range(n_laps):
            z.append(today + rng.normal(0, 1, today.shape) * np.sqrt(visit))
            point_of.append(np.arange(n_points))
            visit_of.append(np.full(n_points, walk * n_laps + lap))
            walk_of.append(np.full(n_points, walk))
    z = np.concatenate(z)
    return WhitenedShots(
        z,
        np.ones(z.shape[:2], bool),
        *map(np.concatenate, (point_of, visit_of, walk_of)),
        n_points,
    )


def test_variances_that_days_were_drawn_with_are_found_again(rng):
    """In units of a visit's, along the axes: 4, 1 and 0.25 of it are the walk's."""
    visit = np.array([0.5, 1.0, 2.0])
    local = np.array([4.0, 1.0, 0.25]) * visit
    shots = drawn(
        rng,
        n_walks=12,
        n_points=200,
        point=8 * visit,
        common=2 * visit,
        local=local,
        visit=visit,
    )

    changes = Changes.learn(WalkMeans.of(shots), np.eye(200))

    np.testing.assert_allclose(changes.local.mean(axis=0), [0.25, 1, 4], rtol=0.15)
    np.testing.assert_allclose(changes.spread.mean(axis=0), [8] * 3, rtol=0.25)
    np.testing.assert_allclose(changes.common.mean(axis=0), [2] * 3, rtol=0.6)
    # Noise is white in the directions that are found.
    noise = changes.directions.T @ np.diag(visit) @ changes.directions
    np.testing.assert_allclose(noise, np.eye(3), atol=0.12)
    assert not changes.field_share.any()


def test_what_is_expected_of_a_point_is_drawn_to_the_middle_as_far_as_walks_differ(rng):
    ones = np.ones(3)
    shots = drawn(
        rng,
        n_walks=2,
        n_points=300,
        point=ones,
        common=0 * ones,
        local=4 * ones,
        visit=ones,
    )
    past = WalkMeans.of(shots)

    changes = Changes.learn(past, np.eye(300))

    means = np.nanmean(past.means, axis=0) @ changes.directions
    shrunk = (changes.expected - changes.middle).std(axis=0)
    kept = shrunk / means.std(axis=0)
    # P / (P + (b + 1/3) / 2) with P = 1, b = 4
    np.testing.assert_allclose(kept.mean(), 1 / (1 + (4 + 1 / 3) / 2), rtol=0.25)


def test_a_smooth_field_is_told_from_changes_at_each_point_alone(rng):
    where = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
    kernel = field_kernel(where, np.zeros(64, int))
    ones = np.ones(2)

    def share(field):
        shots = drawn(
            rng,
            n_walks=8,
            n_points=64,
            point=ones,
            common=ones,
            local=3 * ones,
            visit=ones,
            field=field,
        )
        return Changes.learn(WalkMeans.of(shots), kernel).field_share

    mixed = 0.6 * kernel + 0.4 * np.eye(64)
    assert (np.abs(share(mixed) - 0.6) < 0.25).all()
    assert (share(None) < 0.15).all()


def test_the_kernel_is_that_of_matern_on_one_floor():
    where = np.array([[0.0, 0.0], [10.0, 0.0], [3.5, 0.0], [0.0, 0.0], [np.nan] * 2])
    kernel = field_kernel(where, np.array([0, 0, 0, 1, 0]))

    # The length is 0.35 of the largest distance: 3.5 m.
    assert kernel[0, 2] == pytest.approx((1 + math.sqrt(3)) * math.exp(-math.sqrt(3)))
    np.testing.assert_array_equal(np.diag(kernel), 1)
    assert kernel[0, 3] == 0  # above one another
    assert not kernel[4, :4].any()  # nobody knows where


def test_points_at_one_place_or_at_none_have_a_kernel_too():
    nowhere = field_kernel(np.full((2, 2), np.nan), np.zeros(2, int))
    together = field_kernel(np.zeros((2, 2)), np.zeros(2, int))

    np.testing.assert_array_equal(nowhere, np.eye(2))
    np.testing.assert_array_equal(together, np.ones((2, 2)))


def test_one_walk_alone_teaches_that_the_next_is_as_far_off_as_a_visit(rng):
    ones = np.ones(3)
    shots = drawn(
        rng,
        n_walks=1,
        n_points=40,
        point=9 * ones,
        common=ones,
        local=ones,
        visit=ones,
    )

    changes = Changes.learn(WalkMeans.of(shots), np.eye(40))

    np.testing.assert_allclose(changes.local, 1.0)
    assert np.isfinite(changes.expected).all()
    assert (changes.doubt > 0).all()


def test_a_channel_or_a_point_that_the_past_does_not_know_is_left_wide_open(rng):
    ones = np.ones(3)
    shots = drawn(
        rng,
        n_walks=3,
        n_points=10,
        point=9 * ones,
        common=ones,
        local=ones,
        visit=ones,
    )
    shots.heard[:, 1] = False
    shots.heard[shots.point_of == 4] = False

    changes = Changes.learn(WalkMeans.of(shots), np.eye(10))

    np.testing.assert_allclose(changes.doubt[4], changes.spread)
    np.testing.assert_allclose(changes.doubt[:, 1], np.tile(changes.spread[1], (10, 1)))
    assert (changes.doubt[3, 0] < changes.spread[0]).all()
    np.testing.assert_allclose(changes.expected[4], changes.middle)


def test_the_covariance_is_the_sum_of_what_changes(rng):
    ones = np.ones(2)
    shots = drawn(
        rng, n_walks=3, n_points=5, point=ones, common=ones, local=ones, visit=ones
    )
    kernel = field_kernel(np.arange(10.0).reshape(5, 2), np.zeros(5, int))
    changes = Changes.learn(WalkMeans.of(shots), kernel)
    changes.field_share[:] = 0.3

    covariance = changes.covariance(1, kernel)

    for j in range(2):
        for p in range(5):
            for q in range(5):
                expected = changes.common[1, j]
                expected += changes.local[1, j] * 0.3 * kernel[p, q]
                if p == q:
                    expected += 0.7 * changes.local[1, j] + changes.doubt[p, 1, j]
                assert covariance[j, p, q] == pytest.approx(expected)


def test_a_past_that_heard_nothing_draws_no_map(rng):
    ones = np.ones(2)
    shots = drawn(
        rng, n_walks=1, n_points=3, point=ones, common=ones, local=ones, visit=ones
    )
    shots.heard[:] = False

    with pytest.raises(ValueError, match="has heard nothing"):
        Changes.learn(WalkMeans.of(shots), np.eye(3))
