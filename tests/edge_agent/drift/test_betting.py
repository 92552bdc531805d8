"""Bets that nobody gains by while nothing changes; oracles are sums and simulations."""

import math

import numpy as np
import pytest

from edge_agent.drift.betting import (
    QUIET_STOPS,
    Cusum,
    log_bet,
    p_value,
    threshold,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, 1.0), (1.0, 1.0), (1.5, 3 / 4), (3.0, 2 / 4), (9, 1 / 4)],
)
def test_a_p_value_is_the_share_that_is_as_strange_the_value_itself_included(
    value, expected
):
    assert p_value(np.array([1.0, 2.0, 3.0]), value) == expected


@pytest.mark.parametrize("n", [1, 9, 24, 500])
def test_nobody_gains_by_betting_while_nothing_has_changed(n):
    past = np.arange(n, dtype=np.float64)
    # Exchangeable with the past, a new value falls into each gap of it equally often.
    payments = [math.exp(log_bet(past, gap - 0.5)) for gap in range(n + 1)]

    assert np.mean(payments) == pytest.approx(1)


def test_stranger_values_pay_more():
    past = np.arange(24.0)
    gains = [log_bet(past, value) for value in (-1.0, 11.5, 22.5, 99.0)]

    assert gains == sorted(gains)
    assert gains[0] < 0 < gains[-1]
    assert gains[-1] == pytest.approx(math.log(25 / sum(1 / k for k in range(1, 26))))


def test_false_alarms_are_as_rare_as_promised():
    rng = np.random.default_rng(5)
    n_stops, n_sites, alarms = 300, 120, 0
    for _ in range(n_sites):
        past = np.sort(rng.standard_t(3, 100))
        cusum = Cusum(threshold(1))
        for value in rng.standard_t(3, n_stops).tolist():
            cusum.add(log_bet(past, value))
            if cusum.is_alarm:
                alarms += 1
                break

    # 3.6 are promised on average; 12 would be as rare as one in 5000.
    assert n_sites * n_stops / QUIET_STOPS == pytest.approx(3.6, abs=0.1)
    assert alarms < 12


def test_a_change_is_found_within_a_dozen_stops():
    rng = np.random.default_rng(6)
    past = np.sort(rng.normal(0, 1, 24))
    cusum = Cusum(threshold(10))
    n_stops = 0
    while not cusum.is_alarm:
        cusum.add(log_bet(past, float(rng.normal(4, 1))))
        n_stops += 1

    assert n_stops <= 12


def test_an_alarm_ends_when_its_cause_does():
    cusum = Cusum(threshold=4.0)
    for _ in range(100):
        cusum.add(1.0)
    assert cusum.is_alarm
    assert cusum.level == 8.0  # no further than two thresholds

    cusum.add(-5.5)
    assert cusum.is_alarm  # between half the threshold and all of it
    cusum.add(-1.0)
    assert not cusum.is_alarm


def test_stops_are_counted_since_it_began_to_look_strange():
    cusum = Cusum(threshold=4.0)
    for gain in (1.0, -2.0, 1.0, 1.0):
        cusum.add(gain)

    assert cusum.n_stops == 2


def test_the_stop_that_goes_on_counts_in_the_score_and_leaves_no_trace():
    cusum = Cusum(threshold=4.0, level=1.0)

    assert cusum.score(1.0) == 0.5
    assert cusum.score(9.0) == 1.0
    assert cusum.score(-9.0) == 0.0
    assert cusum.level == 1.0


def test_more_detectors_need_more_each():
    assert threshold(10) - threshold(1) == pytest.approx(math.log(10))
    assert threshold(0) == threshold(1)
