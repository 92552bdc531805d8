"""What the kernel tells of interfaces: of real ones, and in trees made by hand."""

import json
import os
import subprocess
import sys

import pytest

from edge_agent.interface import (
    Interface,
    board_model,
    frequency_mhz,
    interface_names,
    may_capture,
    read_interface,
    wireless_names,
)
from tests.conftest import ROOT
from tests.edge_agent.station import NOBODY


class Tree:
    """A sysfs with interfaces."""

    def __init__(self, root):
        self.root, self.names = root, []

    def add(self, name, *, kind=1, flags="0x1003", radio=None, driver=None):
        net = self.root / "class" / "net" / name
        net.mkdir(parents=True)
        (net / "type").write_text(f"{kind}\n")
        (net / "flags").write_text(f"{flags}\n")
        if radio is not None:
            phy = self.root / "class" / "ieee80211" / radio
            phy.mkdir(parents=True, exist_ok=True)
            (net / "phy80211").symlink_to(phy)
        if driver is not None:
            home = self.root / "bus" / "sdio" / "drivers" / driver
            home.mkdir(parents=True)
            (net / "device").mkdir()
            (net / "device" / "driver").symlink_to(home)
        self.names.append(name)
        return net

    def block(self, radio, *, soft=0, hard=0):
        switch = self.root / "class" / "ieee80211" / radio / "rfkill0"
        switch.mkdir(exist_ok=True)
        (switch / "soft").write_text(f"{soft}\n")
        (switch / "hard").write_text(f"{hard}\n")

    def read(self, name):
        return read_interface(name, names=tuple(self.names), sys=self.root)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


# -- real ------------------------------------------------------------------------------


def test_the_loopback_of_this_machine_is_no_wifi():
    names = interface_names()

    loopback = read_interface("lo")
    assert "lo" in names
    assert loopback == Interface("lo", 772, loopback.is_up, is_wireless=False)
    assert "lo" not in wireless_names()


def test_a_cable_and_a_monitor_in_a_namespace_are_what_they_are(station):
    station.make_monitor("look0")
    try:
        program = (
            "import json; from dataclasses import asdict\n"
            "from edge_agent.interface import *\n"
            "print(json.dumps([asdict(read_interface(n)) for n in"
            " ('catch0', 'lo', 'look0')]))"
        )
        done = subprocess.run(
            station.command("-c", program), cwd=ROOT, check=True, capture_output=True
        )
    finally:
        station.remove_monitor()

    cable, loopback, monitor = json.loads(done.stdout)
    assert (cable["kind"], cable["is_up"], cable["is_wireless"]) == (1, True, False)
    assert (loopback["kind"], loopback["is_up"]) == (772, False)
    assert (monitor["kind"], monitor["is_up"]) == (803, True)


def test_what_is_no_interface_is_none():
    assert read_interface("wlan9") is None
    assert read_interface("../net/lo") is None


def test_an_interface_that_goes_away_while_it_is_read_is_none(tree):
    tree.names.append("wlan0")

    assert tree.read("wlan0") is None


def test_root_may_capture_and_nobody_may_not():
    if os.geteuid() != 0:
        pytest.skip("needs root to be somebody else")
    assert may_capture()
    os.seteuid(NOBODY)
    try:
        assert not may_capture()
    finally:
        os.seteuid(0)


# -- trees -----------------------------------------------------------------------------


def test_wifi_is_known_by_its_radio_or_by_the_old_folder(tree):
    tree.add("wlan0", radio="phy0", driver="brcmfmac")
    (tree.add("wlan1") / "wireless").mkdir()
    tree.add("eth0")

    assert tree.read("wlan0") == Interface(
        "wlan0", 1, is_up=True, is_wireless=True, driver="brcmfmac"
    )
    assert tree.read("wlan1").is_wireless
    assert not tree.read("eth0").is_wireless
    names = tuple(tree.names)
    assert wireless_names(names=names, sys=tree.root) == ("wlan0", "wlan1")


def test_the_monitors_of_the_same_radio_are_named_where_they_are_up(tree):
    tree.add("wlan0", radio="phy0")
    tree.add("mon0", radio="phy0", kind=803)
    tree.add("mon1", radio="phy0", kind=803, flags="0x1002")
    tree.add("mon2", radio="phy1", kind=803)
    tree.add("p2p0", radio="phy0")
    tree.add("eth0")

    assert tree.read("wlan0").monitors == ("mon0",)
    assert tree.read("eth0").monitors == ()
    assert tree.read("mon0").is_monitor
    assert not tree.read("mon1").is_up


@pytest.mark.parametrize(
    ("soft", "hard", "blocked"), [(0, 0, ""), (1, 0, "soft"), (1, 1, "hard")]
)
def test_what_keeps_the_radio_off_is_told(tree, soft, hard, blocked):
    tree.add("wlan0", radio="phy0")
    tree.block("phy0", soft=soft, hard=hard)

    assert tree.read("wlan0").blocked == blocked


def test_an_attribute_that_is_no_text_is_as_if_the_interface_were_gone(tree):
    (tree.add("wlan0") / "type").write_bytes(b"\xff\xfe")

    assert tree.read("wlan0") is None


@pytest.mark.parametrize(
    ("mantissa", "exponent", "expected"),
    [
        (2437, 6, 2437),  # as cfg80211 answers
        (518_000_000, 1, 5180),
        (6, 0, None),  # a channel's number
        (0, 6, None),
        (-5180, 6, None),
        (5180, 9, None),
        (5180, 30, None),
        (999, 0, None),
    ],
)
def test_a_frequency_is_a_mantissa_and_an_exponent(mantissa, exponent, expected):
    assert frequency_mhz(mantissa, exponent) == expected


def test_the_board_says_its_name_where_it_has_one(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")

    assert board_model(path) == "Raspberry Pi 4 Model B Rev 1.4"
    assert board_model(tmp_path / "none") == ""


def test_reading_interfaces_needs_neither_scapy_nor_numpy():
    program = (
        "import sys, edge_agent.interface\n"
        "assert not {'scapy', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
