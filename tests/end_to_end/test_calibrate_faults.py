"""``edge_agent calibrate`` when things go wrong: it says what, and loses nothing.

Frames come through a pipe as from a phone, or over a virtual link; disks are real.
"""

import itertools
import json
import shutil
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest

from edge_agent.cli import main
from edge_agent.survey import Point, SurveyedCapture, write_survey
from edge_agent.walking.walk_store import WalkStore
from tests.builders import csi_payload, datagram, packets_of
from tests.conftest import ROOT
from tests.edge_agent.mounts import fill, make_read_only, make_writable, small_disk
from tests.edge_agent.sites import REAL, START_US, STRANGER, packets_at, pcapng_bytes
from tests.edge_agent.station import in_a_namespace
from tests.end_to_end.calibration import SITE_TOML, Air, Calibration, frames_at
from trainer.simulate.listening import HEIGHT_M
from trainer.simulate.scenes import SCENES
from trainer.simulate.survey import capture_at
from trainer.simulate.ways import find_way, walk_along

pytestmark = pytest.mark.slow

ENOUGH_KIB = 16 << 10
N_KILLS = 100


@pytest.fixture
def air(tmp_path):
    air = Air(tmp_path / "csi.fifo")
    air.play(frames_at(0))
    yield air
    air.close()


@pytest.fixture
def begin():
    """Begin a walk of two points, one lap."""
    begun = []

    def begin(state, *source, **options):
        site = state / "home"
        site.mkdir(parents=True, exist_ok=True)
        (site / "site.toml").write_text(SITE_TOML)
        place = ("--state", state, "--site", "home")
        short = ("--laps", 1, "--listen", 0.5)
        begun.append(Calibration(*source, *short, *place, **options))
        return begun[-1]

    yield begin
    for walk in begun:
        walk.kill()


@pytest.fixture
def calibrate(tmp_path, air, begin):
    """Begin one that hears the air, and answer with it at its first stop."""

    def calibrate(state):
        walk = begin(state, "--pcap", tmp_path / "csi.fifo")
        walk.until("asking")
        return walk

    return calibrate


def stored(state):
    """The shots of the only walk of a site: the point of each."""
    store = WalkStore(state / "home" / "walks")
    [name] = store.walks()
    return [shot.stop.point.name for shot in store.read(name)]


def in_use(state, capsys, capture):
    """What the calibration in use locates in a capture, as JSON lines."""
    capsys.readouterr()
    assert (
        main(
            ["locate", "--pcap", str(capture), "--state", str(state), "--site", "home"]
        )
        == 0
    )
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


# -- mid-shot --------------------------------------------------------------------------


def test_a_disk_that_fills_mid_shot_is_said_and_the_walk_goes_on(
    tmp_path, air, calibrate
):
    with small_disk(tmp_path / "disk", kib=ENOUGH_KIB) as disk:
        walk = calibrate(disk)
        assert walk.shoots()["grade"] == "GOOD"
        walk.until("asking")
        air.play(frames_at(1))

        walk.says("shoot")
        walk.until("shooting")
        fill(disk)
        fault = walk.until("fault")
        kept = stored(disk)
        (disk / "filler").unlink()
        walk.says("keep")
        walk.until("stored")
        walk.says("finish")
        outcome = walk.until("outcome")

        assert "the disk is full: free some space" in fault["text"]
        assert kept == ["kitchen"]
        assert stored(disk) == ["kitchen", "office"]
        assert outcome["active"]
        assert walk.ends() == (0, "")


def test_a_disk_that_becomes_read_only_mid_shot_is_said_and_the_walk_goes_on(
    tmp_path, air, calibrate
):
    with small_disk(tmp_path / "disk", kib=ENOUGH_KIB) as disk:
        walk = calibrate(disk)
        walk.shoots()
        walk.until("asking")
        air.play(frames_at(1))

        walk.says("shoot")
        walk.until("shooting")
        make_read_only(disk)
        fault = walk.until("fault")
        kept = stored(disk)
        make_writable(disk)
        walk.says("keep")
        walk.until("stored")
        walk.says("quit")
        walk.until("ended")

        assert "the disk is read-only: mount -o remount,rw" in fault["text"]
        assert kept == ["kitchen"]
        assert stored(disk) == ["kitchen", "office"]
        assert walk.ends()[0] == 1  # left, to be gone on with


