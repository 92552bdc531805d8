"""``trainer simulate``, through the command line."""

import pytest

from edge_agent.survey import read_survey
from tests.trainer.builders import bytes_below, frames_of
from trainer.cli import main

FEW = ["--rooms", "2", "--visits", "3", "--packets", "4"]


def test_rooms_are_written_as_many_as_asked_for(tmp_path, capsys):
    folder = tmp_path / "out" / "rooms"

    code = main(["simulate", "rooms", str(folder), *FEW])

    rows = read_survey(folder / "survey.csv")
    assert code == 0
    assert capsys.readouterr().out == f"{folder / 'survey.csv'}\n"
    assert {row.environment for row in rows} == {"room000", "room001"}
    assert {row.visit for row in rows} == {"1", "2", "3"}
    assert len(frames_of(rows[0].capture)) == 3 * 4


def test_the_laboratory_can_be_walked_through(tmp_path, capsys):
    code = main(["simulate", "walk", str(tmp_path)])

    assert code == 0
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / "survey.csv"),
        str(tmp_path / "walk.pcapng"),
    ]
    assert (tmp_path / "walk.csv").is_file()


@pytest.mark.parametrize("scene", ["rooms", "hall", "lab", "walk", "rss"])
def test_every_scene_explains_its_own_flags(scene, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["simulate", scene, "--help"])

    said = capsys.readouterr().out
    assert caught.value.code == 0
    assert f"usage: trainer simulate {scene}" in said
    assert ("--points" in said) is (scene in ("hall", "lab", "rss"))
    assert f"  trainer simulate {scene} out/" in said


def test_the_seed_decides(tmp_path):
    for name, seed in (("first", "4"), ("again", "4"), ("other", "5")):
        main(["simulate", "rooms", str(tmp_path / name), *FEW, "--seed", seed])

    first, again, other = (
        bytes_below(tmp_path / name) for name in ("first", "again", "other")
    )
    assert first == again
    assert first["survey.csv"] != other["survey.csv"]


@pytest.mark.parametrize("flag", ["--rooms", "--visits", "--packets"])
@pytest.mark.parametrize("value", ["0", "-3"])
def test_numbers_below_one_are_refused(tmp_path, capsys, flag, value):
    code = main(["simulate", "rooms", str(tmp_path / "out"), flag, value])

    assert code == 2
    assert capsys.readouterr().err == f"trainer: {flag} is {value}, not 1 or more\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scene", ["rooms", "walk", "hall"])
def test_a_folder_that_cannot_be_written_is_refused(tmp_path, capsys, scene):
    in_the_way = tmp_path / "file"
    in_the_way.touch()

    few = {"rooms": FEW, "hall": ["--points", "1"]}.get(scene, [])
    code = main(["simulate", scene, str(in_the_way), *few])

    assert code == 1
    assert capsys.readouterr().err.startswith(f"trainer: cannot write {in_the_way}: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["simulate"],
        ["simulate", "castle", "out"],
        ["simulate", "rooms"],
        ["simulate", "out", "--rooms", "3"],
        ["simulate", "hall", "out", "--chip", "bcm4375"],
        ["simulate", "hall", "out", "--bandwidth", "160"],
        ["simulate", "hall", "out", "--points", "many"],
    ],
)
def test_a_command_that_means_nothing_is_a_usage_error(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "usage: trainer" in capsys.readouterr().err
