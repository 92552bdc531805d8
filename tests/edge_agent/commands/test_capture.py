"""``edge_agent capture``: frames in, locations out, with real files and brokers."""

import json
import re
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest

from edge_agent.csi.simulated import SIMULATED_COMMENT
from edge_agent.fix_line import COLUMNS
from tests.brokers import PASSWORD, USERNAME, free_port, wait_until
from tests.conftest import ROOT
from tests.edge_agent.sites import (
    INTERVAL_US,
    START_US,
    packets_at,
    pcapng_bytes,
)
from tests.edge_agent.station import make_cable

SCHEMA = json.loads((ROOT / "docs" / "mqtt" / "location.schema.json").read_text())


@pytest.fixture
def capture(run_agent, capsys, flags):
    """Run the command in this process; returns exit code, results and talk."""

    def capture(*arguments):
        code = run_agent("capture", *arguments, *flags)
        out, err = capsys.readouterr()
        return code, out.splitlines(), err

    return capture


def command(*arguments):
    return [sys.executable, "-m", "edge_agent", "capture", *map(str, arguments)]


# -- recordings ------------------------------------------------------------------------


def test_a_recording_becomes_locations(capture, walk):
    code, lines, err = capture("--pcap", walk, "--broker", "none")

    assert code == 0
    assert len(lines) == 5
    for line in lines:
        assert re.fullmatch(
            r"\d\d:\d\d:\d\d  (kitchen|office) +\d+%  x +\d\.\d\d  y +\d\.\d\d m  "
            r"\+-\d\.\d m  2/2 access points  replay  uncalibrated"
            r"(  enters (kitchen|office))?",
            line,
        )
    assert "site home: 3 points, 2 access points, network on " in err
    assert f"{walk}: 80 packets, 80 CSI frames, 5 locations" in err


def test_what_a_line_says_is_explained_once_and_to_people_alone(capture, walk):
    _, _, err = capture("--pcap", walk, "--broker", "none")
    _, _, machine = capture("--pcap", walk, "--broker", "none", "--json")

    assert err.splitlines().count(COLUMNS) == 1
    assert COLUMNS not in machine


def test_locations_as_json_satisfy_the_published_schema(capture, walk):
    _, lines, _ = capture("--pcap", walk, "--broker", "none", "--json")

    documents = [json.loads(line) for line in lines]
    for document in documents:
        jsonschema.validate(document, SCHEMA)
    assert [document["seq"] for document in documents] == [0, 1, 2, 3, 4]
    assert {document["device"] for document in documents} == {"pi"}
    assert {document["source"] for document in documents} == {"replay"}
    seconds = [(8 * n + 7) * INTERVAL_US / 1e6 + 0.001 for n in range(5)]
    assert [document["time"] for document in documents] == [
        f"2026-01-01T00:00:{second:06.3f}Z" for second in seconds
    ]


def test_a_replay_gives_the_same_locations_every_time(capture, walk):
    answers = [
        [
            {k: v for k, v in json.loads(line).items() if k != "id"}
            for line in capture("--pcap", walk, "--broker", "none", "--json")[1]
        ]
        for _ in range(2)
    ]

    assert answers[0] == answers[1]


@pytest.mark.parametrize(("hop", "n_locations"), [(4, 9), (8, 5), (100, 5)])
def test_the_hop_can_be_given(capture, walk, hop, n_locations):
    _, lines, _ = capture("--pcap", walk, "--broker", "none", "--hop", hop)

    assert len(lines) == n_locations


def test_a_simulated_recording_says_so_in_every_location(capture, tmp_path):
    path = tmp_path / "walk.pcapng"
    path.write_bytes(pcapng_bytes(packets_at(0, n=40), comment=SIMULATED_COMMENT))

    _, lines, _ = capture("--pcap", path, "--broker", "none", "--json")

    assert {json.loads(line)["source"] for line in lines} == {"simulated"}


def test_a_recording_can_be_replayed_at_a_pace(capture, walk):
    started = time.monotonic()  # 39 intervals of 40 ms

    code, lines, _ = capture("--pcap", walk, "--broker", "none", "--speed", "10")

    assert (code, len(lines)) == (0, 5)
    assert 0.15 <= time.monotonic() - started < 5


