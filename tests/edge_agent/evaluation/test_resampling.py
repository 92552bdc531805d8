"""Drawing with replacement, against what is known of it."""

import numpy as np
import pytest

from edge_agent.evaluation.resampling import N_RESAMPLES, drawn, percentile_interval


def test_the_interval_leaves_out_as_much_on_either_side():
    assert percentile_interval(np.arange(1001.0)) == pytest.approx((25, 975))


def test_every_resample_has_as_many_as_there_are(rng):
    counts = drawn(5, rng)

    assert counts.shape == (N_RESAMPLES, 5)
    assert (counts.sum(axis=1) == 5).all()


def test_one_is_missing_as_often_as_the_binomial_says(rng):
    """(1 - 1/n)^n of the resamples are without a certain one."""
    missing = (drawn(4, rng) == 0).mean(axis=0)

    np.testing.assert_allclose(missing, 0.75**4, atol=0.04)


def test_of_none_none_is_drawn(rng):
    assert drawn(0, rng).shape == (N_RESAMPLES, 0)
