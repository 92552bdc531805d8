"""Gather the facts and check them: what any command does before a person walks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi.raw import RawFrames
from edge_agent.errors import CaptureError
from edge_agent.interface import (
    board_model,
    interface_names,
    may_capture,
    read_interface,
    wireless_names,
)
from edge_agent.preflight.air import (
    Expectation,
    check_air,
    wanted_channels,
)
from edge_agent.preflight.clock import Clock, ClockFacts, check_clock
from edge_agent.preflight.disk import check_disk, read_disk
from edge_agent.preflight.finding import Finding, Severity, stop
from edge_agent.preflight.hearing import Hearing, listen
from edge_agent.preflight.interface import check_interface
from edge_agent.preflight.report import AccessPoint, Report
from edge_agent.preflight.silence import Surroundings
from edge_agent.sources import FileSource, LiveSource, PacketSource

LISTEN_S = 3.0
"""Beacons come ten times a second: 30 of them tell a rate to within a fifth."""


def run_preflight(
    source: PacketSource,
    expected: Expectation,
    *,
    folder: Path,
    plan_bytes: int = 0,
    newest_walk_ns: int = 0,
    listen_s: float = LISTEN_S,
    clock: Clock | None = None,
    iq_order: IqOrder = IqOrder.AUTO,
    packets: Iterator[RawFrames | None] | None = None,
    on_progress: Callable[[float], None] = lambda _elapsed_s: None,
) -> Report:
    """Look at interface, air, clock and disk; say all that is wrong with any of them.

    Where the interface cannot work, nothing is listened to.

    Args:
        source: An interface, a recording or a pipe. Of a recording nothing is taken
            away; a named pipe gives what it gives once: pass its ``packets``.
        expected: What the walk needs to hear.
        folder: Where it will be kept; need not exist yet, and is not made.
        plan_bytes: What it takes at most, see `planned_bytes` [bytes].
        newest_walk_ns: When the site's newest walk began [ns since the UNIX epoch]; 0:
            there is none.
        listen_s: How long to listen [s].
        clock: Which clocks; the system's by default.
        iq_order: For firmware whose header does not tell the order of I and Q.
        packets: Of the source, where it is open already; stays open.
        on_progress: Called with the time listened so far [s].
    """
    clock = clock or Clock()
    wall_ns, monotonic_ns = clock.wall_ns(), clock.monotonic_ns()
    findings, surroundings = _look_at_machine(source)
    hearing = None
    if not any(finding.severity is Severity.STOP for finding in findings):
        with ExitStack() as stack:
            if packets is None:
                packets = stack.enter_context(closing(source.packets(lambda: 1)))
            try:
                hearing = listen(
                    packets,
                    listen_s=listen_s,
                    is_paced=surroundings is not None,
                    clock=clock,
                    iq_order=iq_order,
                    on_progress=on_progress,
                )
            except CaptureError as error:
                findings = [stop("no-source", str(error))]
    if hearing is not None:
        findings += check_air(
            hearing, expected, name=source.name, surroundings=surroundings
        )
    if not _is_recording(source):  # whose times are its own
        now_ns = clock.wall_ns()
        slip_ns = (now_ns - wall_ns) - (clock.monotonic_ns() - monotonic_ns)
        is_stamped_here = surroundings is not None
        stamps = None if hearing is None or is_stamped_here else hearing.frames_ns
        findings += check_clock(ClockFacts(now_ns, slip_ns, newest_walk_ns, stamps))
    findings += check_disk(read_disk(folder), plan_bytes=plan_bytes)
    return _report(findings, hearing, expected)


def _is_recording(source: PacketSource) -> bool:
    return isinstance(source, FileSource) and source.is_recording


def _look_at_machine(
    source: PacketSource,
) -> tuple[list[Finding], Surroundings | None]:
    """Return what is wrong with a source's interface, and where that is."""
    if not isinstance(source, LiveSource):
        return [], None
    names = interface_names()
    interface = read_interface(source.name, names=names)
    findings = check_interface(
        source.name,
        interface,
        names=names,
        link_types=source.link_types,
        may_capture=may_capture(),
    )
    if interface is None:
        return findings, None
    return findings, Surroundings(interface, wireless_names(names=names), board_model())


def _report(
    findings: list[Finding], hearing: Hearing | None, expected: Expectation
) -> Report:
    if hearing is None:
        return Report(tuple(findings))
    known = {channel.mac for channel in expected.channels}
    rates = [
        rate
        for channel in wanted_channels(hearing, expected)
        if (rate := hearing.rate(channel)) > 0
    ]
    return Report(
        tuple(findings),
        tuple(
            AccessPoint(
                mac,
                hearing.frames[channel],
                hearing.rate(channel),
                not known or mac in known,
                len({one.core for one in hearing.frames if one.mac == mac}),
            )
            for mac, channel in hearing.best_channels.items()
        ),
        hearing.tuned_to,
        hearing.listened_s,
        expected.spec.n_packets / min(rates) if rates else None,
    )
