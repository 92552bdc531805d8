"""How sure a posterior may be, against temperatures that are known."""

import numpy as np
import pytest

from edge_agent.trust.replayed import Replayed
from edge_agent.trust.temperature import fit_temperature, surprise, tempered
from tests.edge_agent.sites import POINTS


def answers(posterior, truth, weight=None):
    n = len(truth)
    return Replayed(
        POINTS,
        np.asarray(posterior, np.float64),
        np.asarray(truth, np.intp),
        np.zeros(n, np.bool_),
        np.ones(n) if weight is None else np.asarray(weight, np.float64),
        np.ones(n, np.bool_),
    )


def drawn(rng, n, temperature):
    """Answers of somebody who is sure as by T, and truths as they really are."""
    honest = rng.dirichlet((0.7, 0.7, 0.7), n)
    truth = (honest.cumsum(axis=1) > rng.uniform(size=(n, 1))).argmax(axis=1)
    sure = honest**temperature
    return answers(sure / sure.sum(axis=1, keepdims=True), truth)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_it_is_found_again_where_it_is_known(rng, temperature):
    found = fit_temperature(drawn(rng, 4000, temperature), 1.0)

    assert found == pytest.approx(temperature, rel=0.1)


def test_without_queries_it_is_what_was_expected():
    assert fit_temperature(answers(np.zeros((0, 3)), []), 1.7) == 1.7


def test_a_few_queries_do_not_move_it_far():
    """One that is sure and wrong asks for much; one query is not much."""
    wrong = answers([[0.998, 0.001, 0.001]], [1])

    one = fit_temperature(wrong, 1.0)
    many = fit_temperature(answers([[0.998, 0.001, 0.001]] * 50, [1] * 50), 1.0)

    assert 1 < one < 3
    assert many > 10


def test_images_of_one_placement_weigh_as_one(rng):
    once = drawn(rng, 40, 2.0)
    thrice = answers(
        np.repeat(once.posterior, 3, axis=0), np.repeat(once.truth, 3), [1 / 3] * 120
    )

    assert fit_temperature(thrice, 1.0) == fit_temperature(once, 1.0)


def test_a_tempered_posterior_is_its_power():
    (found,) = tempered(np.array([[0.64, 0.32, 0.04]]), 2.0)

    roots = np.sqrt([0.64, 0.32, 0.04])
    np.testing.assert_allclose(found, roots / roots.sum())


def test_impossible_stays_impossible_and_nothing_vanishes():
    (found,) = tempered(np.array([[0.0, 1e-200, 1e-150]]), 0.125)

    assert found.tolist() == [0.0, 0.0, 1.0]


def test_surprise_is_minus_the_logarithm():
    found = surprise(np.array([[0.25, 0.75], [1.0, 0.0]]), np.array([1, 1]))

    assert found.tolist() == pytest.approx([-np.log(0.75), -np.log(1e-12)])
