"""What the receiver adds, measured where the channel itself is known.

Channels here are flat and constant: what is not, is the receiver's. Effects that a test
is not about are switched off.
"""

import math
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.csi.chips import WordFormat
from edge_agent.csi.words import words_to_csi
from trainer.errors import RoomError
from trainer.simulate.receiver import MEASURED, FrontEnd, receive
from trainer.simulate.tones import TONES, used_tones
from trainer.simulate.words import pack_words

QUIET = FrontEnd(
    level_spread_db=0.0,
    jitter_db=0.0,
    step_rate=0.0,
    glitch_rate=0.0,
    snr_db=100.0,
    snr_spread_db=0.0,
    timing_s=0.0,
    timing_spread=0.0,
    rssi_spread_db=0.0,
    loss_rate=0.0,
)
"""Only gain control, the common phase, rounding, and the antenna's noise."""


def flat(power_dbm=-40.0, n_packets=400, n_tones=56):
    amplitude = 10 ** (power_dbm / 20)
    return np.full((n_packets, n_tones), amplitude, np.complex64)


def received(rng, channel=None, *, interval_s=0.1, **settings):
    if channel is None:
        channel = flat()
    front_end = replace(QUIET, **settings)
    return receive(rng, channel, interval_s=interval_s, front_end=front_end)


def levels_db(reception):
    return 10 * np.log10(np.square(np.abs(reception.csi)).mean(axis=1))


# -- gain control ----------------------------------------------------------------------


@pytest.mark.parametrize("power_dbm", [-20.0, -60.0])
def test_gain_control_holds_the_level_wherever_the_receiver_stands(rng, power_dbm):
    reception = received(rng, flat(power_dbm))

    np.testing.assert_allclose(levels_db(reception), 20 * np.log10(590), atol=0.03)


def test_the_gain_wanders_slowly(rng):
    reception = received(
        rng, flat(n_packets=40_000), interval_s=1.0, level_spread_db=0.6
    )

    level = levels_db(reception) - 20 * np.log10(590)
    # 40 000 s are 6700 independent times.
    assert level.std() == pytest.approx(0.6, rel=0.06)
    for lag in (1, 6, 12):
        product = (level[lag:] * level[:-lag]).mean() / level.var()
        assert product == pytest.approx(np.exp(-lag / 6), abs=0.06)


def test_the_gain_jitters_from_packet_to_packet(rng):
    level = levels_db(received(rng, flat(n_packets=4000), jitter_db=0.3))

    assert level.std() == pytest.approx(0.3, rel=0.05)
    assert abs(np.corrcoef(level[1:], level[:-1])[0, 1]) < 0.06


def test_now_and_then_the_gain_is_a_step_off(rng):
    """Four in a hundred packets, 1.3 at a time, all by the same step."""
    steps = []
    for _ in range(20):
        reception = received(rng, flat(n_packets=5000), step_rate=0.04)
        level = levels_db(reception) - 20 * np.log10(590)
        off = np.abs(level) > 0.5
        # 5000 · 0.04 / 1.3 = 154 steps: 8 % of spread.
        assert off.mean() == pytest.approx(0.04, rel=0.35)
        n_steps = np.count_nonzero(np.diff(off.astype(int)) == 1)
        assert off.sum() / n_steps == pytest.approx(1.3, rel=0.25)
        assert level[off].std() < 0.05
        steps.append(level[off].mean())
    sizes = np.abs(steps)
    assert sizes.min() > 1.95
    assert sizes.max() < 3.55
    assert {*np.sign(steps)} == {-1, 1}


def test_glitches_have_twice_the_amplitude(rng):
    level = levels_db(received(rng, flat(n_packets=5000), glitch_rate=0.01))

    off = level - 20 * np.log10(590) > 3
    assert 20 < off.sum() < 90
    np.testing.assert_allclose(level[off], 20 * np.log10(1180), atol=0.03)


def test_the_converter_ends_at_14_bits(rng):
    reception = received(rng, level_counts=20_000.0)

    parts = reception.csi.view(np.float32)
    assert np.abs(parts).max() == 2**13 - 1


# -- noise -----------------------------------------------------------------------------


def noise_of(reception):
    """Of a flat channel: the part of the noise that is in phase, half its power."""
    relative = np.abs(reception.csi) / 10 ** (levels_db(reception)[:, None] / 20)
    return relative.std() * np.sqrt(2)


