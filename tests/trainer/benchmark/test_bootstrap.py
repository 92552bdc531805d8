"""Intervals, against closed forms."""

import numpy as np
import pytest

from trainer.benchmark.bootstrap import (
    N_RESAMPLES,
    cluster_sums,
    percentile_interval,
    ratio_interval,
    resample,
)


def numbers(*values):
    return np.array(values, np.intp)


def test_sums_are_per_cluster():
    sums = cluster_sums(np.array([1.0, 2, 4]), numbers(2, 0, 2), 4)

    assert sums.tolist() == [2, 0, 5, 0]


def test_with_one_target_as_many_points_are_drawn_as_there_are(rng):
    weights = resample(numbers(0, 0, 0), rng)

    assert weights.shape == (N_RESAMPLES, 3)
    assert set(weights.sum(axis=1)) == {3}
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.08)


def test_a_target_that_is_drawn_twice_draws_twice_as_many_points(rng):
    """Two targets of 2 and 3 points: (4, 0), (2, 3) or (0, 6) are drawn, 1 : 2 : 1."""
    weights = resample(numbers(0, 0, 1, 1, 1), rng)

    drawn = [
        tuple(w) for w in np.stack([weights[:, :2].sum(1), weights[:, 2:].sum(1)], 1)
    ]
    assert set(drawn) == {(4, 0), (2, 3), (0, 6)}
    assert drawn.count((2, 3)) / N_RESAMPLES == pytest.approx(0.5, abs=0.05)


def test_the_interval_of_a_mean_over_many_targets_is_the_normal_one(rng):
    """Errors that are alike within a target: only the 400 targets' means count."""
    of_target = rng.normal(5, 1, 400)
    target = np.repeat(np.arange(400), 3)
    values = np.repeat(of_target, 3)

    low, high = ratio_interval(values, np.ones(1200), resample(target, rng))

    half = 1.96 * of_target.std() / 20
    assert low == pytest.approx(of_target.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(of_target.mean() + half, abs=0.15 * half)


def test_the_interval_covers_the_truth_about_as_often_as_it_says(rng):
    covered = 0
    for _ in range(120):
        days = rng.normal(0, 1, 12)
        values = np.repeat(days, 8) + rng.normal(0, 0.5, 96)
        weights = resample(np.repeat(np.arange(12), 8), rng)
        low, high = ratio_interval(values, np.ones(96), weights)
        covered += low <= 0 <= high

    # 95 % less what a percentile interval of twelve clusters lacks (about 3 %).
    assert 0.86 <= covered / 120 <= 0.99


def test_a_single_cluster_has_no_interval(rng):
    weights = resample(numbers(0), rng)

    assert ratio_interval(np.array([3.0]), np.array([1.0]), weights) is None
    assert (
        ratio_interval(
            np.array([3.0, 0]), np.array([1.0, 0]), resample(numbers(0, 0), rng)
        )
        is None
    )


def test_draws_of_empty_clusters_alone_are_left_out(rng):
    weights = resample(numbers(0, 0, 0), rng)

    low, high = ratio_interval(np.array([2.0, 4, 0]), np.array([1.0, 1, 0]), weights)

    assert (low, high) == (2, 4)


def test_percentiles_cut_two_and_a_half_percent_on_each_side():
    assert percentile_interval(np.arange(1001.0)) == pytest.approx((25, 975))
