"""How long the capture thread rests, on a clock that the test turns."""

import types

import pytest

from edge_agent.pacer import Pacer

LARGE, SYSTEM_DEFAULT = 8 << 20, 212_992
"""Bytes of socket buffers."""


class Clock:
    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    fake = types.SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
    monkeypatch.setattr("edge_agent.pacer.time", fake)
    return clock


def steady(clock, *, rate, seconds=1.0, every=0.01, buffer_bytes=LARGE):
    """A pacer that was told every ``every`` seconds what came at this rate."""
    pacer = Pacer(buffer_bytes)
    for _ in range(round(seconds / every)):
        clock.now += every
        pacer.count(round(rate * every))
    return pacer


@pytest.mark.parametrize("n_missing", [2, 10, 25])
def test_it_rests_until_what_is_missing_should_be_there(clock, n_missing):
    pacer = steady(clock, rate=1000)

    assert pacer.rest(n_missing)

    assert clock.slept == [pytest.approx((n_missing + 0.5) / 1000)]


def test_the_rate_is_that_of_packets_over_time_however_they_are_counted(clock):
    pacer = Pacer(LARGE)
    for _ in range(50):  # 20 in 20 ms, and then one in a tenth of a millisecond
        clock.now += 0.02
        pacer.count(20)
        clock.now += 0.0001
        pacer.count(1)

    pacer.rest(20)

    assert clock.slept == [pytest.approx(20.5 * 0.0201 / 21, rel=0.02)]


def test_it_follows_a_change_within_a_second(clock):
    pacer = steady(clock, rate=2000)
    for _ in range(100):
        clock.now += 0.01
        pacer.count(5)

    pacer.rest(10)

    assert clock.slept == [pytest.approx(10.5 / 500, rel=0.05)]


@pytest.mark.parametrize(
    ("buffer_bytes", "longest_s"),
    [(LARGE, 0.03), (SYSTEM_DEFAULT, SYSTEM_DEFAULT / 1280 / 50_000)],
)
def test_it_rests_no_longer_than_the_buffer_lasts(clock, buffer_bytes, longest_s):
    pacer = steady(clock, rate=100, every=0.05, buffer_bytes=buffer_bytes)

    assert pacer.rest(25)  # in a quarter of a second

    assert clock.slept == [pytest.approx(longest_s)]


@pytest.mark.parametrize("n_missing", [0, 1])
def test_for_the_next_packet_it_waits_instead(clock, n_missing):
    assert not steady(clock, rate=1000).rest(n_missing)
    assert clock.slept == []


def test_in_a_flood_it_does_not_rest(clock):
    assert not steady(clock, rate=200_000).rest(25)
    assert clock.slept == []


def test_where_hardly_anything_comes_it_does_not_rest(clock):
    assert not steady(clock, rate=10, every=0.1).rest(25)
    assert clock.slept == []


def test_a_pause_says_nothing_about_what_follows(clock):
    pacer = steady(clock, rate=1000)
    clock.now += 5
    pacer.count(10)

    assert not pacer.rest(25)

    for _ in range(10):
        clock.now += 0.001
        pacer.count(2)
    pacer.rest(25)
    assert clock.slept == [pytest.approx(25.5 / 2000)]
