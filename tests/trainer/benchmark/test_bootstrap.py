"""Intervals, against closed forms."""

import numpy as np
import pytest

from edge_agent.evaluation.resampling import N_RESAMPLES
from trainer.benchmark.bootstrap import (
    FEW_TARGETS,
    cluster_sums,
    ratio_interval,
    resample,
)


def numbers(*values):
    return np.array(values, np.intp)


def test_sums_are_per_cluster():
    sums = cluster_sums(np.array([1.0, 2, 4]), numbers(2, 0, 2), 4)

    assert sums.tolist() == [2, 0, 5, 0]


def crossed(n_targets, n_points, rng, *, n_seeds=1):
    """Draws of every point of every target of one place."""
    target = np.repeat(np.arange(n_targets), n_points)
    point = np.tile(np.arange(n_points), n_targets)
    return resample(target, point, np.zeros_like(point), n_seeds, rng)


def column(values):
    return np.array(values, np.float64)[:, None]


def interval_of(values, draws):
    """Of the mean of one value per cluster."""
    return ratio_interval(column(values), np.ones((len(values), 1)), draws)


def test_with_one_target_its_points_are_drawn(rng):
    draws = crossed(1, 3, rng)

    assert draws.clusters.shape == (N_RESAMPLES, 3)
    assert set(draws.clusters.sum(axis=1)) == {3}
    np.testing.assert_allclose(draws.clusters.mean(axis=0), 1, atol=0.08)


def test_a_point_is_drawn_as_often_for_every_target_that_is(rng):
    weights = crossed(2, 3, rng).clusters.reshape(-1, 2, 3)
    both = weights[(weights.sum(axis=2) > 0).all(axis=1)]

    assert len(both) > N_RESAMPLES / 3
    np.testing.assert_array_equal(both[:, 0], both[:, 1])


def test_points_of_different_places_are_drawn_apart(rng):
    places = numbers(0, 0, 0, 1, 1, 1)
    draws = resample(places, numbers(0, 1, 2, 3, 4, 5), places, 1, rng)
    weights = draws.clusters.reshape(-1, 2, 3)

    # 3 points of each place, times how often the target is drawn.
    assert set(weights.sum(axis=(1, 2))) == {6}
    both = weights[(weights.sum(axis=2) == 3).all(axis=1)]
    assert (both[:, 0] != both[:, 1]).any()


def test_what_no_seed_changes_is_not_drawn_by_seed(rng):
    draws = crossed(1, 2, rng, n_seeds=3)
    alike = np.ones((2, 1))

    assert draws.seeds.shape == (N_RESAMPLES, 3)
    np.testing.assert_array_equal(draws.totals(alike), draws.clusters.sum(axis=1))
    # Σ W_p Z_s over everything: the product of the sums.
    assert set(draws.totals(np.ones((2, 3)))) == {2 * 3}


def test_the_interval_of_a_mean_over_many_targets_is_the_normal_one(rng):
    """Errors that are alike within a target: only the 400 targets' means count."""
    of_target = rng.normal(5, 1, 400)

    low, high = interval_of(np.repeat(of_target, 3), crossed(400, 3, rng))

    half = 1.96 * of_target.std() / 20
    assert low == pytest.approx(of_target.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(of_target.mean() + half, abs=0.15 * half)


def test_that_points_are_hard_on_all_days_is_known(rng):
    """Forty days more do not make twenty points more."""
    of_point = rng.normal(5, 1, 20)

    low, high = interval_of(np.tile(of_point, 40), crossed(40, 20, rng))

    half = 1.96 * of_point.std() / 20**0.5
    assert low == pytest.approx(of_point.mean() - half, abs=0.2 * half)
    assert high == pytest.approx(of_point.mean() + half, abs=0.2 * half)


def test_that_seeds_differ_is_known(rng):
    """Errors that only the seed decides: twelve of them, however many points."""
    of_seed = rng.normal(5, 1, 12)
    sums = np.tile(of_seed, (30, 1))

    low, high = ratio_interval(
        sums, np.ones_like(sums), crossed(1, 30, rng, n_seeds=12)
    )

    half = 1.96 * of_seed.std() / 12**0.5
    assert low == pytest.approx(of_seed.mean() - half, abs=0.2 * half)
    assert high == pytest.approx(of_seed.mean() + half, abs=0.2 * half)


@pytest.mark.parametrize("spread_of_points", [0.0, 1.0])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(rng, spread_of_points):
    covered = 0
    for _ in range(120):
        days = rng.normal(0, 1, 12)[:, None]
        points = rng.normal(0, spread_of_points, 16)
        values = (days + points + rng.normal(0, 0.5, (12, 16))).ravel()
        low, high = interval_of(values, crossed(12, 16, rng))
        covered += low <= 0 <= high

    # 95 % less what a percentile interval of twelve days lacks (about 3 %).
    assert covered / 120 >= 0.86


def test_of_few_targets_it_does_not_and_that_is_said(rng):
    covered = 0
    for _ in range(120):
        values = np.repeat(rng.normal(0, 1, 2), 8)
        low, high = interval_of(values, crossed(2, 8, rng))
        covered += low <= 0 <= high

    assert covered / 120 < 0.8
    assert FEW_TARGETS > 2


def test_a_single_cluster_has_no_interval(rng):
    assert interval_of([3.0], crossed(1, 1, rng)) is None
    assert (
        ratio_interval(column([3.0, 0]), column([1.0, 0]), crossed(1, 2, rng)) is None
    )


def test_draws_of_empty_clusters_alone_are_left_out(rng):
    low, high = ratio_interval(
        column([2.0, 4, 0]), column([1.0, 1, 0]), crossed(1, 3, rng)
    )

    assert (low, high) == (2, 4)
