"""Intervals over points and seeds of one day."""

import numpy as np
import pytest

from trainer.figures.point_bootstrap import PointBootstrap


def test_the_mean_is_that_of_all_queries_and_the_interval_holds_it():
    points = [np.array([3, 3, 7, 9]), np.array([3, 7, 7, 9])]
    bootstrap = PointBootstrap.of(points)

    found = bootstrap.mean([np.array([1.0, 2, 3, 4]), np.array([5.0, 6, 7, 8])])

    assert found.mean == 4.5
    assert found.low < 4.5 < found.high
    assert found.n == 2


def test_a_difference_that_all_points_share_is_carried_whatever_points_are_like(rng):
    points = [np.repeat(np.arange(30), 5)] * 3
    hard = rng.exponential(3, 30)[points[0]]
    errors = [hard + rng.normal(0, 0.05, 150) for _ in points]
    others = [e + 0.2 for e in errors]
    bootstrap = PointBootstrap.of(points)

    assert bootstrap.mean(
        [a - b for a, b in zip(errors, others, strict=True)]
    ).excludes_zero
    one, two = bootstrap.mean(errors), bootstrap.mean(others)
    assert one.high > two.low


def test_queries_of_one_point_count_once_not_fifty_times(rng):
    """As wide as for one query per point."""
    values = rng.normal(size=20)
    one = PointBootstrap.of([np.arange(20)]).mean([values])
    many = PointBootstrap.of([np.repeat(np.arange(20), 50)])
    fifty = many.mean([np.repeat(values, 50)])

    assert fifty.high - fifty.low == pytest.approx(one.high - one.low)


def test_shares_grow_from_none_to_all(rng):
    points = [np.arange(20), np.arange(20)]
    errors = [rng.random(20), rng.random(20)]
    band = PointBootstrap.of(points).shares(errors, np.array([-1.0, 0.5, 2.0]))

    assert band.mean[[0, 2]].tolist() == [0, 1]
    assert band.mean[1] == np.mean(np.concatenate(errors) <= 0.5)
    assert band.low[1] < band.mean[1] < band.high[1]


def test_one_point_has_no_interval():
    found = PointBootstrap.of([np.array([4, 4])]).mean([np.array([1.0, 2.0])])

    assert not found.has_interval
