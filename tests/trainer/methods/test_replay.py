"""Days of the past as if they were today."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.surveyed import rss_episode
from trainer.methods.replay import replay

DAY = rss_episode(n_shots=5, n_queries=14).history[0]


def of_point(rows, point):
    return rows[DAY.point_of[rows] == point]


def test_shots_are_of_the_first_visit_and_queries_of_later_ones(rng):
    rows = replay(DAY, rng)

    assert (DAY.visit_of[rows.shots] == 0).all()
    assert (DAY.visit_of[rows.queries] == 1).all()
    for point in range(DAY.n_points):
        assert len(np.unique(of_point(rows.shots, point))) == 3
        assert len(np.unique(of_point(rows.queries, point))) == 10


def test_a_single_visit_is_halved(rng):
    once = replace(DAY, visit_of=np.zeros_like(DAY.visit_of))

    rows = replay(once, rng)

    for point in range(DAY.n_points):
        shots, queries = of_point(rows.shots, point), of_point(rows.queries, point)
        assert shots.max() < queries.min()


def test_samples_for_tests_take_no_part(rng):
    tested = replace(DAY, is_test=DAY.point_of == 3)

    rows = replay(tested, rng)

    assert 3 not in DAY.point_of[np.r_[rows.shots, rows.queries]]


@pytest.mark.parametrize("n_points", [0, 1])
def test_fewer_than_two_points_are_no_task(n_points, rng):
    few = DAY.select(np.flatnonzero(DAY.point_of < n_points))

    assert replay(few, rng) is None


def test_points_with_a_single_sample_take_no_part(rng):
    first = np.flatnonzero(DAY.point_of == 0)[:1]
    others = np.flatnonzero((DAY.point_of == 1) | (DAY.point_of == 2))
    few = DAY.select(np.r_[first, others])

    rows = replay(few, rng)

    assert set(few.point_of[rows.shots]) == {1, 2}


def test_shots_depend_on_the_generator_alone():
    first, again, other = (replay(DAY, np.random.default_rng(s)) for s in (0, 0, 1))

    np.testing.assert_array_equal(first.shots, again.shots)
    assert (first.shots != other.shots).any()
