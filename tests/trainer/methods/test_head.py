"""The head against finite differences of its loss and an equation of one unknown."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime, brentq

from tests.trainer.days import day, hall, located, nothing
from tests.trainer.surveyed import csi_episode
from trainer.methods.contract import Needs
from trainer.methods.head import _DECAY, HistoryHead, train_head
from trainer.methods.whitening import Whitening


def loss(head, z, class_of, weights, decay):
    """The loss in plain numbers, one sample at a time."""
    head = head.reshape(z.shape[1] + 1, -1)
    total = 0.0
    for row, own, weight in zip(z, class_of, weights, strict=True):
        scores = row @ head[:-1] + head[-1]
        total -= weight * (scores[own] - np.log(np.sum(np.exp(scores))))
    return total + decay / 2 * np.sum(head[:-1] ** 2)


def problem(rng, *, n=40, d=3, n_classes=4):
    class_of = np.arange(n) % n_classes
    z = rng.normal(0, 1, (n, d)) + rng.normal(0, 1, (n_classes, d))[class_of]
    weights = rng.uniform(0.5, 2, n)
    return z, class_of, weights / weights.sum()


# -- training --------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.01, 0.3])
def test_the_gradient_of_the_loss_is_zero_at_the_result(rng, decay):
    z, class_of, weights = problem(rng)

    head = train_head(z, class_of, weights, decay=decay)

    assert head.shape == (4, 4)
    gradient = approx_fprime(head.ravel(), loss, 1e-7, z, class_of, weights, decay)
    start = approx_fprime(np.zeros(head.size), loss, 1e-7, z, class_of, weights, decay)
    assert np.abs(gradient).max() < 2e-4
    assert np.abs(start).max() > 0.05


def test_two_symmetric_samples_have_a_head_that_can_be_calculated():
    # W = (-w, w), b = 0: dL/dw = -2 / (1 + exp(2w)) + 2γw.
    decay = 0.05
    w = brentq(lambda w: -1 / (1 + np.exp(2 * w)) + decay * w, 0, 10)

    head = train_head(
        np.array([[-1.0], [1.0]]), np.array([0, 1]), np.array([0.5, 0.5]), decay=decay
    )

    np.testing.assert_allclose(head, [[-w, w], [0, 0]], atol=1e-4)


def test_the_offset_is_free_and_learns_how_often_a_class_is():
    # Inputs that say nothing.
    head = train_head(
        np.zeros((3, 2)), np.array([0, 1, 2]), np.array([0.1, 0.2, 0.7]), decay=0.5
    )

    probabilities = np.exp(head[-1]) / np.exp(head[-1]).sum()
    np.testing.assert_allclose(probabilities, [0.1, 0.2, 0.7], atol=1e-4)
    np.testing.assert_allclose(head[:-1], 0, atol=1e-6)


def test_a_sample_of_double_weight_is_two_samples(rng):
    z, class_of, weights = problem(rng, n=12)
    heavier = weights.copy()
    heavier[3] *= 2
    again = np.r_[np.arange(12), 3]

    found = train_head(z, class_of, heavier / heavier.sum(), decay=0.1)

    twice = weights[again] / weights[again].sum()
    expected = train_head(z[again], class_of[again], twice, decay=0.1)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert np.abs(found - train_head(z, class_of, weights, decay=0.1)).max() > 0.02


def test_large_scores_do_not_overflow():
    z = np.array([[-1e4], [1e4]])

    head = train_head(z, np.array([0, 1]), np.array([0.5, 0.5]), decay=0.01)

    assert np.isfinite(head).all()
    assert head[0, 0] < head[0, 1]


# -- the method ------------------------------------------------------------------------

PLACE = hall([(0, 0), (6, 0), (0, 6)], 4)
MEANS = np.array([[-40, -50, -60, -50], [-50, -40, -50, -60], [-60, -60, -40, -40]])


def survey(rng, points, *, n=5, **fields):
    points = np.repeat(points, n)
    rss = MEANS[points] + rng.normal(0, 3, (len(points), 4))
    return day(PLACE, rss, points, **fields)


def test_all_shots_together_weigh_twice_what_history_does(rng):
    past = [survey(rng, [0, 1]), survey(rng, [0, 1])]
    shots, queries = survey(rng, [1, 2], n=2), survey(rng, [0, 1, 2])

    found = located(HistoryHead(), past, shots, queries.signals)

    whitening = Whitening.learn(past)
    known = [*past, shots]
    head = train_head(
        np.concatenate([whitening(e.signals) for e in known]),
        np.concatenate([e.point_of for e in known]),
        np.r_[np.full(20, 1 / 20), np.full(4, 2 / 4)] / 3,
        decay=_DECAY,
    )
    scores = np.exp(whitening(queries.signals) @ head[:-1] + head[-1])
    posterior = scores / scores.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.posterior, posterior, atol=1e-9)
    np.testing.assert_allclose(found.locations, posterior @ PLACE.locations)


def test_a_hundred_times_the_history_does_not_drown_the_shots(rng):
    past, shots = survey(rng, [0, 1, 2]), survey(rng, [0, 1, 2], n=1)
    queries = survey(rng, [0, 1, 2]).signals
    long = past.select(np.tile(np.arange(len(past)), 100))

    found = located(HistoryHead(), [long], shots, queries)

    expected = located(HistoryHead(), [past], shots, queries)
    np.testing.assert_allclose(found.posterior, expected.posterior, atol=1e-3)


def test_points_that_neither_history_nor_shots_know_have_no_probability(rng):
    queries = survey(rng, [0, 1, 2]).signals

    found = located(HistoryHead(), [survey(rng, [0])], survey(rng, [2]), queries)

    assert (found.posterior[:, 1] == 0).all()
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)
    assert (found.posterior[:5].argmax(axis=1) == 0).all()
    assert (found.posterior[10:].argmax(axis=1) == 2).all()


def test_without_shots_history_alone_trains_the_head(rng):
    queries = survey(rng, [0, 1, 2])

    found = located(
        HistoryHead(), [survey(rng, [0, 1, 2])], nothing(PLACE), queries.signals
    )

    assert (found.posterior.argmax(axis=1) == queries.point_of).mean() > 0.9


def test_it_learns_from_images():
    episode = csi_episode(n_history=3)

    found = located(
        HistoryHead(), episode.history, episode.shots, episode.queries.signals
    )

    assert HistoryHead().needs == Needs.HISTORY | Needs.IMAGES
    assert (found.posterior.argmax(axis=1) == episode.queries.point_of).all()
