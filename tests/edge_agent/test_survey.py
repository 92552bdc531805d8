"""The list of surveyed captures."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import SurveyError
from edge_agent.survey import Point, SurveyedCapture, read_survey, write_survey

HEADER = "capture,x_m,y_m,point,room,visit,floor,environment"


@pytest.fixture
def folder(tmp_path):
    """A folder ``home`` that holds three captures."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("a.pcap", "b.pcap", "c.pcap"):
        (folder / name).touch()
    return folder


@pytest.fixture
def read(folder):
    """Read a survey with this text."""

    def read(text, *, encoding="utf-8"):
        path = folder / "survey.csv"
        path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        return read_survey(path)

    return read


def test_every_column_is_read(read, folder):
    rows = read(f"{HEADER}\na.pcap,1.2,-0.5,table,kitchen,second,1,office\n")

    assert rows == [
        SurveyedCapture(
            folder / "a.pcap",
            Point("table", 1.2, -0.5, "kitchen", 1),
            visit="second",
            environment="office",
        )
    ]


def test_the_example_of_the_documentation_is_readable(read, folder):
    (folder / "kitchen-1.pcap").touch()

    (row,) = read(f"{HEADER}\nkitchen-1.pcap,1.2,0.5,table,kitchen,1,0,home\n")

    assert row.point == Point("table", 1.2, 0.5, "kitchen", 0)


def test_what_is_optional_has_a_default(read, folder):
    (row,) = read("capture,x_m,y_m\na.pcap,1.50,2\n")

    assert row.point == Point("1.5,2", 1.5, 2.0, None, 0)
    assert (row.visit, row.environment) == ("1", "home")


def test_an_empty_field_is_a_missing_one(read):
    (row,) = read(f"{HEADER}\na.pcap,1,2,,,,,\n")

    assert row.point == Point("1,2", 1.0, 2.0, None, 0)
    assert (row.visit, row.environment) == ("1", "home")


def test_a_folder_stands_for_the_list_in_it(folder):
    (folder / "survey.csv").write_text("capture,x_m,y_m\na.pcap,1,2\n")

    assert read_survey(folder) == read_survey(folder / "survey.csv")


def test_a_folder_without_a_list_says_which_is_missing(folder):
    with pytest.raises(SurveyError, match=r"home/survey\.csv: No such file"):
        read_survey(folder)


def test_columns_may_stand_in_any_order(read):
    (row,) = read("y_m,floor,capture,x_m\n2,-1,a.pcap,1\n")

    assert (row.point.x, row.point.y, row.point.floor) == (1.0, 2.0, -1)


def test_a_spreadsheet_may_put_a_byte_order_mark_in_front(read):
    assert read("capture,x_m,y_m\na.pcap,1,2\n", encoding="utf-8-sig") == read(
        "capture,x_m,y_m\na.pcap,1,2\n"
    )


def test_windows_line_ends_and_spaces_around_values_do_no_harm(read, folder):
    (row,) = read("capture,x_m,y_m,room\r\n a.pcap , 1 , 2 , living room \r\n")

    assert row.capture == folder / "a.pcap"
    assert row.point.room == "living room"


def test_captures_of_one_point_share_it(read):
    rows = read(f"{HEADER}\na.pcap,1,2,p,,1,,\nb.pcap,1,2,p,,2,,\n")

    assert rows[0].point == rows[1].point
    assert [row.visit for row in rows] == ["1", "2"]


