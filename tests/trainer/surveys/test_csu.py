"""EPIC-CSU: a folder made by hand, and the real one where it is there."""

import math
import zipfile

import pytest

from edge_agent.survey import Point, SurveyedCapture
from tests.trainer.builders import add_csu_capture, csu_spreadsheet, write_csu_sheets
from trainer.surveys.csu import csu_captures
from trainer.surveys.report import SurveyDataError

HEAD = ["point", "x", "y"]


def found(root, role="ref"):
    """Point names and coordinates, in order."""
    return [
        (row.point.name, row.point.x, row.point.y) for row in csu_captures(root, role)
    ]


# -- what is found ---------------------------------------------------------------------


def test_captures_have_the_coordinates_of_their_role(csu_root):
    assert csu_captures(csu_root, "ref") == [
        SurveyedCapture(
            csu_root / "data" / "ref" / "ref_204_1_3500.pcap",
            Point("204_1", 1.5, 2.0),
            "ref",
            "path1",
        ),
        SurveyedCapture(
            csu_root / "data" / "ref" / "ref_204_2_3500.pcap",
            Point("204_2", -3.25, 0.5),
            "ref",
            "path1",
        ),
    ]
    assert csu_captures(csu_root, "test") == [
        SurveyedCapture(
            csu_root / "data" / "test" / "test_204_1_100.pcap",
            Point("204_1", 1.75, 2.0),
            "test",
            "path1",
        )
    ]


def test_every_corridor_is_an_environment(csu_root):
    write_csu_sheets(
        csu_root,
        ref_coord_path1=[HEAD, ["204_1", 0, 0]],
        ref_coord_path12=[HEAD, ["204_2", 1, 1]],
    )

    rows = csu_captures(csu_root, "ref")

    assert [row.environment for row in rows] == ["path1", "path12"]


@pytest.mark.parametrize(
    "title",
    ["ref_coord_room", "REF_coord_path1", "my ref_coord_path1", "ref_coord_path1 old"],
)
def test_other_sheets_are_left_out(csu_root, title):
    write_csu_sheets(
        csu_root,
        **{title: [HEAD, ["204_2", 9, 9]], "ref_coord_path1": [HEAD, ["204_1", 0, 0]]},
    )

    assert found(csu_root) == [("204_1", 0, 0)]


@pytest.mark.parametrize(
    "row",
    [
        ["204_2", None, 2],
        ["204_2", 1],
        ["204_2", "1.0", "2.0"],
        ["204_2", "#N/A", 2],
        ["204_2", 1e7, 2],
        [None, None, None],
        [],
    ],
)
def test_rows_without_two_numbers_are_left_out(csu_root, row):
    write_csu_sheets(csu_root, ref_coord_path1=[HEAD, row, ["204_1", 1, 2]])

    assert found(csu_root) == [("204_1", 1, 2)]


def test_the_first_row_is_a_heading_whatever_it_says(csu_root):
    write_csu_sheets(csu_root, ref_coord_path1=[["204_2", 0, 0], ["204_1", 1, 2]])

    assert found(csu_root) == [("204_1", 1, 2)]


def test_columns_beyond_the_third_do_not_matter(csu_root):
    write_csu_sheets(
        csu_root, ref_coord_path1=[[*HEAD, "note"], ["204_1", 1, 2, "door"]]
    )

    assert found(csu_root) == [("204_1", 1, 2)]


def test_points_without_a_capture_are_left_out(csu_root):
    write_csu_sheets(csu_root, ref_coord_path1=[HEAD, ["204_1", 1, 2], ["999_1", 3, 4]])

    assert found(csu_root) == [("204_1", 1, 2)]


def test_captures_without_coordinates_are_left_out(csu_root):
    add_csu_capture(csu_root, "ref", "ref_207_1_3500")

    assert [name for name, *_ in found(csu_root)] == ["204_1", "204_2"]


# -- refusals --------------------------------------------------------------------------


def test_another_role_is_refused(csu_root):
    with pytest.raises(ValueError, match=r"role is 'train', not one of \('ref', 'te"):
        csu_captures(csu_root, "train")


def test_a_folder_without_captures_is_refused(csu_root):
    (csu_root / "data" / "test" / "test_204_1_100.pcap").unlink()

    with pytest.raises(SurveyDataError, match=r"no test captures below .*test"):
        csu_captures(csu_root, "test")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SurveyDataError, match="no ref captures below"):
        csu_captures(tmp_path / "nowhere", "ref")


def test_a_missing_spreadsheet_is_refused(csu_root):
    csu_spreadsheet(csu_root).unlink()

    with pytest.raises(
        SurveyDataError, match=r"coords\.xlsx cannot be read: .*No such"
    ):
        csu_captures(csu_root, "ref")


@pytest.mark.parametrize(
    "data", [b"", b"point,x,y\n204_1,1,2\n"], ids=["empty", "text"]
)
def test_a_spreadsheet_that_is_none_is_refused(csu_root, data):
    csu_spreadsheet(csu_root).write_bytes(data)

    with pytest.raises(
        SurveyDataError, match=r"cannot be read: File is not a zip file"
    ):
        csu_captures(csu_root, "ref")


