"""What places teach is used at a place that was never seen."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.metrics import centre_errors, localization_errors
from edge_agent.neighbours.estimator import Kernel, Neighbours, NeighboursPredictor
from edge_agent.neighbours.whitening import Whitening
from tests.edge_agent.sites import POINTS, SPEC, environment
from tests.edge_agent.whitened import random_neighbours
from tests.trainer.neighbours.places import place
from trainer.neighbours.learn import (
    FREEDOMS,
    SHRINKAGES,
    TEMPERATURES,
    learn_neighbours,
    mean_gap,
)
from trainer.neighbours.replays import Replay
from trainer.neighbours.residuals import Scatter


@pytest.fixture(scope="module")
def learnt():
    rng = np.random.default_rng(7)
    return learn_neighbours([place(rng) for _ in range(6)])


def error(neighbours, replay):
    """Mean error [m], and mean surprise."""
    shots, queries = replay.shots, replay.queries
    kept = neighbours.fingerprints(
        SPEC, shots.images, shots.heard, shots.point_of, len(shots.points)
    )
    posterior = NeighboursPredictor(neighbours, SPEC, kept).predict(
        queries.images, queries.heard
    )
    truth = queries.locations[queries.point_of]
    off = localization_errors(posterior @ queries.locations, truth).mean()
    of_truth = posterior[np.arange(len(posterior)), queries.point_of]
    return float(off), float(-np.log(np.maximum(of_truth, 1e-12)).mean())


def test_whitening_of_other_places_locates_where_nothing_else_does(learnt):
    rng = np.random.default_rng(8)
    plain = Neighbours(
        Whitening(learnt.neighbours.whitening.scale, np.eye(SPEC.n_tones + 1)),
        learnt.neighbours.kernel,
    )
    replays = [replay for _ in range(8) for replay in Replay.of(place(rng))]

    whitened, unwhitened = (
        np.mean([error(neighbours, replay)[0] for replay in replays])
        for neighbours in (learnt.neighbours, plain)
    )

    queries = replays[0].queries
    guess = centre_errors(queries.locations, queries.locations).mean()
    assert whitened < 0.5 * unwhitened
    assert whitened < 0.3 * guess


def test_what_is_chosen_is_among_what_was_tried(learnt):
    kernel = learnt.neighbours.kernel

    assert learnt.shrinkage in SHRINKAGES
    assert kernel.freedom in FREEDOMS
    assert kernel.temperature in TEMPERATURES
    assert learnt.shrinkage < 0.5  # the disturbance is of two directions


def test_probabilities_are_worth_their_name_at_other_places(learnt):
    """Neither a much warmer nor a much colder kernel surprises less."""
    rng = np.random.default_rng(9)
    replays = [replay for _ in range(12) for replay in Replay.of(place(rng))]
    kernel = learnt.neighbours.kernel

    surprise = [
        np.mean(
            [
                error(
                    Neighbours(
                        learnt.neighbours.whitening,
                        Kernel(kernel.freedom, kernel.temperature * c, kernel.unheard),
                    ),
                    replay,
                )[1]
                for replay in replays
            ]
        )
        for c in (1 / 8, 1, 8)
    ]

    assert surprise[1] < min(surprise[0], surprise[2])


def test_the_errors_of_replays_are_those_of_a_whitening_by_other_places(learnt):
    """Every replay's, with what the device would compute from the other fold's."""
    rng = np.random.default_rng(7)
    places = [place(rng) for _ in range(6)]
    kernel = learnt.neighbours.kernel
    number = 0
    for left_out, here in enumerate(places):
        others = [p for k, p in enumerate(places) if k != left_out]
        whitening = Scatter.sum([Scatter.of(p) for p in others]).whitening(
            learnt.shrinkage
        )
        for replay in Replay.of(here):
            expected, _ = error(Neighbours(whitening, kernel), replay)
            assert learnt.errors_m[number] == pytest.approx(expected, rel=1e-6)
            number += 1
    assert number == len(learnt.errors_m) == len(learnt.replays)


def test_the_same_places_teach_the_same(learnt):
    rng = np.random.default_rng(7)

    again = learn_neighbours([place(rng) for _ in range(6)])

    assert again.neighbours.kernel == learnt.neighbours.kernel
    np.testing.assert_array_equal(
        again.neighbours.whitening.root, learnt.neighbours.whitening.root
    )


def test_progress_is_told_by_folds(rng):
    told = []

    learn_neighbours(
        [place(rng) for _ in range(3)], lambda done, n: told.append((done, n))
    )

    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_one_place_teaches_as_two_of_every_other_point(rng):
    more = [replace(point, name=f"{point.name}b", x=point.x + 9) for point in POINTS]
    images = np.concatenate([place(rng).images, place(rng).images])
    home = environment(rng, n_per_point=4, points=(*POINTS, *more), images=images)

    learnt = learn_neighbours([home])

    assert learnt is not None
    assert len(learnt.replays) == 4  # two halves, from the first visit and from laps
    halves = [set(replay.shots.point_of.tolist()) for replay in learnt.replays]
    assert halves == [{0, 2, 4}, {0, 2, 4}, {1, 3, 5}, {1, 3, 5}]


@pytest.mark.parametrize("n_places", [0, 1, 2])
def test_without_two_places_to_replay_nothing_is_learnt(rng, n_places):
    places = [environment(rng, n_per_point=1) for _ in range(n_places)]

    assert learn_neighbours(places) is None


# -- how far apart different points are ------------------------------------------------


def fingerprints(rng, heard):
    neighbours = random_neighbours(rng)
    images = rng.integers(0, 256, (4, *SPEC.shape), np.uint8)
    return neighbours.fingerprints(SPEC, images, heard, np.array([0, 0, 1, 2]), 3)


def test_the_mean_gap_is_over_shots_of_different_points(rng):
    heard = np.array([[1, 1], [1, 0], [1, 1], [1, 1]], np.bool_)
    shots = fingerprints(rng, heard)
    kernel = Kernel(2.0, 1.0, 1.0)
    gaps = []
    for a in range(4):
        for b in range(4):
            for channel in range(2):
                if shots.point_of[a] != shots.point_of[b] and (
                    heard[a, channel] and heard[b, channel]
                ):
                    apart = shots.z[a, channel] - shots.z[b, channel]
                    gaps.append(2 * np.log(1 + apart @ apart / 2))

    assert mean_gap(kernel, shots) == pytest.approx(np.mean(gaps), rel=1e-5)


def test_without_any_two_to_compare_the_gap_is_the_freedom(rng):
    shots = fingerprints(rng, np.zeros((4, 2), np.bool_))

    assert mean_gap(Kernel(2.0, 1.0, 1.0), shots) == 2.0
