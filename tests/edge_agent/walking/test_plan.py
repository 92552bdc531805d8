"""Which points, in which order, how long."""

import json
from dataclasses import replace

import pytest

from edge_agent.survey import OUTSIDE, Point
from edge_agent.walking.json_fields import FieldError, Fields
from edge_agent.walking.plan import PUT_DOWN_S, WALK_S, WHY_LAPS, WalkPlan
from tests.edge_agent.walking.walkers import HALL, KITCHEN, OFFICE, POINTS


def names(plan):
    return [(stop.point.name, stop.lap, stop.shot) for stop in plan.stops]


def test_laps_take_turns_in_direction_and_every_one_goes_outside():
    plan = WalkPlan((KITCHEN, OFFICE), laps=3, with_outside=True)

    assert names(plan) == [
        (OUTSIDE, 1, 1),
        ("kitchen", 1, 1),
        ("office", 1, 1),
        ("office", 2, 1),
        ("kitchen", 2, 1),
        (OUTSIDE, 2, 1),
        (OUTSIDE, 3, 1),
        ("kitchen", 3, 1),
        ("office", 3, 1),
    ]


def test_outside_takes_as_long_as_any_point():
    with_outside = WalkPlan((KITCHEN, OFFICE), shots_per_stop=2, with_outside=True)
    with_hall = WalkPlan(POINTS, shots_per_stop=2)

    assert with_outside.duration_s(50) == with_hall.duration_s(50)
    assert len(with_outside.stops) == 3 * 3 * 2


def test_shots_of_one_stop_follow_each_other():
    plan = WalkPlan((KITCHEN, OFFICE), laps=1, shots_per_stop=2)

    assert names(plan) == [
        ("kitchen", 1, 1),
        ("kitchen", 1, 2),
        ("office", 1, 1),
        ("office", 1, 2),
    ]


def test_three_points_in_three_laps_take_less_than_three_minutes():
    plan = WalkPlan(POINTS)

    assert plan.duration_s(50) == 9 * (WALK_S + PUT_DOWN_S) + 9 * 5.0
    assert plan.duration_s(50) < 180


def test_in_a_hurry_the_walking_is_saved():
    laps, hurry = WalkPlan(POINTS), WalkPlan(POINTS, laps=1, shots_per_stop=3)

    assert hurry.duration_s(50) == laps.duration_s(50) - 6 * (WALK_S + PUT_DOWN_S)


def test_the_gain_is_claimed_for_laps_alone():
    assert WalkPlan(POINTS).why == WHY_LAPS
    assert WalkPlan(POINTS, laps=1, shots_per_stop=3).why is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"laps": 0}, "laps is 0, not 1 to 9"),
        ({"laps": 10}, "laps is 10"),
        ({"shots_per_stop": 21}, "shots_per_stop is 21"),
        ({"points": (KITCHEN, KITCHEN)}, "two points are called 'kitchen'"),
        ({"points": (Point(OUTSIDE, None, None),)}, "with_outside"),
        ({"points": (KITCHEN, Point("a", None, None, "a"))}, "no coordinates"),
        ({"points": (Point("a\n", 0.0, 0.0),)}, "control characters"),
        ({"points": (Point("a", 1e9, 0.0),)}, "x is 1000000000.0"),
        (
            {"points": tuple(Point(str(n), 0.0, 0.0) for n in range(1001))},
            "1001 points",
        ),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        replace(WalkPlan(POINTS), **changes)


@pytest.mark.parametrize("is_typed", [False, True])
def test_a_plan_is_read_back_as_it_was(is_typed):
    plan = WalkPlan((KITCHEN, HALL), 2, 3, with_outside=True, is_typed=is_typed)

    assert WalkPlan.from_json(Fields.parse(json.dumps(plan.to_json()))) == plan


def test_a_plan_from_before_points_were_said_to_be_typed_is_read():
    stored = WalkPlan((KITCHEN,)).to_json()
    del stored["typed"]

    assert WalkPlan.from_json(Fields(stored)) == WalkPlan((KITCHEN,))


def test_points_that_are_typed_stay_so_when_there_are_some():
    assert WalkPlan((), is_typed=True).with_point(KITCHEN).is_typed


def test_a_stored_plan_with_nonsense_is_refused():
    stored = WalkPlan((KITCHEN,)).to_json()

    for change, reason in (
        ({"laps": 99}, "laps is 99"),
        ({"with_outside": 1}, "with_outside is 1, not true or false"),
        ({"typed": "yes"}, "typed is 'yes', not true or false"),
        ({"points": [1]}, "points.0. is 1, not an object"),
        ({"points": stored["points"] * 2}, "two points"),
    ):
        with pytest.raises(FieldError, match=reason):
            WalkPlan.from_json(Fields(stored | change))


def test_points_are_found_by_name_and_by_a_room_of_their_own():
    desk = Point("desk", 1.0, 1.0, "study")
    plan = WalkPlan((KITCHEN, desk))

    assert plan.point("desk") == plan.point("study") == desk
    assert plan.point(OUTSIDE) is None
    assert replace(plan, with_outside=True).point(OUTSIDE).is_outside
    two = plan.with_point(Point("shelf", 2.0, 1.0, "study"))
    assert two.point("study") is None
