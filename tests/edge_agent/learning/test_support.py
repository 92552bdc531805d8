"""Labelled shots: what they weigh, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.learning.support import Support

POINTS = np.array([2, 0, 2, 2])


@pytest.fixture
def support():
    images = np.zeros((4, 2, 5, 6), np.uint8)
    return Support.of(images, np.ones((4, 2), np.bool_), POINTS, 4)


def test_shots_of_a_point_weigh_as_much_as_those_of_another(support):
    assert support.weights.tolist() == pytest.approx([1 / 3, 1, 1 / 3, 1 / 3])
    assert support.n_points == 4


@pytest.mark.parametrize("dtype", [np.intp, np.uint8, np.int64])
def test_any_whole_numbers_are_points(support, dtype):
    assert replace(support, points=POINTS.astype(dtype)).points.tolist() == [2, 0, 2, 2]


def test_a_shot_may_weigh_nothing(support):
    padded = replace(support, weights=np.array([0.0, 1, 0, 2]))

    assert padded.weights.tolist() == [0, 1, 0, 2]


def test_without_shots_there_is_nothing_to_adapt_to(support):
    none = np.empty(0, np.intp)

    with pytest.raises(ValueError, match="no shots to adapt to"):
        Support.of(support.images[:0], support.heard[:0], none, 4)
    with pytest.raises(ValueError, match="no shots to adapt to"):
        replace(support, weights=np.zeros(4))


@pytest.mark.parametrize("stranger", [-1, 4])
def test_a_point_that_does_not_exist_is_refused(support, stranger):
    points = np.array([0, 1, 2, stranger])

    with pytest.raises(ValueError, match=r"a shot's point is outside 0\.\.3"):
        Support.of(support.images, support.heard, points, 4)


@pytest.mark.parametrize("weight", [-1e-9, np.nan, np.inf])
def test_a_weight_that_is_none_is_refused(support, weight):
    with pytest.raises(ValueError, match="a shot's weight is negative or not finite"):
        replace(support, weights=np.array([1.0, 1.0, 1.0, weight]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"images": np.zeros((4, 2, 5, 6))}, "images are float64 of shape"),
        ({"images": np.zeros((4, 10, 6), np.uint8)}, r"images are .* \(4, 10, 6\)"),
        ({"heard": np.ones((4, 2))}, r"heard are float64 .*, expected \(4, 2\)"),
        ({"heard": np.ones((4, 3), np.bool_)}, r"heard are bool of shape \(4, 3\)"),
        ({"points": np.zeros(4)}, "points are float64"),
        ({"points": np.zeros(3, np.intp)}, r"points are .* \(3,\), expected \(4,\)"),
        ({"weights": np.ones(5)}, r"weights are float64 of shape \(5,\), exp"),
        ({"weights": np.ones(4, np.intp)}, "weights are int64"),
    ],
)
def test_what_contradicts_the_images_is_refused(support, change, reason):
    with pytest.raises(ValueError, match=reason):
        replace(support, **change)
