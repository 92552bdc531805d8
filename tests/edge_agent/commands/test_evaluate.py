"""``edge_agent evaluate``: recordings against their labels, through the commands."""

import csv
import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from edge_agent.survey import OUTSIDE, read_survey, write_survey
from tests.edge_agent.sites import packets_at, pcapng_bytes, write_site


@pytest.fixture
def survey(tmp_path):
    """Three points on three visits; two images fit into each capture."""
    return write_site(tmp_path / "survey")


@pytest.fixture
def flags(bundle_directory, tmp_path):
    return ["--bundle", str(bundle_directory), "--state", str(tmp_path / "state")]


def only(survey, visit):
    """A list of one visit beside a list of all."""
    path = survey.with_name(f"visit-{visit}.csv")
    write_survey(path, [row for row in read_survey(survey) if row.visit == visit])
    return path


@pytest.fixture
def calibrated(run_agent, survey, flags, capsys):
    """The site is calibrated on visit 1."""
    first = only(survey, "1")
    assert run_agent("adapt", first, *flags) == 0
    capsys.readouterr()


@pytest.fixture
def evaluate(run_agent, capsys, flags):
    """Run the command; returns exit code, results and talk."""

    def evaluate(*arguments):
        code = run_agent("evaluate", *arguments, *flags)
        out, err = capsys.readouterr()
        return code, out, err

    return evaluate


@pytest.mark.usefixtures("calibrated")
def test_re_visits_count_and_the_visit_that_calibrated_stands_apart(evaluate, survey):
    code, out, err = evaluate(survey)

    lines = out.splitlines()
    assert code == 0
    assert "18 locations of 6 captures at 3 points, re-visits: 2, 3" in lines[0]
    assert any(line.startswith("mean error ") for line in lines)
    assert any(line.startswith("within r95 ") for line in lines)
    assert any("visits that calibrated it, not counted above: 9" in x for x in lines)
    assert any(line.startswith("kitchen ") for line in lines)
    assert any(line.startswith("p3 ") for line in lines)
    assert "caution: 2 re-visits: intervals know little" in err


@pytest.mark.usefixtures("calibrated")
def test_errors_are_those_of_the_locations_that_locate_prints(
    evaluate, run_agent, capsys, survey, flags
):
    """Independently: locate's lines, and distances from the list by hand."""
    _, out, _ = evaluate(survey, "--visits", "2,3", "--json")
    found = json.loads(out)
    errors = []
    with survey.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["visit"] in ("2", "3"):
                pcap = survey.parent / row["capture"]
                run_agent("locate", "--pcap", pcap, "--hop", "1000", *flags)
                for line in capsys.readouterr().out.splitlines():
                    fix = json.loads(line)["raw"]  # of one image alone
                    errors.append(
                        np.hypot(
                            fix["x"] - float(row["x_m"]), fix["y"] - float(row["y_m"])
                        )
                    )
    assert found["error_m"]["n"] == found["locations"] == len(errors) == 18
    assert found["error_m"]["mean"] == pytest.approx(np.mean(errors), abs=1e-3)
    assert found["error_m"]["ce95"] == pytest.approx(
        np.quantile(errors, 0.95), abs=2e-3
    )


@pytest.mark.usefixtures("calibrated")
def test_the_document_says_everything(evaluate, survey):
    _, out, _ = evaluate(survey, "--json")
    found = json.loads(out)
    assert found["is_revisit"] is True
    assert found["visits"] == ["2", "3"]
    assert found["same_visit"]["locations"] == 9
    assert sum(point["locations"] for point in found["points"]) == 18
    assert [room["room"] for room in found["rooms"]] == ["kitchen", "office"]
    right = sum(
        room["zone_detection"]["share"] * room["locations"] for room in found["rooms"]
    )
    assert found["zone_detection"]["share"] == pytest.approx(right / 18, abs=1e-3)
    means = [point["error_m"]["mean"] for point in found["points"]]
    assert means == sorted(means, reverse=True)
    assert found["availability"]["share"] == 1.0


@pytest.mark.usefixtures("calibrated")
def test_visits_that_calibrated_are_never_called_re_visits(evaluate, survey):
    code, out, err = evaluate(survey, "--visits", "1", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["is_revisit"], found["same_visit"]) == (False, None)
    assert "these are no re-visits" in found["cautions"][0]
    assert f"caution: {found['cautions'][0]}" in err
    _, text, _ = evaluate(survey, "--visits", "1")
    assert "the visits that calibrated it: 1" in text.splitlines()[0]


@pytest.mark.usefixtures("calibrated")
def test_the_same_recording_gives_the_same_result(evaluate, survey):
    assert evaluate(survey, "--json")[1] == evaluate(survey, "--json")[1]


