"""Misfits against the densities of scipy and Bayes' theorem."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trainer.methods.hurdle import misfits, odds_of_silence


def misfit(x, levels, *, variance=9.0, detection=0.5, dead=0.0, freedom=8.0):
    """Of one channel at some points."""
    levels = np.array(levels, float)[:, None]
    detection = np.broadcast_to(detection, len(levels))[:, None]
    found = misfits(
        np.array([x], float),
        levels,
        np.array([variance]),
        detection,
        np.array([dead]),
        freedom,
    )
    assert found.shape == levels.shape
    return found[:, 0]


@pytest.mark.parametrize("freedom", [1.0, 3.0, 8.0, 200.0])
def test_points_differ_in_what_is_heard_as_in_the_logarithm_of_the_density(
    rng, freedom
):
    sample, levels = rng.uniform(1, 40, 6), rng.uniform(0, 40, (9, 6))
    variances, detection = rng.uniform(0.5, 30, 6), rng.uniform(0.1, 0.9, (9, 6))

    found = misfits(sample, levels, variances, detection, np.zeros(6), freedom)

    density = stats.t.logpdf(sample, freedom, loc=levels, scale=np.sqrt(variances))
    expected = -density - np.log(detection)
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-10)


def test_what_is_expected_costs_what_it_costs_to_be_heard():
    np.testing.assert_allclose(misfit(30, [30], detection=0.4), -np.log(0.4))


def test_many_degrees_of_freedom_are_a_gaussian():
    found = misfit(30, [27, 30], variance=2.0, freedom=1e9)

    np.testing.assert_allclose(found[0] - found[1], 3**2 / (2 * 2), rtol=1e-6)


def test_a_channel_that_has_changed_altogether_costs_the_same_everywhere():
    # 60 dB off or 66 dB off: a Gaussian of 4 dB would tell these apart for ever.
    found = misfit(67, [7, 1], variance=16.0)

    assert 0 < found[1] - found[0] < 1


@given(detection=st.floats(0.09, 0.91), dead=st.floats(0, 1))
def test_silence_is_death_or_deafness(detection, dead):
    found = misfit(0, [25], detection=detection, dead=dead)

    silent = dead + (1 - dead) * (1 - detection)
    np.testing.assert_allclose(found, -np.log(silent), atol=1e-12)


def test_silence_does_not_ask_how_loud_it_would_have_been():
    found = misfit(0, [1, 25, 60], detection=0.7)

    np.testing.assert_array_equal(found, found[0])


def test_the_silence_of_the_dead_is_no_surprise_anywhere():
    found = misfit(0, [20, 30, 40], detection=[0, 0.5, 1], dead=1.0)

    np.testing.assert_array_equal(found, 0)


def test_what_is_heard_is_not_dead_whatever_was_believed():
    found, expected = (misfit(30, [20, 30], dead=dead) for dead in (0.9, 0.0))

    np.testing.assert_array_equal(found, expected)


def test_points_that_always_or_never_heard_a_channel_may_be_wrong_by_8_percent():
    detection = [0.0, 0.05, 0.95, 1.0]

    silent = misfit(0, [20] * 4, detection=detection)
    heard = misfit(20, [20] * 4, detection=detection)

    kept = np.array([0.08, 0.08, 0.92, 0.92])
    np.testing.assert_allclose(silent, -np.log(1 - kept))
    np.testing.assert_allclose(heard, -np.log(kept))


def test_every_channel_has_its_own_terms():
    sample, levels = np.array([30.0, 0, 5]), np.array([[25.0, 10, 5], [30, 20, 9]])
    detection = np.array([[0.9, 0.3, 0.5], [0.2, 0.8, 0.6]])
    variances, dead = np.array([4.0, 9, 2]), np.array([0, 0.25, 0])

    found = misfits(sample, levels, variances, detection, dead, 5.0)

    for channel in range(3):
        alone = misfit(
            sample[channel],
            levels[:, channel],
            variance=variances[channel],
            detection=detection[:, channel],
            dead=dead[channel],
            freedom=5.0,
        )
        np.testing.assert_allclose(found[:, channel], alone)


@given(
    prior=st.floats(0.01, 0.9),
    detections=st.lists(st.floats(0, 0.92), min_size=1, max_size=5),
)
def test_silences_add_up_as_bayes_theorem_multiplies(prior, detections):
    dead = prior
    for detection in detections:
        alive = (1 - dead) * (1 - detection)
        dead = dead / (dead + alive)

    odds = np.log(prior / (1 - prior)) + odds_of_silence(np.array(detections)).sum()

    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), dead, rtol=1e-9)


def test_a_silence_is_evidence_of_25_to_2_at_most():
    found = odds_of_silence(np.array([[0.92, 0.99], [1.0, 0.5]]))

    np.testing.assert_allclose(np.exp(found), [[12.5, 12.5], [12.5, 2]])


def test_silence_where_nothing_was_ever_heard_is_no_evidence():
    # Rounding may leave a share of samples a little below nothing.
    assert odds_of_silence(np.array([0.0, -1e-17])).tolist() == [0, 0]
