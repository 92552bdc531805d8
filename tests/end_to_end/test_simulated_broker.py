"""Simulated locations and a broker that is not on loopback: not one message leaves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.csi.simulated import SIMULATED_COMMENT
from edge_agent.survey import Point, SurveyedCapture, write_survey
from tests.brokers import find_program, wait_until
from tests.conftest import ROOT
from tests.edge_agent.sites import REAL, SIMULATED, packets_at, pcapng_bytes
from tests.end_to_end.conftest import AGENT, run_agent
from tests.end_to_end.veth import two_namespaces

PORT = 1883
OUTSIDE = "192.0.2.1"
"""An address of the namespace's that is not on loopback (RFC 5737)."""

REFUSAL = (
    f"edge_agent: {{}}, and broker {{}}:{PORT} is not on this machine: locations that "
    "nobody was at are not sent there. Add --allow-simulated"
)
FRAMES = "these frames are simulated"
CALIBRATION = (
    "site home is calibrated to simulated transmitters or shots (record real ones: "
    "edge_agent adapt --help)"
)


class Place:
    """A network namespace with a broker that listens at every address."""

    def __init__(self, namespace, sender, folder):
        self.sender = sender
        self._inside = ["ip", "netns", "exec", namespace]
        self._log = folder / "broker.log"
        config = folder / "mosquitto.conf"
        config.write_text(
            f"listener {PORT} 0.0.0.0\nallow_anonymous true\nuser root\n"
            "log_type all\nlog_dest stderr\n"
        )
        with self._log.open("w") as log:
            self.broker = subprocess.Popen(
                [*self._inside, find_program("mosquitto"), "-c", config],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self):
        """Wait until the broker takes connections."""
        wait_until(lambda: "running" in self._log.read_text(), "mosquitto runs")

    def agent(self, *arguments, **options):
        """Start the agent."""
        return subprocess.Popen(
            [*self._inside, *AGENT, "capture", *map(str, arguments)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    @property
    def connections(self):
        """What the broker saw of clients, who need not have said a word."""
        return [line for line in self._log.read_text().splitlines() if ": New " in line]

    @property
    def topics(self):
        """What was published, in order: the broker's log names every message."""
        return [
            line.split("'")[1]
            for line in self._log.read_text().splitlines()
            if "Received PUBLISH" in line
        ]


@pytest.fixture
def place(tmp_path):
    with two_namespaces() as (sender, receiver):
        subprocess.run(
            ["ip", "-n", receiver, "addr", "add", f"{OUTSIDE}/24", "dev", "wlan0"],
            check=True,
        )
        names = Path("/etc/netns", receiver)
        names.mkdir(parents=True)
        (names / "hosts").write_text(
            "127.0.0.1 localhost here.example\n"
            f"{OUTSIDE} away.example\n127.0.0.1 both.example\n{OUTSIDE} both.example\n"
        )
        place = None
        try:
            place = Place(receiver, sender, tmp_path)
            place.wait()
            yield place
        finally:
            if place is not None:
                place.broker.kill()
                place.broker.wait()
            shutil.rmtree(names)


def capture(path, place, *, macs, comment=None, n=120):
    path.write_bytes(pcapng_bytes(packets_at(place, n=n, macs=macs), comment=comment))
    return path


@pytest.fixture
def site(tmp_path):
    """Flags of a site that was calibrated with these transmitters; a walk there."""

    def site(macs, *, comment=None):
        survey = tmp_path / "survey.csv"
        rows = []
        for number, name in enumerate("ab"):
            recorded = capture(tmp_path / f"{name}.pcapng", number, macs=macs)
            point = Point(name, 5.0 * number, 0)
            rows.append(SurveyedCapture(recorded, point, "1", "home"))
        write_survey(survey, rows)
        flags = ["--state", tmp_path / "state", "--site", "home"]
        done = run_agent("adapt", survey, *flags)
        assert done.returncode == 0, done.stderr
        walk = capture(tmp_path / "walk.pcapng", 0, macs=macs, comment=comment)
        return walk, [*flags, "--device", "pi", "--json"]

    return site


@pytest.mark.parametrize(
    ("macs", "comment", "host"),
    [
        (SIMULATED[:1], None, OUTSIDE),
        (REAL[:1], SIMULATED_COMMENT, OUTSIDE),
        (SIMULATED[:1], None, "away.example"),
        (SIMULATED[:1], None, "both.example"),
    ],
    ids=["prefix", "comment", "name", "name of two"],
)
def test_a_broker_elsewhere_hears_nothing_at_all(place, site, macs, comment, host):
    walk, flags = site(macs, comment=comment)

    agent = place.agent("--pcap", walk, "--broker", f"{host}:{PORT}", *flags)
    out, err = agent.communicate(timeout=60)

    assert agent.returncode == 1
    assert out == b""
    reason = FRAMES if comment else CALIBRATION
    assert err.decode().startswith(REFUSAL.format(reason, host))
    assert place.connections == []


@pytest.mark.parametrize("host", ["127.0.0.1", "here.example"])
def test_a_broker_on_this_machine_gets_simulated_locations(place, site, host):
    walk, flags = site(SIMULATED[:1])

    agent = place.agent("--pcap", walk, "--broker", f"{host}:{PORT}", *flags)
    out, err = agent.communicate(timeout=60)

    assert agent.returncode == 0, err
    sources = [json.loads(line)["source"] for line in out.splitlines()]
    assert sources == ["simulated"] * len(sources)
    assert place.topics == [
        "metaloc/home/pi/status",
        *["metaloc/home/pi/location"] * len(sources),
        "metaloc/home/pi/status",
    ]
    assert sources


@pytest.mark.parametrize(
    ("macs", "comment", "way"),
    [(SIMULATED[:1], None, "flag"), (REAL[:1], SIMULATED_COMMENT, "configuration")],
)
def test_who_allows_it_sends_them_elsewhere(place, site, macs, comment, way, tmp_path):
    walk, flags = site(macs, comment=comment)
    if way == "flag":
        flags.append("--allow-simulated")
    else:
        config = tmp_path / "agent.toml"
        config.write_text("broker.allow_simulated = true\n")
        flags += ["--config", config]

    agent = place.agent("--pcap", walk, "--broker", f"{OUTSIDE}:{PORT}", *flags)
    out, err = agent.communicate(timeout=60)

    assert agent.returncode == 0, err
    assert {json.loads(line)["source"] for line in out.splitlines()} == {"simulated"}
    assert place.topics.count("metaloc/home/pi/location") == len(out.splitlines()) > 0


def test_what_is_replayed_from_real_frames_goes_anywhere(place, site):
    walk, flags = site(REAL[:1])

    agent = place.agent("--pcap", walk, "--broker", f"{OUTSIDE}:{PORT}", *flags)
    out, err = agent.communicate(timeout=60)

    assert agent.returncode == 0, err
    assert {json.loads(line)["source"] for line in out.splitlines()} == {"replay"}
    assert "metaloc/home/pi/location" in place.topics


def test_a_pipe_is_refused_by_its_first_bytes(place, site):
    walk, flags = site(REAL[:1], comment=SIMULATED_COMMENT)
    flags += ["--broker", f"{OUTSIDE}:{PORT}"]

    agent = place.agent("--pcap", "-", *flags, stdin=subprocess.PIPE)
    head = walk.read_bytes()[:100]  # the pipe stays open
    agent.stdin.write(head)
    agent.stdin.flush()
    assert agent.wait(timeout=60) == 1
    _, err = agent.communicate()

    assert err.decode().startswith(REFUSAL.format(FRAMES, OUTSIDE))
    assert place.connections == []


def test_a_mark_that_comes_late_stops_it_before_the_location(place, site, tmp_path):
    """A real recording, and a simulated one behind it; a named pipe hides both."""
    walk, flags = site(REAL[:1], comment=SIMULATED_COMMENT)
    real = capture(tmp_path / "real.pcapng", 0, macs=REAL[:1])
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    agent = place.agent("--pcap", pipe, "--broker", f"{OUTSIDE}:{PORT}", *flags)
    with pipe.open("wb", 0) as stream:
        stream.write(real.read_bytes())
        first = [json.loads(agent.stdout.readline())["source"] for _ in range(3)]
        stream.write(walk.read_bytes()[:2000])  # too few for a location
        out, err = agent.communicate(timeout=60)

    assert first == ["replay"] * 3
    assert out == b""
    assert agent.returncode == 1
    assert REFUSAL.format(FRAMES, OUTSIDE) in err.decode()
    assert place.topics == [
        "metaloc/home/pi/status",
        *["metaloc/home/pi/location"] * 3,
        "metaloc/home/pi/status",
    ]


def test_simulated_frames_on_the_air_are_refused_where_they_would_be_located(
    place, site
):
    _, flags = site(SIMULATED[:1])

    agent = place.agent("--iface", "wlan0", "--broker", f"{OUTSIDE}:{PORT}", *flags)
    _, err = agent.communicate(timeout=60)

    assert agent.returncode == 1
    assert err.decode().startswith(REFUSAL.format(CALIBRATION, OUTSIDE))
    assert place.connections == []


def test_a_stranger_who_sends_simulated_frames_stops_nobody(place, site, tmp_path):
    _, flags = site(REAL[:1])
    both = [*SIMULATED, *REAL[:1]]
    air = capture(tmp_path / "air.pcapng", 0, macs=both)

    agent = place.agent("--iface", "wlan0", "--broker", f"{OUTSIDE}:{PORT}", *flags)
    try:
        said = ""
        while "capturing on wlan0" not in said:
            said = agent.stderr.readline().decode()
            assert said
        send = (*("-m", "tests.end_to_end.veth"), str(air), "360", "2000")
        subprocess.run(
            ["ip", "netns", "exec", place.sender, sys.executable, *send],
            cwd=ROOT,
            check=True,
        )
        source = json.loads(agent.stdout.readline())["source"]
        agent.terminate()
        _, talk = agent.communicate(timeout=60)
    finally:
        agent.kill()
        agent.wait()

    assert source == "live"
    assert agent.returncode == 0
    assert b"transmitter is not part of the calibration" in talk
