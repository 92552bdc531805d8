"""Every command of the agent at real work, for who runs them somewhere else.

Somewhere is a function: it runs the agent with some arguments, checks that it ended
with 0, and returns what it printed.
"""

import json
import shutil
from pathlib import Path

import edge_agent.demo
from edge_agent.cli import _COMMANDS
from tests.brokers import free_port

_DATA = Path(edge_agent.demo.__file__).parent / "data"
WALK = _DATA / "walk.pcapng"
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
    return state


def _capture(agent, folder):
    state = _adapt(agent, folder)
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
    state = _adapt(agent, folder)
    for action in ("show", "verify"):
        agent("bundle", action, _DATA / "bundle")
    agent("bundle", "install", _DATA / "bundle", "--state", state)


_WORK = {
    "adapt": _adapt,
    "bundle": _bundle,
    "capture": _capture,
    "config": _config,
    "demo": _demo,
    "frames": _frames,
    "selftest": _selftest,
}
