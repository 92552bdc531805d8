"""A map of history, bent by fresh shots, on sites whose changes are known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.learning.predictor import Predictor
from edge_agent.neighbours.bent_map import (
    FREEDOM,
    TEMPER,
    BentMap,
)
from edge_agent.neighbours.bent_map_predictor import BentMapPredictor
from edge_agent.neighbours.estimator import (
    Fingerprints,
    Kernel,
    NeighboursPredictor,
    posterior_of,
)
from edge_agent.neighbours.whitening import channel_features
from edge_agent.survey import Point
from tests.edge_agent.sites import REAL
from tests.edge_agent.walked import (
    WALKED_SPEC,
    at_points,
    grid_points,
    last_walk,
    mean_error,
    plain_neighbours,
    walked,
)

NEIGHBOURS = plain_neighbours()
POINTS = grid_points(16)
NOBODY = np.zeros(0, np.intp)


@pytest.fixture(scope="module")
def site():
    """History, fresh shots of two laps, queries of a third."""
    return last_walk(walked(np.random.default_rng(5), POINTS, 5))


def bend(history, fresh):
    return BentMap.bend(NEIGHBOURS, WALKED_SPEC, history, fresh)


def predictor(history, fresh):
    return BentMapPredictor(NEIGHBOURS, WALKED_SPEC, bend(history, fresh))


def small_map(**changes):
    """Two points, one channel, one direction; numbers that a reader can follow."""
    values = {
        "directions": np.full((1, 1), 2.0, np.float32),
        "means": np.array([[[0.0]], [[4.0]]], np.float32),
        "variances": np.array([[[0.0]], [[3.0]]], np.float32),
        "hears": np.array([[0.9], [0.5]], np.float32),
        "is_used": np.array([True]),
        "is_known": np.array([True, True]),
        "fresh": None,
        "kernel": Kernel(0.5, 0.25, 2.5),
    }
    return BentMap(**(values | changes))


# -- the formula -----------------------------------------------------------------------


def test_an_image_is_compared_with_what_is_expected_of_it():
    z, heard = np.array([[[1.0]]]), np.array([[True]])

    posterior = small_map().posterior(z, heard)

    scores = [
        -(FREEDOM + 1) / 2 * math.log(1 + gap**2 / variance / FREEDOM)
        - math.log(variance) / 2
        + math.log(hears)
        for gap, variance, hears in ((2.0, 1.0, 0.9), (2.0, 4.0, 0.5))
    ]
    weights = [math.exp(TEMPER * score) for score in scores]
    np.testing.assert_allclose(
        posterior[0], np.array(weights) / sum(weights), rtol=1e-6
    )


def test_silence_speaks_for_the_point_where_little_is_heard():
    posterior = small_map().posterior(np.zeros((1, 1, 1)), np.array([[False]]))

    weights = np.array([0.1, 0.5]) ** TEMPER
    np.testing.assert_allclose(posterior[0], weights / weights.sum(), rtol=1e-6)


def test_a_channel_that_is_off_the_air_says_nothing_either_way():
    deaf = small_map(is_used=np.array([False]))

    for heard in (True, False):
        posterior = deaf.posterior(np.array([[[1.0]]]), np.array([[heard]]))
        np.testing.assert_allclose(posterior, [[0.5, 0.5]])
    assert deaf.variance.tolist() == [0, 0]


def test_between_fresh_points_the_shots_themselves_have_a_say(site):
    """A second implementation of how the two posteriors are put together."""
    history, fresh, queries = site
    some = at_points(fresh, [1, 6, 7])
    bent = bend(history, some)
    z = NEIGHBOURS.whitening(channel_features(queries.images, WALKED_SPEC))

    posterior = bent.posterior(z, queries.heard)

    alone = replace(bent, fresh=None).posterior(z, queries.heard)
    shots = NEIGHBOURS.fingerprints(
        WALKED_SPEC, some.images, some.heard, some.point_of, len(POINTS)
    )
    distances = NEIGHBOURS.kernel.distances(z, queries.heard, shots)
    near = posterior_of(distances, shots, NEIGHBOURS.kernel.temperature)
    for row in range(0, len(z), 5):
        share = alone[row, [1, 6, 7]].sum()
        both = alone[row, [1, 6, 7]] * near[row, [1, 6, 7]]
        expected = alone[row].copy()
        expected[[1, 6, 7]] = share * both / both.sum()
        np.testing.assert_allclose(posterior[row], expected, rtol=1e-4, atol=1e-12)


# -- what it is for --------------------------------------------------------------------


def test_a_few_fresh_points_are_worth_much_and_all_of_them_more(site):
    history, fresh, queries = site
    errors = [
        mean_error(predictor(history, at_points(fresh, points)), queries)
        for points in ([], range(0, 16, 3), range(16))
    ]

    assert errors[1] < 0.8 * errors[0]
    assert errors[2] < 0.3 * errors[1]


def test_with_all_points_fresh_it_is_no_worse_than_neighbours():
    """Over several sites, whose visits differ a lot."""
    bent, plain = [], []
    for seed in range(6):
        rng = np.random.default_rng([31, seed])
        history, fresh, queries = last_walk(walked(rng, POINTS, 4, visit=0.05))
        shots = NEIGHBOURS.fingerprints(
            WALKED_SPEC, fresh.images, fresh.heard, fresh.point_of, len(POINTS)
        )
        bent.append(mean_error(predictor(history, fresh), queries))
        plain.append(
            mean_error(NeighboursPredictor(NEIGHBOURS, WALKED_SPEC, shots), queries)
        )

    assert np.mean(bent) < np.mean(plain)


def test_what_all_points_share_today_is_learnt_from_one(site):
    """A walk that is 6 dB louder everywhere."""
    rng = np.random.default_rng(8)
    past = walked(rng, POINTS, 5, common=0.2, local=0.01)
    history, fresh, queries = last_walk(past)

    before = mean_error(predictor(history, fresh.select(NOBODY)), queries)
    after = mean_error(predictor(history, at_points(fresh, [5])), queries)

    assert after < 0.5 * before


def test_the_map_is_unsure_where_nothing_is_fresh(site):
    history, fresh, _ = site
    shown = [0, 5, 10]

    before = bend(history, fresh.select(NOBODY)).variance
    after = bend(history, at_points(fresh, shown)).variance

    assert (after < before).all()
    others = np.setdiff1d(np.arange(16), shown)
    assert after[shown].max() < 0.7 * after[others].min()


def test_a_point_that_history_does_not_know_is_where_its_shots_are(site):
    history, fresh, queries = site
    without = at_points(history, range(15))

    unknown = predictor(without, at_points(fresh, range(14)))
    known = predictor(without, fresh)

    asked = at_points(queries, [15])
    assert not unknown.predict(asked.images, asked.heard)[:, 15].any()
    assert (known.predict(asked.images, asked.heard).argmax(axis=1) == 15).all()


def test_an_access_point_that_is_gone_is_dropped_by_name_and_asked_no_more():
    rng = np.random.default_rng(3)
    history, fresh, queries = last_walk(walked(rng, POINTS, 4, gone=[1]))

    bent = bend(history, at_points(fresh, range(8)))

    assert bent.dropped == (REAL[1].hex(":"),)
    assert bent.is_used.tolist() == [True, False]
    posterior = BentMapPredictor(NEIGHBOURS, WALKED_SPEC, bent).predict(
        queries.images, queries.heard
    )
    assert (posterior.argmax(axis=1) == queries.point_of)[:8].mean() > 0.8


def test_channels_of_unknown_transmitters_go_by_their_numbers():
    rng = np.random.default_rng(3)
    history, fresh, _ = last_walk(walked(rng, POINTS, 4, gone=[1]))
    history, fresh = (replace(part, channels=()) for part in (history, fresh))

    assert bend(history, fresh).dropped == ("channel 1",)


def test_an_access_point_that_is_new_counts_where_it_was_heard(site):
    history, fresh, queries = site
    deaf = replace(history, heard=history.heard * np.array([True, False]))

    without = bend(deaf, replace(fresh, heard=fresh.heard * np.array([True, False])))
    bent = bend(deaf, fresh)

    assert bent.is_used.all()
    assert not bent.dropped
    assert mean_error(
        BentMapPredictor(NEIGHBOURS, WALKED_SPEC, bent), queries
    ) < mean_error(BentMapPredictor(NEIGHBOURS, WALKED_SPEC, without), queries)


def test_rooms_without_coordinates_and_the_outside_have_a_map_too(site):
    history, fresh, queries = site
    rooms = (
        Point("outside", None, None),
        *(replace(point, x=None, y=None) for point in POINTS[1:]),
    )
    history, fresh = (replace(part, points=rooms) for part in (history, fresh))

    posterior = predictor(history, fresh).predict(queries.images, queries.heard)

    assert (posterior.argmax(axis=1) == queries.point_of).mean() > 0.9


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_probabilities_are_probabilities_whatever_the_images(seed):
    rng = np.random.default_rng(seed)
    points = grid_points(4)
    past = walked(rng, points, int(rng.integers(1, 4)), n_laps=int(rng.integers(1, 3)))
    past = replace(
        past,
        images=rng.integers(0, 256, past.images.shape, np.uint8),
        heard=rng.random(past.heard.shape) < 0.7,
    )
    past.heard[0] = True
    fresh = at_points(past, rng.integers(0, 4, 2))

    posterior = predictor(past, fresh).predict(
        past.images, rng.random(past.heard.shape) < 0.7
    )

    assert (posterior >= 0).all()
    np.testing.assert_allclose(posterior.sum(axis=1), 1)


def test_what_is_said_of_an_image_does_not_depend_on_the_others(site):
    history, fresh, queries = site
    locate: Predictor = predictor(history, at_points(fresh, range(5)))
    images, heard = (
        np.tile(a, (17, *[1] * (a.ndim - 1))) for a in (queries.images, queries.heard)
    )  # several passes

    together = locate.predict(images, heard)

    for row in (0, 255, 256, len(images) - 1):
        one = slice(row, row + 1)
        np.testing.assert_allclose(
            locate.predict(images[one], heard[one]), together[one]
        )
    assert locate.predict(images[:0], heard[:0]).shape == (0, 16)


# -- on disk ---------------------------------------------------------------------------


@pytest.mark.parametrize("shown", [[], [2, 3]])
def test_a_map_that_was_stored_says_the_same(site, shown):
    history, fresh, queries = site
    bent = bend(history, at_points(fresh, shown))

    again = BentMap.from_arrays(bent.to_arrays(), 16, NEIGHBOURS)

    answers = [
        BentMapPredictor(NEIGHBOURS, WALKED_SPEC, each).predict(
            queries.images, queries.heard
        )
        for each in (bent, again)
    ]
    np.testing.assert_array_equal(*answers)
    assert again.dropped == bent.dropped


def test_arrays_of_something_else_are_no_map():
    assert BentMap.from_arrays({"theta": np.zeros(3)}, 3, NEIGHBOURS) is None


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("means", np.zeros((16, 2, 7)), "means is float64, not .*float32"),
        ("means", np.zeros((3, 2, 7), np.float32), r"shape \(3, 2, 7\) for 16 points"),
        ("means", np.zeros((16, 2), np.float32), r"shape \(16, 2\) for 16 points"),
        ("means", np.zeros((16, 2, 9), np.float32), "has 9 directions, the bundle 7"),
        ("variances", np.zeros((16, 2, 6), np.float32), r"variances has shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(site, name, value, reason):
    history, fresh, _ = site
    arrays = bend(history, fresh).to_arrays() | {f"bent.{name}": value}

    with pytest.raises(ValueError, match=reason):
        BentMap.from_arrays(arrays, 16, NEIGHBOURS)


def test_an_array_that_is_missing_is_missed(site):
    history, fresh, _ = site
    arrays = bend(history, fresh).to_arrays()
    del arrays["bent.hears"]

    with pytest.raises(KeyError, match=r"bent\.hears"):
        BentMap.from_arrays(arrays, 16, NEIGHBOURS)


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hears": np.zeros((2, 2), np.float32)}, r"hears has shape \(2, 2\), not"),
        ({"means": np.full((2, 1, 1), np.nan, np.float32)}, "means holds values"),
        ({"variances": np.full((2, 1, 1), -1, np.float32)}, "a variance is negative"),
        ({"hears": np.ones((2, 1), np.float32)}, "is not between 0 and 1"),
        ({"is_known": np.zeros(2, bool)}, "no point has a shot"),
        ({"is_used": np.ones(3, bool)}, "is_used has shape"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        small_map(**changes)


def test_fresh_shots_of_another_map_are_refused():
    other = Fingerprints(
        np.zeros((1, 1, 1), np.float32), np.ones((1, 1), bool), np.array([0]), 3
    )

    with pytest.raises(ValueError, match="fresh shots are of another map"):
        small_map(fresh=other)


def test_shots_that_are_not_aligned_are_refused(site):
    history, fresh, _ = site

    with pytest.raises(ValueError, match="align them first"):
        bend(replace(history, points=history.points[::-1]), fresh)
    with pytest.raises(ValueError, match="are images of"):
        BentMap.bend(NEIGHBOURS, replace(WALKED_SPEC, n_packets=9), history, fresh)


def test_a_history_without_a_shot_is_refused(site):
    history, fresh, _ = site

    with pytest.raises(ValueError, match="has heard nothing"):
        bend(history.select(NOBODY), fresh)
