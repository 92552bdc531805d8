"""Shots in words."""

import pytest

from edge_agent.explain.comparison import ShotNearby
from edge_agent.explain.shot_words import brief, lap, place, shots_table, taken
from edge_agent.survey import Point

TABLE = Point("table", 0.0, 0.0, "kitchen")
CHANNELS = ("dc:a6:32:01:02:03", "dc:a6:32:01:02:04")


def shot(point=TABLE, visit="1", shares=(1.0, 0.5)):
    return ShotNearby(point, visit, sum(shares), shares, (0.0, None))


@pytest.mark.parametrize(
    ("point", "name"),
    [
        (TABLE, "kitchen/table"),
        (Point("kitchen", None, None, "kitchen"), "kitchen"),
        (Point("p1", 0.0, 0.0), "p1"),
    ],
)
def test_a_point_is_named_with_its_room(point, name):
    assert place(point) == name


@pytest.mark.parametrize(
    ("longest", "words"), [(13, "kitchen/table"), (12, "table"), (4, "ta..")]
)
def test_a_column_names_a_point_as_far_as_it_has_room(longest, words):
    assert brief(TABLE, longest) == words


@pytest.mark.usefixtures("utc")
@pytest.mark.parametrize(
    ("visit", "words"),
    [
        ("20260131T094105Z/2", "2026-01-31 09:41 lap 2"),
        ("3", "lap 3"),
        ("monday/3", "monday lap 3"),
        ("20261399T094105Z/2", "20261399T094105Z lap 2"),
        ("", ""),
    ],
)
def test_a_lap_is_said_by_the_day_of_its_walk(visit, words):
    assert lap(visit) == words


def test_a_shot_of_which_nobody_knows_when_is_named_by_its_place():
    assert taken(shot()) == "kitchen/table, lap 1"
    assert taken(shot(visit="")) == "kitchen/table"


def test_access_points_that_do_not_fit_are_left_out_never_cut():
    shots = (shot(), shot(visit="20260131T094105Z/2", shares=(1.25, 9.0)))
    (wide_header, *wide), (header, *narrow) = (
        list(shots_table(shots, CHANNELS, width)) for width in (78, 56)
    )

    assert wide_header.split() == ["when", "apart", "01:02:03", "01:02:04"]
    assert wide[1].split()[-3:] == ["10.25", "1.25", "9.00"]
    assert header.split() == ["when", "apart", "01:02:03"]
    assert narrow[1].split()[-2:] == ["10.25", "1.25"]
    assert max(map(len, (header, *narrow))) <= 56


def test_without_room_for_any_access_point_distances_are_left():
    header, row = shots_table((shot(visit=""),), CHANNELS, 10)

    assert header.split() == ["when", "apart"]
    assert row.split() == ["kitchen/table", "-", "1.50"]
