"""Locations from weights of points, on a map of three."""

import numpy as np
import pytest

from tests.trainer.surveyed import place
from trainer.methods.posterior import expectation, keep_best, softmax
from trainer.surveys.environment import Signals

MAP = place(2, locations=[(0, 0), (6, 0), (0, 3)])
CENTRE = [2, 1]


def hearing(*heard):
    return Signals(np.where(np.array(heard)[:, None], -50, np.nan).astype(np.float32))


def test_a_fix_is_the_centre_of_mass():
    found = expectation(MAP, np.array([[0, 1.0, 3]]), hearing(True))

    assert found.posterior.tolist() == [[0, 0.25, 0.75]]
    assert found.locations.tolist() == [[1.5, 2.25]]


def test_no_weight_at_all_is_the_centre_of_the_map():
    found = expectation(MAP, np.zeros((1, 3)), hearing(True))

    np.testing.assert_allclose(found.locations, [CENTRE])
    np.testing.assert_allclose(found.posterior, 1 / 3)


def test_a_sample_that_hears_nothing_is_at_the_centre_whatever_its_weights():
    weights = np.array([[0, 1.0, 0], [0, 1, 0]])

    found = expectation(MAP, weights, hearing(False, True))

    np.testing.assert_allclose(found.locations, [CENTRE, [6, 0]])


def test_the_largest_weights_are_kept():
    weights = np.array([[0.1, 0.4, 0.2], [3, 1, 2]])

    assert keep_best(weights, 2).tolist() == [[0, 0.4, 0.2], [3, 0, 2]]
    assert keep_best(weights, 3).tolist() == weights.tolist()
    assert keep_best(weights, 9).tolist() == weights.tolist()


def test_probabilities_are_proportional_to_exponentials():
    found = softmax(np.log([[1.0, 3, 4], [2, 2, 4]]))

    np.testing.assert_allclose(found, [[1 / 8, 3 / 8, 1 / 2], [0.25, 0.25, 0.5]])


def test_probabilities_are_along_the_last_axis(rng):
    scores = rng.normal(0, 3, (4, 5, 6))

    found = softmax(scores)

    np.testing.assert_allclose(found.sum(axis=2), 1)
    np.testing.assert_allclose(found[2, 3], softmax(scores[2, 3]))


@pytest.mark.parametrize("level", [-1e5, 0.0, 1e5])
def test_only_differences_of_scores_count(level):
    found = softmax(np.array([0.0, np.log(3)]) + level)

    np.testing.assert_allclose(found, [0.25, 0.75], rtol=1e-9)


def test_rows_that_are_much_less_likely_than_others_do_not_underflow():
    found = softmax(np.array([[0.0, np.log(3)], [-1e5, -1e5 + np.log(3)]]))

    np.testing.assert_allclose(found, [[0.25, 0.75]] * 2, rtol=1e-9)


def test_what_is_impossible_has_no_probability():
    assert softmax(np.array([-np.inf, 7.0, 7.0])).tolist() == [0, 0.5, 0.5]
