"""What is compared of an image: cosines over the band, and the level."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.csi.image import ImageSpec
from edge_agent.task_similarity.features import N_RIPPLES, n_features, task_features

SPEC = ImageSpec(n_packets=4, n_tones=52, n_channels=2, floor_dbm=-127.5, ceiling_dbm=0)
"""Half a decibel per grey level."""


def image(tones_dbm, spec=SPEC):
    """An image all of whose packets have these tone powers, in both channels."""
    grey = np.rint((np.asarray(tones_dbm) - spec.floor_dbm) * 2).astype(np.uint8)
    return np.broadcast_to(grey, (1, *spec.shape)).copy()


def features(images, heard=None, spec=SPEC):
    heard = np.ones((len(images), spec.n_channels), bool) if heard is None else heard
    return task_features(images, heard, spec)


def test_a_flat_channel_is_its_level_and_no_ripple():
    found = features(image(np.full(52, -60.0)))

    np.testing.assert_allclose(found, np.tile([-60.0] + [0.0] * 11, (2, 1)), atol=1e-9)


@pytest.mark.parametrize("q", [1, 4, 11])
def test_a_ripple_is_its_own_cosine_and_no_other(q):
    """Decibels of three times a cosine: the coefficient is 3 / sqrt(2), others zero."""
    k = np.arange(52)
    ripple = 3 * np.cos(np.pi * q * (k + 0.5) / 52)

    (found, _) = features(image(-60 + ripple))

    expected = np.zeros(12)
    expected[q] = 3 / math.sqrt(2)
    # Greys are half a decibel apart: rounding leaves up to sqrt(2) / 4 of error each.
    np.testing.assert_allclose(found[1:], expected[1:], atol=0.1)
    assert found[0] == pytest.approx(-60, abs=1)


def test_coefficients_are_those_of_the_definition(rng):
    images = rng.integers(0, 256, (3, *SPEC.shape), np.uint8)

    found = features(images)

    row = 0
    for number in range(3):
        for channel in range(2):
            db = -127.5 + images[number, channel] / 2.0
            power = [np.mean([10 ** (v / 10) for v in db[:, k]]) for k in range(52)]
            level = 10 * math.log10(sum(power) / 52)
            assert found[row, 0] == pytest.approx(level)
            for q in range(1, 12):
                c = sum(
                    (10 * math.log10(p) - level)
                    * math.cos(math.pi * q * (k + 0.5) / 52)
                    for k, p in enumerate(power)
                )
                assert found[row, q] == pytest.approx(math.sqrt(2) / 52 * c)
            row += 1


def test_only_channels_that_were_heard_are_compared(rng):
    images = rng.integers(0, 256, (3, *SPEC.shape), np.uint8)
    heard = np.array([[True, False], [False, False], [True, True]])

    found = features(images, heard)

    np.testing.assert_allclose(found, features(images)[[0, 4, 5]], atol=1e-12)


@given(level=st.integers(-40, 40))
def test_the_level_changes_no_ripple(level):
    """Half decibels, so that both levels are exact greys."""
    tones = np.random.default_rng(1).integers(-20, 21, 52) / 2 - 60

    here, there = features(image(tones))[0], features(image(tones + level / 2))[0]

    np.testing.assert_allclose(there[1:], here[1:], atol=1e-9)
    assert there[0] - here[0] == pytest.approx(level / 2)


def test_the_order_of_channels_means_nothing(rng):
    images = rng.integers(0, 256, (5, *SPEC.shape), np.uint8)

    here, there = features(images), features(images[:, ::-1])

    np.testing.assert_allclose(
        here[np.lexsort(here.T)], there[np.lexsort(there.T)], atol=1e-12
    )


@pytest.mark.parametrize(("n_tones", "expected"), [(1, 1), (5, 5), (12, 12), (52, 12)])
def test_few_tones_tell_few_ripples(rng, n_tones, expected):
    spec = ImageSpec(n_packets=2, n_tones=n_tones, n_channels=1)

    found = features(rng.integers(0, 256, (2, *spec.shape), np.uint8), spec=spec)

    assert found.shape == (2, expected)
    assert n_features(spec) == expected <= 1 + N_RIPPLES


def test_the_darkest_pixels_are_numbers():
    assert np.isfinite(features(np.zeros((1, *SPEC.shape), np.uint8))).all()


def test_no_images_are_no_vectors():
    assert features(np.zeros((0, *SPEC.shape), np.uint8)).shape == (0, 12)
