"""Every command of the agent at real work, for who runs them somewhere else.

Somewhere is a function: it runs the agent with some arguments, checks that it ended
with 0, and returns what it printed. Commands may share a folder: what one calibrated,
others locate with.
"""

import csv
import json
import shutil
from pathlib import Path

import numpy as np

import edge_agent.demo
from edge_agent.capture_file import CaptureFile
from edge_agent.cli import _COMMANDS
from edge_agent.pcap_writer import PcapWriter
from edge_agent.survey import Point, SurveyedCapture, write_survey
from tests.brokers import free_port

_DATA = Path(edge_agent.demo.__file__).parent / "data"
WALK = _DATA / "walk.pcapng"
_N_RESTS = 4
COMMANDS = tuple(_COMMANDS)


def work(command, agent, folder):
    """Let a command do what it is for, and check that it did."""
    _WORK[command](agent, folder)


def _adapt(agent, folder):
    state = folder / "state"
    (state / "lab").mkdir(parents=True, exist_ok=True)
    shutil.copy(_DATA / "shots.npz", state / "lab" / "shots.npz")
    document = json.loads(agent("adapt", "--site", "lab", "--state", state, "--json"))
    assert document["points"] == 16
    assert document["losses"][-1] < 0.1 < 2.7 < document["losses"][0]


def _adapted(agent, folder):
    """Return the state of a site that was calibrated, or is now."""
    state = folder / "state"
    if not (state / "lab").is_dir():
        _adapt(agent, folder)
    return state


def _capture(agent, folder):
    state = _adapted(agent, folder)
    printed = agent(
        *("capture", "--pcap", WALK, "--broker", "none", "--json"),
        *("--site", "lab", "--state", state),
    )
    locations = [json.loads(line) for line in printed.splitlines()]
    assert len(locations) > 90
    assert {location["source"] for location in locations} == {"simulated"}


def _frames(agent, folder):
    out = folder / "frames.npz"
    lines = agent("frames", WALK, "--npz", out).splitlines()
    assert any("bcm43455c0" in line for line in lines)
    assert out.stat().st_size > 1_000_000


def _demo(agent, folder):
    printed = agent("demo", "--once", "--speed", "1000", "--port", free_port())
    assert len(printed.splitlines()) > 90


def _config(agent, folder):
    path = folder / "agent.toml"
    agent("config", "--site", "office", "--write", path)
    document = json.loads(agent("config", "--config", path, "--json"))
    assert document["site"]["name"] == "office"


def _selftest(agent, folder):
    document = json.loads(agent("selftest", "--quick", "--json"))
    verdicts = {name: b["verdict"] for name, b in document["backends"].items()}
    assert verdicts["numpy"] == "passed"
    assert set(verdicts.values()) <= {"passed", "not available"}


def _bundle(agent, folder):
    state = _adapted(agent, folder)
    for action in ("show", "verify"):
        agent("bundle", action, _DATA / "bundle")
    agent("bundle", "install", _DATA / "bundle", "--state", state)


def _calibrate(agent, folder):
    survey = _recording(folder)
    lines = agent(
        "calibrate", "--recording", survey, *_flat(folder), "--json"
    ).splitlines()
    events = [json.loads(line) for line in lines]
    assert sum(event["event"] == "stored" for event in events) == _N_RESTS
    assert events[-1]["event"] == "outcome"
    assert events[-1]["active"]


def _calibrated(agent, folder):
    """Return the flags of a site that was walked through, or is now."""
    if not (folder / "state" / "flat").is_dir():
        _calibrate(agent, folder)
    return _flat(folder)


def _flat(folder):
    return ("--site", "flat", "--state", folder / "state")


def _label(agent, folder):
    place = _calibrated(agent, folder)
    shot = folder / "recording" / "1.pcap"
    lines = agent("label", "desk 2", "--pcap", shot, "--force", *place, "--json")
    outcome = json.loads(lines.splitlines()[-1])
    assert outcome["event"] == "outcome"
    assert outcome["active"]


def _locate(agent, folder):
    state = _adapted(agent, folder)
    asked = ("locate", "--pcap", WALK, "--site", "lab", "--state", state)
    lines = agent(*asked)
    assert len(lines.splitlines()) > 90
    assert lines == agent(*asked)


def _explain(agent, folder):
    state = _adapted(agent, folder)
    printed = agent(
        *("explain", "--pcap", WALK, "--at", 12, "--json"),
        *("--site", "lab", "--state", state),
    )
    document = json.loads(printed)
    assert len(document["access_points"]) == 3


def _evaluate(agent, folder):
    state = _adapted(agent, folder)
    out = folder / "errors.svg"
    printed = agent(
        *("evaluate", _recording(folder), "--map", out, "--json"),
        *("--site", "lab", "--state", state),
    )
    document = json.loads(printed)
    assert document["locations"] >= _N_RESTS
    assert out.read_text().startswith("<svg")


def _record(agent, folder):
    out = folder / "recorded"
    capture = _recording(folder).with_name("0.pcap")
    agent("record", out, "--pcap", capture, "--point", "desk", "--room", "office")
    with (out / "survey.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["point"], row["room"]) == ("desk", "office")
    assert (out / row["capture"]).stat().st_size == capture.stat().st_size


def _recording(folder):
    """Cut the demonstration's walk into captures of its first rests, and list them."""
    recording = folder / "recording"
    recording.mkdir(exist_ok=True)
    with CaptureFile(WALK) as file:
        pieces = list(file)
    start_ns = pieces[0].time_ns[0]
    rows = []
    with (_DATA / "walk.csv").open(newline="") as file:
        rests = list(csv.DictReader(file))
    for number, rest in enumerate(rests):
        if number == _N_RESTS:
            break
        capture = recording / f"{number}.pcap"
        capture.unlink(missing_ok=True)
        span_s = np.array([rest["start_s"], rest["end_s"]], np.float64)
        with PcapWriter(capture, pieces[0].link_type) as writer:
            for piece in pieces:
                times = piece.time_ns - start_ns
                begin, end = np.searchsorted(times, 1e9 * span_s).tolist()
                writer.write(piece[begin:end])
        where = (float(rest["x_m"]), float(rest["y_m"]))
        point = Point(rest["point"], *where, rest["room"])
        rows.append(SurveyedCapture(capture, point, "1", "flat"))
    write_survey(recording / "survey.csv", rows)
    return recording / "survey.csv"


_WORK = {
    "adapt": _adapt,
    "bundle": _bundle,
    "calibrate": _calibrate,
    "capture": _capture,
    "config": _config,
    "demo": _demo,
    "evaluate": _evaluate,
    "explain": _explain,
    "frames": _frames,
    "label": _label,
    "locate": _locate,
    "record": _record,
    "selftest": _selftest,
}