def test_a_spreadsheet_that_was_cut_is_refused(csu_root):
    data = csu_spreadsheet(csu_root).read_bytes()
    csu_spreadsheet(csu_root).write_bytes(data[: len(data) // 2])

    with pytest.raises(SurveyDataError, match="cannot be read"):
        csu_captures(csu_root, "ref")


def test_a_second_capture_of_a_point_is_refused(csu_root):
    add_csu_capture(csu_root, "ref", "ref_204_1_100")

    with pytest.raises(
        SurveyDataError, match=r"ref_204_1_100\.pcap and .*ref_204_1_3500\.pcap are the"
    ):
        csu_captures(csu_root, "ref")


@pytest.mark.parametrize("second", ["ref_coord_path1", "ref_coord_path2"])
def test_a_point_with_two_rows_of_coordinates_is_refused(csu_root, second):
    rows = {"ref_coord_path1": [HEAD, ["204_1", 1, 2]], "ref_coord_path2": [HEAD]}
    rows[second] = [*rows[second], ["204_1", 3, 4]]
    write_csu_sheets(csu_root, **rows)

    with pytest.raises(
        SurveyDataError, match=r"point 204_1 has .* path1 and again in path"
    ):
        csu_captures(csu_root, "ref")


def rewrite(root, part, *changes):
    """Put another text into one part of the spreadsheet."""
    path = csu_spreadsheet(root)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for old, new in changes:
        assert old in parts[part]
        parts[part] = parts[part].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("xl/workbook.xml", b"activeTab", b"activeTub"),
        ("xl/worksheets/sheet1.xml", b"</sheetData>", b"</sheetDate>"),
        ("xl/worksheets/sheet1.xml", b'r="A2"', b'r="2A"'),
        ("[Content_Types].xml", b"PartName", b"PartTime"),
    ],
)
def test_a_spreadsheet_with_damaged_xml_is_refused(csu_root, part, old, new):
    rewrite(csu_root, part, (old, new))

    with pytest.raises(SurveyDataError, match=r"coords\.xlsx cannot be read: "):
        csu_captures(csu_root, "ref")


def test_a_spreadsheet_that_unpacks_to_more_than_any_is_refused(csu_root):
    end = b"</styleSheet>"
    rewrite(csu_root, "xl/styles.xml", (end, b" " * (64 << 20) + end))
    assert csu_spreadsheet(csu_root).stat().st_size < 1 << 17

    with pytest.raises(
        SurveyDataError, match=r"unpacks to \d+ bytes, more than 67108864"
    ):
        csu_captures(csu_root, "ref")


def test_a_row_of_a_number_beyond_any_is_refused(csu_root):
    """The reader makes up the empty rows before it."""
    rewrite(
        csu_root,
        "xl/worksheets/sheet1.xml",
        (b'"A1:C3"', b'"A1:C1000000000"'),
        (b'<row r="3"', b'<row r="1000000000"'),
    )

    with pytest.raises(SurveyDataError, match="has more than 10000 rows"):
        csu_captures(csu_root, "ref")


@pytest.mark.parametrize(
    "sheets",
    [
        {"notes": [["nothing", "of", "use"]]},
        {"ref_coord_path1": []},
        {"ref_coord_path1": [HEAD]},
        {"ref_coord_path1": [HEAD, ["999_1", 1, 2]]},
        {"test_coord_path1": [HEAD, ["204_1", 1, 2]]},
    ],
    ids=["no sheet", "empty sheet", "no row", "no common point", "other role"],
)
def test_captures_without_any_coordinates_are_refused(csu_root, sheets):
    write_csu_sheets(csu_root, **sheets)

    with pytest.raises(SurveyDataError, match=r"no capture below .* has coordinates"):
        csu_captures(csu_root, "ref")


# -- the real data ---------------------------------------------------------------------


@pytest.mark.parametrize(("role", "n_captures"), [("ref", 52), ("test", 49)])
def test_the_real_corridor_is_complete(shared_data, role, n_captures):
    rows = csu_captures(shared_data("raw/csu"), role)

    assert len(rows) == n_captures
    assert len({row.point for row in rows}) == n_captures
    assert {row.visit for row in rows} == {role}
    for row in rows:
        assert row.capture.stem.startswith(f"{role}_{row.point.name}_")
        assert row.capture.stat().st_size > 1000


def test_real_test_points_lie_beside_their_reference_points(shared_data):
    """In the copy at hand 0.11 to 0.85 m: coordinates are metres, of one frame."""
    root = shared_data("raw/csu")
    ref, test = (
        {
            (row.environment, row.point.name): (row.point.x, row.point.y)
            for row in csu_captures(root, role)
        }
        for role in ("ref", "test")
    )

    assert test.keys() <= ref.keys()
    apart = [math.dist(ref[key], place) for key, place in test.items()]
    assert 0.1 < min(apart) < max(apart) < 1.5
