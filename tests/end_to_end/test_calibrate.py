"""A person calibrates: a real terminal, real pipes, a process that is killed."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest

from edge_agent.site_file import read_site_file
from edge_agent.survey import Point
from edge_agent.walking.walk_store import WalkStore
from tests.conftest import ROOT
from tests.edge_agent.air import Air
from tests.edge_agent.sites import checkpoint

_PATIENCE_S = 20


@pytest.fixture(scope="module")
def bundle_directory(tmp_path_factory):
    pytest.importorskip("onnx", reason="needs onnx to write a bundle")
    from export.write_bundle import write_bundle

    directory = tmp_path_factory.mktemp("model") / "bundle"
    write_bundle(checkpoint(np.random.default_rng(1)), directory, name="tiny-1")
    return directory


@pytest.fixture
def air(tmp_path):
    air = Air(tmp_path / "csi")
    yield air
    air.close()


@pytest.fixture
def command(bundle_directory, tmp_path, air):
    """The command line of a calibration from the air."""
    return [
        *(sys.executable, "-m", "edge_agent", "calibrate", "--pcap", str(air.path)),
        *("--bundle", str(bundle_directory), "--state", str(tmp_path / "state")),
        *("--listen", "0.3"),
    ]


@pytest.fixture
def walks(tmp_path):
    return WalkStore(tmp_path / "state" / "home" / "walks")


class Terminal:
    """A command on a pseudo terminal of its own, as a person sees it."""

    def __init__(self, command, *, columns=80):
        outer, inner = pty.openpty()
        size = struct.pack("HHHH", 40, columns, 0, 0)
        fcntl.ioctl(inner, termios.TIOCSWINSZ, size)
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if k != "COLUMNS"},
        )
        os.close(inner)
        self._terminal = outer
        self._seen = 0
        self.screen = ""

    def wait_for(self, text):
        """Read on until a text is shown, which was not waited for before."""
        deadline = time.monotonic() + _PATIENCE_S
        while (found := self.screen.find(text, self._seen)) < 0:
            assert time.monotonic() < deadline, f"no {text!r} on:\n{self.screen}"
            if not self._read(0.1):
                pytest.fail(f"it ended before {text!r} was shown:\n{self.screen}")
        self._seen = found + len(text)

    def type(self, text):
        os.write(self._terminal, text.encode())

    def end(self):
        """Read until it ends and return its exit code."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._read(0.1):
            assert time.monotonic() < deadline, f"it does not end:\n{self.screen}"
        return self._process.wait(_PATIENCE_S)

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def _read(self, wait_s):
        """Return whether there may be more."""
        if not select.select([self._terminal], [], [], wait_s)[0]:
            return self._process.poll() is None
        try:
            data = os.read(self._terminal, 1 << 16)
        except OSError:
            return False
        self.screen += data.decode()
        return bool(data)


@pytest.fixture
def open_terminal(command):
    opened = []

    def open_terminal(*arguments, **options):
        opened.append(Terminal([*command, *arguments], **options))
        return opened[-1]

    yield open_terminal
    for terminal in opened:
        terminal.close()


