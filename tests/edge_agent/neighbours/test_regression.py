"""Regression on fresh shots, against conditioning of a joint Gaussian."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.neighbours.changes import Changes, field_kernel
from edge_agent.neighbours.regression import bent
from edge_agent.neighbours.walk_means import WhitenedShots

N, D = 5, 3
KERNEL = field_kernel(np.arange(2.0 * N).reshape(N, 2), np.zeros(N, int))


@pytest.fixture
def changes(rng):
    a = rng.normal(0, 1, (D, D)) + 2 * np.eye(D)
    return Changes(
        a,
        np.zeros((1, D)),
        np.ones((1, D)),
        rng.uniform(0.1, 2, (1, D)),
        rng.uniform(0.5, 3, (1, D)),
        np.array([0.0, 0.5, 0.9]),
        rng.normal(0, 2, (N, 1, D)),
        rng.uniform(0.1, 1, (N, 1, D)),
    )


def fresh(rng, point_of, visit_of):
    return WhitenedShots(
        rng.normal(0, 2, (len(point_of), 1, D)),
        np.ones((len(point_of), 1), bool),
        np.array(point_of, int),
        np.array(visit_of, int),
        np.zeros(len(point_of), int),
        N,
    )


def test_it_is_the_joint_gaussian_given_every_single_visit(rng, changes):
    """Joint over points and visits, conditioned on the visits one by one."""
    now = fresh(rng, [1, 1, 1, 3], [0, 1, 2, 0])

    means, variances = bent(changes, KERNEL, now)

    for j in range(D):
        prior = changes.covariance(0, KERNEL)[j]
        select = np.eye(N)[now.point_of]  # (n_visits, N)
        y = now.z[:, 0] @ changes.directions[:, j]
        precision = np.linalg.inv(prior) + select.T @ select
        covariance = np.linalg.inv(precision)
        mean = covariance @ (
            np.linalg.inv(prior) @ changes.expected[:, 0, j] + select.T @ y
        )
        np.testing.assert_allclose(means[:, 0, j], mean, rtol=1e-8)
        np.testing.assert_allclose(variances[:, 0, j], np.diag(covariance), rtol=1e-8)


def test_images_of_one_visit_count_as_one(rng, changes):
    twice = fresh(rng, [2, 2], [0, 0])
    once = replace(
        twice,
        z=twice.z.mean(axis=0, keepdims=True),
        heard=twice.heard[:1],
        point_of=twice.point_of[:1],
        visit_of=twice.visit_of[:1],
        walk_of=twice.walk_of[:1],
    )

    for found, expected in zip(
        bent(changes, KERNEL, twice), bent(changes, KERNEL, once), strict=True
    ):
        np.testing.assert_allclose(found, expected)


def test_without_a_shot_nothing_is_bent(rng, changes):
    means, variances = bent(changes, KERNEL, fresh(rng, [], []))

    np.testing.assert_array_equal(means, changes.expected)
    prior = np.diagonal(changes.covariance(0, KERNEL), axis1=1, axis2=2)
    np.testing.assert_allclose(variances[:, 0], prior.T)


def test_a_shot_tells_most_of_its_own_point_and_something_of_all(rng, changes):
    _, before = bent(changes, KERNEL, fresh(rng, [], []))

    _, after = bent(changes, KERNEL, fresh(rng, [2], [0]))

    assert (after < before).all()
    share = (after / before)[:, 0]
    assert (share.argmin(axis=0) == 2).all()


def test_channels_that_a_shot_does_not_hear_are_not_bent(rng, changes):
    now = fresh(rng, [2], [0])
    now.heard[:] = False

    means, _ = bent(changes, KERNEL, now)

    np.testing.assert_array_equal(means, changes.expected)
