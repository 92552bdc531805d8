"""Live capture on a cable inside a network namespace."""

import subprocess
import time

import pytest

from edge_agent.errors import CaptureError
from edge_agent.live import _CSI_FILTER, LiveCapture
from tests.brokers import find_program
from tests.builders import csi_payload, datagram, ethernet, ipv4, udp
from tests.conftest import ROOT
from tests.edge_agent.rss.air import (
    BEACON,
    DATA,
    OTHER_AP,
    PROBE_REQUEST,
    PROBE_RESPONSE,
    heard,
)
from tests.edge_agent.station import Station, make_cable

SLOT_BYTES = 1536


def frames(n, *, first=0):
    """CSI datagrams, each with a sequence number of its own."""
    return [datagram(csi_payload(seq_ctl=first + number)) for number in range(n)]


def contents(packets):
    return [data for data, _ in packets]


@pytest.fixture
def spare(station):
    """A cable of one's own, to be pulled out: ``spare0`` to ``spare1``."""
    make_cable(station, "spare0", "spare1")
    yield "spare0"
    left = subprocess.run(
        ["ip", "-n", station.namespace, "link", "delete", "spare1"],
        capture_output=True,
    )
    assert left.returncode == 0 or b"Cannot find device" in left.stderr


# -- what arrives ----------------------------------------------------------------------


def test_frames_arrive_byte_for_byte_with_the_time_of_their_arrival(station):
    sent = frames(20)

    with station.capture("catch0"):
        before = time.time_ns()
        station.send("throw0", sent)
        received = station.read_all(20)
        after = time.time_ns()

    times = [time_ns for _, time_ns in received]
    assert contents(received) == sent
    assert times == sorted(times)
    assert len(set(times)) > 1  # of each frame, not of the read
    # The kernel's clock for packets is that of the system, to within its tick.
    assert before - 20_000_000 <= times[0] <= times[-1] <= after + 20_000_000


def test_frames_of_several_lengths_keep_theirs(station):
    sent = [datagram(csi_payload(words=list(range(n)))) for n in (64, 256, 64, 128)] + [
        datagram(b""),
        datagram(b"x"),
    ]

    with station.capture("catch0"):
        station.send("throw0", sent)

        assert contents(station.read_all(6)) == sent


def test_what_is_longer_than_any_csi_frame_is_cut(station):
    long = datagram(bytes(range(250)) * 8)

    with station.capture("catch0"):
        station.send("throw0", [long])

        assert contents(station.read_all(1)) == [long[:SLOT_BYTES]]


def test_other_traffic_does_not_arrive(station):
    others = [
        ethernet(ipv4(udp(b"data", port=5501))),
        ethernet(ipv4(udp(b"data", port=53, source_port=5500))),
        ethernet(ipv4(udp(b"data"), protocol=6)),
        ethernet(ipv4(udp(b"data"), fragment=1)),
        ethernet(ipv4(udp(b"data")), protocol=0x0806),
        ethernet(ipv4(udp(b"data")), protocol=0x86DD),
    ]
    (ours,) = frames(1)

    with station.capture("catch0"):
        station.send("throw0", [*others, ours])

        assert contents(station.read_all(1)) == [ours]
        assert station.read(timeout_s=0.05) is None
        assert station.counters()["received"] == 1


def test_a_first_fragment_and_ip_options_pass_the_filter(station):
    sent = [
        ethernet(ipv4(udp(b"data"), fragment=0x2000)),
        ethernet(ipv4(udp(b"data"), options=bytes(8))),
    ]

    with station.capture("catch0"):
        station.send("throw0", sent)

        assert contents(station.read_all(2)) == sent


def test_what_this_machine_sends_itself_does_not_arrive(station):
    first, outgoing, second = frames(3)

    with station.capture("catch0"):
        station.send("throw0", [first])
        station.send("catch0", [outgoing])
        station.send("throw0", [second])

        assert contents(station.read_all(2)) == [first, second]


def test_what_came_before_the_capture_does_not_arrive(station):
    early, late = frames(2)
    station.send("throw0", [early])

    with station.capture("catch0"):
        station.send("throw0", [late])

        assert contents(station.read_all(1)) == [late]


def test_when_nothing_comes_there_is_nothing_to_read(station):
    with station.capture("catch0"):
        started = time.monotonic()

        assert station.read(timeout_s=0.1) is None
        assert 0.1 <= time.monotonic() - started < 5


def test_who_needs_several_packets_gets_them_together(station):
    with station.capture("catch0"):
        station.send("throw0", frames(20))

        assert len(station.read(at_least=20, timeout_s=10)) == 20


def test_who_waits_for_more_than_there_are_gets_those(station):
    with station.capture("catch0"):
        station.send("throw0", frames(3))

        assert len(station.read(at_least=20, timeout_s=0.3)) == 3


def test_a_second_capture_starts_afresh(station):
    with station.capture("catch0"):
        station.send("throw0", frames(5))
        station.read_all(5)

    with station.capture("catch0"):
        assert station.read(timeout_s=0.05) is None
        assert station.counters() == {
            "received": 0,
            "dropped_by_kernel": 0,
            "dropped_by_agent": 0,
        }