def test_points_of_two_environments_may_have_one_name(read):
    rows = read(f"{HEADER}\na.pcap,1,2,p,,,,left\nb.pcap,3,4,p,,,,right\n")

    assert [row.point.x for row in rows] == [1.0, 3.0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"lacks the column\(s\) capture, x_m, y_m; its first line must be: "),
        ("capture,x_m\na.pcap,1\n", r"lacks the column\(s\) y_m; .* \(the last 5 opt"),
        ("capture,x_m,y_m,hight\n", r"has the unknown column\(s\) hight"),
        ("capture,x_m,y_m\n", "lists no captures"),
        ("capture,x_m,y_m\na.pcap,1\n", "line 2: not 3 fields"),
        ("capture,x_m,y_m\na.pcap,1,2,3\n", "line 2: not 3 fields"),
        ("capture,x_m,y_m\n,1,2\n", "line 2: the capture has no name"),
        ("capture,x_m,y_m\nd.pcap,1,2\n", "line 2: there is no capture .*d.pcap"),
        ("capture,x_m,y_m\n.,1,2\n", "line 2: there is no capture"),
        ("capture,x_m,y_m\na.pcap,one,2\n", "line 2: x_m is 'one', not a number"),
        ("capture,x_m,y_m\na.pcap,1,\n", "line 2: y_m is '', not a number"),
        ("capture,x_m,y_m\na.pcap,nan,2\n", "line 2: x_m is 'nan'"),
        ("capture,x_m,y_m\na.pcap,inf,2\n", "line 2: x_m is 'inf'"),
        ("capture,x_m,y_m\na.pcap,1,2e6\n", "line 2: y_m is '2e6'"),
        ("capture,x_m,y_m,floor\na.pcap,1,2,0.5\n", "floor is '0.5', not a whole"),
        ("capture,x_m,y_m,floor\na.pcap,1,2,attic\n", "line 2: floor is 'attic'"),
        (f"capture,x_m,y_m,room\na.pcap,1,2,{'r' * 201}\n", "room is longer than 200"),
        ("capture,x_m,y_m,room\na.pcap,1,2,\x07\n", "room .* or holds control char"),
        ('capture,x_m,y_m\n"a.pcap"x,1,2\n', "is not a CSV file: "),
        (b"capture,x_m,y_m\n\xff,1,2\n", "is no text in UTF-8; a CSV file"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(read, folder, text, reason):
    with pytest.raises(SurveyError, match=reason) as caught:
        read(text)

    assert str(folder / "survey.csv") in str(caught.value)


@pytest.mark.parametrize(
    ("second", "places"),
    [
        ("1,3,kitchen,0", r"\(1, 2\) in kitchen on floor 0 and \(1, 3\) in kitchen"),
        ("1,2,office,0", r"\(1, 2\) in kitchen on floor 0 and \(1, 2\) in office"),
        ("1,2,,0", r"\(1, 2\) in kitchen on floor 0 and \(1, 2\) on floor 0"),
        ("1,2,kitchen,1", r"\(1, 2\) in kitchen on floor 0 and .* on floor 1"),
    ],
)
def test_a_point_cannot_have_two_places(read, second, places):
    lines = ["capture,point,x_m,y_m,room,floor", "a.pcap,p,1,2,kitchen,0"]

    with pytest.raises(SurveyError, match=f"point 'p' has two places: {places}"):
        read("\n".join([*lines, f"b.pcap,p,{second}\n"]))


@pytest.mark.parametrize("again", ["a.pcap,3,4", "./a.pcap,1,2", "x/../a.pcap,3,4"])
def test_a_capture_that_is_listed_twice_is_refused(read, folder, again):
    (folder / "x").mkdir()

    with pytest.raises(SurveyError, match=r"a.pcap is listed twice, at \(1, 2\) on "):
        read(f"capture,x_m,y_m\na.pcap,1,2\n{again}\n")


def test_a_capture_may_serve_two_environments(read):
    rows = read("capture,x_m,y_m,environment\na.pcap,1,2,left\na.pcap,3,4,right\n")

    assert [row.environment for row in rows] == ["left", "right"]


def test_a_place_that_is_no_distance_in_metres_is_refused(read):
    with pytest.raises(SurveyError, match=r"x_m is '1e9', more than 1e\+06; it is"):
        read("capture,x_m,y_m\na.pcap,1e9,2\n")


def test_where_rooms_are_enough_no_point_has_coordinates(read, tmp_path):
    rows = read(
        "capture,x_m,y_m,point,room\na.pcap,,,table,kitchen\nb.pcap,,,,office\n"
        "c.pcap,,,outside,\n"
    )

    assert [row.point for row in rows] == [
        Point("table", None, None, "kitchen"),
        Point("office", None, None, "office"),
        Point("outside", None, None),
    ]
    assert [row.point.is_outside for row in rows] == [False, False, True]
    assert not any(row.point.is_placed for row in rows)
    assert np.isnan([row.point.location for row in rows]).all()
    write_survey(tmp_path / "again.csv", rows)
    assert read_survey(tmp_path / "again.csv") == rows


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a.pcap,,,table,\n", "line 2: neither x_m and y_m nor a room; a point needs"),
        ("a.pcap,,,,\n", "line 2: neither x_m and y_m nor a room"),
        ("a.pcap,1,,table,kitchen\n", "line 2: y_m is '', not a number"),
        (
            "a.pcap,,,table,kitchen\nb.pcap,1,2,desk,office\n",
            "of the points 'table' and 'desk' only one has coordinates; give them to",
        ),
        (
            "a.pcap,,,table,kitchen\nb.pcap,,,table,office\n",
            "'table' has two places: in kitchen on floor 0 and in office on floor 0",
        ),
    ],
)
def test_points_without_coordinates_are_all_so_and_have_rooms(read, lines, message):
    with pytest.raises(SurveyError, match=message):
        read("capture,x_m,y_m,point,room\n" + lines)


