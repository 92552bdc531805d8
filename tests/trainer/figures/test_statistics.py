"""Intervals against tables, closed forms and simulation."""

import numpy as np
import pytest

from trainer.figures.statistics import (
    Estimate,
    estimate,
    geometric,
    over_seeds,
    paired,
    rmse,
    share_within,
)


def test_the_interval_is_that_of_student_s_table():
    """Five values of mean 3 and s² = 2.5; t(0.975, 4) = 2.776445."""
    found = estimate(np.array([1.0, 2, 3, 4, 5]))

    half = 2.776445 * np.sqrt(2.5 / 5)
    assert found.mean == 3
    assert (found.low, found.high) == pytest.approx((3 - half, 3 + half), abs=1e-6)
    assert found.n == 5


def test_of_a_thousand_experiments_without_difference_one_in_twenty_shows_one(rng):
    a, b = rng.normal(size=(2, 5, 1000))
    shown = sum(paired(a[:, i], b[:, i]).excludes_zero for i in range(1000))

    assert 25 < shown < 80


def test_pairing_sees_what_seeds_hide():
    """Seeds differ by metres, methods by centimetres."""
    places = np.array([1.0, 3, 5, 7])
    a, b = places + np.array([0.10, 0.11, 0.09, 0.10]), places

    assert paired(a, b).excludes_zero
    assert estimate(a).low < estimate(b).mean < estimate(a).high


def test_one_seed_has_no_interval_and_excludes_nothing():
    found = paired(np.array([2.0]), np.array([1.0]))

    assert found.mean == 1
    assert not found.has_interval
    assert not found.excludes_zero


@pytest.mark.parametrize(
    ("low", "high", "excludes"),
    [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.1, False), (0.0, 0.1, False)],
)
def test_an_interval_excludes_zero_or_not(low, high, excludes):
    assert Estimate((low + high) / 2, low, high, 5).excludes_zero is excludes


def test_bands_are_cut_where_a_share_ends():
    band = over_seeds(np.array([[0.0, 0.9], [0.1, 1.0]]), least=0, most=1)

    assert band.mean.tolist() == pytest.approx([0.05, 0.95])
    assert band.low[0] == 0
    assert band.high[1] == 1
    assert band.at(0) == Estimate(band.mean[0], band.low[0], band.high[0], 2)


def test_the_geometric_mean_is_one_of_factors():
    band = geometric(np.array([[1.0], [100.0], [-5.0]]), least=10.0)

    assert band.mean[0] == pytest.approx((10 * 100 * 10) ** (1 / 3))
    assert 0 < band.low[0] < band.mean[0] < band.high[0]
    assert band.low[0] * band.high[0] == pytest.approx(band.mean[0] ** 2)


def test_the_share_within_counts_errors_at_the_limit():
    shares = share_within(np.array([3.0, 1, 2, 2]), np.array([0.5, 1, 2, 2.5, 3]))

    assert shares.tolist() == [0, 0.25, 0.75, 0.75, 1]


def test_rmse_is_larger_than_the_mean():
    assert rmse(np.array([3.0, 4.0])) == pytest.approx(np.sqrt(12.5))


@pytest.mark.parametrize("shape", [(0, 3), (3,), (2, 2, 2)])
def test_values_of_no_seed_or_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"not \(n_seeds, n_x\)"):
        over_seeds(np.zeros(shape))


def test_other_seeds_are_not_paired():
    with pytest.raises(ValueError, match="not values of the same seeds"):
        paired(np.zeros(3), np.zeros(4))


def test_no_error_has_no_distribution():
    with pytest.raises(ValueError, match="no error"):
        share_within(np.zeros(0), np.ones(1))
