"""Shots that are taken away and located: which, how they are counted, what is said."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.check import Difference, LeftOut, Score, Verdict, check, folds
from edge_agent.estimate import estimate_from_posterior
from edge_agent.survey import Point
from tests.edge_agent.sites import environment

A = Point("a", 0.0, 0.0, "kitchen")
B = Point("b", 4.0, 0.0, "office")
C = Point("c", 4.0, 3.0, "office")
POINTS = (A, B, C)
ROOMS = tuple(Point(p.name, None, None, p.room) for p in POINTS)
OUTSIDE = Point("outside", None, None)


def shots(rng, *, points=POINTS, n_laps=3, one_visit=False):
    found = environment(rng, points=points, n_per_point=n_laps)
    if one_visit:
        return replace(found, visit_of=np.full(len(found), "1"))
    return found


def surely(points, number):
    """The estimate of who is sure of one point."""
    return estimate_from_posterior(
        np.eye(len(points))[number],
        points,
        time_ns=0,
        n_frames=0,
        window_s=0.0,
        n_heard=1,
        n_channels=1,
    )


def knowing(fresh, *, confused=()):
    """Locate rows of shots at their points, or at another one of those confused."""
    wrong = dict(confused)

    def rows(asked):
        numbers = fresh.point_of[asked].tolist()
        return [surely(fresh.points, wrong.get(n, n)) for n in numbers]

    return rows


def checked(fresh, *, confused=(), before=None, has_history=False):
    answer = knowing(fresh, confused=confused)
    return check(
        fresh, lambda fold: answer(fold.asked), has_history=has_history, before=before
    )


def of(fresh, fold):
    """A fold as (point, visit) of what is learnt and asked."""
    return [
        {(int(fresh.point_of[r]), str(fresh.visit_of[r])) for r in rows}
        for rows in (fold.learnt, fold.asked)
    ]


# -- what is taken away ----------------------------------------------------------------


def test_laps_are_taken_away_one_by_one(rng):
    fresh = shots(rng)

    left_out, parts = folds(fresh, has_history=False)

    assert left_out is LeftOut.LAPS
    assert len(parts) == 3
    for fold, lap in zip(parts, "123", strict=True):
        learnt, asked = of(fresh, fold)
        assert asked == {(point, lap) for point in range(3)}
        assert lap not in {visit for _, visit in learnt}


def test_of_a_single_lap_with_history_points_are_taken_away(rng):
    fresh = shots(rng, one_visit=True)

    left_out, parts = folds(fresh, has_history=True)

    assert left_out is LeftOut.POINTS
    assert [set(fresh.point_of[f.asked].tolist()) for f in parts] == [{0}, {1}, {2}]
    assert [set(fresh.point_of[f.learnt].tolist()) for f in parts] == [
        {1, 2},
        {0, 2},
        {0, 1},
    ]


def test_of_a_single_lap_alone_one_shot_of_each_point_is_taken_away(rng):
    fresh = shots(rng, one_visit=True)

    left_out, parts = folds(fresh, has_history=False)

    assert left_out is LeftOut.SHOTS
    assert [sorted(fresh.point_of[f.asked].tolist()) for f in parts] == [[0, 1, 2]] * 3
    assert sorted(np.concatenate([f.asked for f in parts]).tolist()) == list(range(9))


def test_one_shot_per_point_without_history_cannot_be_checked(rng):
    fresh = shots(rng, n_laps=1)

    assert folds(fresh, has_history=False)[1] == []
    assert checked(fresh) is None


def test_a_point_of_one_lap_alone_is_not_asked_about(rng):
    fresh = shots(rng)
    fresh = fresh.select(np.flatnonzero((fresh.point_of < 2) | (fresh.visit_of == "1")))

    _, parts = folds(fresh, has_history=False)

    assert 2 not in {int(n) for f in parts for n in fresh.point_of[f.asked]}
    _, parts = folds(fresh, has_history=True)  # which knows the point
    assert 2 in {int(n) for f in parts for n in fresh.point_of[f.asked]}


def test_what_is_asked_was_never_learnt(rng):
    for one_visit in (False, True):
        for has_history in (False, True):
            fresh = shots(rng, one_visit=one_visit)
            for fold in folds(fresh, has_history=has_history)[1]:
                assert not set(fold.learnt.tolist()) & set(fold.asked.tolist())


# -- how it is counted -----------------------------------------------------------------


def test_errors_and_rooms_are_counted_by_hand(rng):
    result = checked(shots(rng), confused={1: 2, 2: 0})

    # 0 m at a, 3 m at b, 5 m at c; b's room is c's, too.
    assert result.after.error == pytest.approx((0 + 3 + 5) / 3)
    assert result.after.rooms_right == pytest.approx(2 / 3)
    assert [(r.room, r.verdict) for r in result.rooms] == [
        ("kitchen", Verdict.GOOD),
        ("office", Verdict.WEAK),
    ]
    assert result.weakest == C
    assert result.verdict is Verdict.WEAK
    assert str(result.after) == "6 of 9 rooms right, mean error 2.67 m"


def test_guessing_is_the_middle_of_the_points_and_the_largest_room(rng):
    result = checked(shots(rng))

    middle = np.array([8 / 3, 1.0])
    errors = [np.hypot(*(np.array(p.location) - middle)) for p in POINTS]
    assert result.guessing.error == pytest.approx(np.mean(errors))
    assert result.guessing.rooms_right == pytest.approx(2 / 3)


def test_where_all_is_well_no_point_needs_more(rng):
    result = checked(shots(rng))

    assert (result.after.error, result.after.rooms_right) == (0, 1)
    assert (result.verdict, result.weakest) == (Verdict.GOOD, None)


def test_rooms_alone_are_counted_without_metres(rng):
    result = checked(shots(rng, points=ROOMS), confused={0: 1})

    assert result.after == Score(9, None, pytest.approx(2 / 3))
    assert result.weakest == ROOMS[0]
    assert str(result.after) == "6 of 9 rooms right"


def test_metres_alone_are_judged_against_the_middle(rng):
    bare = tuple(replace(p, room=None) for p in POINTS)

    verdicts = [
        checked(shots(rng, points=bare), confused=wrong).verdict
        for wrong in ({}, {0: 1}, {0: 1, 1: 0, 2: 0})
    ]

    # 0 m, 4 / 3 m and 13 / 3 m; the middle is off by 2.35 m.
    assert verdicts == [Verdict.GOOD, Verdict.WEAK, Verdict.UNUSABLE]
    assert checked(shots(rng, points=bare)).rooms == ()


def test_outside_is_a_room_without_metres(rng):
    points = (*POINTS, OUTSIDE)

    right = checked(shots(rng, points=points))
    wrong = checked(shots(rng, points=points), confused={3: 0, 0: 3})

    assert (right.after.error, right.after.rooms_right) == (0, 1)
    # Who believes to be outside has no position: that counts like the middle.
    assert wrong.after.error == pytest.approx(np.hypot(8 / 3, 1) / 3)
    assert {r.room: r.verdict for r in wrong.rooms} == {
        "kitchen": Verdict.UNUSABLE,
        "office": Verdict.GOOD,
        "outside": Verdict.UNUSABLE,
    }


def test_outside_is_the_last_of_the_rooms(rng):
    points = (*POINTS, OUTSIDE, Point("d", 0.0, 3.0, "porch"))

    rooms = [room.room for room in checked(shots(rng, points=points)).rooms]

    assert rooms == ["kitchen", "office", "porch", "outside"]


def test_where_no_room_has_a_name_outside_counts_for_itself_alone(rng):
    bare = (*(replace(p, room=None) for p in POINTS), OUTSIDE)

    right = checked(shots(rng, points=bare), confused={0: 1, 1: 0, 2: 0})
    wrong = checked(shots(rng, points=bare), confused={3: 0})

    # All points are mistaken; that what is outside is told says nothing of them.
    assert (right.after.rooms_right, right.guessing.rooms_right) == (None, None)
    assert right.verdict is Verdict.UNUSABLE
    assert [(r.room, r.verdict) for r in right.rooms] == [("outside", Verdict.GOOD)]
    assert wrong.verdict is Verdict.GOOD
    assert [r.verdict for r in wrong.rooms] == [Verdict.UNUSABLE]


@pytest.mark.parametrize(("outside", "is_right"), [(0.4, False), (0.6, True)])
def test_outside_is_believed_where_the_agent_would_say_so(rng, outside, is_right):
    points = (A, B, OUTSIDE)
    rest = (1 - outside) / 2
    unsure = estimate_from_posterior(
        np.array([rest, rest, outside]),
        points,
        time_ns=0,
        n_frames=0,
        window_s=0.0,
        n_heard=1,
        n_channels=1,
    )
    fresh = shots(rng, points=points)

    result = check(
        fresh, lambda fold: [unsure] * len(fold.asked), has_history=False, before=None
    )

    # With 0.4 outside has the largest share of the three, and no majority.
    assert unsure.is_outside == is_right
    assert result.rooms[-1].score.rooms_right == is_right


def test_what_was_not_located_counts_like_the_middle(rng):
    fresh = shots(rng)

    result = check(
        fresh, lambda fold: [None] * len(fold.asked), has_history=False, before=None
    )

    assert result.after.error == pytest.approx(result.guessing.error)
    assert result.after.rooms_right == 0


# -- before and after ------------------------------------------------------------------


def test_both_calibrations_are_asked_for_the_same_shots(rng):
    fresh, asked = shots(rng), []

    def before(rows):
        asked.extend(rows.tolist())
        return knowing(fresh, confused={0: 1})(rows)

    result = checked(fresh, before=before)

    assert sorted(asked) == list(range(9))
    assert result.before.error == pytest.approx(4 / 3)
    assert result.is_worth_it


@pytest.mark.parametrize(
    ("new", "old", "is_worth_it"),
    [({}, {0: 1}, True), ({0: 1}, {}, False), ({}, {}, False)],
)
def test_only_what_is_better_is_worth_it(rng, new, old, is_worth_it):
    fresh = shots(rng)

    result = checked(fresh, confused=new, before=knowing(fresh, confused=old))

    assert result.is_worth_it == is_worth_it


def test_worse_by_less_than_a_standard_error_shows_nothing(rng):
    """What is asked lacks a lap; what is used will not."""
    fresh = shots(rng)  # a: 4 m better, b: 4 m worse; c: 5 m, in one lap of three
    now = knowing(fresh, confused={1: 0})

    def located(fold):
        answers = now(fold.asked)
        if "1" in fresh.visit_of[fold.asked]:
            answers = [
                surely(fresh.points, 0) if fresh.point_of[row] == 2 else answer
                for row, answer in zip(fold.asked, answers, strict=True)
            ]
        return answers

    result = check(
        fresh, located, has_history=False, before=knowing(fresh, confused={0: 1})
    )

    more = [-4] * 3 + [4] * 3 + [5, 0, 0]
    assert result.loss.mean == pytest.approx(np.mean(more))
    assert result.loss.standard_error == pytest.approx(np.std(more, ddof=1) / 3)
    assert result.is_worth_it


def test_worse_at_every_point_is_worse(rng):
    fresh = shots(rng)

    result = checked(fresh, confused={0: 1, 1: 0, 2: 0}, before=knowing(fresh))

    assert result.loss.mean > result.loss.standard_error
    assert not result.is_worth_it


def test_a_single_shot_has_no_standard_error():
    loss = Difference.of(np.array([3.0]), np.array([1.0]))

    assert (loss.mean, loss.standard_error) == (2, 0)


def test_rooms_decide_where_there_are_no_metres(rng):
    fresh = shots(rng, points=ROOMS)

    result = checked(fresh, before=knowing(fresh, confused={0: 1}))

    assert result.is_worth_it


def test_the_result_is_json(rng):
    document = checked(shots(rng), confused={0: 1}).to_json()

    assert document["left_out"] == "laps"
    assert document["after"] == {"n": 9, "error_m": 1.333, "rooms_right": 0.6667}
    assert document["before"] is None
    assert document["weakest"] == "a"
    assert [room["verdict"] for room in document["rooms"]] == ["unusable", "good"]


def test_points_that_nobody_walked_to_are_counted(rng):
    fresh = shots(rng)
    sparse = fresh.select(np.flatnonzero(fresh.point_of < 2))

    everywhere, somewhere = checked(fresh), checked(sparse, has_history=True)

    assert (everywhere.n_points, everywhere.is_sparse) == (3, False)
    assert (somewhere.n_points, somewhere.n_site_points) == (2, 3)
    assert somewhere.is_sparse
    assert somewhere.to_json()["points"] == 2
    assert somewhere.to_json()["site_points"] == 3
