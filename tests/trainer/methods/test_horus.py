"""Horus on radio maps of a few numbers, by hand and by numerical integration."""

import numpy as np
import pytest
from scipy.integrate import quad

from tests.trainer.surveyed import csi_episode, place
from trainer.methods.horus import Horus, RadioMap
from trainer.methods.references import References
from trainer.surveys.environment import Environment, Signals

NAN = np.nan
SETTINGS = Horus(prior_samples=5, least_sigma_db=2, outliers=0.1)


def radio_map(rows, points, settings=SETTINGS):
    references = References(np.array(rows, np.float64), np.array(points, np.intp))
    return RadioMap.of(references, settings)


def gaussian(mean, sigma):
    def density(q):
        exponent = -((q - mean) ** 2) / (2 * sigma**2)
        return np.exp(exponent) / (sigma * np.sqrt(2 * np.pi))

    return density


# -- the map ---------------------------------------------------------------------------


def test_means_are_over_what_was_heard():
    found = radio_map([[-40, NAN], [-50, NAN], [-70, -60]], [4, 4, 7])

    assert found.points.tolist() == [4, 7]
    assert found.mean_db[0, 0] == -45
    assert found.mean_db[1].tolist() == [-70, -60]
    assert found.was_heard.tolist() == [[True, False], [True, True]]


def test_a_channel_may_always_be_missed_and_always_be_heard():
    found = radio_map([[-40, NAN], [-50, NAN], [-70, -60]], [0, 0, 1])

    # (heard + 1) / (samples + 2)
    np.testing.assert_allclose(found.heard, [[3 / 4, 1 / 4], [2 / 3, 2 / 3]])


def test_variances_are_shrunk_towards_the_channels_and_those_towards_the_surveys():
    # Point 0: squares of 50 about -45 in channel 0, of 2 about -61 in channel 1.
    rows = [[-40, -60], [-50, -62], [-70, -60]]
    found = radio_map(rows, [0, 0, 1])

    of_survey = (50 + 2 + 5 * 4) / (2 + 5)
    of_channel = (np.array([50, 2]) + 5 * of_survey) / (1 + 5)
    of_first = np.maximum((np.array([50, 2]) + 5 * of_channel) / (1 + 5), 4)
    of_second = np.maximum(of_channel, 4)
    expected = np.sqrt([of_first * 1.5, of_second * 2])
    np.testing.assert_allclose(found.sigma_db, expected)


def test_samples_that_agree_do_not_make_a_variance_of_zero():
    found = radio_map([[-40], [-40], [-40]], [0, 0, 0])

    np.testing.assert_allclose(found.sigma_db, 2 * np.sqrt(4 / 3))


# -- the likelihood --------------------------------------------------------------------


@pytest.mark.parametrize("power", [-40.0, -47.25, -90.0])
def test_the_likelihood_of_a_power_is_the_integral_over_a_decibel(power):
    found = radio_map([[-40], [-44]], [0, 0])

    (integral, _) = quad(
        gaussian(-42, found.sigma_db[0, 0]), power - 0.5, power + 0.5, epsabs=1e-12
    )
    expected = np.log(3 / 4 * (0.9 * integral + 0.1 / 100))
    np.testing.assert_allclose(
        found.log_likelihood(np.array([[power]]), 0.1), [[expected]], rtol=1e-9
    )


def test_silence_is_as_likely_as_it_was():
    found = radio_map([[-40, NAN], [-44, NAN]], [0, 0])

    np.testing.assert_allclose(
        found.log_likelihood(np.array([[NAN, NAN]]), 0.1),
        [[np.log(1 / 4) + np.log(3 / 4)]],
    )


def test_a_channel_that_is_new_to_a_point_has_the_likelihood_of_an_outlier():
    found = radio_map([[NAN], [NAN]], [0, 0])

    np.testing.assert_allclose(
        found.log_likelihood(np.array([[-50.0]]), 0.1), [[np.log(1 / 4 * 0.1 / 100)]]
    )


def test_channels_are_independent(rng):
    rows = rng.uniform(-80, -40, (12, 3))
    rows[rng.random(rows.shape) < 0.2] = NAN
    points, queries = np.arange(12) % 4, rng.uniform(-80, -40, (50, 3))
    together = radio_map(rows, points)

    # The pooled variance couples channels; without it they would be separate maps.
    apart = [
        RadioMap(
            together.points,
            together.mean_db[:, [c]],
            together.sigma_db[:, [c]],
            together.heard[:, [c]],
            together.was_heard[:, [c]],
        ).log_likelihood(queries[:, [c]], 0.1)
        for c in range(3)
    ]

    np.testing.assert_allclose(together.log_likelihood(queries, 0.1), sum(apart))


# -- the method ------------------------------------------------------------------------

LINE = place(1, locations=[(0, 0), (10, 0), (20, 0), (40, 0)])


def locate(powers, method=SETTINGS):
    n = 8
    shots = Environment(
        name="today",
        place=LINE,
        order=0,
        signals=Signals(
            np.array([-40, -42, -50, -52, -60, -62, -90, -92], np.float32)[:, None]
        ),
        point_of=np.arange(n) // 2,
        visit_of=np.zeros(n, np.intp),
        is_test=np.zeros(n, np.bool_),
    )
    learnt = method.learn((), np.random.default_rng(0))
    locator = learnt.calibrate(LINE, shots)
    return locator.locate(Signals(np.array(powers, np.float32)[:, None]))


def test_the_posterior_is_the_normalised_likelihood():
    rows = [[-40], [-42], [-50], [-52], [-60], [-62], [-90], [-92]]
    likelihood = np.exp(
        radio_map(rows, np.arange(8) // 2).log_likelihood(np.array([[-54.0]]), 0.1)
    )

    found = locate([-54.0], Horus(n_best=4))

    expected = likelihood / likelihood.sum()
    np.testing.assert_allclose(found.posterior, expected, rtol=1e-9)
    np.testing.assert_allclose(found.locations, expected @ LINE.locations)


def test_only_the_best_points_take_part():
    posterior = locate([-46.0], Horus(n_best=2)).posterior[0]

    np.testing.assert_allclose(posterior, [0.5, 0.5, 0, 0])


def test_in_the_middle_of_two_points_the_fix_is_in_the_middle():
    np.testing.assert_allclose(locate([-46.0], Horus(n_best=2)).locations, [[5, 0]])


def test_many_channels_do_not_underflow():
    where = place(800, locations=[(0, 0), (10, 0)])
    rss = np.full((2, 800), -40, np.float32)
    rss[1] = -90
    shots = Environment(
        name="today",
        place=where,
        order=0,
        signals=Signals(rss),
        point_of=np.arange(2),
        visit_of=np.zeros(2, np.intp),
        is_test=np.zeros(2, np.bool_),
    )
    locator = SETTINGS.learn((), np.random.default_rng(0)).calibrate(where, shots)

    found = locator.locate(Signals(np.full((1, 800), -89, np.float32)))

    np.testing.assert_allclose(found.locations, [[10, 0]])


def test_images_count_by_their_level():
    # Another shape of the same mean square changes nothing.
    episode = csi_episode()
    flat = episode.with_signals(
        lambda s, _: Signals(
            s.rss,
            np.sqrt(np.square(s.images).mean(axis=(1, 2), keepdims=True))
            * np.ones_like(s.images),
        )
    )

    first, second = (
        Horus()
        .learn((), np.random.default_rng(0))
        .calibrate(e.place, e.shots)
        .locate(e.queries.signals)
        for e in (episode, flat)
    )

    np.testing.assert_allclose(first.locations, second.locations, atol=1e-3)
