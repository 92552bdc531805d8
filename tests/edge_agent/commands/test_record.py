"""``edge_agent record``: captures, labels from standard input, and sudden ends."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edge_agent.capture_file import CaptureFile
from edge_agent.survey import Point, read_survey
from tests.brokers import wait_until
from tests.builders import packets_of
from tests.conftest import ROOT
from tests.edge_agent.sites import packets_at, pcapng_bytes, write_site
from tests.edge_agent.station import make_cable

TABLE = Point("table", 1.2, 0.5, "kitchen")


@pytest.fixture
def record(run_agent, capsys, tmp_path, monkeypatch):
    """Run the command with nobody at the keyboard; exit code, results and talk."""

    def record(*arguments):
        with Path(os.devnull).open() as nobody:
            monkeypatch.setattr(sys, "stdin", nobody)
            code = run_agent("record", tmp_path / "out", *arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return record


def command(folder, *arguments):
    return [sys.executable, "-m", "edge_agent", "record", folder, *map(str, arguments)]


def packets_in(path):
    with CaptureFile(path) as capture:
        found = packets_of(capture)
        assert capture.damage is None
    return found


def test_a_recording_with_a_label_is_what_evaluate_takes(record, walk, tmp_path):
    place = ["--point", "table", "--room", "kitchen", "--x", "1.2", "--y", "0.5"]
    code, out, err = record("--pcap", walk, *place)

    (row,) = read_survey(tmp_path / "out" / "survey.csv")
    assert code == 0
    assert (row.point, row.visit, row.environment) == (TABLE, "1", "out")
    assert packets_in(row.capture) == packets_in(walk)
    assert "80 packets recorded" in out
    assert "1 captures with a label" in out
    assert f"next: edge_agent evaluate {tmp_path / 'out'}" in err


def test_without_a_label_nothing_is_listed(record, walk, tmp_path):
    code, out, err = record("--pcap", walk, "--json")
    assert code == 0
    assert json.loads(out) == {
        "survey": None,
        "packets": 80,
        "labelled_captures": 0,
        "bytes": (tmp_path / "out" / "000001.pcap").stat().st_size,
    }
    assert "next:" not in err


def test_points_of_the_site_file_are_known_by_name(record, walk, home, tmp_path):
    site = home / ".local" / "state" / "metaloc" / "home"
    site.mkdir(parents=True)
    (site / "site.toml").write_text(
        '[[point]]\nname = "table"\nroom = "kitchen"\nx = 1.2\ny = 0.5\n'
    )
    assert record("--pcap", walk, "--point", "table")[0] == 0
    assert read_survey(tmp_path / "out" / "survey.csv")[0].point == TABLE


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--max-mb", "0"], "--max-mb is 0"),
        (["--rotate-s", "-1"], "--rotate-s is -1"),
        (["--room", "kitchen"], "are those of --point"),
        (["--point", "table", "--x", "1"], "--x and --y belong together"),
        (["--point", "a,b", "--room", "c"], "names without commas"),
        (["--point", "a,b,c,d"], "is no point"),
        (["--pcap", "SIMULATED"], "marked as simulated"),
    ],
)
def test_what_makes_no_sense_is_refused(record, walk, tmp_path, arguments, complaint):
    marked = tmp_path / "marked.pcapng"
    marked.write_bytes(pcapng_bytes(packets_at(0), comment="metaloc: simulated"))
    arguments = [marked if a == "SIMULATED" else a for a in arguments]
    source = [] if "--pcap" in arguments else ["--pcap", walk]
    code, out, err = record(*source, *arguments)
    assert (code, out) == (2, "")
    assert complaint in err
    assert not (tmp_path / "out").exists()


def test_an_interface_that_is_not_there_is_named(record, tmp_path):
    code, _, err = record("--iface", "none0")
    assert code == 1
    assert "there is no interface none0" in err
    assert not (tmp_path / "out").exists()


def test_a_full_recording_stops_and_says_so(record, walk, tmp_path):
    size = ["--max-mb", "0.01", "--rotate-mb", "0.005"]
    code, _, err = record("--pcap", walk, "--point", "kitchen", *size)
    assert code == 1
    assert "none of it without a label: nothing more is recorded" in err
    rows = read_survey(tmp_path / "out" / "survey.csv")
    assert sum(len(packets_in(row.capture)) for row in rows) > 10


class Live:
    """The command, fed by a pipe as an interface would feed it."""

    def __init__(self, tmp_path, home):
        self.pipe = tmp_path / "pipe"
        os.mkfifo(self.pipe)
        self.folder = tmp_path / "live"
        self.process = subprocess.Popen(
            command(self.folder, "--pcap", self.pipe),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.feed = self.pipe.open("wb", buffering=0)
        self.feed.write(pcapng_bytes([]))

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def send(self, place, n=8):
        """Send packets, and wait until they are on the disk."""
        before = self.n_bytes
        start = len(pcapng_bytes([]))
        self.feed.write(pcapng_bytes(packets_at(place, n=n))[start:])
        enough = before + 2 * n * 300
        wait_until(
            lambda: self.n_bytes >= enough or self.process.poll() is not None,
            "packets on disk",
        )

    @property
    def n_bytes(self):
        return sum(path.stat().st_size for path in self.folder.glob("*.pcap"))

    def rows(self):
        return read_survey(self.folder / "survey.csv")

    def end(self):
        self.feed.close()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def live(tmp_path, home):
    live = Live(tmp_path, home)
    yield live
    live.end()


def heard(said, process):
    """Wait until the command has said something."""
    for line in iter(process.stderr.readline, b""):
        if said in line.decode():
            return


def test_lines_on_standard_input_say_where_one_is(live):
    live.send(0)
    live.say("table, kitchen, 1.2, 0.5")
    heard("at table, visit 1", live.process)
    live.send(1)
    live.say("-")
    heard("was at table, visit 1: 16 packets", live.process)
    live.send(2)
    live.say("a, b, c, d")
    heard("no label: 'a, b, c, d' is no point", live.process)
    live.send(3)
    live.say("table")
    heard("at table, visit 2", live.process)
    live.send(4)

    live.process.send_signal(signal.SIGINT)
    out, err = live.process.communicate(timeout=10)

    assert live.process.returncode == 0, err
    assert "80 packets recorded" in out.decode()
    assert [(row.point, row.visit) for row in live.rows()] == [
        (TABLE, "1"),
        (TABLE, "2"),
    ]
    for row, place in zip(live.rows(), (1, 4), strict=True):
        assert [packet for packet, _, _ in packets_in(row.capture)] == [
            packet for _, packet in packets_at(place, n=8)
        ]


def test_a_kill_leaves_captures_that_can_be_read_and_a_list_that_is_true(live):
    live.send(0)
    live.say("table, kitchen, 1.2, 0.5")
    heard("at table, visit 1", live.process)
    live.send(1)
    wait_until((live.folder / "survey.csv").exists, "the list")

    live.process.kill()
    live.process.wait()

    (row,) = live.rows()
    assert row.point == TABLE
    assert [packet for packet, _, _ in packets_in(row.capture)] == [
        packet for _, packet in packets_at(1, n=8)
    ]
    assert len(packets_in(live.folder / "000001.pcap")) == 16


@pytest.mark.slow
def test_a_hundred_kills_at_any_moment_leave_nothing_untrue(tmp_path, home):
    """Labels change with every burst; packets of a place are known by their bytes."""
    place_of = {
        packet: place for place in range(6) for _, packet in packets_at(place, n=8)
    }
    for moment in range(100):
        folder = tmp_path / str(moment)
        folder.mkdir()
        live = Live(folder, home)
        killer = threading.Timer(0.15 + 0.006 * moment, live.process.kill)
        killer.start()
        with contextlib.suppress(BrokenPipeError):
            for place in itertools.cycle(range(6)):
                live.say(f"p{place}, room, {place}, 0")
                heard(f"at p{place}, ", live.process)
                if live.process.poll() is not None:
                    break
                live.send(place)
        live.end()
        killer.join()
        if not (live.folder / "survey.csv").exists():
            continue
        for row in live.rows():
            with CaptureFile(row.capture) as capture:
                found = {place_of[packet] for packet, _, _ in packets_of(capture)}
            assert found == {int(row.point.name[1:])}


def test_the_same_recording_adapts_and_evaluates(
    run_agent, capsys, monkeypatch, tmp_path, bundle_directory
):
    """Every command takes what this one writes."""
    survey = write_site(tmp_path / "made")
    out = tmp_path / "out"
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        for row in read_survey(survey):
            point = row.point
            place = ["--room", point.room, "--x", point.x, "--y", point.y]
            source = ["--pcap", row.capture, "--point", point.name]
            assert run_agent("record", out, *source, *place) == 0
    model = ["--bundle", bundle_directory, "--state", tmp_path / "state"]
    assert run_agent("adapt", survey, *model) == 0
    capsys.readouterr()
    assert run_agent("evaluate", out / "survey.csv", "--json", *model) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["captures"] == 9
    assert found["is_revisit"] is False  # by their packets, in files of another name


def test_an_interface_is_recorded_and_what_it_does_at_its_end_is_kept(
    station, tmp_path, home
):
    make_cable(station, "going0", "going1")
    folder = tmp_path / "out"
    packets = [packet for _, packet in packets_at(0, n=8)]
    arguments = ["--iface", "going0", "--point", "kitchen"]

    with subprocess.Popen(
        station.command("-m", "edge_agent", "record", folder, *arguments),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        heard("where you are", process)
        station.send("going1", packets)
        wait_until((folder / "survey.csv").exists, "the list")
        station.ip("link", "delete", "going0")
        said = process.stderr.read().decode()

    (row,) = read_survey(folder / "survey.csv")
    assert process.returncode == 1
    assert "edge_agent: interface going0: went down" in said
    assert row.point == Point("kitchen", None, None, "kitchen")
    assert [packet for packet, _, _ in packets_in(row.capture)] == packets
