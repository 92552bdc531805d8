"""Eq. (2) as a method, against the formula written out."""

import numpy as np

from tests.trainer.surveyed import csi_episode
from trainer.methods.features import full_scale, scaled_images
from trainer.methods.histogram_neighbours import HistogramNeighbours, histograms
from trainer.surveys.environment import Signals

EPISODE = csi_episode()


def locator(k=5):
    learnt = HistogramNeighbours(k).learn(EPISODE.history, np.random.default_rng(0))
    return learnt.calibrate(EPISODE.place, EPISODE.shots)


def test_a_histogram_counts_the_pixels_of_each_channel():
    images = np.array([[[[0.0, 10], [2, 10]], [[1, 5], [2, 0]]]], np.float32)
    signals = Signals(np.full((1, 2), np.nan, np.float32), images)

    (found,) = histograms(signals, np.array([2.0, 10.0]))

    first, second = found.reshape(2, 256)
    assert {i: first[i] for i in np.flatnonzero(first)} == {0: 1, 128: 1, 255: 2}
    assert {i: second[i] for i in np.flatnonzero(second)} == {0: 1, 128: 1, 255: 2}


def test_a_channel_that_is_not_heard_has_no_pixels():
    images = np.ones((1, 2, 3, 2), np.float32)
    images[..., 1] = 0
    signals = Signals(np.full((1, 2), np.nan, np.float32), images)

    (found,) = histograms(signals, np.ones(2))

    assert found.reshape(2, 256).sum(axis=1).tolist() == [6, 0]


def test_no_image_has_no_histogram():
    none = EPISODE.queries.signals.select(np.arange(0))

    assert histograms(none, np.ones(3)).shape == (0, 3 * 256)


def test_points_are_chosen_by_the_mean_intersection_of_their_images():
    scale = full_scale([EPISODE.shots.signals])

    def counts(signals):
        pixels = np.rint(255 * scaled_images(signals, scale)).astype(int)
        return np.array(
            [
                [
                    [(channel == value).sum() for value in range(256)]
                    for channel in image
                ]
                for image in pixels
            ]
        )

    queries = EPISODE.queries.signals.select(slice(4))
    of_shots, of_queries = counts(EPISODE.shots.signals), counts(queries)
    for query, posterior in zip(
        of_queries, locator(3).locate(queries).posterior, strict=True
    ):
        z = np.minimum(query, of_shots).sum(axis=(1, 2))  # Eq. (2)
        similarity = [
            z[EPISODE.shots.point_of == p].mean() for p in range(EPISODE.place.n_points)
        ]
        best = np.argsort(similarity)[-3:]
        assert sorted(np.flatnonzero(posterior)) == sorted(best)
        np.testing.assert_allclose(posterior[best], 1 / 3)


def test_the_order_of_tones_means_nothing():
    signals = EPISODE.queries.signals
    shuffled = Signals(signals.rss, signals.images[:, :, ::-1])

    found = locator().locate(shuffled).locations

    np.testing.assert_array_equal(found, locator().locate(signals).locations)


def test_points_without_images_are_never_chosen():
    few = EPISODE.shots.select(np.flatnonzero(EPISODE.shots.point_of < 3))
    learnt = HistogramNeighbours().learn((), np.random.default_rng(0))

    posterior = (
        learnt.calibrate(EPISODE.place, few).locate(EPISODE.queries.signals).posterior
    )

    np.testing.assert_allclose(posterior[:, :3], 1 / 3)
    assert not posterior[:, 3:].any()