def test_a_damaged_recording_is_located_as_far_as_it_goes(capture, walk):
    walk.write_bytes(walk.read_bytes()[:-10])

    code, lines, err = capture("--pcap", walk, "--broker", "none")

    assert (code, len(lines)) == (0, 5)
    assert "damaged capture: ends in the middle of a packet" in err


@pytest.mark.parametrize("content", [None, b"", b"hello, is this a capture?\n"])
def test_what_is_no_capture_is_said_before_the_broker_hears_of_it(
    run_agent, capsys, flags, tmp_path, content
):
    path = tmp_path / "walk.pcap"
    if content is not None:
        path.write_bytes(content)

    code = run_agent(
        *("capture", "--pcap", path, "--broker", f"127.0.0.1:{free_port()}"), *flags
    )

    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    assert re.fullmatch(f"edge_agent: {path}.*\n", err)  # and nothing about a broker


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--pcap", "none.pcap"], 1, "none.pcap: No such file"),
        (["--pcap", "x", "--hop", "0"], 2, "--hop is 0, not 1 or more"),
        (["--pcap", "x", "--speed", "0"], 2, "--speed is 0; it must be above 0"),
        (["--pcap", "x", "--speed", "nan"], 2, "--speed is nan; it must be above 0"),
        (["--pcap", "-", "--speed", "1"], 2, "--speed needs a recorded file"),
        (["--iface", "wlan0", "--speed", "1"], 2, "--speed needs a recorded file"),
        (["--iface", "wlan9"], 1, "there is no interface wlan9; this machine has "),
        (["--site", "office"], 1, "site office is not calibrated: no .*office"),
    ],
)
def test_what_cannot_be_done_says_why(capture, arguments, code, reason):
    answer, lines, err = capture(*arguments, "--broker", "none")

    assert (answer, lines) == (code, [])
    assert re.search(f"edge_agent: .*{reason}", err)
    assert "0 packets" not in err


def test_the_interface_of_the_configuration_is_the_default(
    run_agent, capsys, bundle_directory, state, tmp_path
):
    config = tmp_path / "agent.toml"
    config.write_text('capture.interface = "wlan7"\n')

    code = run_agent(
        *("capture", "--broker", "none"),
        *("--config", config),
        *("--bundle", bundle_directory),
        *("--state", state),
    )

    assert code == 1
    assert "there is no interface wlan7" in capsys.readouterr().err


# -- brokers ---------------------------------------------------------------------------


def test_locations_are_published_as_they_are_printed(
    capture, walk, flags, mosquitto, received, monkeypatch, tmp_path
):
    monkeypatch.setenv("METALOC_BROKER_PASSWORD", PASSWORD)
    with (tmp_path / "agent.toml").open("a") as config:
        config.write(f'[broker]\nusername = "{USERNAME}"\nport = {mosquitto.port}\n')

    code, lines, err = capture("--pcap", walk, "--json")

    messages = [received.next() for _ in range(8)]
    assert code == 0
    assert [
        text for topic, text, *_ in messages if topic.endswith("/location")
    ] == lines
    assert {topic for topic, *_ in messages} == {
        "metaloc/home/pi/status",
        "metaloc/home/pi/location",
        "metaloc/home/pi/event",
    }
    assert f"broker: 127.0.0.1:{mosquitto.port}, topic metaloc/home/pi/location" in err


def test_without_tracking_each_location_is_its_own_and_nobody_enters(capture, walk):
    _, followed, _ = capture("--pcap", walk, "--broker", "none", "--json")
    _, alone, _ = capture("--pcap", walk, "--broker", "none", "--json", "--raw")
    _, lines, _ = capture("--pcap", walk, "--broker", "none", "--raw")

    followed, alone = ([json.loads(line) for line in run] for run in (followed, alone))
    assert [d["raw"] for d in alone] == [d["raw"] for d in followed]
    assert all((d["x"], d["y"]) == (d["raw"]["x"], d["raw"]["y"]) for d in alone)
    assert [d["x"] for d in followed] != [d["x"] for d in alone]
    assert {(d["since"], d["moving"], d["speed"]) for d in alone} == {(None,) * 3}
    assert not any("enters" in line for line in lines)


