"""Soft neighbours against a loop, and where a nuisance is larger than the signal."""

import numpy as np

from tests.trainer.days import NAN, day, hall, images, located, nothing
from tests.trainer.surveyed import csi_episode
from trainer.methods.contract import Needs
from trainer.methods.neighbours import NearestNeighbours
from trainer.methods.references import References
from trainer.methods.wccn import TEMPERATURE, Wccn, neighbour_posterior
from trainer.methods.whitening import Whitening

N_CHANNELS = 6
PLACE = hall([(5.0 * i, 0) for i in range(4)], N_CHANNELS)
NUISANCE = np.array([1, 1, -1, 1, -1, 1])


def swaying(rng, *, n=6, offset=0.0, points=range(4), **fields):
    """Two visits; points are 2 dB apart, the nuisance moves all samples by 15 dB."""
    points = np.repeat(np.tile(points, 2), n)
    rss = -60 + np.outer(points, [2, -2, 2, 0, 0, 0]).astype(float)
    rss += rng.normal(0, 15, (len(points), 1)) * NUISANCE + offset
    rss += rng.normal(0, 0.2, rss.shape)
    visits = np.repeat([0, 1], len(points) // 2)
    return day(PLACE, rss, points, visits=visits, **fields)


def accuracy(fixes, environment):
    return float(np.mean(fixes.posterior.argmax(axis=1) == environment.point_of))


# -- the posterior ---------------------------------------------------------------------


def test_the_posterior_is_that_of_the_nearest_reference_of_each_point(rng):
    z, features = rng.normal(0, 1, (7, 3)), rng.normal(0, 1, (10, 3))
    points = np.array([4, 0, 4, 1, 1, 1, 0, 4, 4, 1])

    found = neighbour_posterior(z, References(features, points), 6, temperature=0.4)

    for query, row in zip(z, found, strict=True):
        weights = np.zeros(6)
        for point in (0, 1, 4):
            nearest = min(
                sum((a - b) ** 2 for a, b in zip(query, reference, strict=True))
                for reference, p in zip(features, points, strict=True)
                if p == point
            )
            weights[point] = np.exp(-nearest / (2 * 3 * 0.4))
        np.testing.assert_allclose(row, weights / weights.sum(), rtol=1e-9)


def test_points_without_a_reference_have_no_probability(rng):
    references = References(rng.normal(0, 1, (2, 3)), np.array([1, 3]))

    found = neighbour_posterior(rng.normal(0, 1, (5, 3)), references, 6)

    assert (found[:, [0, 2, 4, 5]] == 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_without_references_no_point_has_probability():
    none = References(np.zeros((0, 0)), np.zeros(0, np.intp))

    assert neighbour_posterior(np.ones((2, 3)), none, 4).tolist() == [[0] * 4] * 2


# -- the method ------------------------------------------------------------------------


def test_a_nuisance_larger_than_the_signal_fools_neighbours_but_not_their_whitening(
    rng,
):
    past = [swaying(rng, n=20) for _ in range(3)]
    shots, queries = swaying(rng, n=2), swaying(rng)
    plain = NearestNeighbours("1nn", "1-NN", k=1, of_samples=True)

    fooled = located(plain, past, shots, queries.signals)
    found = located(Wccn(), past, shots, queries.signals)

    assert accuracy(fooled, queries) < 0.6
    assert accuracy(found, queries) > 0.95


def test_fixes_are_the_mean_of_the_points_that_whitened_shots_vote_for(rng):
    past, shots, queries = swaying(rng), swaying(rng, n=1), swaying(rng)

    found = located(Wccn(), [past], shots, queries.signals)

    whitening = Whitening.learn([past])
    expected = neighbour_posterior(
        whitening(queries.signals),
        References(whitening(shots.signals), shots.point_of),
        4,
        TEMPERATURE,
    )
    np.testing.assert_allclose(found.posterior, expected, atol=1e-12)
    np.testing.assert_allclose(found.locations, expected @ PLACE.locations)


def test_shots_replace_history_as_references(rng):
    # Today every point is 40 dB stronger, in a direction that history does not know.
    past, shots = swaying(rng), swaying(rng, n=1, points=[1, 2], offset=40)

    found = located(Wccn(), [past], shots, swaying(rng, offset=40).signals)

    assert (found.posterior[:, [0, 3]] == 0).all()


def test_without_shots_history_is_the_reference(rng):
    past, queries = swaying(rng, n=20), swaying(rng)

    found = located(Wccn(), [past], nothing(PLACE), queries.signals)

    assert accuracy(found, queries) > 0.9


def test_shots_that_heard_nothing_leave_the_centre_of_the_map(rng):
    deaf = day(PLACE, np.full((2, N_CHANNELS), NAN), [0, 3])

    found = located(Wccn(), [swaying(rng)], deaf, swaying(rng).signals)

    np.testing.assert_allclose(found.posterior, 1 / 4)
    np.testing.assert_allclose(found.locations[:, 0], 7.5)


def test_images_are_whitened_by_shape_and_level():
    # The level of each image is at random, and says nothing.
    rng = np.random.default_rng(2)
    episode = csi_episode(n_history=3)

    def swayed(signals, _):
        level = 10 ** rng.uniform(-1, 1, (len(signals), 1, 1, 1))
        return images(signals.images * level)

    episode = episode.with_signals(swayed)

    found = located(Wccn(), episode.history, episode.shots, episode.queries.signals)

    assert accuracy(found, episode.queries) > 0.9


def test_it_needs_history_to_be_anything():
    assert Wccn().needs == Needs.HISTORY
