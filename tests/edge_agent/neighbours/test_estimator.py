"""Soft nearest neighbours of whitened fingerprints, against sums by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi.image import ImageSpec
from edge_agent.neighbours.estimator import (
    Fingerprints,
    Kernel,
    Neighbours,
    NeighboursPredictor,
    posterior_of,
)
from edge_agent.neighbours.whitening import Whitening, channel_features
from tests.edge_agent.sites import SPEC
from tests.edge_agent.whitened import random_neighbours

KERNEL = Kernel(freedom=2.0, temperature=0.5, unheard=3.0)


def fingerprints(z, heard=None, point_of=None, n_points=None):
    z = np.asarray(z, np.float32)
    heard = np.ones(z.shape[:2], np.bool_) if heard is None else np.asarray(heard)
    point_of = np.arange(len(z)) if point_of is None else np.asarray(point_of)
    return Fingerprints(z, heard, point_of, n_points or int(point_of.max()) + 1)


def predictor(rng, n_shots=9, n_points=3, **kernel):
    neighbours = random_neighbours(rng)
    neighbours = replace(neighbours, kernel=replace(neighbours.kernel, **kernel))
    images = rng.integers(0, 256, (n_shots, *SPEC.shape), np.uint8)
    heard = np.ones((n_shots, SPEC.n_channels), np.bool_)
    point_of = np.arange(n_shots) % n_points
    shots = neighbours.fingerprints(SPEC, images, heard, point_of, n_points)
    return NeighboursPredictor(neighbours, SPEC, shots), images, heard


# -- distances -------------------------------------------------------------------------


def test_distances_are_those_of_the_formula():
    z = np.array([[[1.0, 2.0], [0.0, 0.0]]])
    shots = fingerprints([[[1.0, 5.0], [2.0, 0.0]]])

    distance = KERNEL.distances(z, np.array([[True, True]]), shots)

    assert distance == pytest.approx(2 * math.log(1 + 9 / 2) + 2 * math.log(1 + 4 / 2))


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ([True, True], [True, False], 2 * math.log(1 + 9 / 2) + 3),
        ([False, True], [True, True], 3 + 2 * math.log(1 + 4 / 2)),
        ([True, False], [False, True], 3 + 3),
        ([False, True], [False, True], 2 * math.log(1 + 4 / 2)),
        ([False, False], [False, False], 0),
        ([False, False], [True, True], 6),
    ],
)
def test_a_channel_that_one_hears_is_u_apart_and_one_that_none_hears_is_not(
    here, there, expected
):
    z = np.array([[[1.0, 2.0], [0.0, 0.0]]])
    shots = fingerprints([[[1.0, 5.0], [2.0, 0.0]]], heard=[there])

    distance = KERNEL.distances(z, np.array([here]), shots)

    assert distance == pytest.approx(expected)


def test_with_much_freedom_distances_are_squares(rng):
    a, b = rng.normal(0, 1, (4, 5)), rng.normal(0, 1, (3, 5))
    squares = [[float(((x - y) ** 2).sum()) for y in b] for x in a]

    gap = replace(KERNEL, freedom=1e6).gap(a, b)

    np.testing.assert_allclose(gap, squares, rtol=1e-4)


def test_what_is_the_same_is_not_apart(rng):
    """Where rounding would leave a negative square."""
    z = rng.normal(1e3, 1, (50, 7))

    gap = KERNEL.gap(z, z)

    assert (gap >= 0).all()
    assert np.diag(gap).max() < 1e-6


# -- posterior -------------------------------------------------------------------------


def test_the_posterior_is_that_of_each_points_nearest_shot():
    shots = fingerprints(np.zeros((3, 1, 1)), point_of=[0, 0, 1])
    distances = np.array([[4.0, 1.0, 2.0]])

    posterior = posterior_of(distances, shots, 0.5)

    a, b = math.exp(-1 / 0.5), math.exp(-2 / 0.5)
    np.testing.assert_allclose(posterior, [[a / (a + b), b / (a + b)]], rtol=1e-12)


def test_a_point_without_a_shot_is_impossible():
    shots = fingerprints(np.zeros((2, 1, 1)), point_of=[0, 2], n_points=4)

    posterior = posterior_of(np.array([[1.0, 1.0]]), shots, 1.0)

    np.testing.assert_array_equal(posterior, [[0.5, 0, 0.5, 0]])


def test_far_from_everything_the_posterior_is_still_one():
    shots = fingerprints(np.zeros((2, 1, 1)))

    posterior = posterior_of(np.array([[1e300, 2e300]]), shots, 1e-6)

    np.testing.assert_array_equal(posterior, [[1, 0]])


# -- the predictor ---------------------------------------------------------------------


def test_each_shot_is_located_at_its_point(rng):
    locate, images, heard = predictor(rng)

    posterior = locate.predict(images, heard)

    np.testing.assert_array_equal(posterior.argmax(axis=1), np.arange(9) % 3)
    assert posterior.max(axis=1).min() > 0.9
    np.testing.assert_allclose(posterior.sum(axis=1), 1)


def test_it_is_the_formula_from_pixels_to_probabilities(rng):
    """A second implementation, an image and a shot at a time."""
    locate, shots, _ = predictor(rng)
    neighbours = locate._neighbours
    queries = rng.integers(0, 256, (5, *SPEC.shape), np.uint8)
    asked = rng.random((5, SPEC.n_channels)) < 0.7
    kernel, whitening = neighbours.kernel, neighbours.whitening

    def z(image, channel):
        x = channel_features(image[None], SPEC)[0, channel]
        return whitening.root @ (x / whitening.scale)

    expected = np.empty((5, 3))
    for row, image in enumerate(queries):
        nearest = [math.inf] * 3
        for number, shot in enumerate(shots):
            total = 0.0
            for channel in range(SPEC.n_channels):
                if not asked[row, channel]:
                    total += kernel.unheard  # all shots hear all channels
                    continue
                gap = z(image, channel) - z(shot, channel)
                total += kernel.freedom * math.log(1 + gap @ gap / kernel.freedom)
            nearest[number % 3] = min(nearest[number % 3], total)
        weights = np.exp(-np.array(nearest) / kernel.temperature)
        expected[row] = weights / weights.sum()

    posterior = locate.predict(queries, asked)

    np.testing.assert_allclose(posterior, expected, rtol=1e-4)


def test_what_is_said_of_an_image_does_not_depend_on_the_others(rng):
    locate, _, _ = predictor(rng, temperature=20.0)
    queries = rng.integers(0, 256, (300, *SPEC.shape), np.uint8)  # several passes
    heard = rng.random((300, SPEC.n_channels)) < 0.7

    together = locate.predict(queries, heard)

    for number in (0, 255, 256, 299):
        one = slice(number, number + 1)
        np.testing.assert_allclose(
            locate.predict(queries[one], heard[one]), together[one], rtol=1e-9
        )


def test_pixels_of_a_channel_that_was_not_heard_have_no_influence(rng):
    locate, images, _ = predictor(rng)
    heard = np.tile([True, False], (9, 1))
    others = images.copy()
    others[:, 1] = 255 - others[:, 1]

    assert (locate.predict(images, heard) == locate.predict(others, heard)).all()


def test_nor_have_those_of_a_shot(rng):
    neighbours = random_neighbours(rng)
    images = rng.integers(0, 256, (3, *SPEC.shape), np.uint8)
    heard = np.tile([True, False], (3, 1))
    others = images.copy()
    others[:, 1] = 255 - others[:, 1]

    one, other = (
        neighbours.fingerprints(SPEC, shots, heard, np.arange(3), 3)
        for shots in (images, others)
    )

    np.testing.assert_array_equal(one.z, other.z)
    assert not one.z[:, 1].any()


def test_who_hears_nothing_is_anywhere(rng):
    locate, images, _ = predictor(rng)

    posterior = locate.predict(images[:1], np.zeros((1, SPEC.n_channels), np.bool_))

    np.testing.assert_allclose(posterior, [[1 / 3] * 3])


def test_constant_images_are_located_without_warning(rng):
    neighbours = random_neighbours(rng)
    images = np.zeros((2, *SPEC.shape), np.uint8)
    images[1] = 255
    heard = np.ones((2, SPEC.n_channels), np.bool_)
    shots = neighbours.fingerprints(SPEC, images, heard, np.arange(2), 2)

    posterior = NeighboursPredictor(neighbours, SPEC, shots).predict(images, heard)

    np.testing.assert_array_equal(posterior.argmax(axis=1), [0, 1])


def test_shots_that_look_the_same_leave_both_points_open(rng):
    neighbours = random_neighbours(rng)
    images = np.repeat(rng.integers(0, 256, (1, *SPEC.shape), np.uint8), 2, axis=0)
    heard = np.ones((2, SPEC.n_channels), np.bool_)
    shots = neighbours.fingerprints(SPEC, images, heard, np.arange(2), 2)

    posterior = NeighboursPredictor(neighbours, SPEC, shots).predict(images, heard)

    np.testing.assert_allclose(posterior, 0.5)


def test_no_images_are_located_nowhere(rng):
    locate, _, _ = predictor(rng)

    posterior = locate.predict(
        np.zeros((0, *SPEC.shape), np.uint8), np.zeros((0, 2), np.bool_)
    )

    assert posterior.shape == (0, 3)


def test_single_precision_of_the_fingerprints_is_enough(rng):
    """What a calibration keeps has 24 bits; probabilities agree to 1e-4 with 53."""
    locate, images, heard = predictor(rng, temperature=5.0)
    neighbours, kept = locate._neighbours, locate._fingerprints
    z = neighbours.whitening(channel_features(images, SPEC))
    queries = rng.integers(0, 256, (20, *SPEC.shape), np.uint8)
    asked = np.ones((20, SPEC.n_channels), np.bool_)
    exact = Fingerprints(z, heard, kept.point_of, 3)

    answers = [
        NeighboursPredictor(neighbours, SPEC, shots).predict(queries, asked)
        for shots in (kept, exact)
    ]

    np.testing.assert_allclose(*answers, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_shots=st.integers(1, 8),
    n_queries=st.integers(1, 4),
)
def test_probabilities_are_probabilities_whatever_the_images(seed, n_shots, n_queries):
    rng = np.random.default_rng(seed)
    neighbours = random_neighbours(rng)
    shots, queries = (
        rng.integers(0, 256, (n, *SPEC.shape), np.uint8) for n in (n_shots, n_queries)
    )
    heard = rng.random((n_shots, SPEC.n_channels)) < 0.5
    kept = neighbours.fingerprints(
        SPEC, shots, heard, rng.integers(0, 5, n_shots).astype(np.intp), 5
    )

    posterior = NeighboursPredictor(neighbours, SPEC, kept).predict(
        queries, rng.random((n_queries, SPEC.n_channels)) < 0.5
    )

    assert (posterior >= 0).all()
    np.testing.assert_allclose(posterior.sum(axis=1), 1)
    assert set(np.flatnonzero(posterior.any(axis=0))) <= set(kept.point_of.tolist())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_shots_means_nothing(seed):
    rng = np.random.default_rng(seed)
    neighbours = random_neighbours(rng)
    images = rng.integers(0, 256, (6, *SPEC.shape), np.uint8)
    heard = rng.random((6, SPEC.n_channels)) < 0.7
    points, order = np.array([0, 0, 1, 1, 2, 2]), rng.permutation(6)

    answers = [
        NeighboursPredictor(
            neighbours,
            SPEC,
            neighbours.fingerprints(SPEC, images[rows], heard[rows], points[rows], 3),
        ).predict(images, heard)
        for rows in (np.arange(6), order)
    ]

    np.testing.assert_allclose(*answers, rtol=1e-9)


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["freedom", "temperature", "unheard"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan, 1e7])
def test_a_kernel_that_makes_no_sense_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"{name} is .*, not 1e-6 to 1e6"):
        replace(KERNEL, **{name: value})


def test_images_of_other_tones_are_refused(rng):
    neighbours = random_neighbours(rng, n_tones=20)

    assert neighbours.check(ImageSpec(n_tones=20)) is neighbours
    with pytest.raises(ValueError, match="whitens 20 tones, images have 16"):
        neighbours.check(SPEC)


def test_without_a_shot_there_is_nothing_to_compare_with():
    with pytest.raises(ValueError, match="no shots to compare with"):
        Fingerprints(
            np.zeros((0, 2, 3), np.float32),
            np.zeros((0, 2), np.bool_),
            np.zeros(0, np.intp),
            3,
        )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"z": np.zeros((2, 2), np.float32)}, r"z has shape \(2, 2\), heard \(2, 1\)"),
        ({"z": np.zeros((3, 1, 4), np.float32)}, r"z has shape \(3, 1, 4\), .* 2 sho"),
        ({"heard": np.ones((2, 2), np.bool_)}, r"heard \(2, 2\), for 2 shots"),
        ({"z": np.full((2, 1, 4), np.nan, np.float32)}, "fingerprint is not finite"),
        ({"point_of": np.array([0, 2])}, "a shot's point is none of the 2"),
        ({"point_of": np.array([-1, 0])}, "a shot's point is none of the 2"),
    ],
)
def test_fingerprints_that_do_not_fit_are_refused(changes, reason):
    values = {
        "z": np.zeros((2, 1, 4), np.float32),
        "heard": np.ones((2, 1), np.bool_),
        "point_of": np.arange(2),
        "n_points": 2,
    }

    with pytest.raises(ValueError, match=reason):
        Fingerprints(**(values | changes))


def test_a_channel_that_somebody_stands_in_front_of_decides_nothing():
    """Two channels say point 0; the third is equally off from both shots, or a little
    less from point 1. With squares it would outvote them."""
    whitening = Whitening(np.ones(1), np.eye(1))
    shots = fingerprints([[[0.0], [0.0], [0.0]], [[3.0], [3.0], [2.0]]])
    z = np.array([[[0.1], [0.1], [12.0]]])
    heard = np.ones((1, 3), np.bool_)

    robust, square = (
        Neighbours(whitening, Kernel(freedom, 1.0, 1.0)).posterior(z, heard, shots)
        for freedom in (1.0, 1e6)
    )

    assert robust[0, 0] > 0.9
    assert square[0, 1] > 0.9
