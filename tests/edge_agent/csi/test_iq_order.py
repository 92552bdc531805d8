"""IqOrderEstimate: the phase of a delayed path falls with frequency."""

import numpy as np
import pytest

from edge_agent.csi import IqOrder
from edge_agent.csi.iq_order import IqOrderEstimate


def channel(n_frames=10, *, n=64, delay=1.5):
    """One path, ``delay`` samples late."""
    k = np.fft.fftfreq(n, 1 / n)
    return np.tile(1000 * np.exp(-2j * np.pi * k * delay / n), (n_frames, 1))


def as_read(gains, *, imaginary_first):
    """Gains as they look when the first part is taken as the real one."""
    parts = gains.imag + 1j * gains.real if imaginary_first else gains
    return parts.astype(np.complex64)


def observe(estimate, gains, *, imaginary_first):
    """The answer after frames whose words hold these gains in this order."""
    return estimate.observe(
        as_read(gains, imaginary_first=imaginary_first), swapped=False
    )


def noise(rng, n_frames=10):
    return rng.normal(size=(n_frames, 64)) * 500 + 1j * rng.normal(size=(n_frames, 64))


@pytest.mark.parametrize("n", [64, 128, 256])
@pytest.mark.parametrize("imaginary_first", [False, True])
def test_the_order_follows_from_the_delay(n, imaginary_first):
    estimate = IqOrderEstimate()

    answer = observe(estimate, channel(n=n), imaginary_first=imaginary_first)

    assert answer is imaginary_first
    assert estimate.imaginary_first is imaginary_first


@pytest.mark.parametrize("imaginary_first", [False, True])
def test_parts_that_were_exchanged_already_make_no_difference(imaginary_first):
    exchanged = as_read(channel(), imaginary_first=not imaginary_first)

    answer = IqOrderEstimate().observe(exchanged, swapped=True)

    assert answer is imaginary_first


def test_without_any_frame_it_is_that_of_old_firmware():
    assert IqOrderEstimate().imaginary_first


@pytest.mark.parametrize(
    ("order", "expected"), [(IqOrder.IQ, False), (IqOrder.QI, True)]
)
@pytest.mark.parametrize("imaginary_first", [False, True])
def test_a_given_order_is_not_questioned(order, expected, imaginary_first):
    estimate = IqOrderEstimate(order)

    assert estimate.imaginary_first is expected
    for _ in range(9):
        answer = observe(estimate, channel(30), imaginary_first=imaginary_first)
        assert answer is expected


@pytest.mark.parametrize("gain", [0, 1, 1j])
def test_equal_gains_do_not_contradict_old_firmware(gain):
    assert IqOrderEstimate().observe(np.full((10, 64), gain, "c8"), swapped=False)


@pytest.mark.parametrize("n", [64, 128, 256])
def test_guard_and_dc_words_take_no_part(n):
    """They hold constants larger than the signal."""
    gains = channel(n=n)
    edge = {64: 26, 128: 58, 256: 122}[n]
    rising = channel(n=n, delay=-3) * 30
    gains[:, :3], gains[:, -2:] = rising[:, :3], rising[:, -2:]
    gains[:, edge + 1 : n - edge] = rising[:, edge + 1 : n - edge]

    assert not observe(IqOrderEstimate(), gains, imaginary_first=False)


@pytest.mark.parametrize("n", [64, 128, 256])
@pytest.mark.parametrize("half", [slice(1, 32), slice(-32, None)])
def test_either_half_of_the_band_tells(n, half):
    gains = np.zeros((10, n), complex)
    gains[:, half] = channel(n=n)[:, half]

    assert not observe(IqOrderEstimate(), gains, imaginary_first=False)


def test_evidence_adds_up_over_calls(rng):
    estimate = IqOrderEstimate()

    before = observe(estimate, noise(rng), imaginary_first=False)
    after = observe(estimate, channel(30), imaginary_first=False)

    assert (before, after) == (True, False)


def test_the_answer_follows_the_evidence_at_first():
    estimate = IqOrderEstimate()

    first = observe(estimate, channel(10), imaginary_first=False)
    second = observe(estimate, channel(20), imaginary_first=True)

    assert (first, second) == (False, True)


@pytest.mark.parametrize(("n_frames", "settled"), [(99, False), (100, True)])
def test_a_hundred_frames_settle_the_answer(n_frames, settled):
    """Until then, a stronger contradiction overrides it."""
    estimate = IqOrderEstimate()
    for _ in range(n_frames):
        weak = observe(estimate, channel(1, delay=0.5), imaginary_first=False)
        assert not weak

    strong = channel(32, delay=10)

    assert observe(estimate, strong, imaginary_first=True) is not settled


def test_of_a_long_run_only_some_frames_count():
    """So that one run, with whatever it holds, does not settle the answer alone."""
    estimate = IqOrderEstimate()
    observe(estimate, channel(1000, delay=0.5), imaginary_first=False)

    assert observe(estimate, channel(32, delay=10), imaginary_first=True)
