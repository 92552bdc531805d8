"""Answers that ignore the signal, and one that sees the power alone."""

import numpy as np
import pytest

from tests.trainer.surveyed import CENTRE, csi_episode, place, rss_episode
from trainer.methods.contract import Needs
from trainer.methods.floors import Centre, PowerOnly, RandomPoints
from trainer.methods.neighbours import NearestNeighbours
from trainer.surveys.environment import Signals

EPISODE = csi_episode()
WKNN = NearestNeighbours("wknn", "WKNN", k=5, is_weighted=True)


def fixes(method, episode=EPISODE, *, seed=0, where=None):
    learnt = method.learn(episode.history, np.random.default_rng(seed))
    locator = learnt.calibrate(where or episode.place, episode.shots)
    return locator.locate(episode.queries.signals)


def test_the_centre_is_the_mean_of_the_maps_points():
    found = fixes(Centre(), where=place(3, locations=[(0, 0), (1, 0), (2, 9)]))

    np.testing.assert_allclose(found.locations, np.tile([1, 3], (36, 1)))


def test_random_points_are_five_different_ones():
    posterior = fixes(RandomPoints()).posterior

    assert ((posterior == 0.2).sum(axis=1) == 5).all()
    assert ((posterior == 0).sum(axis=1) == 7).all()


def test_random_points_are_others_for_every_query_and_seed():
    posterior = fixes(RandomPoints()).posterior

    assert len(np.unique(posterior, axis=0)) > 30
    assert not np.array_equal(posterior, fixes(RandomPoints(), seed=1).posterior)


def test_random_points_are_equally_likely():
    queries = Signals(np.full((20_000, 3), -50, np.float32))
    learnt = RandomPoints(k=2).learn((), np.random.default_rng(0))
    locator = learnt.calibrate(EPISODE.place, EPISODE.shots)

    share = (locator.locate(queries).posterior > 0).mean(axis=0)

    # 2 of 12, give or take four standard deviations.
    assert np.abs(share - 1 / 6).max() < 4 * (1 / 6 * 5 / 6 / 20_000) ** 0.5


def test_a_map_of_fewer_points_gives_all_of_them():
    found = fixes(RandomPoints(), where=place(3, locations=[(0, 0), (1, 0)]))

    np.testing.assert_allclose(found.locations, np.tile([0.5, 0], (36, 1)))


def test_power_alone_is_what_the_method_does_with_an_rss_survey():
    episode = rss_episode()

    found = fixes(PowerOnly(WKNN, "rssi", "RSSI"), episode)

    np.testing.assert_array_equal(found.locations, fixes(WKNN, episode).locations)


def test_power_alone_does_not_look_at_images():
    def blank(signals, _):
        return Signals(signals.rss, np.ones_like(signals.images))

    method = PowerOnly(WKNN, "rssi", "RSSI")

    found = fixes(method, EPISODE.with_signals(blank))

    np.testing.assert_array_equal(found.locations, fixes(method).locations)
    assert not np.allclose(found.locations, CENTRE)


def test_power_alone_needs_images_that_it_could_have_looked_at():
    # On an RSS survey it would be the method itself.
    method = PowerOnly(WKNN, "rssi", "RSSI")

    assert method.needs == Needs.IMAGES | Needs.POWER
    assert not method.is_stochastic


def test_power_alone_in_a_query_that_has_images_only_is_the_centre():
    signals = EPISODE.queries.signals
    learnt = PowerOnly(WKNN, "rssi", "RSSI").learn((), np.random.default_rng(0))
    locator = learnt.calibrate(EPISODE.place, EPISODE.shots)

    found = locator.locate(Signals(np.full_like(signals.rss, np.nan), signals.images))

    np.testing.assert_allclose(found.locations, np.tile(CENTRE, (36, 1)))


@pytest.mark.parametrize("k", [1, 7])
def test_names_say_how_many_points(k):
    assert RandomPoints(k).name == f"random{k}"
    assert RandomPoints(k).title.startswith(f"{k} random points")
