"""Clocks that jump, were never set, or are another machine's."""

from datetime import UTC, datetime

import pytest

from edge_agent.preflight.clock import Clock, ClockFacts, check_clock
from edge_agent.preflight.finding import Severity

SECOND = 1_000_000_000
HOUR = 3600 * SECOND


def ns(*date):
    return int(datetime(*date, tzinfo=UTC).timestamp()) * SECOND


NOW = ns(2026, 11, 23, 10, 15)


def found(**facts):
    return [
        (finding.severity, finding.code)
        for finding in check_clock(ClockFacts(**({"now_ns": NOW} | facts)))
    ]


def test_a_clock_that_runs_is_fine_and_says_what_it_shows():
    [finding] = check_clock(ClockFacts(NOW, slip_ns=2_000_000, newest_walk_ns=NOW - 1))

    assert finding.severity is Severity.OK
    assert finding.what == "the clock says 2026-11-23 10:15:00Z"


@pytest.mark.parametrize(
    ("slip_ns", "words"),
    [
        (3 * HOUR, "3.0 h ahead"),
        (-int(2.5 * SECOND), "2.5 s back"),
        (-90 * SECOND, "1.5 min back"),
        (400 * 24 * HOUR, "400.0 days ahead"),
    ],
)
def test_a_jump_is_named_with_its_size_and_direction(slip_ns, words):
    [finding] = check_clock(ClockFacts(NOW, slip_ns=slip_ns))

    assert (finding.severity, finding.code) == (Severity.STOP, "clock-jumped")
    assert words in finding.what


@pytest.mark.parametrize("slip_ns", [500_000_000, -500_000_000])
def test_half_a_second_is_no_jump(slip_ns):
    assert found(slip_ns=slip_ns) == [(Severity.OK, "clock")]
    beyond = slip_ns + (1 if slip_ns > 0 else -1)
    assert found(slip_ns=beyond) == [(Severity.STOP, "clock-jumped")]


def test_a_clock_before_2020_was_never_set():
    assert found(now_ns=ns(2020, 1, 1) - 1) == [(Severity.STOP, "clock-unset")]
    assert found(now_ns=ns(2020, 1, 1)) == [(Severity.OK, "clock")]
    assert found(now_ns=0) == [(Severity.STOP, "clock-unset")]


def test_a_clock_behind_the_newest_walk_is_named_with_both_times():
    [finding] = check_clock(ClockFacts(NOW, newest_walk_ns=NOW + HOUR))

    assert (finding.severity, finding.code) == (Severity.STOP, "clock-behind")
    assert "2026-11-23 10:15:00Z" in finding.what
    assert "2026-11-23 11:15:00Z" in finding.what


def test_frames_of_a_phone_without_a_clock_are_a_caution():
    stamped = ns(1970, 1, 5)

    assert found(frames_ns=(stamped, stamped + SECOND)) == [
        (Severity.CAUTION, "frames-clock-unset")
    ]


def test_frames_from_the_future_are_a_caution():
    assert found(frames_ns=(NOW + 61 * SECOND, NOW + HOUR)) == [
        (Severity.CAUTION, "frames-in-future")
    ]
    assert found(frames_ns=(NOW + 60 * SECOND, NOW + HOUR)) == [(Severity.OK, "clock")]


def test_frames_of_a_recording_are_as_old_as_they_are():
    assert found(frames_ns=(ns(2024, 1, 1), ns(2024, 1, 2))) == [(Severity.OK, "clock")]


def test_independent_faults_are_given_together():
    assert found(now_ns=ns(1999, 1, 1), slip_ns=HOUR) == [
        (Severity.STOP, "clock-jumped"),
        (Severity.STOP, "clock-unset"),
    ]


def test_a_time_that_no_calendar_has_does_not_break_the_words():
    [finding] = check_clock(ClockFacts(NOW, newest_walk_ns=10**30))

    assert "1000000000000000000000000000000 ns since 1970" in finding.what


def test_the_systems_clocks_are_the_default():
    clock = Clock()

    assert clock.wall_ns() > ns(2020, 1, 1)
    assert clock.monotonic_ns() <= clock.monotonic_ns()
