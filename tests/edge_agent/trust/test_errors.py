"""How far off answers are, by hand."""

import numpy as np
import pytest

from edge_agent.survey import Point
from edge_agent.trust.errors import Errors, errors_in
from edge_agent.trust.replayed import Replayed

LINE = tuple(Point(str(x), x, 0) for x in (0, 2, 4))
OUTSIDE = Point("outside", None, None)


def test_errors_are_measured_from_the_posterior_and_spreads_tempered():
    posterior = np.array([[0.64, 0.32, 0.04], [0.0, 1.0, 0.0]])
    truth = np.array([1, 1])
    weight = np.array([1.0, 0.5])

    found = errors_in(
        Replayed(LINE, posterior, truth, truth > 5, weight, truth < 5), 2.0
    )

    mean = 0.32 * 2 + 0.04 * 4
    warm = np.sqrt(posterior[0]) / np.sqrt(posterior[0]).sum()
    squares = (np.array([0, 2, 4]) - mean) ** 2
    assert found.metres == pytest.approx([2 - mean, 0])
    assert found.base == pytest.approx([np.sqrt(warm @ squares + 1), 1])
    assert found.scores.values == pytest.approx(found.metres / found.base)
    assert found.scores.weights.tolist() == [1.0, 0.5]


def test_queries_outside_have_no_metres():
    belief = np.array([[0.2, 0.2, 0.2, 0.4]])
    truth = np.array([3])

    found = errors_in(
        Replayed((*LINE, OUTSIDE), belief, truth, truth > 5, np.ones(1), truth < 5), 1.0
    )

    assert len(found.metres) == 0


def test_the_expected_error_is_a_ratio_of_sums():
    """So that over many fixes expected errors add up to the errors there were."""
    errors = Errors(np.array([0.0, 3.0]), np.array([1.0, 2.0]), np.ones(2))

    assert errors.ratio(5.0, 0.0) == pytest.approx(3 / 3)
    # Ten queries from elsewhere of b = 1.5 each were off by 0.2 b.
    assert errors.ratio(0.2, 10.0) == pytest.approx((3 + 10 * 1.5 * 0.2) / (3 + 15))


def test_a_single_point_is_never_off():
    errors = Errors(np.zeros(2), np.zeros(2), np.ones(2))

    assert errors.ratio(0.3, 10.0) == 0.3
    assert errors.scores.values.tolist() == [0, 0]
