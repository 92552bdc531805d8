"""Figures and intervals, against the benchmark and against closed forms."""

import numpy as np
import pytest

from edge_agent.estimate import Quality
from edge_agent.evaluation.figures import figures_of
from edge_agent.evaluation.intervals import Clusters
from tests.edge_agent.evaluation.locations import (
    OUT,
    REFERENCE,
    estimate,
    judged,
    scattered,
)
from trainer.benchmark.bootstrap import cluster_sums, ratio_interval, resample
from trainer.benchmark.metrics import summarize

P1, P2, P3 = REFERENCE


def test_errors_are_those_of_the_benchmark(rng):
    found = scattered(rng)

    errors = figures_of(found, rng).errors

    expected = summarize(found.offset)
    for name, theirs in {
        "mean": expected.mean_m,
        "median": expected.cep_m,
        "p75": expected.p75_m,
        "p90": expected.p90_m,
        "p95": expected.ce95_m,
        "rmse": expected.rmse_m,
        "std": expected.std_m,
        "largest": expected.max_m,
    }.items():
        assert getattr(errors, name) == pytest.approx(theirs), name
    assert errors.bias == pytest.approx(expected.bias_m)
    (xx, xy), (_, yy) = expected.covariance_m2
    assert errors.covariance == pytest.approx((xx, xy, yy))


def test_the_interval_is_that_of_the_benchmark(rng):
    """Days there are visits here; the same draws make the same interval."""
    found = scattered(rng)
    visits, points = (
        list(dict.fromkeys(found.visits)),
        list(dict.fromkeys(found.truths)),
    )
    keys = [
        (visits.index(v), points.index(p))
        for v, p in zip(found.visits, found.truths, strict=True)
    ]
    clusters = sorted(set(keys))
    cluster = np.array([clusters.index(key) for key in keys])
    target_of, point_of = np.array(clusters).T
    draws = resample(
        target_of, point_of, np.zeros_like(point_of), 1, np.random.default_rng(5)
    )
    n = len(clusters)
    expected = ratio_interval(
        cluster_sums(found.error, cluster, n)[:, None],
        cluster_sums(np.ones(len(found)), cluster, n)[:, None],
        draws,
    )

    interval = figures_of(found, np.random.default_rng(5)).errors.mean_interval

    assert interval == pytest.approx(expected)
    assert interval[0] < found.error.mean() < interval[1]


def test_guessing_is_beside_what_was_located():
    """The middle of the points is at (2/3, 4/3)."""
    errors = figures_of(judged((P1, estimate())), np.random.default_rng(0)).errors
    assert errors.centre == pytest.approx(np.hypot(2 / 3, 4 / 3))
    assert errors.random_point == pytest.approx((0 + 2 + 4) / 3)


def test_shares_count_what_could_be_right():
    away = estimate(outside=0.9, rooms=(("kitchen", 0.1),))
    figures = figures_of(
        judged(
            (P1, estimate((0.0, 0.4))),  # within r68
            (P1, estimate((0.0, 0.9))),  # within r95
            (P2, estimate((0.0, 0.0), quality=Quality.UNCERTAIN)),
            (P3, estimate(None)),
            (OUT, away),
        ),
        np.random.default_rng(0),
    )
    assert (figures.within_r68.n_true, figures.within_r68.n) == (1, 3)
    assert (figures.within_r95.n_true, figures.within_r95.n) == (2, 3)
    assert (figures.room.n_true, figures.room.n) == (4, 5)
    assert (figures.point.n_true, figures.point.n) == (2, 3)
    assert (figures.known.n_true, figures.known.n) == (4, 4)
    assert (figures.available.n_true, figures.available.n) == (3, 4)
    assert figures.quality == {Quality.OK: 4, Quality.UNCERTAIN: 1}
    assert figures.room.value == 0.8


def test_where_nothing_has_a_place_rooms_are_judged_alone():
    rooms_only = (P1.__class__("kitchen", None, None, "kitchen"),)
    figures = figures_of(
        judged((rooms_only[0], estimate(None)), reference=rooms_only),
        np.random.default_rng(0),
    )
    assert figures.errors is None
    assert figures.room.value == 1.0
    assert np.isnan(figures.within_r95.value)


def test_one_group_says_nothing_of_others(rng):
    clusters = Clusters(["1", "1"], ["p", "p"], rng)
    assert clusters.mean(np.array([1.0, 2.0]), np.array([True, True])) is None
    none = Clusters([], [], rng)
    assert none.mean(np.array([]), np.array([], np.bool_)) is None


def test_what_does_not_count_may_be_anything(rng):
    clusters = Clusters(["1", "1", "2"], ["p", "q", "p"], rng)
    values = np.array([1.0, np.nan, 1.0])
    assert clusters.mean(values, np.array([True, False, True])) == (1.0, 1.0)


def test_ninety_five_of_a_hundred_intervals_hold_the_truth():
    """Points differ by 1, visits and locations little: 40 points, 6 visits each."""
    rng = np.random.default_rng(3)
    n_held, n_trials = 0, 40
    for _ in range(n_trials):
        of_point = rng.normal(0, 1, 40)
        values = (of_point[:, None] + rng.normal(0, 0.1, (40, 6))).reshape(-1)
        clusters = Clusters(
            [str(v) for _ in range(40) for v in range(6)],
            [p for p in range(40) for _ in range(6)],
            rng,
        )
        low, high = clusters.mean(values, np.ones(240, np.bool_))
        n_held += low <= 0 <= high
    assert n_held >= 34  # 38 are expected; fewer have a chance of 1 %
