"""Errors and their summaries, against numbers worked out by hand."""

import numpy as np
import pytest

from tests.trainer.benchmark.synthetic import environment, hall, rows_of
from trainer.benchmark.episodes import Episode, Truth
from trainer.benchmark.metrics import exact_mean, judge, summarize
from trainer.methods.contract import Fixes
from trainer.surveys.environment import Signals


def episode(truth, *, known=None, reference=None, place=None):
    """Queries at these points of a hall; without history or shots."""
    place = hall(3, 1) if place is None else place
    everything = np.arange(place.n_points)
    known = everything if known is None else np.array(known)
    reference = everything if reference is None else np.array(reference)
    return Episode(
        place.select(known),
        (),
        environment(place.select(known), rows_of([], [])),
        Signals(np.zeros((len(truth), 4), np.float32)),
        Truth(place, np.array(truth), known, reference),
    )


def fixes(locations, posterior=None):
    if posterior is not None:
        posterior = np.array(posterior, np.float64)
    return Fixes(np.array(locations, np.float64), posterior)


# -- one outcome -----------------------------------------------------------------------


def test_offsets_and_errors_are_those_of_the_fixes():
    outcome = judge(fixes([(3, 4), (3, -1)]), episode([0, 1]))

    np.testing.assert_allclose(outcome.offset_m, [(3, 4), (0, -1)])
    np.testing.assert_allclose(outcome.error_m, [5, 1])


def test_the_centre_is_that_of_all_points_that_can_be_calibrated():
    outcome = judge(
        fixes([(0, 0)] * 2), episode([0, 2], known=[0, 1], reference=[1, 2])
    )

    np.testing.assert_allclose(outcome.centre_error_m, [4.5, 1.5])


def test_the_point_is_the_most_probable_one():
    outcome = judge(
        fixes([(0, 0)] * 2, [[0.2, 0.5, 0.3], [0.5, 0.3, 0.2]]), episode([1, 1])
    )

    assert outcome.right_point.tolist() == [True, False]


def test_of_points_that_are_as_probable_the_nearest_to_the_fix_counts():
    # KNN's five neighbours weigh the same; the lowest number is not the answer.
    outcome = judge(
        fixes([(5, 0), (1, 0)], [[0.4, 0.4, 0.2], [0.4, 0.4, 0.2]]), episode([1, 0])
    )

    assert outcome.right_point.tolist() == [True, True]


def test_without_probabilities_the_point_is_the_nearest():
    outcome = judge(fixes([(1.4, 0), (1.6, 0)]), episode([0, 0]))

    assert outcome.right_point.tolist() == [True, False]


def test_points_are_compared_in_the_numbers_of_the_survey():
    outcome = judge(fixes([(6, 0)]), episode([2], known=[1, 2]))

    assert outcome.point.tolist() == [2]
    assert outcome.right_point.tolist() == [True]


def test_a_point_that_the_method_does_not_know_is_never_right():
    outcome = judge(fixes([(0, 0)]), episode([0], known=[1, 2]))

    assert outcome.right_point.tolist() == [False]


def test_a_zone_is_what_is_nearest_to_a_reference_point():
    """Points at 0, 3, 6; those at 0 and 6 are reference; 3 is in the zone of 0."""
    hidden = episode([1, 1], known=[0, 2], reference=[0, 2])

    outcome = judge(fixes([(1, 0), (5, 0)]), hidden)

    assert outcome.right_zone.tolist() == [True, False]
    assert outcome.at_reference.tolist() == [False, False]


def test_floors_are_told_by_the_predicted_point_and_zones_by_the_fix_on_them():
    two = hall(2, 1, floors=2)

    outcome = judge(
        fixes([(0, 0)] * 3, np.eye(4)[[0, 2, 3]]), episode([0, 0, 2], place=two)
    )

    assert outcome.right_floor.tolist() == [True, False, True]
    assert outcome.right_zone.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (fixes([(0, 0)]), r"shape \(1, 2\)"),
        (fixes([(0, 0), (0, np.nan)]), "or are not finite"),
        (fixes([(0, 0)] * 2, [[1, 0], [0, 1]]), r"posterior has shape \(2, 2\)"),
    ],
)
def test_fixes_that_do_not_fit_are_a_bug_of_the_method(found, message):
    with pytest.raises(ValueError, match=message):
        judge(found, episode([0, 1]))


# -- summaries -------------------------------------------------------------------------


def test_figures_of_errors_1_to_5():
    """1, 2, 3, 4, 5 m east: linear quantiles at 4 q + 1."""
    offset = np.column_stack([[1.0, 2, 3, 4, 5], np.zeros(5)])

    figures = summarize(offset)

    assert figures.mean_m == 3
    assert figures.median_m == figures.cep_m == 3
    assert figures.p75_m == 4
    assert figures.p90_m == pytest.approx(4.6)
    assert figures.ce95_m == pytest.approx(4.8)
    assert figures.rmse_m == pytest.approx(11**0.5)
    assert figures.std_m == pytest.approx(2**0.5)
    assert figures.max_m == 5
    assert figures.bias_m == (3, 0)
    assert figures.covariance_m2 == ((pytest.approx(2), 0), (0, 0))


def test_a_mean_has_one_rounding():
    """In this order, plain sums lose the ones."""
    values = np.array([1e16, 1.0, -1e16, 1.0])

    assert exact_mean(values) == 0.5
    assert exact_mean(values[::-1].copy()) == 0.5


def test_errors_that_cancel_have_no_bias():
    figures = summarize(np.array([(3.0, 4.0), (-3.0, -4.0)]))

    assert figures.bias_m == (0, 0)
    assert figures.mean_m == 5
    np.testing.assert_allclose(figures.covariance_m2, [[9, 12], [12, 16]])


def test_quantiles_of_a_circular_normal_are_rayleigh_s(rng):
    """CEP = σ sqrt(2 ln 2), CE95 = σ sqrt(-2 ln 0.05), mean = σ sqrt(π / 2)."""
    figures = summarize(rng.normal(0, 2.0, (200_000, 2)))

    assert figures.cep_m == pytest.approx(2 * (2 * np.log(2)) ** 0.5, rel=0.01)
    assert figures.ce95_m == pytest.approx(2 * (-2 * np.log(0.05)) ** 0.5, rel=0.01)
    assert figures.mean_m == pytest.approx(2 * (np.pi / 2) ** 0.5, rel=0.01)
    assert figures.rmse_m == pytest.approx(2 * 2**0.5, rel=0.01)
