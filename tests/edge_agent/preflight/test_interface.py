"""Interfaces that cannot work, as the kernel describes them."""

from dataclasses import replace

from edge_agent.interface import Interface
from edge_agent.preflight.finding import Severity
from edge_agent.preflight.interface import check_interface

NAMES = ("lo", "eth0", "wlan0", "mon0")
WLAN = Interface("wlan0", 1, is_up=True, is_wireless=True)
MONITOR = Interface("mon0", 803, is_up=True, is_wireless=True)


def found(interface, *, name=None, **options):
    """Codes of what stops."""
    findings = check_interface(
        name or interface.name, interface, names=NAMES, **options
    )
    return [f.code for f in findings if f.severity is Severity.STOP]


def test_an_interface_that_is_up_is_fine():
    [finding] = check_interface("wlan0", WLAN, names=NAMES)

    assert finding.severity is Severity.OK
    assert finding.what == "interface wlan0 is up"


def test_a_name_that_is_nearly_right_is_asked_back():
    [finding] = check_interface("wlan1", None, names=NAMES)

    assert (finding.severity, finding.code) == (Severity.STOP, "no-interface")
    assert "there is no interface wlan1" in finding.what
    assert "lo, eth0, wlan0, mon0" in finding.what
    assert finding.do == "did you mean --iface wlan0?"


def test_an_interface_that_sysfs_hides_is_not_called_missing():
    [finding] = check_interface("wlan0", None, names=NAMES)

    assert (finding.severity, finding.code) == (Severity.STOP, "hidden-interface")
    assert "wlan0, which the kernel has" in finding.what
    assert "ip netns exec" in finding.do


def test_an_interface_that_is_gone_may_lack_its_driver():
    [finding] = check_interface("wlan0", None, names=("lo", "eth0"))

    assert "dmesg | grep brcmfmac" in finding.do


def test_an_interface_that_is_down_says_how_to_get_it_up():
    [finding] = check_interface("wlan0", replace(WLAN, is_up=False), names=NAMES)

    assert finding.sentence == "interface wlan0 is down: sudo ip link set wlan0 up"


def test_a_blocked_radio_is_the_cause_of_being_down():
    for how, do in (("soft", "rfkill unblock wifi"), ("hard", "switch")):
        [finding] = check_interface(
            "wlan0", replace(WLAN, is_up=False, blocked=how), names=NAMES
        )
        assert (finding.code, finding.severity) == ("radio-off", Severity.STOP)
        assert do in finding.do


def test_csi_does_not_come_from_an_interface_in_monitor_mode():
    assert found(MONITOR) == ["monitor-interface"]
    assert found(MONITOR, link_types=(1, 127)) == []


def test_monitor_mode_without_radiotap_tells_no_power():
    for kind in (801, 802):
        without = replace(MONITOR, kind=kind)
        assert found(without, link_types=(1, 127)) == ["no-radiotap"]


def test_who_may_not_capture_is_told_beside_what_else_is_wrong():
    assert found(WLAN, may_capture=False) == ["no-permission"]
    assert found(replace(WLAN, is_up=False), may_capture=False) == [
        "interface-down",
        "no-permission",
    ]
