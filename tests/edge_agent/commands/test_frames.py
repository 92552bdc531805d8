"""``edge_agent frames``: what a capture holds."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from edge_agent.csi.frame import Generation
from edge_agent.csi.simulated import SIMULATED_COMMENT
from tests.builders import (
    csi_payload,
    datagram,
    ethernet,
    ipv4,
    pcap,
    pcap_header,
    pcap_record,
    pcapng_interface,
    pcapng_option,
    pcapng_packet,
    pcapng_section,
    ramp_words,
    udp,
)
from tests.conftest import ROOT
from tests.edge_agent.rss.air import (
    AP,
    DATA,
    OTHER_AP,
    PROBE_RESPONSE,
    RTS,
    heard,
)
from tests.edge_agent.sites import SIMULATED, packets_at, pcapng_bytes

FOREIGN = ethernet(ipv4(udp(b"hello", port=53)))


def words(n=64):
    """Ramp words under the PhyRxStatus of a legacy frame in the lowest 20 MHz."""
    values = ramp_words(n)
    start = 28 if n == 64 else 0
    values[start : start + 3] = [0x1001, 0, 0]
    return values


def frame(n=64, **fields):
    return datagram(csi_payload(words=words(n), **fields))


def cells(line):
    """The cells of a row of the table."""
    return re.split(r"\s{2,}", line)


@pytest.fixture
def capture(tmp_path):
    """Write a capture: its bytes, or the packets of one, a second apart."""

    def capture(content):
        path = tmp_path / "walk.pcap"
        path.write_bytes(content if isinstance(content, bytes) else pcap(content))
        return path

    return capture


@pytest.fixture
def show(run_agent, capsys, capture):
    """Run the command on a capture; returns exit code, result lines and talk."""

    def show(content, *flags):
        code = run_agent("frames", capture(content), *flags)
        out, err = capsys.readouterr()
        return code, out.splitlines(), err

    return show


# -- the table -------------------------------------------------------------------------


def test_frames_are_counted_by_transmitter(show):
    other = bytes.fromhex("001122334455")
    packets = [frame(rssi=rssi) for rssi in (-70, -50, -60, -61, -40)]
    packets += [frame(mac=other, rssi=-80)]
    records = [
        pcap_record(packet, seconds=1_700_000_000 + second)
        for second, packet in enumerate(packets)
    ]

    code, lines, err = show(pcap_header() + b"".join(records))

    assert (code, err) == (0, "")
    assert lines == [
        "6 packets, 6 CSI frames",
        "",
        "transmitter        chip        header  channel  format         core/stream  "
        "frames  per second  RSSI dBm",
        "00:11:22:33:44:55  bcm43455c0  new     36/20    20 MHz LEGACY  0/0          "
        "     1           -  -80 .. -80 .. -80",
        "dc:a6:32:01:02:03  bcm43455c0  new     36/20    20 MHz LEGACY  0/0          "
        "     5         1.0  -70 .. -60 .. -40",
    ]


def test_of_an_even_number_the_lower_middle_is_shown(show):
    _, lines, _ = show([frame(rssi=rssi) for rssi in (-70, -60, -50, -40)])

    assert lines[-1].endswith("-70 .. -60 .. -40")


def test_the_rate_is_that_between_the_frames(show):
    packets = packets_at(0, n=11, macs=(SIMULATED[0],))  # 40 ms apart

    _, lines, _ = show(pcapng_bytes(packets))

    assert " 25.0 " in lines[-1]


def test_cores_streams_and_formats_are_kept_apart(show):
    packets = [
        frame(core_stream=0),
        frame(core_stream=1),
        frame(core_stream=8),
        frame(128),
        frame(256),
    ]

    _, lines, _ = show(packets)

    rows = [cells(line) for line in lines[3:]]
    assert sorted((row[4], row[5]) for row in rows) == [
        ("20 MHz LEGACY", "0/0"),
        ("20 MHz LEGACY", "0/1"),
        ("20 MHz LEGACY", "1/0"),
        ("40 MHz, LEGACY in sub-band 0", "0/0"),
        ("80 MHz, LEGACY in sub-band 0", "0/0"),
    ]


def test_frames_without_received_power_say_so(show):
    _, lines, _ = show([frame(generation=Generation.OLD)])

    assert " old " in lines[-1]
    assert lines[-1].endswith("none")


def test_what_is_no_csi_is_counted_by_reason(show):
    code, lines, _ = show([frame(), FOREIGN, frame(), FOREIGN, b""])

    assert code == 0
    assert lines[0] == "5 packets, 2 CSI frames"
    assert lines[-4:] == [
        "",
        "not CSI:",
        "       2  UDP, but not to port 5500",
        "       1  empty packet",
    ]


@pytest.mark.parametrize(
    ("content", "marked"),
    [
        (pcapng_bytes(packets_at(0, n=2)), False),
        (pcapng_bytes(packets_at(0, n=2), comment=SIMULATED_COMMENT), True),
        (pcapng_bytes(packets_at(0, n=2, macs=SIMULATED)), True),
    ],
)
def test_simulated_captures_are_marked(show, content, marked):
    _, lines, _ = show(content)

    assert lines[0] == "4 packets, 4 CSI frames" + (", SIMULATED" if marked else "")


def test_a_capture_without_packets_is_no_error(show):
    assert show([]) == (0, ["0 packets, 0 CSI frames"], "")


# -- one line per frame ----------------------------------------------------------------


def test_frames_can_be_json(show):
    packets = [frame(seq_ctl=16, rssi=-61, core_stream=0b001010), frame(seq_ctl=32)]

    code, lines, _ = show(packets, "--json")

    first, second = [json.loads(line) for line in lines]
    assert code == 0
    assert first == {
        "time": None,
        "mac": "dc:a6:32:01:02:03",
        "rssi_dbm": -61,
        "frame_control": 0x80,
        "seq_ctl": 16,
        "core": 2,
        "stream": 1,
        "chanspec": 0xD024,
        "channel": "36/20",
        "chip": "bcm43455c0",
        "header": "new",
        "format": "20 MHz LEGACY",
        "n_subcarriers": 64,
        "simulated": False,
    }
    assert second["time"] == "1970-01-01T00:00:01.000Z"
    assert second["seq_ctl"] == 32


def test_what_the_firmware_does_not_send_is_null(show):
    _, lines, _ = show([frame(generation=Generation.OLD)], "--json")

    document = json.loads(lines[0])
    assert document["rssi_dbm"] is None
    assert document["frame_control"] is None


def test_a_frame_without_a_channel_says_null(show):
    packet = datagram(csi_payload(Generation.MOBISYS_2018))

    _, lines, _ = show([packet], "--json")

    document = json.loads(lines[0])
    assert document["channel"] is None
    assert document["n_subcarriers"] == 255


def test_a_capture_that_is_simulated_has_simulated_frames_alone(show):
    packets = packets_at(0, n=1)
    _, lines, _ = show(pcapng_bytes(packets, comment=SIMULATED_COMMENT), "--json")

    assert [json.loads(line)["simulated"] for line in lines] == [True, True]


def test_simulated_transmitters_are_marked_frame_by_frame(show):
    packets = packets_at(0, n=1, macs=(SIMULATED[0], bytes.fromhex("dca632010203")))

    _, lines, _ = show(pcapng_bytes(packets), "--json")

    assert [json.loads(line)["simulated"] for line in lines] == [True, False]


# -- arrays ----------------------------------------------------------------------------


def test_frames_can_be_written_as_arrays(show, tmp_path):
    code, lines, err = show([frame(), frame()], "--npz", tmp_path / "walk.npz")

    assert code == 0
    assert lines[0] == "2 packets, 2 CSI frames"
    assert err == f"wrote {tmp_path / 'walk.npz'}\n"
    with np.load(tmp_path / "walk.npz", allow_pickle=False) as file:
        # The ramp on the wire: word k is k - jk.
        assert file["csi"].shape == (2, 64)
        assert file["csi"][0, 1:28].tolist() == [k - 1j * k for k in range(1, 28)]


def test_frames_of_several_sizes_are_written_to_several_files(show, tmp_path):
    _, _, err = show(
        [frame(256), frame(64), frame(128), frame(64)], "--npz", tmp_path / "walk.npz"
    )

    names = ["walk_64.npz", "walk_128.npz", "walk_256.npz"]
    assert err.splitlines() == [f"wrote {tmp_path / name}" for name in names]
    for name, shape in zip(names, [(2, 64), (1, 128), (1, 256)], strict=True):
        with np.load(tmp_path / name, allow_pickle=False) as file:
            assert file["csi"].shape == shape


def test_arrays_and_json_go_together(show, tmp_path):
    _, lines, err = show([frame()], "--json", "--npz", tmp_path / "walk.npz")

    assert len(lines) == 1
    assert "wrote" in err


@pytest.mark.parametrize(("order", "value"), [("iq", 7 - 7j), ("qi", -7 + 7j)])
def test_the_order_of_i_and_q_can_be_given(show, tmp_path, order, value):
    show(
        [frame(generation=Generation.OLD)],
        *("--iq-order", order),
        *("--npz", tmp_path / "walk.npz"),
    )

    with np.load(tmp_path / "walk.npz", allow_pickle=False) as file:
        assert file["csi"][0, 7] == value


def test_arrays_that_cannot_be_written_are_an_error(show, tmp_path):
    (tmp_path / "file").touch()

    code, _, err = show([frame()], "--npz", tmp_path / "file" / "walk.npz")

    assert code == 1
    assert "cannot write" in err


# -- recordings of a monitor interface -------------------------------------------------


def monitor_capture():
    """Two access points a second apart each, and what is no beacon of one."""
    packets = [
        heard(AP, -70),
        heard(AP, -50),
        heard(OTHER_AP, -60, kind=PROBE_RESPONSE),
        heard(AP, -61),
        heard(AP, -30, kind=DATA),
        heard(kind=RTS),
        heard(kind=RTS),
        heard()[:9],
    ]
    records = [
        pcap_record(packet, seconds=1_700_000_000 + second)
        for second, packet in enumerate(packets)
    ]
    return pcap_header(link_type=127) + b"".join(records)


def test_access_points_are_counted_as_csi_is(show):
    code, lines, err = show(monitor_capture())

    assert code == 0
    assert lines == [
        "8 packets, 4 frames with received power",
        "",
        "transmitter        frames  per second  RSSI dBm",
        "dc:a6:32:01:02:03       3         0.7  -70 .. -61 .. -50",
        "dc:a6:32:01:02:04       1           -  -60 .. -60 .. -60",
        "",
        "no received power of an access point:",
        "       2  control or extension frame",
        "       1  802.11, but no beacon or probe response of an access point",
        "       1  cut short by the capture (snap length)",
    ]
    assert err.endswith(
        "walk.pcap was recorded in monitor mode and holds received power, no CSI; CSI "
        "arrives as UDP on wlan0\n"
    )


def test_received_power_can_be_json(show):
    code, lines, _ = show(monitor_capture(), "--json")

    assert code == 0
    documents = [json.loads(line) for line in lines]
    assert documents[0] == {
        "time": "2023-11-14T22:13:20.000Z",
        "mac": "dc:a6:32:01:02:03",
        "rssi_dbm": -70,
        "simulated": False,
    }
    assert [d["rssi_dbm"] for d in documents] == [-70, -50, -60, -61]


def test_simulated_access_points_are_marked(show):
    data = pcap([heard(SIMULATED[0]), heard(AP)], link_type=127)

    _, lines, _ = show(data)
    _, documents, _ = show(data, "--json")

    assert lines[0] == "2 packets, 2 frames with received power, SIMULATED"
    assert [json.loads(line)["simulated"] for line in documents] == [True, False]


def test_a_recording_that_says_it_is_simulated_is_believed(show):
    data = (
        pcapng_section(options=pcapng_option(1, SIMULATED_COMMENT.encode()))
        + pcapng_interface(link_type=127)
        + pcapng_packet(heard(AP))
    )

    _, lines, _ = show(data)
    _, documents, _ = show(data, "--json")

    assert lines[0].endswith(", SIMULATED")
    assert json.loads(documents[0])["simulated"] is True


def test_csi_and_received_power_of_one_recording_are_both_shown(show):
    data = (
        pcapng_section()
        + pcapng_interface(link_type=127)
        + pcapng_interface()
        + pcapng_packet(heard(AP, -44))
        + pcapng_packet(frame(rssi=-55), interface=1)
    )

    code, lines, err = show(data)

    assert (code, err) == (0, "")
    assert lines[0] == "2 packets, 1 CSI frames, 1 frames with received power"
    assert "36/20" in lines[3]
    assert cells(lines[6]) == ["dc:a6:32:01:02:03", "1", "-", "-44 .. -44 .. -44"]


def test_a_recording_without_access_points_says_why(show):
    data = pcap([heard(kind=RTS), heard(kind=RTS), heard(kind=DATA)], link_type=127)

    code, lines, err = show(data)

    assert code == 1
    assert lines[0] == "3 packets, 0 frames with received power"
    assert re.search(
        r"no beacon or probe response .* in .*: 2 of 3 packets control or ext", err
    )


def test_received_power_is_no_array_of_csi(show, tmp_path):
    code, _, err = show(monitor_capture(), "--npz", tmp_path / "walk.npz")

    assert code == 1
    assert "holds received power, no CSI: nothing to write" in err
    assert not (tmp_path / "walk.npz").exists()


# -- what is wrong with a capture ------------------------------------------------------


def test_of_a_damaged_capture_the_good_part_is_shown(show):
    code, lines, err = show(pcap([frame(), frame(), frame()])[:-7])

    assert code == 0
    assert lines[0] == "2 packets, 2 CSI frames"
    assert "walk.pcap is damaged: ends in the middle of a packet" in err


@pytest.mark.parametrize(
    ("packets", "reason"),
    [
        ([FOREIGN, FOREIGN], r"2 of 2 packets UDP, but not to port 5500"),
        ([frame()[:100]] * 3, "cut short by .*; capture whole packets: tcpdump -s 0"),
        ([frame(chanspec=0)], "impossible chanspec .*; is the interface up"),
    ],
)
def test_a_capture_without_any_csi_says_why(show, packets, reason):
    code, lines, err = show(packets)

    assert code == 1
    assert lines[0].endswith(" 0 CSI frames")
    assert re.fullmatch(rf"edge_agent: no CSI frame in .*: .*{reason}.*\n", err)


def test_802_11_frames_without_radiotap_say_where_to_capture(show):
    data = (
        pcapng_section()
        + pcapng_interface(link_type=105)
        + pcapng_interface()
        + pcapng_packet(b"802.11") * 2
        + pcapng_packet(FOREIGN, interface=1)
    )

    code, lines, err = show(data)

    assert code == 1
    assert lines[0] == "3 packets, 0 CSI frames"
    assert "2 of 3 packets link type cannot carry CSI; capture on wlan0, not on" in err


def test_a_capture_cut_within_its_first_packet_is_an_error(show):
    code, lines, err = show(pcap([frame()])[:-7])

    assert code == 1
    assert lines == ["0 packets, 0 CSI frames"]
    assert err.splitlines()[-1].startswith("edge_agent: no CSI frame in ")


def test_what_is_no_capture_is_an_error(show):
    code, lines, err = show(b"a letter to a friend, and no capture")

    assert (code, lines) == (1, [])
    assert "walk.pcap is text ('a letter to a friend, an'); expected pcap" in err


def test_a_capture_may_come_from_a_pipe():
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent", "frames", "-"],
        cwd=ROOT,
        input=pcap([frame(), frame()]),
        capture_output=True,
    )

    assert done.returncode == 0
    assert done.stdout.startswith(b"2 packets, 2 CSI frames\n")
    assert done.stderr == b""
