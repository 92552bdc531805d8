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


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--rooms", "0"], "--rooms is 0, not 1 to 5000"),
        (["--visits", "-3"], "--visits is -3, not 1 to 5000"),
        (["--packets", "0"], "--packets is 0, not 1 to 100000"),
        (["--packets", "1000000000"], "--packets is 1000000000, not 1 to 100000"),
        (["--rooms", "-40", "--visits", "-4"], "--rooms is -40, not 1 to 5000"),
        (
            ["--rooms", "1251", "--visits", "4"],
            "--rooms times --visits is 5004, not 1 to 5000",
        ),
    ],
)
def test_amounts_that_cannot_be_are_refused(tmp_path, capsys, flags, reason):
    code = main(["simulate", "rooms", str(tmp_path / "out"), *flags])

    assert code == 2
    assert capsys.readouterr().err == f"trainer: {reason}\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scene", ["rooms", "walk", "hall"])
def test_a_survey_that_somebody_recorded_is_not_replaced(tmp_path, capsys, scene):
    (tmp_path / "survey.csv").write_text("a day of work")

    code = main(["simulate", scene, str(tmp_path)])

    assert code == 2
    assert "is not empty, and holds no simulation" in capsys.readouterr().err
    assert bytes_below(tmp_path) == {"survey.csv": b"a day of work"}


def test_the_same_rooms_can_be_written_again_and_no_others(tmp_path, capsys):
    main(["simulate", "rooms", str(tmp_path), *FEW])
    before = bytes_below(tmp_path)
    (tmp_path / "survey.csv").unlink()  # as if it had been interrupted

    assert main(["simulate", "rooms", str(tmp_path), *FEW]) == 0
    assert main(["simulate", "rooms", str(tmp_path), *FEW, "--seed", "1"]) == 2
    assert main(["simulate", "walk", str(tmp_path)]) == 2

    assert "seed is 0 there, 1 here; choose a new" in capsys.readouterr().err
    assert bytes_below(tmp_path) == before


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