@pytest.mark.parametrize("names", ["outside,", ",outside", "outside,outside"])
def test_outside_may_be_called_so_as_a_point_or_a_room(read, names):
    (row,) = read(f"capture,x_m,y_m,point,room\na.pcap,,,{names}\n")

    assert row.point == Point("outside", None, None)


@pytest.mark.parametrize(
    "line",
    [
        "1,2,outside,",
        "1,2,,outside",
        ",,street,outside",
        ",,outside,hall",
        ",1,outside,",
    ],
)
def test_outside_is_no_place_of_the_site(read, line):
    message = "line 2: outside stands for everywhere else: point outside, with room, "
    with pytest.raises(SurveyError, match=message):
        read(f"capture,x_m,y_m,point,room\na.pcap,{line}\n")


def test_outside_may_stand_beside_points_with_coordinates(read):
    rows = read("capture,x_m,y_m,point\na.pcap,1,2,a\nb.pcap,,,outside\n")

    assert rows[1].point.is_outside


def test_a_list_longer_than_any_survey_is_refused(read, monkeypatch):
    monkeypatch.setattr("edge_agent.survey._MAX_LINES", 2)

    assert len(read("capture,x_m,y_m\na.pcap,1,2\nb.pcap,1,2\n")) == 2
    with pytest.raises(SurveyError, match="line 4: more than 2 captures"):
        read("capture,x_m,y_m\n" + "a.pcap,1,2\n" * 3)


def test_a_list_that_cannot_be_opened_says_why(folder):
    with pytest.raises(SurveyError, match=r"none\.csv: No such file"):
        read_survey(folder / "none.csv")


def test_a_written_list_reads_the_same_wherever_the_captures_are(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere.pcap"
    elsewhere.touch()
    rows = [
        SurveyedCapture(folder / "a.pcap", Point("p, 1", 1.25, -3, "k"), "1", "home"),
        SurveyedCapture(elsewhere, Point('"p2"', 0, 0, None, 2), "2", "home"),
    ]

    write_survey(folder / "survey.csv", rows)

    assert read_survey(folder / "survey.csv") == rows
    assert "\na.pcap," in (folder / "survey.csv").read_text()


# Six significant digits are what the list keeps: a millimetre within a kilometre.
_coordinate = st.integers(-999_999, 999_999).map(lambda mm: mm / 1000)
_text = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20
)


@given(
    points=st.lists(
        st.builds(
            Point,
            _text,
            _coordinate,
            _coordinate,
            st.none() | _text,
            st.integers(-9, 99),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda point: point.name,
    ),
    visit=_text,
)
def test_any_list_reads_as_it_was_written(tmp_path_factory, points, visit):
    folder = tmp_path_factory.mktemp("any")
    captures = [folder / f"{number}.pcap" for number in range(len(points))]
    for capture in captures:
        capture.touch()
    rows = [
        SurveyedCapture(capture, point, visit, "e")
        for capture, point in zip(captures, points, strict=True)
    ]

    write_survey(folder / "survey.csv", rows)

    assert read_survey(folder / "survey.csv") == rows


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": 7}, "point 7, room 'hall': expected text"),
        ({"room": 7}, "point 'p', room 7: expected text"),
        ({"x": math.nan}, r"point 'p' is at \(nan, 2.0\), not finite"),
        ({"y": math.inf}, r"point 'p' is at \(1.0, inf\), not finite"),
        ({"x": "1"}, "must be real number"),
        ({"floor": 0.5}, "as an integer"),
    ],
)
def test_a_point_of_a_stored_file_may_be_none(changes, reason):
    sound = {"name": "p", "x": 1.0, "y": 2.0, "room": "hall", "floor": 1}
    Point(**sound)

    with pytest.raises((TypeError, ValueError), match=reason):
        Point(**(sound | changes))


def test_a_point_is_somewhere_or_in_a_room_or_outside():
    with pytest.raises(ValueError, match="'desk' has neither coordinates nor a room"):
        Point("desk", None, None)
    with pytest.raises(ValueError, match=r"'desk' is at \(1.0, None\), not finite"):
        Point("desk", 1.0, None)
