"""Ctrl-C once is about the shot, twice about the walk."""

import os
import signal

import pytest

from edge_agent.guide.interrupts import Interrupt, Interrupts


@pytest.fixture
def time_s():
    """A clock to be set."""
    return [100.0]


@pytest.fixture
def interrupts(time_s):
    with Interrupts(lambda: time_s[0]) as interrupts:
        yield interrupts


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_without_one_nothing_is_wished(interrupts):
    assert interrupts.take() is None


def test_one_cancels_once(interrupts):
    press()

    assert interrupts.take() is Interrupt.CANCEL
    assert interrupts.take() is None


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_second_soon_after_ends(interrupts, time_s, is_taken):
    press()
    if is_taken:
        interrupts.take()
    time_s[0] += 1.9
    press()

    assert interrupts.take() is Interrupt.END


def test_a_later_one_is_about_another_shot(interrupts, time_s):
    press()
    interrupts.take()
    time_s[0] += 2.0
    press()

    assert interrupts.take() is Interrupt.CANCEL


def test_a_wish_to_end_stays_one_until_it_is_heard(interrupts, time_s):
    press()
    press()
    time_s[0] += 10
    press()

    assert interrupts.take() is Interrupt.END


def test_a_service_manager_ends_it(interrupts):
    os.kill(os.getpid(), signal.SIGTERM)

    assert interrupts.take() is Interrupt.END


def test_afterwards_everything_is_as_before():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before

    assert signal.getsignal(signal.SIGINT) is before
