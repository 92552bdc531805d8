"""``trainer surveys``, through the command line."""

import json
import shutil

import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.recording import record_environment
from edge_agent.survey import read_survey
from tests.trainer.survey_files import write_lines
from trainer.cli import main
from trainer.surveys.catalogue import CARDS
from trainer.surveys.registry import survey_names
from trainer.surveys.simulated import Plan


def surveys(capsys, *arguments):
    code = main(["surveys", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def sod(tmp_path):
    """Data with one survey, of one building."""
    for role in ("Training", "Testing"):
        write_lines(
            tmp_path / "raw" / "sod" / "SYL" / f"{role}_SYL.csv",
            ["MAC1,ECoord,NCoord,FloorID", "-50,1,2,4", "440,1,2,4"],
        )
    return tmp_path


@pytest.fixture
def ncepu(shared_data, tmp_path):
    """A week of the original, to be damaged."""
    shutil.copytree(
        shared_data("raw/ncepu/db/01"), tmp_path / "raw" / "ncepu" / "db" / "01"
    )
    for path in (tmp_path / "raw").rglob("*"):
        path.chmod(0o755)
    return tmp_path


def test_all_surveys_are_listed_with_their_licences(capsys):
    code, out, err = surveys(capsys)

    lines = out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines[1:]] == list(survey_names())
    assert lines[0].startswith("NAME ")
    crisloc = next(line for line in lines if line.startswith("crisloc "))
    assert " no " in crisloc
    assert "none stated" in crisloc
    assert "passed on" in err
    for name in ("simhall", "simlab"):
        line = next(line for line in lines if line.startswith(f"{name} "))
        assert line.split(maxsplit=5)[1:5] == ["CSI", "simulated", "5", "yes"]
        assert " MIT " in line
        assert "Simulated" in line
    assert sum(" simulated " in line for line in lines) == 3
    assert "simhall, simlab need no files" in err
    line = next(line for line in lines if line.startswith("pathloss "))
    assert line.split(maxsplit=3)[1:3] == ["RSS", "simulated"]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_survey_is_described_with_the_commands_that_obtain_it(capsys, card):
    code, out, _ = surveys(capsys, card.name)

    assert code == 0
    assert card.citation in out
    assert card.url in out
    assert card.licence in out
    assert ("made here" in out) is card.is_made_here
    for command in card.obtain:
        assert f"\n  {command}\n" in out
    assert ("must not be passed on" in out) is not card.may_ship


def test_the_list_is_there_for_programs_too(capsys):
    code, out, _ = surveys(capsys, "--json")

    listed = json.loads(out)["surveys"]
    assert code == 0
    assert [entry["name"] for entry in listed] == list(survey_names())
    assert listed[0]["licence"] == "MIT"
    simulated = {entry["name"] for entry in listed if entry["simulated"]}
    assert simulated == {"simhall", "simlab", "pathloss"}
    assert listed[0]["obtain"][0].startswith("git clone https://github.com/")


def test_data_is_counted_and_what_is_left_out_or_missing_is_said(capsys, sod):
    code, out, _ = surveys(capsys, "sod", "--data", sod)

    assert code == 0
    assert out.splitlines()[0] == (
        f"sod: 1 of 3 environments, 4 samples, from {sod / 'raw' / 'sod'} "
        "(original files)"
    )
    assert "\n  left out: 2 values that are no received power\n" in out
    assert "\n  not there: CETC331, HCXY\n" in out
    assert "\n  files: not verified, no checksums are known\n" in out
    assert out.splitlines()[2].split() == ["sod/SYL", "1", "1", "1", "2", "4"]


def test_without_a_name_all_that_is_found_is_checked(capsys, sod):
    code, out, _ = surveys(capsys, "--data", sod, "--json")

    (found,) = json.loads(out)["surveys"]
    assert code == 0
    assert (found["name"], found["compact"]) == ("sod", False)
    assert found["environments"] == [
        {
            "name": "SYL",
            "place": "sod/SYL",
            "order": 0,
            "points": 1,
            "channels": 1,
            "visits": 2,
            "samples": 4,
            "test_samples": 2,
        }
    ]
    assert found["not_there"] == ["CETC331", "HCXY"]
    assert found["skipped"] == {"values that are no received power": 2}
    assert found["files"] is None


def test_what_is_simulated_is_counted_and_found_in_no_folder(
    capsys, tmp_path, monkeypatch
):
    small = Plan(n_days=2, n_visits=2, images_per_visit=1, n_packets=2)
    monkeypatch.setattr("trainer.surveys.simulated.PAPER_PLAN", small)

    code, out, _ = surveys(capsys, "simlab", "--data", tmp_path)
    _, listed, _ = surveys(capsys, "simlab", "--data", tmp_path, "--json")

    assert code == 0
    assert out.splitlines()[0] == (
        "simlab: 2 of 5 environments, 360 samples, made here (simulated)"
    )
    (entry,) = json.loads(listed)["surveys"]
    assert (entry["source"], entry["files"]) == (None, None)
    assert surveys(capsys, "--data", tmp_path)[2].startswith("trainer: found no survey")


def test_what_has_no_checksum_is_not_called_verified(capsys, shared_data):
    folder = shared_data("surveys/umdsi_rss.npz").parent

    code, out, _ = surveys(capsys, "umdsi:compact", "--data", folder)

    assert code == 0
    assert "\n  values: not verified, a compact copy has no checksum\n" in out


def test_what_was_just_simulated_is_said_to_be_so(capsys, tmp_path):
    few = ["--points", "4", "--test-points", "0", "--aps", "2", "--days", "1"]
    main(["simulate", "rss", str(tmp_path), "--model", "e", "--seed", "3", *few])
    capsys.readouterr()

    code, out, _ = surveys(capsys, "pathloss", "--data", tmp_path)

    assert code == 0
    assert "\n  values: simulated (path-loss model e, seed 3), so that" in out
    assert "verified" not in out


def test_one_damaged_survey_does_not_hide_the_others(capsys, sod):
    copy = sod / "surveys" / "umdsi_rss.npz"
    copy.parent.mkdir()
    copy.write_bytes(b"no copy")

    code, out, err = surveys(capsys, "--data", sod)

    assert code == 1
    assert out.startswith("sod: 1 of 3 environments")
    assert err.startswith(f"umdsi:compact: {copy} is damaged")


def test_originals_that_are_all_there_are_sound(capsys, shared_data):
    data = shared_data("raw/ncepu/db/03").parents[3]

    code, out, _ = surveys(capsys, "ncepu:raw", "--data", data)

    assert code == 0
    assert "\n  files: 144 intact\n" in out
    assert "missing" not in out


def test_files_that_are_missing_are_no_success(capsys, ncepu):
    code, out, _ = surveys(capsys, "ncepu", "--data", ncepu)

    assert code == 1
    assert "\n  files: 48 intact\n" in out
    assert "\n  missing: db/02/trn01crd.csv, " in out
    assert "damaged" not in out


def test_a_file_that_differs_from_its_checksum_is_named(capsys, ncepu):
    rss = ncepu / "raw" / "ncepu" / "db" / "01" / "trn01rss.csv"
    rss.write_text(rss.read_text().replace("-45", "-46", 1))
    (rss.parent / "tst01ids.csv").unlink()

    code, out, _ = surveys(capsys, "ncepu", "--data", ncepu)

    assert code == 1
    assert "\n  files: 46 intact\n" in out
    assert "\n  damaged: db/01/trn01rss.csv: other content, SHA-256 " in out
    assert "\n  missing: db/01/tst01ids.csv, db/02/trn01crd.csv, " in out
    assert " more\n" in out


@pytest.mark.parametrize(
    ("arguments", "message", "expected"),
    [
        (["polio"], "'polio' is no survey", 2),
        (["polyu", "--data", "{data}"], "no data of polyu: looked for ", 1),
        (["--data", "{data}"], "found no survey below ", 1),
        (["--data", "{data}/no"], "is no folder", 1),
    ],
)
def test_what_cannot_be_done_is_one_line(
    capsys, tmp_path, arguments, message, expected
):
    code, out, err = surveys(capsys, *(a.format(data=tmp_path) for a in arguments))

    assert code == expected
    assert out == ""
    assert err.startswith("trainer: ")
    assert message in err
    assert err.count("\n") == 1


# -- recordings ------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """Simulated places are surveyed in a moment."""
    plan = Plan(n_days=2, n_visits=1, images_per_visit=2, n_packets=25)
    monkeypatch.setattr("trainer.surveys.simulated.PAPER_PLAN", plan)


@pytest.mark.usefixtures("small")
def test_a_survey_becomes_a_recording_that_the_device_reads(capsys, tmp_path):
    folder = tmp_path / "lab"
    asked = ["simlab", "--recording", folder, "--environment", "d2"]

    code, out, _ = surveys(capsys, *asked)

    assert (code, out) == (0, f"{folder / 'survey.csv'}\n")
    captures = read_survey(folder / "survey.csv")
    assert {c.environment for c in captures} == {"d2"}
    assert len(captures) == 90
    found = record_environment(captures[:2], ImageSpec())
    assert (len(found), found.is_simulated) == (2, True)
    assert [channel.mac[:11] for channel in found.channels] == ["02:53:49:4d"] * 3


@pytest.mark.usefixtures("small")
def test_what_is_left_out_of_a_recording_is_said(capsys, tmp_path):
    asked = ["simlab", "--recording", tmp_path / "out", "--images", 1, "--json"]
    code, out, err = surveys(capsys, *asked)
    assert (code, out) == (1, "")
    assert "no visit of simlab has the 50 packets of an image" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--recording", "OUT"], "needs the name of a survey"),
        (["polyu", "--recording", "OUT"], "needs --data DIR"),
        (["polyu", "--images", "3"], "are for --recording"),
        (["polyu", "--environment", "d02"], "are for --recording"),
        (["sod", "--recording", "OUT", "--data", "DATA"], "received power alone"),
        (
            ["sod", "--recording", "OUT", "--data", "DATA", "--environment", "X"],
            "sod has no environment X; found SYL",
        ),
    ],
)
def test_a_recording_that_makes_no_sense_is_refused(
    capsys, monkeypatch, tmp_path, sod, arguments, complaint
):
    monkeypatch.delenv("METALOC_DATA", raising=False)
    places = {"OUT": tmp_path / "out", "DATA": sod}
    code, _, err = surveys(capsys, *(places.get(a, a) for a in arguments))
    assert code == 2
    assert complaint in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("is_named", [False, True])
def test_a_recording_is_read_from_metaloc_data_unless_a_folder_is_named(
    capsys, monkeypatch, tmp_path, sod, is_named
):
    """What is found there is named where an environment is asked for that is not."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("METALOC_DATA", str(empty if is_named else sod))
    asked = ["sod", "--recording", tmp_path / "out", "--environment", "X"]

    code, _, err = surveys(capsys, *asked, *(["--data", sod] if is_named else []))

    assert code == 2
    assert "found SYL" in err


def test_where_metaloc_data_has_no_such_survey_it_is_said(
    capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("METALOC_DATA", str(tmp_path))

    code, _, err = surveys(capsys, "polyu", "--recording", tmp_path / "out")

    assert code == 1
    assert str(tmp_path) in err


@pytest.mark.usefixtures("small")
def test_a_recording_that_cannot_be_written_is_a_failure(capsys, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = surveys(capsys, "simlab", "--recording", tmp_path / "file" / "out")
    assert code == 1
    assert f"cannot write {tmp_path / 'file' / 'out'}: Not a directory" in err
