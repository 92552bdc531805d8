"""Live capture: real frames cross a virtual link, and every one is seen."""

import re
import signal
import subprocess
import sys

import pytest

from edge_agent.survey import Point, SurveyedCapture, write_survey
from tests.brokers import find_program, free_port
from tests.conftest import ROOT
from tests.edge_agent.sites import SIMULATED, packets_at, pcapng_bytes
from tests.end_to_end.conftest import AGENT, run_agent
from tests.end_to_end.veth import two_namespaces

N_FRAMES = 2500
RATE = 500
WINDOW, HOP = 50, 25


@pytest.fixture(params=["real", "simulated"])
def captures(request, tmp_path):
    """Captures of two places, and what the agent must call their source."""
    if request.param == "real":
        shared_data = request.getfixturevalue("shared_data")
        names = ("ref_204_1_3500", "ref_217_1_3000")
        paths = [shared_data(f"raw/csu/data/ref/{name}.pcap") for name in names]
        return paths, "live"
    paths = [tmp_path / f"{place}.pcapng" for place in range(2)]
    for place, path in enumerate(paths):
        path.write_bytes(pcapng_bytes(packets_at(place, n=400, macs=SIMULATED[:1])))
    return paths, "simulated"


def test_no_frame_is_lost_at_500_per_second_and_each_window_is_published(
    captures, tmp_path
):
    (capture, other), source = captures
    site = ["--state", tmp_path / "state", "--site", "veth"]
    _calibrate(capture, other, tmp_path, site)

    with two_namespaces() as (sender, receiver):
        inside = ["ip", "netns", "exec", receiver]
        port = free_port()
        config = tmp_path / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        broker = subprocess.Popen([*inside, find_program("mosquitto"), "-c", config])
        counter = subprocess.Popen(
            [
                *inside,
                sys.executable,
                "-m",
                "tests.end_to_end.count_messages",
                str(port),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        agent = None
        try:
            assert counter.stdout.readline() == "subscribed\n"
            agent = subprocess.Popen(
                [
                    *inside,
                    *AGENT,
                    "capture",
                    *("--iface", "wlan0", "--broker", f"127.0.0.1:{port}"),
                    *map(str, site),
                ],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert "topic metaloc/veth/" in agent.stderr.readline()
            said = ""
            while "capturing on wlan0" not in said:
                said = agent.stderr.readline()
                assert said, "it ended before it captured"
            subprocess.run(
                [
                    *("ip", "netns", "exec", sender),
                    *(sys.executable, "-m", "tests.end_to_end.veth"),
                    *(str(capture), str(N_FRAMES), str(RATE)),
                ],
                cwd=ROOT,
                check=True,
            )
            n_windows = (N_FRAMES - WINDOW) // HOP + 1
            lines = [agent.stdout.readline() for _ in range(n_windows)]
            agent.send_signal(signal.SIGTERM)
            _, talk = agent.communicate(timeout=20)
            counted, _ = counter.communicate(timeout=20)
        finally:
            for process in (agent, counter, broker):
                if process is not None:
                    process.kill()
                    process.wait()

    assert agent.returncode == 0, talk
    assert all(f"access points  {source}" in line for line in lines)
    assert f"{N_FRAMES} packets, {N_FRAMES} CSI frames, {n_windows} locations" in talk
    assert "dropped" not in talk
    assert re.findall(r"\d+", counted) == [str(n_windows)]


def _calibrate(capture, other, tmp_path, site):
    survey = tmp_path / "survey.csv"
    rows = [
        SurveyedCapture(capture, Point("a", 0, 0), "1", "veth"),
        SurveyedCapture(other, Point("b", 5, 0), "1", "veth"),
    ]
    write_survey(survey, rows)
    done = run_agent("adapt", survey, *site)
    assert done.returncode == 0, done.stderr
