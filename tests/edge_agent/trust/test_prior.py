"""What is known before a site has a past: packed, read, refused."""

import math

import numpy as np
import pytest

from edge_agent.arrays import pack_arrays, unpack_arrays
from edge_agent.estimators import Estimator
from edge_agent.trust.prior import (
    N_QUANTILES,
    Prior,
    cautious,
    pack_priors,
    prior_for,
    unpack_priors,
)


@pytest.fixture
def priors(rng):
    return {
        Estimator.NETWORK: Prior.of(1.4, rng.gamma(2, size=500)),
        Estimator.NEIGHBOURS: Prior.of(0.8, rng.gamma(1, size=300)),
    }


def test_they_come_back_from_the_file(priors):
    found = unpack_priors(pack_priors(priors))

    assert found.keys() == priors.keys()
    for estimator, prior in priors.items():
        assert found[estimator].temperature == prior.temperature
        assert found[estimator].alone == prior.temperature
        np.testing.assert_allclose(found[estimator].quantiles, prior.quantiles, 1e-6)


def test_the_quantiles_are_those_of_the_scores():
    """Of a thousand evenly spread scores, each is where it should be."""
    prior = Prior.of(1.0, np.linspace(0, 1, 1000))

    at = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
    np.testing.assert_allclose(prior.quantiles, at, atol=1e-9)


def test_their_weight_is_what_is_asked_for(priors):
    assert priors[Estimator.NETWORK].scores(30).weights.sum() == pytest.approx(30)


def test_a_site_a_day_older_is_twice_as_wrong_and_half_as_sure(priors):
    prior = priors[Estimator.NETWORK]

    aged = prior.aged()

    assert (aged.temperature, aged.alone) == (2.8, 2.8)
    assert np.quantile(aged.quantiles, 0.95) == pytest.approx(
        2 * np.quantile(prior.quantiles, 0.95), rel=0.01
    )
    assert (aged.quantiles >= 2 * prior.quantiles).all()


def test_nobody_knows_how_many_answers_are_right_on_another_day():
    """Today nine of ten are. Of |error|² / b² exponential, 68 % are below -ln 0.32."""
    today = Prior.of(1.0, np.repeat([0.0, 1.5], [90, 10]))

    aged = today.aged()

    expected = 3 * math.sqrt(math.log(0.32) / math.log(0.05))
    assert np.quantile(aged.quantiles, 0.68) == pytest.approx(expected, rel=0.02)


def test_caution_is_twice_a_normal_distribution():
    """|error|² / b² of one is exponential, whose median is ln 2."""
    prior = cautious()

    middle = prior.quantiles[N_QUANTILES // 2]
    assert middle == pytest.approx(2 * math.sqrt(math.log(2)))
    assert prior.scores(30).holding(0.68) > 2
    assert prior.scores(30).holding(0.95) > 3.5
    assert (prior.temperature, prior.alone) == (1.0, 5.0)
    assert prior.aged().alone == 5.0


def test_a_map_is_trusted_as_the_neighbours_are(priors):
    assert prior_for(priors, Estimator.MAP) is priors[Estimator.NEIGHBOURS]
    assert prior_for(priors, Estimator.NETWORK) is priors[Estimator.NETWORK]


@pytest.mark.parametrize("known", [None, {}])
def test_what_nobody_knows_is_taken_with_caution(known):
    np.testing.assert_array_equal(
        prior_for(known, Estimator.NEIGHBOURS).quantiles, cautious().quantiles
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((0.0, 1.0, [1.0]), "temperature is 0.0"),
        ((math.nan, 1.0, [1.0]), "temperature is nan"),
        ((1.0, 1e4, [1.0]), "alone is 10000.0"),
        ((1.0, 1.0, []), r"shape \(0,\) are not finite"),
        ((1.0, 1.0, [[1.0]]), r"shape \(1, 1\) are not finite"),
        ((1.0, 1.0, [math.inf]), "are not finite"),
        ((1.0, 1.0, [-0.1, 1.0]), "do not rise from 0"),
        ((1.0, 1.0, [1.0, 0.5]), "do not rise from 0"),
        ((1.0, 1.0, [1.0, 2e3]), "do not rise from 0 to 1000"),
    ],
)
def test_a_prior_that_makes_no_sense_is_refused(values, reason):
    temperature, alone, quantiles = values

    with pytest.raises(ValueError, match=reason):
        Prior(temperature, alone, np.array(quantiles))


@pytest.mark.parametrize(
    ("header", "arrays", "reason"),
    [
        ({"schema": "metaloc.other/1"}, {}, "has schema 'metaloc.other/1'"),
        ({"temperature": [1.0]}, {}, r"temperature is \[1.0\], not an object"),
        ({"temperature": {"network": 1.0}}, {}, "holds .* temperatures of"),
        ({"temperature": {"network": True}}, None, "is True, not a number"),
        ({"temperature": {"network": math.inf}}, None, "is inf, not a number"),
        ({"temperature": {"network": 0}}, None, "temperature is 0.0"),
        (
            {"temperature": {"network": 1.0}},
            {"network.scores": np.ones(3)},
            "are float64, not float32",
        ),
        (
            {"temperature": {"oracle": 1.0}},
            {"oracle.scores": np.ones(3, np.float32)},
            "'oracle' is not a valid Estimator",
        ),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(priors, header, arrays, reason):
    only = {Estimator.NETWORK: priors[Estimator.NETWORK]}
    _, own = unpack_arrays(pack_priors(only), schema="metaloc.trust/1", max_bytes=9999)
    data = pack_arrays(
        {"schema": "metaloc.trust/1"} | header, own if arrays is None else arrays
    )

    with pytest.raises(ValueError, match=reason):
        unpack_priors(data)


def test_a_damaged_file_is_refused():
    with pytest.raises(ValueError, match="is damaged"):
        unpack_priors(b"PK")
