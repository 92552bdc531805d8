"""Capture files of the simulator, read back by the device, tcpdump and tshark."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi import CaptureReader
from edge_agent.csi.raw import LINK_ETHERNET
from edge_agent.csi.simulated import says_simulated
from tests.builders import (
    datagram,
    packets_of,
    pcap_header,
    pcap_record,
    pcapng_interface,
    pcapng_option,
    pcapng_packet,
    pcapng_section,
    raw_frames,
)
from trainer.simulate.captures import (
    CaptureTimeError,
    Container,
    capture_bytes,
    capture_size,
    write_capture,
)

NEW_YEAR_NS = 1_767_225_600_000_000_000
EVERY = pytest.mark.parametrize("container", Container)
UNIT_NS = {Container.PCAPNG: 1000, Container.PCAP: 1000, Container.PCAP_NS: 1}
LAST_PCAP_NS = 2**32 * 10**9 - 1


def packets(*pairs):
    """Packets of (time [ns], bytes)."""
    times, data = zip(*pairs, strict=True) if pairs else ((), ())
    return raw_frames(data, times_ns=list(times))


def read(data):
    """The reader after the whole file, and (bytes, time [ns], link type) per packet."""
    reader = CaptureReader()
    found = packets_of(reader.feed(data))
    reader.finish()
    assert reader.damage is None
    assert not reader.refused
    return reader, found


# -- by hand ---------------------------------------------------------------------------


def test_a_comment_of_ones_own_takes_the_place_of_the_one_of_simulations():
    reader, _ = read(capture_bytes(packets((0, b"one")), comment="from elsewhere"))
    assert reader.comments == ["from elsewhere"]


def test_pcapng_is_a_section_with_the_comment_an_interface_and_the_packets():
    data = capture_bytes(packets((NEW_YEAR_NS + 1999, b"first"), (5000, b"other one")))

    comment = pcapng_option(1, b"metaloc: simulated") + bytes(4)
    assert data == (
        pcapng_section(options=comment)
        + pcapng_interface(snap_length=65535)
        + pcapng_packet(b"first", ticks=NEW_YEAR_NS // 1000 + 1)
        + pcapng_packet(b"other one", ticks=5)
    )


@pytest.mark.parametrize(
    ("container", "magic", "fraction"),
    [(Container.PCAP, 0xA1B2C3D4, 123_456), (Container.PCAP_NS, 0xA1B23C4D, 123456789)],
)
def test_pcap_is_a_header_and_the_packets(container, magic, fraction):
    data = capture_bytes(packets((7_123_456_789, b"one"), (0, b"four")), container)

    assert data == (
        pcap_header(magic=magic)
        + pcap_record(b"one", seconds=7, fraction=fraction)
        + pcap_record(b"four")
    )


# -- read by the device ----------------------------------------------------------------


@EVERY
@settings(deadline=None)
@given(
    pairs=st.lists(
        st.tuples(st.integers(0, LAST_PCAP_NS), st.binary(max_size=40)), max_size=6
    )
)
def test_packets_of_any_length_and_time_come_back(container, pairs):
    unit = UNIT_NS[container]

    data = capture_bytes(packets(*pairs), container)

    _, found = read(data)
    assert found == [
        (packet, time_ns // unit * unit, LINK_ETHERNET) for time_ns, packet in pairs
    ]


@EVERY
@pytest.mark.parametrize("n_bytes", [1, 315, 316])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_the_size_of_a_file_is_known_before(container, n, n_bytes):
    data = capture_bytes(packets(*[(0, bytes(n_bytes))] * n), container)

    assert capture_size(n, n_bytes, container) == len(data)


def test_pcapng_says_that_it_is_simulated():
    reader, found = read(capture_bytes(packets()))

    assert reader.comments == ["metaloc: simulated"]
    assert says_simulated(reader.comments)
    assert found == []


def test_blocks_fill_whole_words():
    """A block starts at a multiple of four bytes, as the format demands."""
    data = capture_bytes(packets(*[(0, bytes(n)) for n in range(1, 9)]))

    starts, at = [], 0
    while at < len(data):
        starts.append(at)
        at += int(np.frombuffer(data, "<u4", 1, at + 4)[0])
    assert len(starts) == 2 + 8
    assert all(start % 4 == 0 for start in starts)


@pytest.mark.parametrize(
    ("container", "time_ns"),
    [
        (Container.PCAPNG, -1),
        (Container.PCAP, -1),
        (Container.PCAP, LAST_PCAP_NS + 1),
        (Container.PCAP_NS, LAST_PCAP_NS + 1),
    ],
)
def test_a_time_that_does_not_fit_is_refused(container, time_ns):
    with pytest.raises(
        CaptureTimeError, match=f"{container} file .* time {time_ns} ns"
    ):
        capture_bytes(packets((5, b"good"), (time_ns, b"bad")), container)


# -- files -----------------------------------------------------------------------------


@EVERY
def test_a_file_holds_those_bytes(container, tmp_path):
    path = tmp_path / f"deep/one{container.suffix}"
    raw = packets((NEW_YEAR_NS, b"first"))

    write_capture(path, raw, container)

    assert path.read_bytes() == capture_bytes(raw, container)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    path = tmp_path / "capture"
    path.mkdir()

    with pytest.raises(IsADirectoryError):
        write_capture(path, packets((0, b"x")))

    assert [p.name for p in tmp_path.iterdir()] == ["capture"]


# -- read by others --------------------------------------------------------------------


@pytest.fixture
def written(tmp_path, request):
    path = tmp_path / f"one{request.param.suffix}"
    write_capture(path, packets((NEW_YEAR_NS + 50_002_007, datagram())), request.param)
    return request.param, path


PROGRAMS = pytest.mark.parametrize("written", Container, indirect=True)


def run(name, *arguments):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name} (.ci/run installs what the tests need)")
    done = subprocess.run(
        [path, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


@PROGRAMS
def test_tcpdump_reads_the_file(written):
    _, path = written

    said = run("tcpdump", "-nttr", path)

    assert said.startswith("1767225600.050002 IP 10.10.10.10.5500 > 255.255")


@PROGRAMS
def test_tshark_reads_the_file_and_its_comment(written):
    container, path = written
    fields = ("-e", "frame.time_epoch", "-e", "udp.length", "-e", "_ws.malformed")

    said = run("tshark", "-n", "-r", path, "-T", "fields", *fields)

    nanoseconds = "007" if container is Container.PCAP_NS else "000"
    assert said == f"1767225600.050002{nanoseconds}\t282\t\n"


def test_capinfos_shows_the_comment(tmp_path):
    path = tmp_path / "one.pcapng"
    write_capture(path, packets((NEW_YEAR_NS, datagram())))

    assert "metaloc: simulated" in run("capinfos", "-k", path)