@pytest.mark.parametrize("change_s", [-7200, 7200])
def test_a_clock_that_is_set_mid_shot_rejects_that_shot_alone(
    tmp_path, air, calibrate, change_s
):
    walk = calibrate(tmp_path / "state")

    walk.says("shoot")
    walk.until("progress")
    air.clock_is_off_s = change_s
    judged = walk.until("judged")
    walk.says("retry")
    again = walk.until("judged")

    assert (judged["grade"], judged["reason"]) == ("REJECT", "clock")
    assert "timedatectl" in judged["action"]
    assert again["grade"] == "GOOD"
    walk.says("quit")
    assert walk.ends()[0] == 1
    assert stored(tmp_path / "state") == ["kitchen"]


def test_an_access_point_that_vanishes_mid_shot_is_named(tmp_path, air, calibrate):
    air.play(frames_at(0), rate=40)
    walk = calibrate(tmp_path / "state")

    walk.says("shoot")
    while walk.until("progress")["elapsed_s"] < 1:
        pass
    air.play(frames_at(0, macs=REAL[:1]), rate=20)
    judged = walk.until("judged")

    assert (judged["grade"], judged["reason"]) == ("WEAK", "vanished")
    assert REAL[1].hex(":") in judged["text"]
    walk.says("quit")
    assert walk.ends()[0] == 1
    assert stored(tmp_path / "state") == ["kitchen"]


def test_a_shot_that_is_taken_while_walking_is_rejected(tmp_path, air, calibrate, rng):
    scene = SCENES["lab"]
    (room,) = scene.days(1)
    here, there = (scene.place(rng, number) for number in (0, 30))
    way = walk_along(
        find_way(room, here[0, :2], there[0, :2]), speed_m_s=1.0, interval_s=0.05
    )
    there_and_back = np.concatenate([way, way[::-1]] * 9)[:200]  # 10 s
    places = np.column_stack([there_and_back, np.full(200, HEIGHT_M)])

    def heard(places):
        raw = capture_at(
            rng, room, places, site=7, n_packets=200, interval_s=0.05, start_us=START_US
        )
        return [packet for packet, _, _ in packets_of([raw])], len(raw) / 10

    walkers, rate = heard(places)
    air.play(walkers, rate=rate)
    walk = calibrate(tmp_path / "state")

    carried = walk.shoots()
    air.play(heard(here)[0])
    walk.says("retry")
    at_rest = walk.until("judged")

    assert (carried["grade"], carried["reason"]) == ("REJECT", "moved")
    assert "put it down" in carried["action"]
    assert at_rest["grade"] == "GOOD"
    walk.says("quit")
    assert walk.ends()[0] == 1


def test_an_interface_that_goes_down_mid_shot_loses_that_shot_alone(tmp_path, begin):
    state = tmp_path / "state"
    with in_a_namespace() as station:

        def calibration():
            return begin(state, "--iface", "catch0", command=station.command())

        station.play("throw0", frames_at(0), 200)
        walk = calibration()
        walk.until("asking")
        walk.shoots()
        walk.until("asking")
        station.play("throw0", frames_at(1), 20)
        walk.says("shoot")
        walk.until("progress")
        station.ip("link", "set", "catch0", "down")
        code, said = walk.ends()

        assert code == 1
        assert "catch0: went down: sudo ip link set catch0 up" in said
        assert "1 shots are stored" in said or "1 shot is stored" in said
        assert stored(state) == ["kitchen"]

        station.ip("link", "set", "catch0", "up")
        station.play("throw0", frames_at(1), 200)
        walk = calibration()
        assert walk.until("begun")["done"] == 1
        assert walk.until("asking")["stop"]["point"]["name"] == "office"
        walk.shoots()
        walk.until("asking")
        walk.says("finish")
        assert walk.until("outcome")["active"]
        assert walk.ends() == (0, "")


# -- before a walk ---------------------------------------------------------------------


