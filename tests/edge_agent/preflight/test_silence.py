"""Why nothing is heard: the likeliest cause, and one thing to do first."""

from dataclasses import replace

import pytest

from edge_agent.csi.refusal import Refusal
from edge_agent.interface import Interface
from edge_agent.preflight.air import Expectation, check_air
from edge_agent.preflight.finding import Severity
from edge_agent.preflight.silence import Surroundings
from tests.edge_agent.preflight.hearings import SPEC, hearing

STOP = Severity.STOP
WLAN = Interface("wlan0", 1, is_up=True, is_wireless=True, monitors=("mon0",))


def check(heard, **options):
    return check_air(heard, Expectation(SPEC), **({"name": "wlan0"} | options))


def found(heard, **options):
    return [(f.severity, f.code) for f in check(heard, **options)]


def on(interface=WLAN, **facts):
    return Surroundings(interface, ("wlan0",), **facts)


def test_silence_on_an_interface_lists_the_causes_in_order():
    [finding] = check(hearing({}), surroundings=on())

    assert (finding.severity, finding.code) == (STOP, "no-frames")
    assert finding.what == "no CSI frame on wlan0 in 3 s"
    causes = ["armed", "nexutil -k", "wpa_supplicant", "ping", "-m and -b"]
    places = [finding.do.index(cause) for cause in causes]
    assert places == sorted(places)


def test_silence_tells_what_the_kernel_is_tuned_to_where_it_says():
    [finding] = check(hearing({}), surroundings=on(replace(WLAN, frequency_mhz=2437)))

    assert "the kernel says 2437 MHz" in finding.do


def test_silence_without_a_monitor_interface_names_that():
    [finding] = check(hearing({}), surroundings=on(replace(WLAN, monitors=())))

    assert (finding.severity, finding.code) == (STOP, "no-monitor")
    assert "sudo iw dev wlan0 interface add mon0 type monitor" in finding.do


def test_silence_on_a_cable_names_the_wifi_interface():
    cable = Interface("eth0", 1, is_up=True, is_wireless=False)

    [finding] = check(hearing({}), name="eth0", surroundings=on(cable))

    assert (finding.severity, finding.code) == (STOP, "not-wireless")
    assert finding.do == "--iface wlan0"


def test_silence_on_a_cable_without_wifi_beside_it_is_only_silence():
    cable = Interface("eth0", 1, is_up=True, is_wireless=False)

    assert found(hearing({}), surroundings=Surroundings(cable)) == [(STOP, "no-frames")]


@pytest.mark.parametrize(
    ("board", "code"),
    [
        ("Raspberry Pi 3 Model B Rev 1.2", "no-csi-chip"),
        ("Raspberry Pi Zero 2 W Rev 1.0", "no-csi-chip"),
        ("Raspberry Pi Zero W Rev 1.1", "no-csi-chip"),
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "no-frames"),
        ("Raspberry Pi 4 Model B Rev 1.4", "no-frames"),
        ("", "no-frames"),
    ],
)
def test_a_board_whose_chip_cannot_is_named(board, code):
    assert found(hearing({}), surroundings=on(board=board)) == [(STOP, code)]


def test_a_silent_pipe_asks_for_what_writes_to_it():
    [finding] = check(hearing({}), name="standard input")

    assert finding.code == "no-frames"
    assert "no packet from standard input" in finding.what
    assert "tcpdump -U" in finding.do


def test_an_empty_recording_ended_without_a_packet():
    [finding] = check(hearing({}, has_ended=True), name="walk.pcap")

    assert finding.what == "walk.pcap ended without a packet"


@pytest.mark.parametrize(
    ("reason", "do"),
    [
        (Refusal.BAD_CHANSPEC, "the firmware crashed"),
        (Refusal.SPOOFED, "another program sends to UDP port 5500"),
        (Refusal.TRUNCATED, "tcpdump -s 0"),
        (Refusal.FRAGMENT, "edge_agent frames FILE"),
    ],
)
def test_packets_that_are_no_csi_are_named_by_their_commonest_reason(reason, do):
    refused = {str(reason): 28, str(Refusal.EMPTY): 2}

    [finding] = check(hearing({}, refused=refused))

    assert (finding.severity, finding.code) == (STOP, "no-csi")
    assert finding.what == (
        f"none of 30 packets from wlan0 is a CSI frame; 28: {reason}"
    )
    assert do in finding.do