def test_while_the_agent_is_busy_the_oldest_packets_are_dropped_and_counted(station):
    sent = frames(2000)

    with station.capture("catch0", buffer_frames=512):
        station.send("throw0", sent)
        deadline = time.monotonic() + 10
        while station.counters()["received"] < 2000:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        kept = contents(station.read())
        counters = station.counters()

    assert 256 <= len(kept) <= 512
    assert kept == sent[-len(kept) :]
    assert counters == {
        "received": 2000,
        "dropped_by_kernel": 0,
        "dropped_by_agent": 2000 - len(kept),
    }


def test_packets_are_in_order_however_often_the_ring_goes_round(station):
    received = []

    with station.capture("catch0", buffer_frames=512):
        for start in range(0, 3000, 150):
            station.send("throw0", frames(150, first=start))
            received += station.read_all(150)

    assert contents(received) == frames(3000)


# -- an interface in monitor mode ------------------------------------------------------


@pytest.fixture
def monitor(station):
    """An interface that hands over radiotap headers, as one in monitor mode does."""
    station.make_monitor("mon0")
    yield "mon0"
    station.remove_monitor()


def test_of_a_monitor_interface_beacons_and_probe_responses_arrive(station, monitor):
    kinds = [BEACON, DATA, PROBE_RESPONSE, PROBE_REQUEST, BEACON]
    sent = [heard(OTHER_AP, -40 - n, kind=kind) for n, kind in enumerate(kinds)]

    with station.capture(monitor, link_types=[1, 127]):
        station.send_on_monitor([b"\0" * 14, sent[0][:26], *sent])
        received = station.read_all(3)

        assert contents(received) == [sent[0], sent[2], sent[4]]
        assert station.link_type() == 127
        assert station.read(timeout_s=0.1) is None


def test_the_link_type_of_a_cable_is_ethernet(station):
    with station.capture("catch0", link_types=[1, 127]):
        station.send("throw0", frames(1))

        assert contents(station.read_all(1)) == frames(1)
        assert station.link_type() == 1


def test_who_asks_a_monitor_interface_for_csi_is_told_where_it_is(station, monitor):
    with (
        pytest.raises(CaptureError, match=r"mon0 is in monitor mode; CSI .* wlan0"),
        station.capture(monitor),
    ):
        pass


@pytest.mark.parametrize("kind", [801, 802])
def test_a_monitor_interface_without_radiotap_headers_is_refused(station, kind):
    station.make_monitor("old0", kind)
    try:
        with (
            pytest.raises(CaptureError, match=r"old0 is in .* without radiotap"),
            station.capture("old0", link_types=[1, 127]),
        ):
            pass
    finally:
        station.remove_monitor()


# -- what goes wrong -------------------------------------------------------------------


def test_an_interface_that_does_not_exist_names_those_that_do():
    with (
        pytest.raises(
            CaptureError, match=r"there is no interface wlan9; .* has .*\blo"
        ),
        LiveCapture("wlan9"),
    ):
        pass


def test_an_interface_that_is_down_says_how_to_get_it_up(station):
    with (
        pytest.raises(CaptureError, match="lo is down: sudo ip link set lo up"),
        station.capture("lo"),
    ):
        pass


def test_who_may_not_capture_is_told_what_it_takes(station):
    with (
        pytest.raises(
            CaptureError, match=r"no permission to capture on catch0: use su"
        ),
        station.capture("catch0", as_nobody=True),
    ):
        pass


def test_the_right_to_capture_is_enough(station):
    find_program("setpriv")
    modest = Station(station.namespace, ROOT, without="net_admin")

    with modest.capture("catch0"):
        station.send("throw0", frames(3))
        received = modest.read_all(3)
    modest.stop()

    assert contents(received) == frames(3)


def test_an_interface_that_is_deleted_ends_the_capture(station, spare):
    sent = frames(3)
    with station.capture(spare):
        station.send("spare1", sent)
        received = station.read_all(3)
        station.ip("link", "delete", spare)

        with pytest.raises(CaptureError, match="spare0: went down and is gone: was it"):
            station.read(timeout_s=10)

    assert contents(received) == sent


def test_an_interface_that_is_set_down_ends_the_capture(station, spare):
    with station.capture(spare):
        station.ip("link", "set", spare, "down")

        with pytest.raises(CaptureError, match="spare0: went down: sudo ip link set"):
            station.read(timeout_s=10)


def test_what_had_arrived_before_is_not_lost(station, spare):
    sent = frames(3)
    with station.capture(spare):
        station.send("spare1", sent)
        deadline = time.monotonic() + 10
        while station.counters()["received"] < 3:
            assert time.monotonic() < deadline
        station.ip("link", "delete", spare)

        assert contents(station.read_all(3)) == sent
        with pytest.raises(CaptureError, match="went down"):
            station.read(timeout_s=10)


# -- the kernel's filter ---------------------------------------------------------------


def test_the_filter_is_what_tcpdump_compiles():
    done = subprocess.run(
        [
            find_program("tcpdump"),
            "-ddd",
            "-y",
            "EN10MB",
            "ip and udp dst port 5500",
        ],
        check=True,
        capture_output=True,
        text=True,
    )

    n, *program = done.stdout.splitlines()
    assert [tuple(map(int, line.split())) for line in program] == list(_CSI_FILTER)
    assert int(n) == len(_CSI_FILTER)