def test_noise_of_a_strong_signal_is_the_chips(rng):
    reception = received(rng, snr_db=30.0)

    assert 20 * np.log10(noise_of(reception)) == pytest.approx(-30, abs=0.15)


def test_captures_have_noise_of_their_own(rng):
    found = [
        20 * np.log10(noise_of(received(rng, snr_db=30.0, snr_spread_db=3.0)))
        for _ in range(200)
    ]

    assert np.mean(found) == pytest.approx(-30, abs=0.8)
    assert np.std(found) == pytest.approx(3, rel=0.2)


@pytest.mark.parametrize(("power_dbm", "snr_db"), [(-80.0, 18.0), (-88.0, 10.0)])
def test_noise_of_a_weak_signal_is_the_antennas(rng, power_dbm, snr_db):
    """-98 dBm in 20 MHz; every part of it, for amplitudes are no longer linear."""
    reception = received(rng, flat(power_dbm))

    phases = reception.csi.mean(axis=1, keepdims=True)
    upright = reception.csi * phases.conj() / np.abs(phases)
    signal = upright.real.mean()
    noise = np.square(np.abs(upright - signal)).mean()
    found_db = 10 * np.log10(signal**2 / noise)
    assert found_db == pytest.approx(snr_db, abs=0.3)


def test_a_wider_channel_has_more_of_the_antennas_noise(rng):
    narrow, wide = (
        noise_of(
            receive(
                rng,
                flat(-70.0, n_tones=len(tones)),
                interval_s=0.1,
                tones=tones,
                front_end=QUIET,
            )
        )
        for tones in (used_tones(20), used_tones(80))
    )

    assert 20 * np.log10(wide / narrow) == pytest.approx(6, abs=0.3)


# -- timing and phase ------------------------------------------------------------------


def lines_of(reception):
    """Timing [s] and common phase of each packet."""
    angle = np.unwrap(np.angle(reception.csi), axis=1)
    slope, offset = np.polyfit(TONES, angle.T, 1)
    return slope / (-2 * np.pi * 312.5e3), offset


def test_the_common_phase_is_arbitrary(rng):
    _, phase = lines_of(received(rng))

    assert abs(np.exp(1j * phase).mean()) < 4 / 400**0.5
    assert abs(np.exp(2j * phase).mean()) < 4 / 400**0.5


def test_timing_jitters_and_remembers_little(rng):
    reception = received(rng, flat(n_packets=4000), interval_s=0.1024, timing_s=75e-9)

    timing, _ = lines_of(reception)
    assert timing.std() == pytest.approx(75e-9, rel=0.05)
    # Recorded: 0.24 from one beacon to the next.
    assert np.corrcoef(timing[1:], timing[:-1])[0, 1] == pytest.approx(0.24, abs=0.07)


def test_captures_have_timing_of_their_own(rng):
    spreads = [
        lines_of(received(rng, timing_s=75e-9, timing_spread=0.4))[0].std()
        for _ in range(200)
    ]

    assert np.median(spreads) == pytest.approx(75e-9, rel=0.12)
    assert np.std(np.log(spreads)) == pytest.approx(0.4, rel=0.2)


# -- RSSI and losses -------------------------------------------------------------------


@pytest.mark.parametrize(("power_dbm", "reported"), [(-40.2, -40), (-71.7, -72)])
def test_rssi_is_the_received_power_in_whole_decibels(rng, power_dbm, reported):
    rssi = received(rng, flat(power_dbm)).rssi_dbm

    assert rssi.dtype == np.int8
    assert set(rssi.tolist()) == {reported}


def test_rssi_scatters(rng):
    rssi = received(rng, flat(n_packets=4000), rssi_spread_db=1.0).rssi_dbm

    # And is rounded: 1 / sqrt(12).
    assert rssi.astype(float).std() == pytest.approx((1 + 1 / 12) ** 0.5, rel=0.05)


@pytest.mark.parametrize(("power_dbm", "reported"), [(20.0, -1), (-200.0, -127)])
def test_rssi_stays_within_what_a_header_can_say(rng, power_dbm, reported):
    assert set(received(rng, flat(power_dbm)).rssi_dbm.tolist()) == {reported}


