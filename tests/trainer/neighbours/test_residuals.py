"""The scatter of what changed at each point, against loops."""

from dataclasses import replace

import numpy as np

from edge_agent.neighbours.whitening import channel_features
from tests.edge_agent.sites import SPEC, environment
from trainer.neighbours.residuals import Scatter


def residuals_of(home):
    """A second implementation, a point and a channel at a time."""
    features = channel_features(home.images, home.spec)
    found, n_degrees = [], 0
    for channel in range(SPEC.n_channels):
        for point in range(len(home.points)):
            rows = [
                k
                for k in range(len(home.images))
                if home.point_of[k] == point and home.heard[k, channel]
            ]
            if len(rows) > 1:
                x = features[rows, channel]
                found += [row - sum(x) / len(x) for row in x]
                n_degrees += len(x) - 1
    return np.array(found), n_degrees


def test_the_scatter_is_the_sum_over_points_and_channels(rng):
    home = environment(rng, n_per_point=4)
    home = replace(home, heard=rng.random(home.heard.shape) < 0.8)
    residuals, n_degrees = residuals_of(home)

    scatter = Scatter.of(home)

    np.testing.assert_allclose(scatter.products, residuals.T @ residuals, rtol=1e-9)
    assert scatter.n_degrees == n_degrees


def test_residuals_of_a_point_of_one_visit_do_not_count(rng):
    home = environment(rng, n_per_point=2)
    home = replace(home, visit_of=np.array(list("abaaab")))

    scatter = Scatter.of(home)

    others = home.select(np.array([0, 1, 4, 5]))
    np.testing.assert_array_equal(scatter.products, Scatter.of(others).products)
    assert scatter.n_degrees == 2 * SPEC.n_channels


def test_scatters_add(rng):
    parts = [Scatter.of(environment(rng)) for _ in range(3)]

    total = Scatter.sum(parts)

    np.testing.assert_allclose(total.products, sum(part.products for part in parts))
    assert total.n_degrees == sum(part.n_degrees for part in parts)


def test_whitened_residuals_of_history_have_the_identity_for_covariance(rng):
    """With nearly no shrinkage; there are more residuals than features."""
    homes = [environment(rng, n_per_point=6) for _ in range(3)]
    scatter = Scatter.sum([Scatter.of(home) for home in homes])
    residuals = np.concatenate([residuals_of(home)[0] for home in homes])

    z = scatter.whitening(1e-9)(residuals)

    covariance = z.T @ z / scatter.n_degrees
    # Of a channel's shape the mean square is 1, which leaves a direction almost free.
    np.testing.assert_allclose(covariance, np.eye(len(covariance)), atol=1e-3)


def test_shrunk_altogether_features_are_divided_by_their_deviation(rng):
    home = environment(rng)
    residuals, n_degrees = residuals_of(home)

    whitening = Scatter.of(home).whitening(1.0)

    expected = np.sqrt((residuals**2).sum(axis=0) / n_degrees)
    np.testing.assert_allclose(whitening.scale, expected, rtol=1e-9)
    np.testing.assert_allclose(whitening.root, np.eye(len(expected)), atol=1e-9)


def test_what_never_changed_is_taken_as_it_is(rng):
    """As the level is, where firmware sends no RSSI: here every image is one of two
    that differ in the order of their tones."""
    once = rng.integers(0, 256, (1, *SPEC.shape), np.uint8)
    images = np.concatenate([once, once[..., ::-1]])[[0, 1] * 3]
    home = environment(rng, n_per_point=2, images=images)

    whitening = Scatter.of(home).whitening(0.1)

    assert whitening.scale[-1] == 1.0
    np.testing.assert_allclose(whitening.root[-1, :-1], 0, atol=1e-12)
    np.testing.assert_allclose(whitening.root[-1, -1], 1)


def test_history_in_which_nothing_changed_whitens_nothing(rng):
    images = np.repeat(rng.integers(0, 256, (3, *SPEC.shape), np.uint8), 3, axis=0)

    whitening = Scatter.of(environment(rng, images=images)).whitening(0.1)

    np.testing.assert_array_equal(whitening.scale, 1)
    np.testing.assert_allclose(whitening.root, np.eye(SPEC.n_tones + 1), atol=1e-12)
