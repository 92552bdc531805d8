"""Errors in metres, against figures made by hand and by loops."""

import math

import numpy as np
import pytest

from edge_agent.metrics import (
    ErrorSummary,
    centre_errors,
    localization_errors,
    random_point_errors,
    summarize,
)


def test_an_error_is_the_distance_from_the_truth():
    estimates = np.array([[0.0, 0.0], [1.0, 1.0], [4.0, 6.0]])
    truth = np.array([[3.0, 4.0], [1.0, 1.0], [4.0, 1.0]])

    assert localization_errors(estimates, truth).tolist() == [5, 0, 5]


@pytest.mark.parametrize(
    ("estimates", "truth"),
    [((2, 2), (3, 2)), ((2, 3), (2, 3)), ((2,), (2,)), ((1, 2, 2), (1, 2, 2))],
)
def test_locations_of_another_shape_are_refused(estimates, truth):
    with pytest.raises(ValueError, match=r"not \(n, 2\)"):
        localization_errors(np.zeros(estimates), np.zeros(truth))


def test_the_first_floor_is_always_answering_the_middle_of_the_map():
    reference = np.array([[0.0, 0.0], [2.0, 0.0], [4.0, 6.0]])  # middle: (2, 2)

    errors = centre_errors(reference, np.array([[2.0, 2.0], [5.0, 6.0]]))

    assert errors.tolist() == [0, 5]


def test_the_second_floor_is_what_a_random_point_gives(rng):
    reference, truth = rng.normal(0, 3, (7, 2)), rng.normal(0, 3, (5, 2))

    errors = random_point_errors(reference, truth)

    expected = [
        sum(math.dist(here, point) for point in reference) / len(reference)
        for here in truth
    ]
    assert errors.tolist() == pytest.approx(expected)


def test_a_summary_holds_mean_median_and_90th_percentile():
    errors = np.array([9.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0])

    assert summarize(errors) == ErrorSummary(n=11, mean=5.0, median=5.0, p90=9.0)


def test_one_large_error_moves_the_mean_and_not_the_median():
    summary = summarize(np.array([1.0, 1.0, 1.0, 97.0]))

    assert (summary.mean, summary.median) == (25, 1)


def test_without_errors_there_is_no_summary():
    with pytest.raises(ValueError, match="no errors to summarise"):
        summarize(np.empty(0))
