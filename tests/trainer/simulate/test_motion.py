"""Slow processes against the recursion that defines them, and their theory."""

import numpy as np
import pytest

from trainer.simulate.motion import slow_blocks, slow_phasors, slow_process


@pytest.mark.parametrize("n_times", [1, 5, 64, 65, 200])
def test_blocks_are_the_recursion_one_by_one(n_times):
    keep = np.exp(-0.1 / 2.0)
    same = np.random.default_rng(3)
    # The same numbers in the same order: the sample before the first, then the noise.
    before = same.standard_normal((1, 4), np.float32)
    noise = same.standard_normal((n_times, 4), np.float32).astype(np.float64)
    expected, last = [], before[0].astype(np.float64)
    for row in noise:
        last = keep * last + np.sqrt(1 - keep**2) * row
        expected.append(last)

    process = slow_process(
        np.random.default_rng(3), n_times, 4, interval_s=0.1, time_s=2.0
    )

    assert process.dtype == np.float32
    np.testing.assert_allclose(process, expected, atol=2e-6)


def test_blocks_are_short_whatever_the_length(rng):
    blocks = [*slow_blocks(rng, 1000, 2, interval_s=0.1, time_s=2.0)]

    assert sum(map(len, blocks)) == 1000
    assert max(map(len, blocks)) == 64


def test_power_is_one_from_the_first_sample_on(rng):
    process = slow_process(rng, 3, 40_000, interval_s=0.1, time_s=6.0)

    # 40 000 squares of spread sqrt(2): four standard errors.
    np.testing.assert_allclose(np.square(process).mean(axis=1), 1, atol=0.03)


@pytest.mark.parametrize("lag", [1, 20, 60])
def test_correlation_falls_off_exponentially(rng, lag):
    process = slow_process(rng, 61, 40_000, interval_s=0.1, time_s=6.0)

    product = (process[0] * process[lag]).mean()

    assert product == pytest.approx(np.exp(-0.1 * lag / 6.0), abs=0.02)


def test_phasors_are_circular_and_of_unit_power(rng):
    (phasors,) = slow_phasors(rng, 1, 40_000, interval_s=0.1, time_s=6.0)

    assert phasors.dtype == np.complex64
    assert phasors.shape == (1, 40_000)
    assert np.square(np.abs(phasors)).mean() == pytest.approx(1, abs=0.02)
    assert abs(np.square(phasors).mean()) < 0.02


def test_phasors_stay_the_same_process_from_block_to_block(rng):
    phasors = np.concatenate(
        [*slow_phasors(rng, 200, 20_000, interval_s=0.1, time_s=6.0)]
    )

    power = np.square(np.abs(phasors)).mean(axis=1)
    step = (phasors[1:] * phasors[:-1].conj()).mean(axis=1)

    # 20 000 exponential variables: four standard errors.
    np.testing.assert_allclose(power, 1, atol=0.03)
    np.testing.assert_allclose(step, np.exp(-0.1 / 6.0), atol=0.03)


def test_who_changes_a_block_does_not_change_the_next():
    def blocks(factor):
        found = []
        for block in slow_blocks(
            np.random.default_rng(5), 130, 3, interval_s=0.1, time_s=2.0
        ):
            found.append(block.copy())
            block *= factor
        return np.concatenate(found)

    np.testing.assert_array_equal(blocks(0.0), blocks(1.0))
