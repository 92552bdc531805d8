"""The whole look: real frames on a real link, a file, a pipe, a full disk."""

import os
import sys
import threading
import time

import pytest

from edge_agent.csi.image import Channel, ImageSpec
from edge_agent.preflight.air import Expectation
from edge_agent.preflight.clock import Clock
from edge_agent.preflight.finding import Severity
from edge_agent.preflight.run import run_preflight
from edge_agent.sources import FileSource, LiveSource, StreamSource
from tests.builders import CHANSPECS, csi_payload, datagram, ethernet, ipv4, udp
from tests.edge_agent.mounts import fill, make_read_only, small_disk
from tests.edge_agent.sites import (
    LEGACY_20_MHZ,
    REAL,
    packets_at,
    pcapng_bytes,
)

SPEC = ImageSpec(n_packets=10, n_tones=16, n_channels=2)
FIRST, OTHER = (mac.hex(":") for mac in REAL)
KNOWN = (Channel(FIRST, 0, LEGACY_20_MHZ, has_rssi=True),)
LISTEN_S = 0.3


def beacons(mac=REAL[0], **fields):
    return datagram(csi_payload(mac=mac, **fields))


def look(source, folder, **options):
    expected = options.pop("expected", Expectation(SPEC))
    return run_preflight(
        source, expected, **({"folder": folder, "listen_s": LISTEN_S} | options)
    )


def codes(report):
    """What stops and what is a caution, in the order in which it is said."""
    return [f.code for f in report.findings if f.severity is not Severity.OK]


# -- an interface ----------------------------------------------------------------------


def test_an_access_point_at_fifty_frames_per_second_is_heard_so(station):
    report = station.look("catch0", send={"throw0": [(beacons(), 50)]})

    [heard] = report["access_points"]
    assert report["passed"]
    assert heard["mac"] == FIRST
    assert heard["frames_per_s"] == pytest.approx(50, rel=0.2)
    assert report["channel"] == "36/20"
    assert report["shot_s"] == pytest.approx(10 / heard["frames_per_s"], abs=0.06)
    assert report["codes"] == ["interface", "air", "clock", "disk"]


def test_what_is_sent_after_the_look_is_still_there_for_the_shot(station):
    station.look("catch0", send={"throw0": [(beacons(), 50)]})

    with station.capture("catch0"):
        station.send("throw0", [beacons()])
        assert len(station.read_all(1)) == 1


def test_silence_on_a_cable_stops(station):
    report = station.look("catch0")

    assert not report["passed"]
    assert report["codes"][0] == "no-frames"


def test_foreign_traffic_on_the_port_is_no_csi(station):
    foreign = ethernet(ipv4(udp(b"hello"), source=bytes([192, 168, 1, 7])))

    report = station.look("catch0", send={"throw0": [(foreign, 50)]})

    assert report["codes"][0] == "no-csi"
    assert "foreign sender on port 5500" in report["findings"][0]["what"]


def test_strangers_on_another_channel_are_told_from_strangers_on_this_one(station):
    def heard(chanspecs):
        return station.look(
            "catch0",
            send={"throw0": [(beacons(REAL[1]), 50)]},
            expect=[FIRST],
            chanspecs=chanspecs,
        )

    assert heard([CHANSPECS[64]])["codes"][0] == "strangers"
    assert heard([0xD028])["codes"][0] == "wrong-channel"


def test_an_access_point_that_is_too_slow_stops(station):
    report = station.look(
        "catch0", send={"throw0": [(beacons(), 5)]}, n_packets=200, listen_s=0.5
    )

    assert report["codes"][0] == "too-slow"


def test_an_interface_that_is_down_is_not_listened_to_but_the_rest_is_checked(station):
    report = station.look("lo")

    assert report["codes"] == ["interface-down", "clock", "disk"]
    assert report["listened_s"] == 0


def test_who_may_not_capture_is_told(station):
    assert station.look("catch0", as_nobody=True)["codes"][0] == "no-permission"


def test_a_monitor_interface_is_refused_where_csi_is_asked_for(station):
    station.make_monitor("mon0")
    try:
        assert station.look("mon0")["codes"][0] == "monitor-interface"
    finally:
        station.remove_monitor()


def test_an_interface_that_goes_down_during_the_look_is_named(station):
    report = station.look("catch0", set_down_after_s=0.1, listen_s=5)
    station.ip("link", "set", "catch0", "up")

    assert report["codes"] == ["no-source", "clock", "disk"]
    assert "sudo ip link set catch0 up" in report["findings"][0]["what"]


def test_a_name_that_no_interface_has_is_told(tmp_path):
    report = look(LiveSource("nowifi0", 64), tmp_path)

    assert codes(report) == ["no-interface"]


# -- files and pipes -------------------------------------------------------------------


def test_a_recording_is_looked_at_and_nothing_is_taken_away(write, tmp_path):
    source = FileSource(write(pcapng_bytes(packets_at(0, n=100))))

    report = look(source, tmp_path, listen_s=3.0)

    assert codes(report) == []
    assert [ap.frames_per_s for ap in report.access_points] == pytest.approx(
        [25, 25], rel=0.03
    )
    n_left = sum(len(raw) for raw in source.packets(lambda: 1) if raw is not None)
    assert n_left == 200