def test_a_person_types_two_points_and_walks_two_laps(
    open_terminal, air, walks, tmp_path
):
    terminal = open_terminal("--laps", "2")
    terminal.wait_for("OK")
    terminal.wait_for("Why 2 laps: shots from separate visits")
    terminal.wait_for("Type where you are:")
    terminal.wait_for("> ")
    terminal.type("kitchen 0 0\n")
    terminal.wait_for("Put the device down at kitchen")
    terminal.type("\n")
    terminal.wait_for("Hold still")
    terminal.wait_for("GOOD: 2 access points")
    terminal.wait_for("stored, 1 of 2")
    terminal.wait_for("Type where you are:")
    air.place = 1
    terminal.type("table, bath, 4, 0\n")
    terminal.wait_for("at table in bath")
    terminal.type("\n")
    terminal.wait_for("stored, 2 of 4")
    terminal.wait_for("done [q]uit [?] > ")
    terminal.type("done\n")
    for n_stored, place in ((3, 1), (4, 0)):
        terminal.wait_for("(lap 2)")
        air.place = place
        time.sleep(0.1)
        terminal.type("\n")
        terminal.wait_for("Hold still")
        terminal.wait_for("stored")
        if n_stored == 3 and "WEAK" in terminal.screen:
            terminal.type("k\n")
    terminal.wait_for("[Enter] finish")
    terminal.type("\n")

    assert terminal.end() == 0, terminal.screen
    assert re.search(r"Adapting +loss \d\.\d\d -> \d\.\d\d in 3 steps", terminal.screen)
    assert "put in use: there was none before" in terminal.screen
    (walk,) = walks.walks()
    assert len(walks.read(walk)) == 4
    assert read_site_file(tmp_path / "state" / "home" / "site.toml").points == (
        Point("kitchen", 0.0, 0.0, "kitchen"),
        Point("table", 4.0, 0.0, "bath"),
    )


def test_one_room_is_not_the_end_of_a_walk(open_terminal, walks, tmp_path):
    terminal = open_terminal("--laps", "1")
    terminal.wait_for("> ")
    terminal.type("ofice\n")
    terminal.wait_for("at ofice")
    terminal.type("kitchen 1.2\n")
    terminal.wait_for("has one coordinate")
    terminal.type("kitchen\n")
    terminal.wait_for("at kitchen")
    terminal.type("\n")
    terminal.wait_for("stored, 1 of")
    terminal.type("done\n")
    terminal.wait_for("there are shots only at kitchen")
    terminal.type("q\n")

    assert terminal.end() == 1
    assert walks.unfinished() is not None
    points = read_site_file(tmp_path / "state" / "home" / "site.toml").points
    assert points == (Point("kitchen", None, None, "kitchen"),), "no shot, no point"


@pytest.mark.slow
def test_ctrl_c_gives_up_one_shot_and_twice_the_walk_which_goes_on(
    open_terminal, air, walks
):
    terminal = open_terminal("--laps", "1")
    terminal.wait_for("> ")
    terminal.type("kitchen\n")
    terminal.wait_for("[Enter] shoot")
    terminal.type("\n")
    terminal.wait_for("stored, 1 of 1")
    terminal.type("+ bath\n")
    terminal.wait_for("at bath")
    air.is_silent = True
    time.sleep(0.2)
    terminal.type("\n")
    terminal.wait_for("Hold still")
    terminal.type("\x03")
    terminal.wait_for("cancelled: bath in lap 1")
    terminal.wait_for("at bath")
    terminal.type("\x03")
    terminal.wait_for("same command goes on")
    assert terminal.end() == 1
    assert [shot.stop.point.name for shot in walks.read(walks.walks()[0])] == [
        "kitchen"
    ]

    air.plug_in()
    air.is_silent, air.place = False, 1
    again = open_terminal("--laps", "1")
    again.wait_for("going on: 1 of 2 shots are there")
    again.wait_for("at bath")
    again.type("\n")
    again.wait_for("stored, 2 of 2")
    again.type("f\n")
    assert again.end() == 0, again.screen
    assert len(walks.walks()) == 1


@pytest.mark.slow
def test_lines_stay_within_a_narrow_terminal(open_terminal):
    terminal = open_terminal(columns=60)
    terminal.wait_for("> ")
    terminal.type("q\n")

    assert terminal.end() == 1
    lines = terminal.screen.replace("\r\x1b[K", "\n").splitlines()
    assert max(map(len, lines)) <= 60, terminal.screen


# -- JSON lines ------------------------------------------------------------------------


