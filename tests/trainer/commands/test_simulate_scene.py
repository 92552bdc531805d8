"""``trainer simulate hall`` and ``lab``, through the command line."""

import json

import pytest

from edge_agent.survey import read_survey
from tests.trainer.builders import bytes_below
from trainer.cli import main
from trainer.commands.simulate_scene import describe
from trainer.simulate.campaign_folder import Progress

FEW = ["--points", "2", "--days", "2", "--images", "2", "--packets", "3"]


def simulate(folder, *arguments, scene="hall"):
    return main(["simulate", scene, str(folder), *FEW, *arguments])


@pytest.mark.parametrize("scene", ["hall", "lab"])
def test_as_much_is_written_as_asked_for(scene, tmp_path, capsys):
    folder = tmp_path / "out"

    code = simulate(folder, "--visits", "1", scene=scene)

    out, err = capsys.readouterr()
    rows = read_survey(folder / "survey.csv")
    assert (code, out, err) == (0, f"{folder / 'survey.csv'}\n", "")
    assert [(row.environment, row.point.name) for row in rows] == [
        (f"{scene}-day{day}", point) for day in (1, 2) for point in ("p01", "p90")
    ]


def test_chip_header_channel_and_format_can_be_chosen(tmp_path):
    code = simulate(
        tmp_path / "out",
        *("--chip", "bcm4366c0", "--generation", "gain", "--bandwidth", "80"),
        *("--format", "pcap-ns", "--seed", "4", "--jobs", "2"),
    )

    settings = json.loads((tmp_path / "out" / "simulation.json").read_text())
    packet = (tmp_path / "out/day1/visit1/p01.pcap").read_bytes()[40:]
    assert code == 0
    assert settings["format"] == "pcap-ns"
    assert settings["campaign"]["seed"] == 4
    assert packet[42:44] == b"\x11\x11"
    assert packet[54:60].hex() == "00002ae06a00"  # core 0, 36/80, bcm4366c0
    assert int.from_bytes(packet[38:40], "big") == 8 + 70 + 4 * 256


def test_the_seed_decides(tmp_path):
    for name, seed in (("first", "4"), ("again", "4"), ("other", "5")):
        simulate(tmp_path / name, "--seed", seed)

    first, again, other = (
        bytes_below(tmp_path / n) for n in ("first", "again", "other")
    )
    assert first == again
    capture = "day1/visit1/p01.pcapng"
    assert first[capture] != other[capture]


def test_what_is_there_already_is_said(tmp_path, capsys):
    simulate(tmp_path / "out")
    capsys.readouterr()

    assert simulate(tmp_path / "out") == 0

    assert capsys.readouterr().err == "8 of 8 captures are there already\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--points", "0"], "0 points: the grid of the hall has 1 to 90"),
        (["--points", "91"], "91 points: the grid of the hall has 1 to 90"),
        (["--days", "0"], "--days is 0, not 1 to 10000"),
        (["--visits", "3"], "2 images of a point and day cannot come from 3 visits"),
        (["--packets", "-5"], "--packets is -5, not 1 to 10000"),
        (["--jobs", "0"], "--jobs is 0, not 1 or more"),
        (["--generation", "mobisys_2018"], "the 2018 extractor runs on the bcm4339"),
    ],
)
def test_nonsense_is_refused_with_the_reason(arguments, reason, tmp_path, capsys):
    code = simulate(tmp_path / "out", *arguments)

    assert code == 2
    assert capsys.readouterr().err.startswith(f"trainer: {reason}")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_another_simulation_is_refused(tmp_path, capsys):
    simulate(tmp_path / "out")

    code = simulate(tmp_path / "out", "--seed", "1")

    assert code == 2
    assert "seed is 0 there, 1 here; choose a new folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress(900, 0, 0, 0.0), "capture 0/900, 0 %"),
        (Progress(900, 12, 300, 40.8), "capture 312/900, 34 %, 1 min 20 s left"),
        (Progress(900, 0, 899, 899.0), "capture 899/900, 99 %, 1 s left"),
    ],
)
def test_progress_tells_how_long_it_will_take(progress, line):
    assert describe(progress) == line


def test_once_a_minute_it_says_where_it_stands(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("trainer.commands.simulate_scene._SAY_EVERY_S", 0.0)

    simulate(tmp_path / "out")

    said = capsys.readouterr().err.splitlines()
    assert said[0] == "capture 0/8, 0 %"
    assert said[-1] == "capture 8/8, 100 %, 0 s left"
