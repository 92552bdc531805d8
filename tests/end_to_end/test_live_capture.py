"""Live capture: real frames cross a virtual link, and every one is seen."""

import re
import signal
import subprocess
import sys

from edge_agent.survey import Point, SurveyedCapture, write_survey
from tests.conftest import ROOT
from tests.end_to_end.conftest import AGENT, free_port, run_agent
from tests.end_to_end.veth import two_namespaces

N_FRAMES = 2500
RATE = 500
WINDOW, HOP = 50, 25


def test_no_frame_is_lost_at_500_per_second_and_each_window_is_published(
    shared_data, tmp_path
):
    capture = shared_data("raw/csu/data/ref/ref_204_1_3500.pcap")
    site = ["--state", tmp_path / "state", "--site", "veth"]
    _calibrate(capture, shared_data, tmp_path, site)

    with two_namespaces() as (sender, receiver):
        inside = ["ip", "netns", "exec", receiver]
        port = free_port()
        config = tmp_path / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        broker = subprocess.Popen([*inside, "mosquitto", "-c", config])
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
            assert "capturing on wlan0" in agent.stderr.readline()
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
    assert all(line.rstrip().endswith("live") for line in lines)
    assert f"{N_FRAMES} packets, {N_FRAMES} CSI frames, {n_windows} locations" in talk
    assert "dropped" not in talk
    assert re.findall(r"\d+", counted) == [str(n_windows)]


def _calibrate(capture, shared_data, tmp_path, site):
    other = shared_data("raw/csu/data/ref/ref_217_1_3000.pcap")
    survey = tmp_path / "survey.csv"
    rows = [
        SurveyedCapture(capture, Point("a", 0, 0), "1", "veth"),
        SurveyedCapture(other, Point("b", 5, 0), "1", "veth"),
    ]
    write_survey(survey, rows)
    done = run_agent("adapt", survey, *site)
    assert done.returncode == 0, done.stderr
