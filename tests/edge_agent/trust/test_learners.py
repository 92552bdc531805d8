"""What learns at a site, against the parts that it is made of."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from edge_agent.calibration import Calibration
from edge_agent.errors import BundleError
from edge_agent.estimators import Estimator
from edge_agent.history import joined
from edge_agent.learning.backends import Backend
from edge_agent.learning.predictor import make_predictor
from edge_agent.neighbours.bent_map import BentMap
from edge_agent.neighbours.bent_map_predictor import BentMapPredictor
from edge_agent.neighbours.estimator import NeighboursPredictor
from edge_agent.trust.learners import (
    EnsemblePredictor,
    MapLearner,
    NeighboursLearner,
    NetworkLearner,
    geometric_mean,
)
from tests.edge_agent.trust.walks import walked

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def walks(rng):
    return walked(rng, "abc")


def neighbours_of(bundle, shots):
    kept = bundle.neighbours.fingerprints(
        shots.spec, shots.images, shots.heard, shots.point_of, len(shots.points)
    )
    return NeighboursPredictor(bundle.neighbours, shots.spec, kept)


def asked(predictor, queries):
    return predictor.predict(queries.images, queries.heard)


def test_the_network_is_that_of_a_calibration(trusted_bundle, walks):
    shots, queries, _ = walks

    found = asked(
        NetworkLearner(trusted_bundle, Backend.NUMPY).learn(shots, None), queries
    )

    calibration = Calibration.from_shots(
        trusted_bundle, shots, now=NOW, backend=Backend.NUMPY
    )
    expected = make_predictor(trusted_bundle, calibration, Backend.NUMPY)
    np.testing.assert_array_equal(found, asked(expected, queries))


def test_the_neighbours_are_those_of_the_shots(trusted_bundle, walks):
    shots, queries, _ = walks

    found = asked(NeighboursLearner(trusted_bundle).learn(shots, None), queries)

    np.testing.assert_array_equal(
        found, asked(neighbours_of(trusted_bundle, shots), queries)
    )


def test_of_points_without_a_shot_the_newest_of_history_is_taken(trusted_bundle, walks):
    oldest, older, newest = walks
    some = newest.select(np.flatnonzero(newest.point_of < 2))
    third = older.select(np.flatnonzero(older.point_of == 2))

    found = asked(
        NeighboursLearner(trusted_bundle).learn(some, joined(oldest, older)), newest
    )

    expected = neighbours_of(trusted_bundle, joined(some, third))
    np.testing.assert_array_equal(found, asked(expected, newest))


def test_the_map_is_historys_bent_by_the_shots(trusted_bundle, walks):
    oldest, older, newest = walks
    history = joined(oldest, older)

    found = asked(MapLearner(trusted_bundle).learn(newest, history), newest)

    bent = BentMap.bend(trusted_bundle.neighbours, newest.spec, history, newest)
    expected = BentMapPredictor(trusted_bundle.neighbours, newest.spec, bent)
    np.testing.assert_array_equal(found, asked(expected, newest))


def test_without_a_history_there_is_no_map_but_neighbours(trusted_bundle, walks):
    shots, queries, silent = walks
    silent = replace(silent, heard=np.zeros_like(silent.heard))

    for history in (None, silent):
        found = asked(MapLearner(trusted_bundle).learn(shots, history), queries)

        np.testing.assert_array_equal(
            found, asked(neighbours_of(trusted_bundle, shots), queries)
        )


@pytest.mark.parametrize("learner", [NeighboursLearner, MapLearner])
def test_a_bundle_without_neighbours_has_no_such_learner(bundle, learner):
    with pytest.raises(BundleError, match=r"has no neighbours .*--estimator network"):
        learner(bundle)


def test_they_say_what_they_are(trusted_bundle):
    assert NetworkLearner(trusted_bundle).estimator is Estimator.NETWORK
    assert NeighboursLearner(trusted_bundle).estimator is Estimator.NEIGHBOURS
    assert MapLearner(trusted_bundle).estimator is Estimator.MAP


def test_an_ensemble_answers_with_the_geometric_mean(trusted_bundle, walks):
    shots, queries, _ = walks
    network = NetworkLearner(trusted_bundle, Backend.NUMPY).learn(shots, None)
    neighbours = neighbours_of(trusted_bundle, shots)

    both = EnsemblePredictor(network, neighbours)

    first, second = (asked(each, queries) for each in (network, neighbours))
    roots = np.sqrt(first * second)
    np.testing.assert_allclose(
        asked(both, queries), roots / roots.sum(axis=1, keepdims=True), atol=1e-5
    )
    assert both.backend is network.backend


def test_no_point_is_impossible_because_one_of_two_says_so():
    """One is sure of the first point, the other has never heard of it."""
    (found,) = geometric_mean(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))

    assert found.tolist() == pytest.approx([0.5, 0.5])
