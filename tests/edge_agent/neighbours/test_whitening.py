"""Features of images, and the whitening that makes their residuals alike."""

import numpy as np
import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.neighbours.whitening import Whitening, channel_features, inverse_root
from tests.edge_agent.sites import SPEC

DECIBEL = ImageSpec(
    n_packets=2, n_tones=4, n_channels=1, floor_dbm=-255.0, ceiling_dbm=0.0
)
"""A pixel is a decibel above -255 dBm."""


def correlated(rng, d, n=400):
    """Vectors whose entries have to do with each other."""
    return rng.normal(0, 1, (n, d)) @ rng.normal(0, 1, (d, d))


# -- features --------------------------------------------------------------------------


def test_features_are_amplitudes_about_one_and_the_level_in_dbm():
    pixels = np.array([[[135, 141, 135, 138], [140, 141, 140, 138]]], np.uint8)
    power_mw = 10 ** ((pixels[0].astype(float) - 255) / 10)
    mean = power_mw.mean(axis=0)

    (features,) = channel_features(pixels[None], DECIBEL)

    np.testing.assert_allclose(features[0, :4] ** 2, mean / mean.mean(), rtol=1e-12)
    np.testing.assert_allclose(features[0, 4], 10 * np.log10(mean.mean()), rtol=1e-12)


def test_the_level_alone_moves_when_all_pixels_do():
    pixels = np.array([[[[90, 100, 95, 80], [91, 99, 94, 82]]]], np.uint8)

    before, after = channel_features(np.concatenate([pixels, pixels + 10]), DECIBEL)

    np.testing.assert_allclose(after[:, :4], before[:, :4], rtol=1e-12)
    np.testing.assert_allclose(after[:, 4], before[:, 4] + 10, rtol=1e-12)


def test_a_constant_image_has_the_shape_of_a_flat_channel(rng):
    images = np.zeros((1, *SPEC.shape), np.uint8)

    features = channel_features(images, SPEC)

    np.testing.assert_allclose(features[..., :-1], 1)
    np.testing.assert_allclose(features[..., -1], SPEC.floor_dbm)


def test_features_of_an_image_do_not_depend_on_the_images_beside_it(rng):
    images = rng.integers(0, 256, (70, *SPEC.shape), np.uint8)  # several passes

    together = channel_features(images, SPEC)

    for number in (0, 31, 32, 69):
        alone = channel_features(images[number : number + 1], SPEC)
        np.testing.assert_array_equal(together[number : number + 1], alone)


def test_no_images_have_no_features():
    features = channel_features(np.zeros((0, *SPEC.shape), np.uint8), SPEC)

    assert features.shape == (0, SPEC.n_channels, SPEC.n_tones + 1)


# -- whitening -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_whitened_residuals_have_the_identity_for_covariance(seed):
    rng = np.random.default_rng(seed)
    residuals = correlated(rng, 6)
    scale = np.sqrt((residuals**2).mean(axis=0))
    correlation = (residuals / scale).T @ (residuals / scale) / len(residuals)

    z = Whitening(scale, inverse_root(correlation, 1e-12))(residuals)

    np.testing.assert_allclose(z.T @ z / len(z), np.eye(6), atol=1e-6)


def test_the_root_of_the_inverse_squared_is_the_inverse(rng):
    correlation = np.corrcoef(correlated(rng, 5).T)
    shrunk = 0.7 * correlation + 0.3 * np.eye(5)

    root = inverse_root(correlation, 0.3)

    np.testing.assert_allclose(root @ root @ shrunk, np.eye(5), atol=1e-10)


def test_shrunk_altogether_it_only_scales(rng):
    root = inverse_root(np.corrcoef(correlated(rng, 5).T), 1.0)

    np.testing.assert_allclose(root, np.eye(5), atol=1e-12)


def test_a_correlation_of_too_few_residuals_can_be_inverted():
    """Rank one; rounding leaves eigenvalues below zero."""
    root = inverse_root(np.ones((4, 4)), 0.01)

    assert np.linalg.eigvalsh(root).min() > 0


@pytest.mark.parametrize(
    ("scale", "root", "reason"),
    [
        (np.ones(3), np.eye(2), r"scale has shape \(3,\), root \(2, 2\)"),
        (np.ones(2), np.ones((2, 3)), r"root \(2, 3\); expected"),
        (np.array([1.0, 0.0]), np.eye(2), "scale holds values that are not finite an"),
        (np.array([1.0, np.nan]), np.eye(2), "scale holds values that are not finite"),
        (np.array([1.0, np.inf]), np.eye(2), "scale holds values that are not finite"),
        (np.ones(2), np.array([[1, np.nan], [np.nan, 1]]), "root holds values"),
        (np.ones(2), np.array([[1.0, 0.5], [0.4, 1.0]]), "root is not symmetric"),
        (np.ones(2), np.array([[1.0, 2.0], [2.0, 1.0]]), "definite: eigenvalue -1"),
        (np.ones(2), np.zeros((2, 2)), "root is not positive definite: eigenvalue 0"),
    ],
)
def test_a_whitening_that_is_none_is_refused(scale, root, reason):
    with pytest.raises(ValueError, match=reason):
        Whitening(scale, root)
