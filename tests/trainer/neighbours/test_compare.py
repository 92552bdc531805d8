"""Network and neighbours at the same places."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.learning.adaptation import adapt
from edge_agent.learning.layer_step import LayerStep
from edge_agent.learning.network import forward, probabilities, scale_input
from edge_agent.learning.support import Support
from edge_agent.metrics import localization_errors
from tests.edge_agent.sites import ARCHITECTURE, POINTS, SPEC, checkpoint, environment
from tests.trainer.neighbours.places import place
from trainer.neighbours.compare import Comparison, compare, network_error
from trainer.neighbours.learn import Learnt, learn_neighbours
from trainer.neighbours.replays import Replay


def test_the_network_is_replayed_as_the_device_adapts_it(rng):
    trained = checkpoint(rng)
    (replay, _) = Replay.of(place(rng))
    shots, queries = replay.shots, replay.queries
    support = Support.of(shots.images, shots.heard, shots.point_of, len(POINTS))
    adapted = adapt(
        trained.parameters,
        LayerStep(ARCHITECTURE, support),
        support,
        architecture=ARCHITECTURE,
        alpha=trained.adaptation.alpha,
        n_steps=trained.adaptation.n_steps,
    )
    inputs = scale_input(ARCHITECTURE, queries.images, queries.heard)
    trace = forward(adapted.parameters, inputs, adapted.statistics)
    found = probabilities(trace.logits) @ queries.locations
    expected = localization_errors(found, queries.locations[queries.point_of]).mean()

    assert network_error(trained, replay) == pytest.approx(expected, rel=1e-4)


def test_points_without_images_are_no_answer_of_the_network(rng):
    """The middle one of three points has none: it is as if it were not there."""
    home = environment(rng)
    home = home.select(np.flatnonzero(home.point_of != 1))
    without = replace(
        home, points=(POINTS[0], POINTS[2]), point_of=(home.point_of > 0).astype(int)
    )
    trained = checkpoint(rng)

    errors = [network_error(trained, Replay.of(place)[0]) for place in (home, without)]

    assert errors[0] == pytest.approx(errors[1])
    assert errors[0] > 0


def test_a_network_that_does_not_adapt_knows_nothing(rng):
    same = np.repeat(rng.integers(0, 256, (1, *SPEC.shape), np.uint8), 6, axis=0)
    home = environment(rng, n_per_point=2, images=same)
    (replay,) = Replay.of(home)
    middle = np.broadcast_to(home.locations.mean(axis=0), (3, 2))

    error = network_error(checkpoint(rng), replay)

    expected = localization_errors(middle, home.locations).mean()
    assert error == pytest.approx(expected)


def test_the_better_one_is_recommended():
    assert Comparison(3, network_m=1.0, neighbours_m=0.9).favours_neighbours
    assert not Comparison(3, network_m=1.0, neighbours_m=1.0).favours_neighbours


def test_both_are_compared_at_the_same_places(rng):
    trained = checkpoint(rng)
    learnt = learn_neighbours([place(rng) for _ in range(3)])

    compared = compare(trained, learnt)

    assert compared.n_replays == len(learnt.replays) == 6
    assert compared.neighbours_m == pytest.approx(np.mean(learnt.errors_m))
    assert compared.network_m == pytest.approx(
        np.mean([network_error(trained, replay) for replay in learnt.replays])
    )
    assert compared.favours_neighbours  # the network is random


def test_of_many_replays_eight_are_taken_evenly(rng):
    learnt = learn_neighbours([place(rng), place(rng)])
    many = Learnt(
        learnt.neighbours,
        learnt.shrinkage,
        learnt.replays[:1] * 15,
        tuple(float(k) for k in range(15)),
    )

    compared = compare(checkpoint(rng), many)

    assert compared.n_replays == 8
    assert compared.neighbours_m == np.mean([0, 2, 4, 6, 8, 10, 12, 14])
