"""What people type when they are asked where they stand."""

import pytest

from edge_agent.errors import ConfigError
from edge_agent.guide.typed_point import typed_point
from edge_agent.survey import Point


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("kitchen", Point("kitchen", None, None, "kitchen")),
        ("  living room ", Point("living room", None, None, "living room")),
        ("kitchen 1.2 0.5", Point("kitchen", 1.2, 0.5, "kitchen")),
        ("living room -1 .5", Point("living room", -1.0, 0.5, "living room")),
        ("table, kitchen, 1.2, 0.5", Point("table", 1.2, 0.5, "kitchen")),
        ("table,kitchen", Point("table", None, None, "kitchen")),
        ("kitchen, +1.2, 5.", Point("kitchen", 1.2, 5.0, "kitchen")),
        ("1.2 0.5", Point("1.2,0.5", 1.2, 0.5)),
        ("1.2,0.5", Point("1.2,0.5", 1.2, 0.5)),
        ("room 12", Point("room 12", None, None, "room 12")),
        ("outside", Point("outside", None, None)),
        ("kitchen 1,2 0,5", Point("kitchen", 1.2, 0.5, "kitchen")),
        ("living room -1,25 3,0", Point("living room", -1.25, 3.0, "living room")),
        ("1,2 0,5", Point("1.2,0.5", 1.2, 0.5)),
        ("list, list", Point("list", None, None, "list")),
        ("desk, 101", Point("desk", None, None, "101")),
    ],
)
def test_a_line_is_a_point(text, point):
    assert typed_point(text) == point


def test_the_floor_is_where_they_are():
    assert typed_point("attic", 2) == Point("attic", None, None, "attic", 2)


@pytest.mark.parametrize("text", ["", " ", ",", "a, b, c", "a, , 1, 2", "a,b,c,1,2"])
def test_other_lines_are_answered_with_how_to(text):
    with pytest.raises(ConfigError, match=r"is no point; type  kitchen  or"):
        typed_point(text)


@pytest.mark.parametrize(
    "text", ["kitchen 1.2", "kitchen 1,2", "kitchen .5", "table, kitchen, -1.5", "1.2"]
)
def test_half_a_place_is_refused(text):
    with pytest.raises(ConfigError, match="has one coordinate; type both, or none"):
        typed_point(text)


@pytest.mark.parametrize("text", ["help", "Undo", " list ", "?", "done", "n"])
def test_what_people_type_who_want_something_else_is_no_room(text):
    with pytest.raises(ConfigError, match=f"is no room; type.*{text.strip()[1:]}$"):
        typed_point(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("kitchen 1e9 1e9 99999999 1", "y|x is 99999999.0, not -1000000.0"),
        ("kitchen\x07", "up to 100 printable characters"),
        ("x" * 101, "up to 100 printable characters"),
        ("outside 1 2", "outside stands for everywhere else"),
    ],
)
def test_a_point_must_make_sense(text, reason):
    with pytest.raises(ConfigError, match=reason):
        typed_point(text)