def test_a_recording_that_is_not_there_stops_with_the_rest_checked(tmp_path):
    report = look(FileSource(tmp_path / "none.pcap"), tmp_path)

    assert codes(report) == ["no-source"]
    assert "No such file" in report.stops[0].what
    assert [f.code for f in report.findings] == ["no-source", "clock", "disk"]


@pytest.fixture
def pipe(monkeypatch):
    """Standard input that is a pipe; the other end."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as stdin, os.fdopen(writer, "wb", 0) as stdout:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield stdout


def test_a_pipe_that_brings_nothing_is_not_waited_for(pipe, tmp_path):
    started = time.monotonic()
    report = look(StreamSource(), tmp_path)

    assert codes(report) == ["no-frames"]
    assert time.monotonic() - started < 3


def test_a_pipe_goes_on_after_the_look(pipe, tmp_path):
    packets = packets_at(0, n=10)
    data = pcapng_bytes(packets)
    half = len(data) // 2
    source = StreamSource()
    pipe.write(data[:half])

    report = look(source, tmp_path)
    pipe.write(data[half:])
    pipe.close()
    rest = [raw for raw in source.packets(lambda: 1) if raw is not None]

    n_looked_at = sum(ap.n_frames for ap in report.access_points)
    assert n_looked_at > 0
    assert n_looked_at + sum(map(len, rest)) == len(packets)


def test_packets_that_are_open_already_stay_open(pipe, tmp_path):
    data = pcapng_bytes(packets_at(0, n=10))
    source = StreamSource()
    packets = source.packets(lambda: 1)
    pipe.write(data)

    look(source, tmp_path, packets=packets)
    pipe.close()

    assert list(packets) == []  # None of them raises: it was not closed


def test_a_pipe_of_a_phone_without_a_clock_is_a_caution(pipe, tmp_path):
    pipe.write(pcapng_bytes(packets_at(0, n=40, start_us=86_400_000_000)))

    assert codes(look(StreamSource(), tmp_path)) == ["frames-clock-unset"]


def test_a_named_pipe_is_a_pipe(tmp_path):
    path = tmp_path / "csi.fifo"
    os.mkfifo(path)
    data = pcapng_bytes(packets_at(0, n=40, start_us=86_400_000_000))
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()

    report = look(FileSource(path), tmp_path)
    writer.join()

    assert codes(report) == ["frames-clock-unset"]


def test_the_clock_of_a_recording_is_its_own(write, tmp_path):
    data = pcapng_bytes(packets_at(0, n=40, start_us=86_400_000_000))

    assert codes(look(FileSource(write(data)), tmp_path)) == []


# -- clock and disk --------------------------------------------------------------------


def test_a_clock_that_jumps_during_the_look_stops(pipe, tmp_path):
    pipe.write(pcapng_bytes(packets_at(0, n=40)))
    times = iter([time.time_ns(), time.time_ns() - 7_200_000_000_000])

    report = look(StreamSource(), tmp_path, clock=Clock(wall_ns=lambda: next(times)))

    assert codes(report) == ["clock-jumped"]
    assert "2.0 h back" in report.stops[0].what


def test_a_walk_newer_than_now_stops(pipe, tmp_path):
    pipe.write(pcapng_bytes(packets_at(0, n=40)))

    report = look(StreamSource(), tmp_path, newest_walk_ns=time.time_ns() + 10**12)

    assert codes(report) == ["clock-behind"]


def test_the_machines_clock_does_not_matter_to_a_recording(write, tmp_path):
    source = FileSource(write(pcapng_bytes(packets_at(0, n=40))))

    report = look(source, tmp_path, clock=Clock(wall_ns=lambda: 0))

    assert [finding.code for finding in report.findings] == ["air", "disk"]


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        fill(disk)
        full = look(LiveSource("nowifi0", 64), disk / "home")
        make_read_only(disk)
        read_only = look(LiveSource("nowifi0", 64), disk / "home")

    assert codes(full) == ["no-interface", "disk-full"]
    assert codes(read_only) == ["no-interface", "disk-read-only"]


def test_what_was_planned_must_fit(write, tmp_path):
    source = FileSource(write(pcapng_bytes(packets_at(0, n=40))))

    assert codes(look(source, tmp_path, plan_bytes=10**18)) == ["disk-full"]


def test_who_is_not_known_to_the_site_is_marked(write, tmp_path):
    source = FileSource(write(pcapng_bytes(packets_at(0, n=40))))

    report = look(source, tmp_path, expected=Expectation(SPEC, KNOWN))

    assert {ap.mac: ap.is_expected for ap in report.access_points} == {
        FIRST: True,
        OTHER: False,
    }


def test_antennas_that_hear_an_access_point_are_counted(write, tmp_path):
    frames = [beacons(core_stream=core) for core in (0, 1, 3, 0, 1, 3)]
    packets = [(1_000_000 + n, one) for n, one in enumerate(frames)]
    source = FileSource(write(pcapng_bytes(packets)))

    (heard,) = look(source, tmp_path).access_points

    assert (heard.mac, heard.n_antennas) == (FIRST, 3)


def test_progress_is_told(write, tmp_path):
    source = FileSource(write(pcapng_bytes(packets_at(0, n=40))))
    times = []

    look(source, tmp_path, on_progress=times.append)

    assert times
