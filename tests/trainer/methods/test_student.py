"""Misfits against the densities of scipy, and probabilities by hand."""

import numpy as np
import pytest
from scipy import stats

from trainer.methods.student import softmax, student_misfit


@pytest.mark.parametrize("freedom", [1.0, 3.0, 8.0, 200.0])
def test_points_differ_in_misfit_as_in_the_logarithm_of_the_density(rng, freedom):
    sample, means = rng.normal(0, 5, 6), rng.normal(0, 5, (9, 6))
    variances = rng.uniform(0.5, 30, 6)

    found = student_misfit(sample, means, variances, freedom)

    density = stats.t.logpdf(sample, freedom, loc=means, scale=np.sqrt(variances))
    expected = -density.sum(axis=1)
    assert found.shape == (9,)
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-10)


def test_what_is_expected_has_no_misfit():
    sample = np.array([3.0, 4.0])

    assert student_misfit(sample, sample[None], np.array([1.0, 9]), 8.0).tolist() == [0]


def test_many_degrees_of_freedom_are_a_gaussian():
    found = student_misfit(np.array([3.0]), np.array([[0.0]]), np.array([2.0]), 1e9)

    np.testing.assert_allclose(found, 3**2 / (2 * 2), rtol=1e-6)


def test_a_channel_that_has_changed_altogether_costs_the_same_everywhere():
    # 60 dB off or 66 dB off: a Gaussian of 4 dB would tell these apart for ever.
    found = student_misfit(
        np.array([60.0]), np.array([[0.0], [-6.0]]), np.array([16.0]), 8.0
    )

    assert 0 < found[1] - found[0] < 1


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
