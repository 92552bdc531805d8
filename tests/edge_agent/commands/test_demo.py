"""``edge_agent demo``: the whole path, as anybody can try it."""

import csv
import json
import math
import os
import re
import signal
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from edge_agent.bundles.bundle import Bundle
from edge_agent.calibration import Calibration
from edge_agent.capture_file import CaptureFile
from edge_agent.config import SHIPPED_BUNDLE, AgentConfig
from edge_agent.console import clock
from edge_agent.environment import Environment
from edge_agent.learning.predictor import LayerPredictor
from edge_agent.localizer import Localizer
from edge_agent.payload import Source
from edge_agent.pipeline import Pipeline
from tests.brokers import Subscriber, free_port, is_listening, wait_until
from tests.conftest import ROOT

DATA = SHIPPED_BUNDLE.parent
DEMO = (sys.executable, "-m", "edge_agent", "demo")

needs_data = pytest.mark.skipif(
    not (SHIPPED_BUNDLE / "manifest.json").is_file(),
    reason="needs the data of the demonstration: scripts/build_demo",
)


def schema(name):
    return json.loads((ROOT / "docs" / "mqtt" / f"{name}.schema.json").read_text())


@pytest.fixture
def demo(home, tmp_path):
    """Start the demonstration; returns the process and its port."""
    processes = []

    def demo(*flags):
        port = free_port()
        processes.append(
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "edge_agent",
                    "demo",
                    "--port",
                    str(port),
                    *flags,
                ],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return processes[-1], port

    yield demo
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@needs_data
def test_a_walk_is_located_printed_and_published(demo):
    process, port = demo("--once", "--speed", "20", "--json")
    wait_until(lambda: is_listening(port), "the broker listens", timeout_s=30)
    received = Subscriber(port, username=None, version=MQTTProtocolVersion.MQTTv311)
    messages = [received.next() for _ in range(8)]
    received.close()
    out, err = process.communicate(timeout=60)

    lines = out.splitlines()
    documents = [json.loads(line) for line in lines]
    locations = [text for topic, text, *_ in messages if topic.endswith("/location")]
    states = [json.loads(text) for topic, text, *_ in messages if "/status" in topic]
    assert process.returncode == 0, err
    assert [document["seq"] for document in documents] == list(range(len(lines)))
    assert len(documents) > 20
    for document in documents:
        jsonschema.validate(document, schema("location"))
        assert document["source"] == "simulated"
    for document in states:
        jsonschema.validate(document, schema("status"))
        assert document["state"] == "online"
    assert len(locations) >= 6
    assert locations == lines[lines.index(locations[0]) :][: len(locations)]
    assert {topic for topic, *_ in messages} - {"metaloc/demo/demo/event"} == {
        "metaloc/demo/demo/location",
        "metaloc/demo/demo/status",
    }
    for topic, text, *_ in messages:
        if topic.endswith("/event"):
            jsonschema.validate(json.loads(text), schema("event"))


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """One walk, run by a person whose own configuration is quite different."""
    home = tmp_path_factory.mktemp("home")
    temporary = tmp_path_factory.mktemp("temporary")
    config = home / ".config" / "metaloc" / "agent.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        '[broker]\nhost = "broker.example"\nusername = "agent"\nprotocol = "5"\n'
        '[site]\nname = "office"\n[model]\nbundle = "/nowhere"\n'
    )
    port = free_port()
    done = subprocess.run(
        [*DEMO, "--once", "--speed", "500", "--port", str(port)],
        cwd=ROOT,
        env=os.environ | {"HOME": str(home), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Walk(done, home, temporary, port)


class Walk(NamedTuple):
    done: subprocess.CompletedProcess
    home: Path
    temporary: Path
    port: int


@needs_data
def test_it_says_what_it_does_and_how_to_watch_it(walk):
    err = walk.done.stderr

    assert walk.done.returncode == 0, err
    assert "adapted the shipped model to 48 shots of 16 points: loss " in err
    assert f"watch: mosquitto_sub -h 127.0.0.1 -p {walk.port} -t 'metaloc/#' -v" in err


def seconds(clock):
    """Of a time of day; the walk is shorter than an hour and crosses no midnight."""
    hours, minutes, rest = map(int, clock.split(":"))
    return 3600 * hours + 60 * minutes + rest


@needs_data
def test_the_route_is_a_table_in_the_times_of_the_locations(walk):
    lines = walk.done.stderr.splitlines()
    start = lines.index("it rests at:") + 2
    shown = [line.split() for line in lines[start:]]
    began = seconds(shown[0][0])

    with (DATA / "walk.csv").open(newline="") as file:
        rests = list(csv.DictReader(file))
    for row, words in zip(rests, shown, strict=False):
        assert seconds(words[0]) - began == int(float(row["start_s"]))
        assert seconds(words[1]) - began == int(float(row["end_s"]))
        assert " ".join(words[2:-2]) == f"{row['room']} {row['point']}"
        assert [float(w) for w in words[-2:]] == [float(row["x_m"]), float(row["y_m"])]
    located = [seconds(line[:8]) for line in walk.done.stdout.splitlines()]
    assert began < min(located) < max(located) <= seconds(shown[len(rests) - 1][1])


@needs_data
def test_the_distance_to_the_truth_is_that_of_the_route_and_the_summary_counts_it(walk):
    """By the printed figures alone: what somebody could do with a ruler."""
    lines = walk.done.stderr.splitlines()
    start = lines.index("it rests at:") + 2
    with (DATA / "walk.csv").open(newline="") as file:
        n_rests = len(list(csv.DictReader(file)))
    rests = [line.split() for line in lines[start : start + n_rests]]
    compared = [
        line
        for line in walk.done.stdout.splitlines()
        if "m off" in line.split("sim")[1]
    ]
    offs, n_right = [], 0
    for line in compared:
        words = line.split()
        x, y = (float(words[words.index(axis) + 1]) for axis in "xy")
        (rest,) = (r for r in rests if r[0] <= line[:8] <= r[1])
        offs.append(float(words[words.index("off") - 2]))
        n_right += line[10:].startswith(" ".join(rest[2:-3]))
        far = math.hypot(x - float(rest[-2]), y - float(rest[-1]))
        assert offs[-1] == pytest.approx(far, abs=0.013)  # all are rounded
    assert len(compared) > 20
    n, median = len(compared), statistics.median(offs)
    said = lines[-1]
    assert said.startswith("at rest: room right ")
    numbers = [float(word) for word in re.findall(r"[\d.]+", said)]
    assert numbers[1] == n
    assert numbers[2] == pytest.approx(median, abs=0.011)
    assert 0 < numbers[0] <= n


@needs_data
def test_every_line_says_that_it_is_simulated(walk):
    lines = walk.done.stdout.splitlines()

    assert len(lines) > 20
    assert all("access points  simulated" in line for line in lines)


@needs_data
def test_the_columns_stand_below_each_other(walk):
    lines = walk.done.stdout.splitlines()

    rooms = {line[10 : line.index("%") - 3].strip() for line in lines}
    assert len({len(room) for room in rooms}) > 1
    assert len({line.index("  x ") for line in lines}) == 1


@needs_data
def test_no_location_is_lost_at_any_speed(walk):
    """The recording as fast as it can be read, through nothing but the pipeline."""
    bundle = Bundle.load(SHIPPED_BUNDLE)
    calibration = Calibration.from_shots(
        bundle, Environment.load(DATA / "shots.npz"), now=datetime.now(UTC)
    )
    localizer = Localizer(calibration, LayerPredictor(bundle, calibration))
    pipeline = Pipeline(
        bundle.manifest.spec, calibration, localizer, hop=AgentConfig().capture.hop
    )
    with CaptureFile(DATA / "walk.pcapng") as file:
        fixes = [fix for raw in file for fix in pipeline.feed(raw, Source.SIMULATED)]
    fixes += pipeline.finish(Source.SIMULATED)

    times = [clock(fix.estimate.time_ns) for fix in fixes]
    assert [line[:8] for line in walk.done.stdout.splitlines()] == times


@needs_data
def test_the_settings_of_the_user_do_not_reach_it(walk):
    assert walk.done.returncode == 0
    assert "topic metaloc/demo/demo/location" in walk.done.stderr


@needs_data
def test_it_leaves_nothing_behind(walk):
    assert list(walk.temporary.glob("metaloc*")) == []
    assert sorted(walk.home.rglob("*metaloc*")) == [walk.home / ".config" / "metaloc"]
    assert not is_listening(walk.port)


@needs_data
def test_the_walk_is_repeated_until_ctrl_c(demo):
    process, _ = demo("--speed", "500")
    n_walks = 0
    for line in process.stderr:
        n_walks += "walk.pcapng: " in line
        if n_walks == 2:
            break

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode == 0


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--speed", "0"], "--speed is 0; it must be above 0"),
        (["--speed", "nan"], "--speed is nan; it must be above 0"),
        (["--port", "0"], "--port is 0, not 1 to 65535"),
        (["--port", "65536"], "--port is 65536, not 1 to 65535"),
    ],
)
def test_what_makes_no_sense_is_refused(run_agent, capsys, flags, reason):
    assert run_agent("demo", *flags) == 2

    assert capsys.readouterr().err == f"edge_agent: {reason}\n"


def test_a_port_that_is_taken_is_named(demo):
    _, port = demo("--speed", "0.01")
    wait_until(lambda: is_listening(port), "the first one listens", timeout_s=30)

    second = subprocess.run(
        [*DEMO, "--port", str(port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert second.returncode == 1
    assert f"cannot use port {port}" in second.stderr
