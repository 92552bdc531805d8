"""Transmitters of 802.11 frames by hand, and as tshark reads them."""

import shutil
import subprocess

import pytest

from edge_agent.rss.dot11 import Sender, read_sender
from edge_agent.rss.refusal import RssRefusal
from tests.builders import pcap
from tests.edge_agent.rss.air import (
    AP,
    BEACON,
    DATA,
    PROBE_REQUEST,
    PROBE_RESPONSE,
    RTS,
    dot11,
    heard,
)


@pytest.mark.parametrize(
    ("kind", "is_access_point"),
    [(BEACON, True), (PROBE_RESPONSE, True), (PROBE_REQUEST, False), (DATA, False)],
)
def test_management_and_data_frames_say_who_sent_them(kind, is_access_point):
    assert read_sender(dot11(kind)) == Sender(AP, is_access_point)
    assert read_sender(dot11(kind)[:16]) == Sender(AP, is_access_point)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", RssRefusal.TRUNCATED),
        (dot11()[:15], RssRefusal.TRUNCATED),
        (dot11(BEACON | 1), RssRefusal.BAD_VERSION),
        (dot11(RTS), RssRefusal.NO_TRANSMITTER),
        (dot11(0xC4), RssRefusal.NO_TRANSMITTER),  # CTS: has no address 2 at all
        (dot11(0x0C), RssRefusal.NO_TRANSMITTER),  # extension
        (dot11(address=b"\x01" + AP[1:]), RssRefusal.GROUP_ADDRESS),
    ],
)
def test_frames_that_do_not_are_refused(frame, reason):
    assert read_sender(frame) is reason


def test_tshark_reads_the_same_transmitters(tmp_path):
    if shutil.which("tshark") is None:
        pytest.skip("needs tshark")
    kinds = [BEACON, PROBE_RESPONSE, PROBE_REQUEST, DATA]
    addresses = [bytes([2, 0, 0, 0, 7, number]) for number in range(40)]
    path = tmp_path / "air.pcap"
    packets = [heard(a, kind=kinds[n % 4]) for n, a in enumerate(addresses)]
    path.write_bytes(pcap(packets, link_type=127))

    done = subprocess.run(
        ["tshark", "-n", "-r", path, "-T", "fields", "-e", "wlan.ta"],
        capture_output=True,
        text=True,
        check=True,
    )

    ours = [read_sender(p[p[2] :]).address.hex(":") for p in packets]
    assert done.stdout.split() == ours == [a.hex(":") for a in addresses]
