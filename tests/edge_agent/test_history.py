"""The newest walk beside those before: one list of points, one of channels."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.errors import CalibrationError
from edge_agent.history import align, joined, merge_points, pooled, walk_of, walks_of
from edge_agent.survey import Point
from tests.edge_agent.sites import POINTS, REAL, STRANGER, channel, environment

A, B, C = POINTS
ONE, TWO, NEW = (channel(mac) for mac in (*REAL, STRANGER))


def walked(rng, walk, *, points=POINTS, channels=(ONE, TWO), n_per_point=2):
    """Shots of one walk, lap by lap."""
    shots = environment(rng, points=points, channels=channels, n_per_point=n_per_point)
    visits = np.array([f"{walk}/{visit}" for visit in shots.visit_of])
    return replace(shots, visit_of=visits)


@pytest.mark.parametrize(
    ("visit", "walk"), [("20261123T101500Z/2", "20261123T101500Z"), ("2", ""), ("", "")]
)
def test_a_visit_names_its_walk(visit, walk):
    assert walk_of(visit) == walk


def test_both_have_the_points_of_either(rng):
    fresh = walked(rng, "2", points=(C, A))
    history = walked(rng, "1", points=(A, B))

    new, old = align(fresh, history)

    assert new.points == old.points == (A, B, C)
    assert [new.points[n] for n in new.point_of] == [C, C, A, A]
    assert [old.points[n] for n in old.point_of] == [A, A, B, B]
    np.testing.assert_array_equal(new.images, fresh.images)


def test_a_point_that_moved_is_where_the_fresh_shots_say(rng):
    moved = replace(A, x=9.0)

    new, old = align(walked(rng, "2", points=(moved,)), walked(rng, "1", points=(A, B)))

    assert new.points == old.points == (moved, B)


def test_channels_are_the_fresh_ones_then_those_that_only_history_heard(rng):
    fresh = walked(rng, "2", channels=(TWO,))
    fresh = replace(fresh, heard=np.tile([True, False], (len(fresh), 1)))
    history = walked(rng, "1", channels=(ONE, TWO))

    new, old = align(fresh, history)

    assert new.channels == old.channels == (TWO, ONE)
    np.testing.assert_array_equal(old.images[:, 0], history.images[:, 1])
    np.testing.assert_array_equal(old.images[:, 1], history.images[:, 0])
    assert not new.heard[:, 1].any()


def test_a_new_access_point_takes_the_place_of_one_that_went(rng):
    fresh = walked(rng, "2", channels=(NEW, TWO))
    history = walked(rng, "1", channels=(ONE, TWO))
    history.heard[0] = [True, False]  # of what is gone alone

    new, old = align(fresh, history)

    assert new.channels == (NEW, TWO)
    assert len(old) == len(history) - 1
    assert (old.heard == [False, True]).all()
    assert not old.images[:, 0].any()


def test_shots_of_other_images_do_not_go_together(rng):
    fresh = walked(rng, "2")
    other = replace(fresh, spec=replace(fresh.spec, floor_dbm=-100.0))

    with pytest.raises(CalibrationError, match="they do not go together"):
        align(fresh, other)


def test_points_have_coordinates_or_none_has():
    outside, room = Point("outside", None, None), Point("k", None, None, "kitchen")

    assert merge_points((A,), (outside,)) == (outside, A)
    assert merge_points((room,), (outside,)) == (room, outside)
    with pytest.raises(CalibrationError, match="'k' has no coordinates, and others"):
        merge_points((A,), (room,))


def test_points_without_fresh_shots_have_the_newest_there_are(rng):
    first = walked(rng, "1", points=(A, B, C))
    second = walked(rng, "2", points=(A, B))
    new, old = align(walked(rng, "3", points=(A,)), joined(*align(second, first)))

    shots = pooled(new, old)

    found = [
        (shots.points[p].name, walk)
        for p, walk in zip(shots.point_of, walks_of(shots), strict=True)
    ]
    assert found == [("p1", "3")] * 2 + [("p2", "2")] * 2 + [("p3", "1")] * 2


def test_where_all_points_are_fresh_nothing_old_is_added(rng):
    new, old = align(walked(rng, "2"), walked(rng, "1"))

    assert pooled(new, old).digest == new.digest


def test_only_what_is_aligned_is_joined(rng):
    with pytest.raises(ValueError, match="align them first"):
        joined(walked(rng, "2", points=(A,)), walked(rng, "1", points=(A, B)))


def test_what_is_joined_with_simulated_shots_is_simulated(rng):
    real, simulated = walked(rng, "1"), replace(walked(rng, "2"), is_simulated=True)

    assert joined(real, simulated).is_simulated
    assert not joined(real, real).is_simulated