@pytest.mark.parametrize(
    ("power_dbm", "share"), [(-85.0, 1.0), (-92.0, 0.5), (-99.0, 0.0), (-91.0, 0.841)]
)
def test_what_is_too_weak_is_not_heard(rng, power_dbm, share):
    heard = received(rng, flat(power_dbm, n_packets=4000)).heard

    assert heard.mean() == pytest.approx(share, abs=0.03)


def test_a_few_packets_are_lost_in_bursts(rng):
    heard = receive(
        rng,
        flat(n_packets=200_000, n_tones=1),
        interval_s=0.1,
        tones=TONES[:1],
        front_end=replace(QUIET, loss_rate=0.002),
    ).heard

    # 200 bursts of two on average.
    assert (~heard).mean() == pytest.approx(0.002, rel=0.35)
    n_bursts = np.count_nonzero(np.diff((~heard).astype(int)) == 1)
    assert (~heard).sum() / n_bursts == pytest.approx(2, rel=0.3)


def test_nothing_is_lost_where_nothing_may_be(rng):
    assert received(rng, flat(n_packets=5000)).heard.all()


# -- the channel gets through ----------------------------------------------------------


def test_the_shape_of_the_channel_is_that_of_the_amplitudes(rng):
    shape = 1 + 0.5 * np.cos(TONES / 5)
    channel = (0.1 * shape * np.exp(0.3j * TONES)).astype(np.complex64)

    reception = received(rng, np.tile(channel, (50, 1)))

    expected = 590 * shape / np.sqrt(np.square(shape).mean())
    np.testing.assert_allclose(
        np.abs(reception.csi), np.tile(expected, (50, 1)), atol=1
    )


def test_filters_shape_the_amplitudes_and_not_the_power(rng):
    gains = np.linspace(0.5, 1.5, 56)

    given = {"interval_s": 0.1, "front_end": QUIET}
    plain = receive(rng, flat(-10.0), **given)
    shaped = receive(rng, flat(-10.0), **given, filter_gains=gains)

    expected = np.tile(590 * gains, (400, 1))
    np.testing.assert_allclose(np.abs(shaped.csi), expected, atol=1)
    np.testing.assert_array_equal(shaped.rssi_dbm, plain.rssi_dbm)


@pytest.mark.parametrize("word_format", WordFormat)
def test_numbers_are_those_that_words_can_hold(rng, word_format):
    channel = flat() * (1 + 0.3 * rng.standard_normal((400, 56))).astype(np.float32)

    reception = received(rng, channel, word_format=word_format)

    words = pack_words(reception.csi, word_format)
    np.testing.assert_array_equal(words_to_csi(words, word_format), reception.csi)
    levels = np.square(np.abs(reception.csi)).mean()
    assert math.sqrt(levels) == pytest.approx(590, rel=0.01)


def test_the_same_generator_gives_the_same_packets():
    first, again, other = (
        receive(np.random.default_rng(seed), flat(), interval_s=0.1)
        for seed in (0, 0, 1)
    )

    np.testing.assert_array_equal(first.csi, again.csi)
    np.testing.assert_array_equal(first.rssi_dbm, again.rssi_dbm)
    np.testing.assert_array_equal(first.heard, again.heard)
    assert (first.csi != other.csi).any()


# -- nonsense --------------------------------------------------------------------------


@pytest.mark.parametrize("amplitude", [0.0, float("nan"), float("inf")])
def test_a_channel_without_power_is_refused(rng, amplitude):
    channel = flat()
    channel[7] = amplitude

    with pytest.raises(RoomError, match="nothing arrives at the receiver"):
        received(rng, channel)


def test_a_channel_of_other_subcarriers_is_refused(rng):
    with pytest.raises(RoomError, match="a channel of 52 tones, not the 56 given"):
        received(rng, flat(n_tones=52))


@pytest.mark.parametrize(
    "wrong",
    [
        {"step_rate": 1.0},
        {"glitch_rate": -0.1},
        {"loss_rate": 2.0},
        {"level_counts": 0.0},
        {"level_time_s": -1.0},
        {"timing_time_s": 0.0},
        {"level_spread_db": -1.0},
        {"timing_s": -1e-9},
        {"step_packets": 0.5},
        {"loss_packets": 0.0},
        {"step_db": (3.0, 2.0)},
        {"snr_db": float("nan")},
        {"sensitivity_dbm": float("inf")},
    ],
)
def test_a_receiver_of_nonsense_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(RoomError, match=f"{name} is "):
        replace(MEASURED, **wrong)