def test_without_a_broker_nothing_begins(capture, walk):
    port = free_port()

    code, lines, err = capture("--pcap", walk, "--broker", f"127.0.0.1:{port}")

    assert (code, lines) == (1, [])
    assert f"broker 127.0.0.1:{port}: cannot be reached" in err


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_who_is_told_to_stop_says_so_and_ends_well(
    walk, flags, mosquitto, received, monkeypatch, stop
):
    monkeypatch.setenv("METALOC_BROKER_PASSWORD", PASSWORD)
    flags = [*flags, "--broker", f"127.0.0.1:{mosquitto.port}", "--json"]
    config = flags[flags.index("--config") + 1]
    with Path(config).open("a") as file:
        file.write(f'broker.username = "{USERNAME}"\n')

    with subprocess.Popen(
        command("--pcap", walk, "--speed", "0.2", *flags),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        first = process.stdout.readline()
        process.send_signal(stop)
        out, err = process.communicate(timeout=20)

    messages = [received.next() for _ in range(3 + len(out.splitlines()))]
    assert process.returncode == 0
    assert json.loads(first)["seq"] == 0
    assert json.loads(messages[0][1])["state"] == "online"
    assert messages[1][1] == first.strip()
    assert json.loads(messages[-1][1])["state"] == "stopped"
    assert "Traceback" not in err
    assert re.search(r"walk.pcapng: \d+ packets, \d+ CSI frames, \d+ locations", err)


# -- pipes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_s", "comment", "source"),
    [
        (0, None, "live"),
        (3600, None, "replay"),
        (0, SIMULATED_COMMENT, "simulated"),
    ],
)
def test_what_comes_through_a_pipe_is_live_if_it_is_new(flags, age_s, comment, source):
    start_us = time.time_ns() // 1000 - age_s * 1_000_000
    data = pcapng_bytes(packets_at(0, n=8, start_us=start_us), comment=comment)

    done = subprocess.run(
        command("--pcap", "-", "--broker", "none", "--json", *flags),
        cwd=ROOT,
        input=data,
        capture_output=True,
    )

    (document,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert document["source"] == source
    assert b"standard input: 16 packets" in done.stderr


def test_a_location_leaves_a_pipe_before_the_pipe_ends(flags):
    data = pcapng_bytes(packets_at(0, n=16))

    with subprocess.Popen(
        command("--pcap", "-", "--broker", "none", "--json", *flags),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.stdin.write(data[: len(data) * 3 // 4])
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        process.stdin.write(data[len(data) * 3 // 4 :])
        process.stdin.close()
        rest = process.stdout.read().splitlines()

    assert first["seq"] == 0
    assert [json.loads(line)["seq"] for line in rest] == [1]
    assert process.returncode == 0


# -- an interface ----------------------------------------------------------------------


def test_frames_on_an_interface_become_live_locations(flags, station, tmp_path):
    errors = tmp_path / "errors"
    packets = [packet for _, packet in packets_at(0, n=8, start_us=START_US)]

    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            station.command(
                *("-m", "edge_agent", "capture", "--iface", "catch0"),
                *("--broker", "none", "--json", *flags),
            ),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        wait_until(lambda: "capturing on catch0" in errors.read_text(), "it is ready")
        station.send("throw0", packets)
        document = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)

    age_s = time.time() - datetime.fromisoformat(document["time"]).timestamp()
    jsonschema.validate(document, SCHEMA)
    assert document["source"] == "live"
    assert document["access_points"] == {"heard": 2, "expected": 2}
    assert 0 <= age_s < 20
    assert (process.returncode, rest) == (0, "")
    assert "catch0: 16 packets, 16 CSI frames, 1 locations" in errors.read_text()


def test_an_interface_that_disappears_ends_it_with_the_reason(flags, station):
    make_cable(station, "gone0", "gone1")

    with subprocess.Popen(
        station.command(
            *("-m", "edge_agent", "capture", "--iface", "gone0"),
            *("--broker", "none", *flags),
        ),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said = []
        for line in process.stderr:
            said.append(line)
            if "capturing on gone0" in line:
                station.ip("link", "delete", "gone0")

    assert process.returncode == 1
    assert said[-1].startswith("edge_agent: interface gone0: went down and is gone:")
