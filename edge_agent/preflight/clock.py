"""Whether the clock can be trusted: shots, walks and drift are put in order by it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from edge_agent.preflight.finding import Finding, caution, ok, stop

EARLIEST_NS = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000
"""A clock before this is not set: a machine without a battery began at its default."""

LARGEST_SLIP_NS = 500_000_000
"""Most by which wall clock and monotonic clock part during a look [ns]. NTP slews by
0.05 % at most, 1.5 ms in 3 s, and steps where it is off by more than 128 ms."""

FAR_NS = 60_000_000_000
"""Frames further than this from now are not of now [ns]."""

_SET_IT = "set it and wait until it holds: sudo timedatectl set-ntp true; timedatectl"


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from."""

    wall_ns: Callable[[], int] = time.time_ns
    """Time since the UNIX epoch [ns]; may jump."""

    monotonic_ns: Callable[[], int] = time.monotonic_ns
    """Time since some start [ns]; never jumps."""


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """What the clocks said during a look."""

    now_ns: int
    """Wall clock at the end [ns since the UNIX epoch]."""

    slip_ns: int = 0
    """By how much the wall clock went further than the monotonic one [ns]."""

    newest_walk_ns: int = 0
    """When the site's newest walk began [ns since the UNIX epoch]; 0: there is none."""

    frames_ns: tuple[int, int] | None = None
    """Earliest and latest time of frames that a pipe brought, stamped by another
    machine [ns since the UNIX epoch]; None where there are none, or by our clock."""


def check_clock(facts: ClockFacts) -> list[Finding]:
    """Return what is wrong with the clock, or that nothing is."""
    findings = [
        *_check_jump(facts.slip_ns),
        *_check_date(facts),
        *_check_frames(facts),
    ]
    return findings or [ok("clock", f"the clock says {_date(facts.now_ns)}")]


def _check_jump(slip_ns: int) -> list[Finding]:
    if abs(slip_ns) <= LARGEST_SLIP_NS:
        return []
    return [
        stop(
            "clock-jumped",
            f"the clock jumped {_ahead(slip_ns)} while it was watched; shots are put "
            "in order by it",
            "wait until it is set (timedatectl shows whether it is synchronised), "
            "then begin again",
        )
    ]


def _check_date(facts: ClockFacts) -> list[Finding]:
    if facts.now_ns < EARLIEST_NS:
        return [
            stop("clock-unset", f"the clock is not set: {_date(facts.now_ns)}", _SET_IT)
        ]
    if facts.now_ns < facts.newest_walk_ns:
        return [
            stop(
                "clock-behind",
                f"the clock says {_date(facts.now_ns)}, but the site's newest walk is "
                f"of {_date(facts.newest_walk_ns)}; a walk now would count as older",
                _SET_IT,
            )
        ]
    return []


def _check_frames(facts: ClockFacts) -> list[Finding]:
    if facts.frames_ns is None:
        return []
    first_ns, last_ns = facts.frames_ns
    if last_ns < EARLIEST_NS:
        return [
            caution(
                "frames-clock-unset",
                f"the frames were stamped {_date(last_ns)}: the clock of what captured "
                "them is not set, and walks are put in order by it",
                "set the clock of the phone or machine that captures",
            )
        ]
    if first_ns - facts.now_ns > FAR_NS:
        return [
            caution(
                "frames-in-future",
                f"the frames were stamped {_date(first_ns)}, "
                f"{_ahead(first_ns - facts.now_ns)} of this machine's clock",
                "set both clocks; the wrong one decides which walk counts as newest",
            )
        ]
    return []


def _ahead(difference_ns: int) -> str:
    """Return for example ``2.5 s back`` or ``3.0 h ahead``."""
    seconds = abs(difference_ns) / 1e9
    units = ((86_400, "days"), (3600, "h"), (60, "min"))
    size, unit = next((one for one in units if seconds >= one[0]), (1, "s"))
    return f"{seconds / size:.1f} {unit} {'ahead' if difference_ns > 0 else 'back'}"


def _date(time_ns: int) -> str:
    try:
        return f"{datetime.fromtimestamp(time_ns / 1e9, UTC):%Y-%m-%d %H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return f"{time_ns} ns since 1970"
