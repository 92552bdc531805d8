"""Prediction, prepared, against the network in torch, step by step."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from edge_agent.learning.frozen_network import FrozenNetwork
from edge_agent.learning.network import (
    NORM_EPSILON,
    Architecture,
    Statistics,
    probabilities,
    scale_input,
)
from tests.edge_agent.layers import each_layer
from tests.edge_agent.sites import random_parameters

TINY = Architecture((2, 7, 9), filters=(3, 5, 4), pixel_mean=0.37, pixel_std=0.21)
PAPER = Architecture((3, 50, 52))


def random_site(rng, architecture, *, n_points=4, dtype=np.float64):
    statistics = [
        Statistics(
            rng.normal(0, 1, n).astype(dtype), rng.uniform(0.1, 2, n).astype(dtype)
        )
        for n in architecture.filters
    ]
    theta = random_parameters(rng, architecture, n_points=n_points, dtype=dtype)
    return theta, statistics


def random_images(rng, architecture, n=6):
    images = rng.integers(0, 256, (n, *architecture.image_shape), np.uint8)
    heard = rng.random((n, architecture.image_shape[0])) < 0.7
    heard[0] = True
    return images, heard


def in_order(theta, x, statistics):
    """Logits by torch: convolution, ReLU, normalisation, maximum."""
    torch.set_num_threads(1)
    theta = {name: torch.from_numpy(array) for name, array in theta.items()}
    x = torch.from_numpy(x)
    for number, (mean, variance) in enumerate(statistics):
        weight, bias = theta[f"conv{number}.weight"], theta[f"conv{number}.bias"]
        scale, shift = theta[f"norm{number}.scale"], theta[f"norm{number}.shift"]
        x = F.relu(F.conv2d(x, weight, bias, padding=1))
        moments = map(torch.from_numpy, (mean, variance))
        x = F.batch_norm(x, *moments, scale, shift, eps=NORM_EPSILON)
        if number < len(statistics) - 1:
            x = F.max_pool2d(x, 2)
    return (x.flatten(1) @ theta["head.weight"].T + theta["head.bias"]).numpy()


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)]
)
@pytest.mark.parametrize("architecture", [TINY, PAPER], ids=["tiny", "paper"])
@each_layer
def test_it_says_what_the_network_says(layer, architecture, dtype, tolerance, rng):
    theta, statistics = random_site(rng, architecture, dtype=dtype)
    images, heard = random_images(rng, architecture)

    network = FrozenNetwork(architecture, theta, statistics, layer)

    inputs = scale_input(architecture, images, heard, dtype)
    logits = in_order(theta, inputs, statistics)
    assert network.logits(images, heard).dtype == dtype
    largest = np.abs(logits).max()
    np.testing.assert_allclose(
        network.logits(images, heard), logits, rtol=0, atol=tolerance * largest
    )
    assert np.ptp(logits, axis=0).min() > 0.01 * largest
    np.testing.assert_array_equal(
        network.predict(images, heard), probabilities(network.logits(images, heard))
    )


@each_layer
def test_scales_that_are_not_positive_make_no_difference(layer, rng):
    theta, statistics = random_site(rng, TINY)
    theta["norm0.scale"][1] *= -1
    theta["norm1.scale"][:] = [1, 0, -1, 2, -2]
    images, heard = random_images(rng, TINY)

    found = FrozenNetwork(TINY, theta, statistics, layer).logits(images, heard)

    inputs = scale_input(TINY, images, heard, np.float64)
    np.testing.assert_allclose(found, in_order(theta, inputs, statistics), rtol=1e-10)


@each_layer
def test_an_image_does_not_depend_on_those_beside_it(layer, rng):
    theta, statistics = random_site(rng, TINY)
    images, heard = random_images(rng, TINY, 20)
    network = FrozenNetwork(TINY, theta, statistics, layer)

    together = network.logits(images, heard)

    for number in range(20):
        one = slice(number, number + 1)
        alone = network.logits(images[one], heard[one])
        np.testing.assert_allclose(together[one], alone, rtol=1e-12)


def test_what_a_channel_that_was_not_heard_holds_has_no_influence(rng):
    theta, statistics = random_site(rng, TINY)
    images, _ = random_images(rng, TINY)
    heard = np.tile([True, False], (6, 1))
    others = images.copy()
    others[:, 1] = 255 - others[:, 1]
    network = FrozenNetwork(TINY, theta, statistics)

    before, after = network.logits(images, heard), network.logits(others, heard)

    np.testing.assert_array_equal(before, after)
    heard[0, 1] = True
    assert (network.logits(others, heard)[0] != network.logits(images, heard)[0]).all()


def test_images_of_another_shape_are_refused(rng):
    theta, statistics = random_site(rng, TINY)
    network = FrozenNetwork(TINY, theta, statistics)
    images, heard = random_images(rng, TINY)

    for some, mask in ((images[..., :-1], heard), (images, heard[:, :1])):
        with pytest.raises(ValueError, match=r"expected \(n, \*\(2, 7, 9\)\)"):
            network.logits(some, mask)
