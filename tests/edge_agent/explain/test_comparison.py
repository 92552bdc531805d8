"""Why here and not there, with distances by hand."""

import json

import numpy as np

from edge_agent.explain.comparison import compare, nearest_shots
from edge_agent.survey import Point
from tests.edge_agent.test_evidence import evidence_of

POINTS = (
    Point("stove", 0.0, 0.0, "kitchen"),
    Point("desk", 4.0, 0.0, "office"),
    Point("shelf", 6.0, 0.0, "office"),
)
POINT_OF = np.array([0, 1, 1, 2])
SHARES = [[3.0, 1.0], [0.5, 2.0], [1.0, 2.5], [0.2, 9.0]]
"""Distances 4, 2.5, 3.5 and 9.2."""

VISITS = ("1", "1", "2", "1")
KITCHEN = POINT_OF == 0
OFFICE = POINT_OF != 0


def comparison(expected, chosen, shares=SHARES):
    return compare(evidence_of(shares), expected, chosen, POINT_OF, POINTS, VISITS)


def test_the_nearest_shots_come_first():
    found = nearest_shots(evidence_of(SHARES), POINT_OF, POINTS, VISITS)

    assert [shot.distance for shot in found] == [2.5, 3.5, 4.0, 9.2]
    assert [(shot.point.name, shot.visit) for shot in found[:3]] == [
        ("desk", "1"),
        ("desk", "2"),
        ("stove", "1"),
    ]


def test_no_more_than_a_few_are_named():
    shares = np.tile(SHARES, (3, 1))
    found = nearest_shots(evidence_of(shares), np.tile(POINT_OF, 3), POINTS, ())

    assert len(found) == 5
    assert {shot.visit for shot in found} == {""}


def test_the_place_that_was_expected_is_confirmed():
    found = comparison("office", OFFICE)

    assert found.is_right
    assert (found.rank, found.deciding) == (0, ())


def test_an_access_point_decides_if_without_it_the_place_would_be_nearest():
    found = comparison("kitchen", KITCHEN)

    assert not found.is_right
    assert (found.nearest.point.name, found.best.point.name) == ("desk", "stove")
    assert found.rank == 2
    assert found.deciding == (0,)  # by the second alone the stove is nearest


def test_what_two_say_no_single_one_decides():
    shares = [[3.0, 4.0], [0.5, 2.0], [1.0, 2.5], [0.2, 9.0]]

    assert comparison("kitchen", KITCHEN, shares).deciding == ()


def test_levels_that_one_does_not_hear_are_unknown():
    offsets = np.array([[1.0, np.nan]] * 4)
    evidence = evidence_of(SHARES, offset_db=offsets)

    found = compare(evidence, "kitchen", KITCHEN, POINT_OF, POINTS, VISITS)

    assert found.best.offsets_db == (1.0, None)
    document = json.loads(json.dumps(found.to_json()))
    assert document["best"]["offsets_db"] == [1.0, None]
