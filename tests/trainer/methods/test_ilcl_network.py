"""The CNN of ILCL: its layers, and that it learns from a seed alone."""

import numpy as np
import pytest
import torch

from trainer.methods.ilcl_network import IlclNetwork, train_network


def stripes(rng, n):
    """Images that are bright in the first or in the last tones."""
    labels = np.arange(n) % 2
    images = rng.uniform(0, 0.3, (n, 3, 12, 14)).astype(np.float32)
    images[labels == 0, ..., :5] += 0.6
    images[labels == 1, ..., -5:] += 0.6
    return images, labels


def test_at_ilcls_sizes_it_has_its_parameters():
    network = IlclNetwork((3, 30, 30), 8, torch.Generator())

    def convolution(n_in, n_out):
        return n_in * n_out * 9 + n_out + 2 * n_out

    expected = (
        convolution(3, 32)
        + convolution(32, 64)
        + convolution(64, 64)
        + convolution(64, 128)
        + convolution(128, 128)
        # 30 / 3 / 2 / 2 = 2.5, rounded up.
        + 128 * 3 * 3 * 128
        + 128
        + 2 * 128
        + 128 * 8
        + 8
    )
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (52, 50), (10, 49)])
def test_images_of_any_size_pass(size):
    network = IlclNetwork((2, *size), 5, torch.Generator()).eval()

    assert network(torch.zeros(3, 2, *size)).shape == (3, 5)


@pytest.mark.parametrize("n", [2, 8, 51])
def test_it_learns_what_is_easy(rng, n):
    images, labels = stripes(rng, n)
    network = train_network(images, labels, n_epochs=20, seed=0)

    others, truth = stripes(rng, 60)
    found = network.probabilities(others)

    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == truth).mean() > 0.9


def test_the_seed_decides_and_the_global_generator_does_not(rng):
    images, labels = stripes(rng, 10)

    def outputs(seed):
        torch.manual_seed(int(rng.integers(99)))
        trained = train_network(images, labels, n_epochs=2, seed=seed)
        return trained.probabilities(images)

    first, again, other = map(outputs, (0, 0, 1))

    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_a_quarter_is_dropped_in_training_and_nothing_later():
    generator = torch.Generator().manual_seed(0)
    network = IlclNetwork((1, 3, 3), 2, generator)
    (dropout, *_) = [m for m in network.modules() if type(m).__name__ == "_Dropout"]
    x = torch.ones(10_000)

    dropped = dropout(x)

    np.testing.assert_allclose(dropped.unique(), [0, 4 / 3])
    assert (dropped == 0).float().mean() == pytest.approx(0.25, abs=0.02)
    assert dropout.eval()(x) is x


def test_no_image_has_no_probabilities():
    network = IlclNetwork((1, 6, 6), 4, torch.Generator()).eval()

    assert network.probabilities(np.zeros((0, 1, 6, 6), np.float32)).shape == (0, 4)