def test_a_chip_on_another_channel_than_in_the_walk_before_is_stopped(
    tmp_path, air, begin
):
    """The device restarted, and was armed for another channel: strangers only."""
    state = tmp_path / "state"
    pipe = ("--pcap", tmp_path / "csi.fifo")
    walk = begin(state, *pipe)
    walk.until("asking")
    walk.shoots()
    walk.until("asking")
    walk.says("quit")
    walk.ends()
    on_40 = csi_payload(mac=STRANGER, chanspec=0xD028)
    air.play([datagram(on_40)])

    walk = begin(state, *pipe)
    report = walk.until("preflight")
    code, said = walk.ends()

    assert not report["passed"]
    assert report["findings"][0]["code"] == "wrong-channel"
    assert code == 1
    assert "tuned to 40/20; the site's shots were made on 36/20" in said
    assert stored(state) == ["kitchen"]


# -- kill -9 ---------------------------------------------------------------------------


POINTS = tuple(Point(f"p{n}", 2.0 * n, 0.0, f"room {n // 2}") for n in range(6))


def record(folder, *, day, n_laps=3):
    """A recording of three laps through six points."""
    folder.mkdir()
    start_us = START_US + day * 86_400_000_000
    captures = []
    for lap, (place, point) in itertools.product(
        range(1, n_laps + 1), enumerate(POINTS)
    ):
        start_us += 10_000_000
        path = folder / f"{point.name}-{lap}.pcapng"
        packets = packets_at(place, n=60, start_us=start_us, seed=10 * day + lap)
        path.write_bytes(pcapng_bytes(packets))
        captures.append(SurveyedCapture(path, point, str(lap), f"day {day}"))
    survey = folder / "survey.csv"
    write_survey(survey, captures)
    return survey


def on_disk(walk, shots):
    """Which file holds each shot: it changes whenever it is written again."""
    found = {}
    for shot in shots:
        capture = (walk / f"{shot.number:04d}.pcap").stat()
        assert capture.st_size == shot.n_bytes
        found[shot.number] = capture.st_ino, capture.st_mtime_ns
    return found


def test_a_hundred_kills_leave_every_stored_shot_and_a_calibration_that_locates(
    tmp_path, capsys, rng
):
    state = tmp_path / "state"
    first, second = (record(tmp_path / f"day{day}", day=day) for day in (1, 2))
    capture = tmp_path / "walk.pcapng"
    capture.write_bytes(pcapng_bytes(packets_at(0, n=60, seed=99)))
    options = {"cwd": ROOT, "capture_output": True, "text": True}

    def command(survey, *more):
        return [
            *(sys.executable, "-m", "edge_agent", "calibrate", "--recording", survey),
            *("--state", state, "--site", "home", "--json", *more),
        ]

    def seconds(*command):
        """How long a command takes that succeeds."""
        started = time.monotonic()
        done = subprocess.run(*command, **options)
        assert done.returncode == 0, done.stderr
        return time.monotonic() - started

    seconds(command(first))
    assert in_use(state, capsys, capture)
    starting_s = seconds(command(second, "--list"))
    whole_s = seconds(command(second, "--force"))
    store = WalkStore(state / "home" / "walks")
    [_, newest] = store.walks()
    walk = state / "home" / "walks" / newest

    n_cut, before = Counter(), {}
    for _ in range(N_KILLS):
        process = subprocess.Popen(
            command(second, "--force"),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        time.sleep(rng.uniform(0.8 * starting_s, 1.1 * whole_s))
        process.kill()
        said = process.communicate()[1]
        assert process.returncode in (-9, 0), said
        after = on_disk(walk, store.read(newest) if newest in store.walks() else ())
        assert before.items() <= after.items()
        assert in_use(state, capsys, capture)
        is_finished = (walk / "finished").exists()
        was_at = "learning" if is_finished else "walking"
        n_cut[was_at if process.returncode else "nothing"] += 1
        before = after
        if is_finished:  # once more from the beginning
            shutil.rmtree(walk)
            before = {}

    seconds(command(second, "--force"))
    assert len(store.read(newest)) == 3 * len(POINTS)
    assert not [path for path in walk.iterdir() if path.name.startswith(".")]
    assert n_cut["walking"] >= N_KILLS / 10, n_cut
    assert n_cut["learning"] >= N_KILLS / 20, n_cut
