"""What becomes of each location, told by hand."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.evaluation.judged import Judged, most_probable_room
from edge_agent.survey import Point
from tests.edge_agent.evaluation.locations import OUT, REFERENCE, estimate, judged

P1, P2, P3 = REFERENCE


def test_errors_are_distances_from_the_truth():
    found = judged((P1, estimate((3.0, 4.0))), (P2, estimate((2.0, 0.0))))
    assert found.error.tolist() == [5.0, 0.0]
    assert found.offset.tolist() == [[3.0, 4.0], [0.0, 0.0]]
    assert found.radii.tolist() == [[0.5, 1.0], [0.5, 1.0]]


def test_what_has_no_place_has_no_error():
    found = judged((OUT, estimate()), (P1, estimate(None)), (P1, estimate()))
    assert found.is_measured.tolist() == [False, False, True]
    assert found.is_placed.tolist() == [False, True, True]
    assert np.isnan(found.error).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("rooms", "outside", "room"),
    [
        ((("kitchen", 0.8), ("office", 0.2)), 0.0, "kitchen"),
        ((("kitchen", 0.3), ("office", 0.1)), 0.6, "outside"),
        ((("kitchen", 0.3), ("office", 0.3)), 0.4, "kitchen"),
        ((), 0.0, None),
        ((), 0.9, "outside"),
    ],
)
def test_the_most_probable_room_may_be_outside_or_none(rooms, outside, room):
    assert most_probable_room(estimate(rooms=rooms, outside=outside)) == room


def test_rooms_are_right_where_they_are_the_true_ones_outside_included():
    away = estimate(outside=0.9, rooms=(("kitchen", 0.1),))
    found = judged((P1, estimate()), (P3, estimate()), (OUT, away), (OUT, estimate()))
    assert found.is_room_right.tolist() == [True, False, True, False]
    assert found.has_room.all()
    nowhere = judged((Point("q", 1.0, 1.0), estimate()))
    assert not nowhere.has_room.any()


def test_where_no_room_has_a_name_outside_counts_for_itself_alone():
    bare, away = Point("q", 1.0, 1.0), estimate(outside=0.9, rooms=())
    found = judged((bare, away), (OUT, away))
    assert not found.has_room.any()
    alone = found.select([1])
    assert alone.has_room.all()
    assert alone.is_room_right.all()


def test_what_is_flat_or_outside_says_nothing():
    flat = replace(estimate(), is_flat=True)
    found = judged((P1, flat), (P1, estimate(outside=0.9)), (OUT, estimate()))
    assert found.is_known.tolist() == [False, False, True]
    assert found.is_inside.tolist() == [True, True, False]
    assert most_probable_room(flat) == "kitchen"


def test_floors_are_right_where_they_are_the_true_ones():
    upstairs = Point("u", 0.0, 0.0, "attic", 1)
    found = judged((upstairs, estimate()), (upstairs, estimate(floor=1)))
    assert found.is_floor_right.tolist() == [False, True]


def test_the_nearest_point_counts_not_the_exact_place():
    off_grid = Point("q", 0.4, 0.3)
    found = judged(
        (off_grid, estimate((0.9, 0.0))),  # both nearest to p1
        (off_grid, estimate((1.1, 0.0))),  # nearest to p2
        (off_grid, estimate(None)),
    )
    assert found.is_point_right.tolist() == [True, False, False]
    assert found.is_reference.tolist() == [False] * 3
    assert judged((P1, estimate())).is_reference.tolist() == [True]


def test_the_nearest_point_is_looked_for_on_the_floor():
    reference = (*REFERENCE, Point("u", 0.0, 0.0, "attic", 1))
    found = judged(
        (reference[3], estimate((1.5, 0.0), floor=1)),
        (reference[3], estimate((0.0, 0.0), floor=0)),
        reference=reference,
    )
    assert found.is_point_right.tolist() == [True, False]


def test_some_of_the_locations_can_be_taken():
    found = judged((P1, estimate((1.0, 0.0))), (P2, estimate()), visits=["2", "3"])
    taken = found.select([1])
    assert (taken.truths, taken.visits, taken.error.tolist()) == ((P2,), ("3",), [2.0])


def test_without_locations_there_are_no_errors():
    empty = judged()
    assert len(empty) == 0
    assert empty.error.shape == (0,)
    assert empty.truth.shape == (0, 2)


def test_records_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="1 estimates, 0 truths and 1 visits"):
        Judged(REFERENCE, (estimate(),), (), ("1",))
    with pytest.raises(ValueError, match="without points"):
        judged(reference=())