class Page:
    """A program that drives the command through pipes."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            [*command, "--json"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
        )

    def ask(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")

    def wait_for(self, kind):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == kind:
                return event
        return pytest.fail(f"it ended before it said {kind}")

    def shoot(self):
        self.ask(command="shoot")
        event = self.wait_for("judged")
        self.wait_for("stored")
        if event["can"]:
            self.ask(command="keep")
        return self.wait_for("asking")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


@pytest.fixture
def open_page(command):
    opened = []

    def open_page(*arguments):
        opened.append(Page([*command, *arguments]))
        return opened[-1]

    yield open_page
    for page in opened:
        page.close()


def add(page, name, place, air):
    page.ask(command="add_point", point={"name": name, "room": name})
    page.wait_for("asking")
    air.place = place
    time.sleep(0.1)
    return page.shoot()


@pytest.mark.slow
def test_a_page_drives_the_same_walk(open_page, air, walks):
    page = open_page("--laps", "1")
    assert page.wait_for("preflight")["passed"]
    assert page.wait_for("begun")["laps"] == 1
    page.wait_for("asking")
    page.ask(command="dance")
    assert "command is 'dance', not one of" in page.wait_for("refused")["text"]
    add(page, "kitchen", 0, air)
    last = add(page, "bath", 1, air)
    assert (last["done"], last["stop"]) == (2, None)
    page.ask(command="finish")
    assert page.wait_for("ended")["finished"]
    page.wait_for("step")
    outcome = page.wait_for("outcome")

    assert page.process.wait(_PATIENCE_S) == 0
    assert outcome["active"]
    assert outcome["losses"][-1] < outcome["losses"][0]


@pytest.mark.slow
def test_the_end_of_the_input_leaves_the_walk(open_page, air, walks):
    page = open_page()
    page.wait_for("asking")
    add(page, "kitchen", 0, air)
    page.process.stdin.close()

    ended = page.wait_for("ended")
    assert (ended["finished"], ended["done"]) == (False, 1)
    assert page.process.wait(_PATIENCE_S) == 1
    assert walks.unfinished() is not None


def test_what_is_killed_goes_on_where_it_was(open_page, air, walks):
    page = open_page("--laps", "2")
    page.wait_for("asking")
    add(page, "kitchen", 0, air)
    add(page, "bath", 1, air)
    page.ask(command="done")
    page.wait_for("asking")
    page.ask(command="shoot")
    page.wait_for("shooting")
    page.process.send_signal(signal.SIGKILL)
    page.process.wait()

    air.plug_in()
    again = open_page("--laps", "2")
    begun = again.wait_for("begun")
    assert (begun["done"], begun["shots"]) == (2, 4)
    stop = again.wait_for("asking")["stop"]
    assert (stop["point"]["name"], stop["lap"]) == ("bath", 2)


@pytest.mark.slow
def test_packets_that_end_before_the_walk_leave_it_to_be_gone_on_with(
    open_page, air, walks
):
    page = open_page("--laps", "1")
    page.wait_for("asking")
    add(page, "kitchen", 0, air)
    air.unplug()

    assert page.process.wait(_PATIENCE_S) == 1
    talk = page.process.stderr.read()
    assert "the packets ended before the walk did. 1 shots are stored; the s" in talk
    assert walks.unfinished() is not None


@pytest.mark.slow
def test_two_cannot_walk_the_same_walk(open_page, command):
    first = open_page()
    first.wait_for("asking")

    second = subprocess.run(
        [*command, "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=_PATIENCE_S,
    )

    assert second.returncode == 1
    assert "is being walked by another process" in second.stderr


def test_a_state_directory_that_cannot_be_written_is_said_before_walking(
    command, tmp_path
):
    state = tmp_path / "state"
    state.write_text("a file where the directory should be")

    done = subprocess.run(
        [*command, "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=_PATIENCE_S,
    )

    assert done.returncode == 1
    report = json.loads(done.stdout.splitlines()[0])
    assert report["event"] == "preflight"
    assert not report["passed"]
    assert str(state) in done.stderr
    assert Path(state).read_text() == "a file where the directory should be"
