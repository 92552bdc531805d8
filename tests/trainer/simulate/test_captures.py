"""pcapng files of the simulator, read back by the device and by tcpdump."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi import CaptureReader
from edge_agent.csi.raw import LINK_ETHERNET
from edge_agent.csi.simulated import says_simulated
from tests.builders import datagram, packets_of
from trainer.simulate.captures import write_capture

NEW_YEAR_US = 1_767_225_600_000_000


def read(path):
    """The reader after the whole file, and (bytes, time [ns], link type) per packet."""
    reader = CaptureReader()
    packets = packets_of(reader.feed(path.read_bytes()))
    reader.finish()
    assert reader.damage is None
    assert not reader.refused
    return reader, packets


def test_packets_come_back_with_their_times(tmp_path):
    path = tmp_path / "two.pcapng"

    n_packets = write_capture(
        path, [(NEW_YEAR_US + 1, b"first"), (NEW_YEAR_US + 50_002, b"the second")]
    )

    _, packets = read(path)
    assert n_packets == 2
    assert packets == [
        (b"first", 1_767_225_600_000_001_000, LINK_ETHERNET),
        (b"the second", 1_767_225_600_050_002_000, LINK_ETHERNET),
    ]


@settings(deadline=None)
@given(
    packets=st.lists(
        st.tuples(st.integers(0, (2**63 - 1) // 1000), st.binary(max_size=40)),
        max_size=6,
    )
)
def test_packets_of_any_length_and_time_come_back(packets, tmp_path_factory):
    path = tmp_path_factory.mktemp("capture") / "any.pcapng"

    assert write_capture(path, iter(packets)) == len(packets)

    _, found = read(path)
    assert [(time_ns // 1000, data) for data, time_ns, _ in found] == packets


def test_the_file_says_that_it_is_simulated(tmp_path):
    path = tmp_path / "empty.pcapng"

    write_capture(path, [])

    reader, packets = read(path)
    assert reader.comments == ["metaloc: simulated"]
    assert says_simulated(reader.comments)
    assert packets == []


def test_blocks_fill_whole_words(tmp_path):
    """A block starts at a multiple of four bytes, as the format demands."""
    path = tmp_path / "odd.pcapng"

    write_capture(path, [(0, bytes(n)) for n in range(1, 9)])

    data = path.read_bytes()
    starts, at = [], 0
    while at < len(data):
        starts.append(at)
        at += int(np.frombuffer(data, "<u4", 1, at + 4)[0])
    assert len(starts) == 2 + 8
    assert all(start % 4 == 0 for start in starts)


def test_tcpdump_reads_the_file(tmp_path):
    if shutil.which("tcpdump") is None:
        pytest.skip("needs tcpdump")
    path = tmp_path / "one.pcapng"
    write_capture(path, [(NEW_YEAR_US + 50_002, datagram())])

    done = subprocess.run(
        ["tcpdump", "-nttr", path], capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("1767225600.050002 IP 10.10.10.10.5500 > 255.255")