@pytest.mark.usefixtures("calibrated")
def test_a_map_is_drawn_with_the_walls_of_the_site(evaluate, survey, tmp_path):
    (tmp_path / "state" / "home" / "site.toml").write_text(
        "[[wall]]\nfrom = [-1.0, -1.0]\nto = [3.0, -1.0]\n"
    )
    code, _, err = evaluate(survey, "--map", tmp_path / "errors.svg")
    picture = ElementTree.parse(tmp_path / "errors.svg").getroot()
    assert code == 0
    assert f"map: {tmp_path / 'errors.svg'}" in err
    lines = [x.get("stroke") for x in picture.iter("{http://www.w3.org/2000/svg}line")]
    assert "#9a9a9a" in lines


@pytest.mark.usefixtures("calibrated")
def test_captures_without_a_location_are_counted(evaluate, survey):
    (survey.parent / "p1-2.pcapng").write_bytes(pcapng_bytes(packets_at(0, n=3)))
    _, out, err = evaluate(survey, "--json")
    assert json.loads(out)["captures_without_location"] == 1
    assert "caution: 1 captures give no location" in err


@pytest.mark.usefixtures("calibrated")
def test_a_place_outside_is_judged_by_room_alone(evaluate, survey):
    rows = survey.read_text().splitlines()
    name = "street.pcapng"
    (survey.parent / name).write_bytes(pcapng_bytes(packets_at(77)))
    survey.write_text("\n".join([*rows, f"{name},,,{OUTSIDE},,2,home"]) + "\n")
    _, out, _ = evaluate(survey, "--json")
    found = json.loads(out)
    assert found["error_m"]["n"] == 18
    assert found["zone_detection"]["n"] == 21
    assert found["rooms"][-1]["room"] == OUTSIDE
    assert found["rooms"][-1]["zone_detection"]["share"] == 0.0  # it knows no outside
    assert found["rooms"][-1]["taken_for"]


@pytest.mark.usefixtures("calibrated")
def test_shots_that_cannot_be_read_are_no_reason_to_stop(evaluate, survey, tmp_path):
    for path in (tmp_path / "state").rglob("shots.npz"):
        path.write_bytes(b"damaged")
    code, _, err = evaluate(survey)
    assert code == 0
    assert "what the site was calibrated with is not known" in err


@pytest.mark.usefixtures("calibrated")
@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["--hop", "0"], 2, "--hop is 0"),
        (["--map", "errors.png"], 2, "maps are drawn as SVG"),
        (["--environment", "away"], 1, "has the environments home"),
        (
            ["--visits", "1,9"],
            1,
            "9 is not among the visits of home, which are 1, 2, 3",
        ),
        (["--visits", ","], 1, "none is not among"),
        (["--site", "nowhere"], 1, "not calibrated"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    evaluate, survey, tmp_path, monkeypatch, arguments, code, complaint
):
    monkeypatch.chdir(tmp_path)
    found, out, err = evaluate(survey, *arguments)
    assert (found, out) == (code, "")
    assert complaint in err


@pytest.mark.usefixtures("calibrated")
def test_a_map_that_cannot_be_written_leaves_the_figures(evaluate, survey, tmp_path):
    (tmp_path / "file").touch()
    code, out, err = evaluate(survey, "--map", tmp_path / "file" / "x.svg")
    assert code == 1
    assert "cannot write" in err
    assert "mean error" in out


@pytest.mark.usefixtures("calibrated")
def test_a_recording_without_coordinates_gives_figures_and_no_map(
    evaluate, survey, tmp_path
):
    rows = read_survey(survey)
    rooms = [replace(row, point=replace(row.point, x=None, y=None)) for row in rows]
    write_survey(survey, rooms)
    code, out, err = evaluate(survey, "--map", tmp_path / "errors.svg")
    assert code == 0
    assert "right room" in out
    assert "caution: no map" in err
    assert not (tmp_path / "errors.svg").exists()


@pytest.mark.usefixtures("calibrated")
def test_a_folder_stands_for_its_list(evaluate, survey):
    assert evaluate(survey.parent, "--json") == evaluate(survey, "--json")


@pytest.mark.usefixtures("calibrated")
def test_a_list_of_several_environments_needs_a_choice(evaluate, survey, tmp_path):
    rows = read_survey(survey) + read_survey(
        write_site(tmp_path / "b", environment="b")
    )
    both = tmp_path / "both.csv"
    write_survey(both, rows)
    code, _, err = evaluate(both)
    assert code == 1
    assert "has the environments home, b; choose one with --environment" in err
    code, out, _ = evaluate(both, "--environment", "b", "--json")
    assert (code, json.loads(out)["environment"]) == (0, "b")


@pytest.mark.usefixtures("calibrated")
def test_nothing_located_is_a_failure(evaluate, survey):
    for path in survey.parent.glob("*.pcapng"):
        path.write_bytes(pcapng_bytes(packets_at(0, n=3)))
    code, out, err = evaluate(survey)
    assert (code, out) == (1, "")
    assert "none of the 9 captures gives a location" in err
