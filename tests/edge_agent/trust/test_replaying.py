"""Learners are asked what the past asks, about the points that anybody knows."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from edge_agent.errors import CalibrationError
from edge_agent.estimators import Estimator
from edge_agent.learning.backends import Backend
from edge_agent.trust.episodes import Episode
from edge_agent.trust.replayed import Replayed
from edge_agent.trust.replaying import renumbered, replay, together
from tests.edge_agent.sites import POINTS
from tests.edge_agent.trust.walks import walked


class Counting:
    """Answers with the share of shots that each of its points has."""

    estimator = Estimator.NEIGHBOURS

    def learn(self, shots, history):
        counts = np.bincount(shots.point_of, minlength=len(shots.points))
        return Constant(counts / counts.sum())


@dataclass
class Constant:
    belief: np.ndarray
    backend = Backend.NUMPY

    def predict(self, images, heard):
        return np.tile(self.belief, (len(images), 1))


class Refusing:
    estimator = Estimator.NETWORK

    def learn(self, shots, history):
        raise CalibrationError("the shots of different points look the same")


@pytest.fixture
def walk(rng):
    return walked(rng, "a")[0]


def at(walk, points, laps="123"):
    visits = [f"a/{lap}" for lap in laps]
    return walk.select(
        np.flatnonzero(np.isin(walk.point_of, points) & np.isin(walk.visit_of, visits))
    )


def test_points_that_nobody_knows_have_no_probability(walk):
    shots = at(walk, [0, 2], "12").select(np.array([0, 1, 3]))
    episode = Episode(shots, None, at(walk, [0, 2], "3"), is_later_walk=True)

    found = replay([episode], Counting(), POINTS)

    counts = np.bincount(shots.point_of, minlength=3)
    assert counts[1] == 0
    np.testing.assert_allclose(found.posterior, [counts / 3] * 2)
    assert found.truth.tolist() == [0, 2]
    assert found.is_later_day.tolist() == [True, True]
    assert found.is_fresh.tolist() == [True, True]


def test_points_that_history_alone_knows_are_answered_with(walk):
    """The learner is told of all three; here it has no shot of the third."""
    episode = Episode(
        at(walk, [0, 1], "1"), at(walk, [2], "2"), at(walk, [2], "3"), False
    )

    found = replay([episode], Counting(), POINTS)

    assert found.posterior.tolist() == [[0.5, 0.5, 0]]
    assert found.truth.tolist() == [2]
    assert found.is_fresh.tolist() == [False]


def test_who_learns_nothing_knows_nothing(walk):
    episode = Episode(at(walk, [0, 2], "12"), None, at(walk, [0, 2], "3"), False)

    found = replay([episode], Refusing(), POINTS)

    assert found.posterior.tolist() == [[0.5, 0, 0.5]] * 2


def test_images_of_one_placement_share_its_weight(walk):
    queries = at(walk, [0, 1], "3").select(np.array([0, 0, 0, 1]))
    episode = Episode(at(walk, [0, 1], "12"), None, queries, False)

    found = replay([episode, episode], Counting(), POINTS)

    assert found.weight == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1] * 2)
    assert found.n_queries == pytest.approx(4)
    assert len(found) == 8


def test_progress_is_told_and_nothing_is_fine(walk):
    episode = Episode(at(walk, [0, 1], "12"), None, at(walk, [0, 1], "3"), False)
    told = []

    replay([episode] * 3, Counting(), POINTS, told.append)

    assert told == [1, 2, 3]
    assert replay([], Counting(), POINTS).posterior.shape == (0, 3)


def test_an_ensemble_needs_no_learning_of_its_own():
    blank = Replayed(
        POINTS,
        np.array([[0.25, 0.25, 0.5]]),
        np.array([1]),
        np.array([False]),
        np.ones(1),
        np.array([True]),
    )
    other = replace(blank, posterior=np.array([[0.64, 0.32, 0.04]]))

    found = together(blank, other)

    roots = np.sqrt(blank.posterior * other.posterior)
    np.testing.assert_allclose(found.posterior, roots / roots.sum())
    assert found.truth is blank.truth


def test_some_points_are_numbered_anew(walk):
    part = renumbered(walk, np.array([0, 2]))

    assert part.points == (POINTS[0], POINTS[2])
    assert part.point_of.tolist() == [0, 1] * 3
    np.testing.assert_array_equal(part.images, at(walk, [0, 2]).images)


def test_answers_are_told_apart_by_kind():
    both = Replayed(
        POINTS,
        np.eye(3),
        np.arange(3),
        np.array([False, True, False]),
        np.array([1.0, 2.0, 3.0]),
        np.array([True, True, False]),
    )

    later, same = both.of_kind(later=True), both.of_kind(later=False)

    assert later.truth.tolist() == [1]
    assert same.truth.tolist() == [0, 2]
    assert same.weight.tolist() == [1, 3]
    assert later.posterior.tolist() == [[0, 1, 0]]
    assert same.is_fresh.tolist() == [True, False]
