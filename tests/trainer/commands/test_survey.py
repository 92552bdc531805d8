"""``trainer survey``, through the command line."""

import pytest

from edge_agent.survey import read_survey
from trainer.cli import main


def survey(root, out, *options):
    return main(["survey", "csu", str(root), "--out", str(out), *options])


@pytest.mark.parametrize(
    ("options", "role", "x"),
    [
        ((), "ref", 1.5),
        (("--role", "ref"), "ref", 1.5),
        (("--role", "test"), "test", 1.75),
    ],
)
def test_the_list_reads_back(csu_root, tmp_path, capsys, options, role, x):
    out = tmp_path / "corridor.csv"

    code = survey(csu_root, out, *options)

    rows = read_survey(out)
    row = rows[0]
    assert code == 0
    assert capsys.readouterr().out == f"{out}: {len(rows)} captures\n"
    assert row.capture.parent == csu_root / "data" / role
    assert (row.point.name, row.point.x, row.point.y) == ("204_1", x, 2.0)
    assert (row.environment, row.visit) == ("path1", role)


def test_the_list_may_be_written_from_inside_the_data_set(csu_root, monkeypatch):
    monkeypatch.chdir(csu_root)

    assert survey(".", "corridor.csv") == 0

    rows = read_survey(csu_root / "corridor.csv")
    assert [row.point.name for row in rows] == ["204_1", "204_2"]


def test_the_list_may_be_written_elsewhere_than_the_data_set(
    csu_root, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lists").mkdir()

    assert survey("dataset", "lists/corridor.csv") == 0

    rows = read_survey(tmp_path / "lists" / "corridor.csv")
    assert [row.point.name for row in rows] == ["204_1", "204_2"]


def test_a_data_set_that_is_not_there_is_refused(tmp_path, capsys):
    code = survey(tmp_path / "nowhere", tmp_path / "corridor.csv")

    assert code == 1
    assert capsys.readouterr().err.startswith("trainer: no ref captures below ")
    assert not (tmp_path / "corridor.csv").exists()


def test_a_list_that_cannot_be_written_is_refused(csu_root, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way of a folder")
    out = tmp_path / "file" / "corridor.csv"

    code = survey(csu_root, out)

    assert code == 1
    assert capsys.readouterr().err == (f"trainer: cannot write {out}: File exists\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["csu", "folder"],
        ["csu", "folder", "--out", "x.csv", "--role", "train"],
        ["polyu", "folder", "--out", "x.csv"],
    ],
)
def test_a_command_that_means_nothing_is_a_usage_error(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(["survey", *arguments])

    assert caught.value.code == 2
    assert "usage: trainer survey" in capsys.readouterr().err
