"""A receiver that rests at a known point judges the calibration by its own error."""

import numpy as np
import pytest

from edge_agent.drift.sentinel import Sentinel, sentinel_at
from edge_agent.errors import UsageError
from edge_agent.estimate import estimate_from_posterior
from edge_agent.survey import Point

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND
POINTS = (Point("shelf", 0.0, 0.0, "kitchen"), Point("desk", 9.0, 0.0, "office"))
ROOMS = tuple(Point(p.name, None, None, p.room) for p in POINTS)


def located(at, *, minute=0, points=POINTS):
    """A location that is sure of a point."""
    posterior = np.full(len(points), 0.001)
    posterior[at] = 1.0
    return estimate_from_posterior(
        posterior,
        points,
        time_ns=START + minute * 60 * SECOND,
        n_frames=50,
        window_s=2.5,
        n_heard=1,
        n_channels=1,
    )


def watch(sentinel, minutes, **where):
    return [
        sentinel.update(located(minute=minute, **where)).is_alarm for minute in minutes
    ]


def test_it_knows_its_own_error():
    state = Sentinel(POINTS[0]).update(located(1))

    assert state.error_m == pytest.approx(9, abs=0.1)
    assert state.is_miss
    assert state.sentence == "sentinel: off by 9.0 m"


def test_within_r95_it_is_right():
    state = Sentinel(POINTS[0]).update(located(0))

    assert not state.is_miss
    assert state.sentence.startswith("sentinel: right by 0.0")


def test_without_coordinates_the_room_counts():
    sentinel = Sentinel(ROOMS[0])

    assert not sentinel.update(located(0, points=ROOMS)).is_miss
    state = sentinel.update(located(1, points=ROOMS))
    assert (state.is_miss, state.error_m) == (True, None)
    assert state.sentence == "sentinel: off"


def test_hours_at_the_right_place_are_no_alarm():
    assert not any(watch(Sentinel(POINTS[0]), range(24 * 60), at=0))


def test_an_hour_at_the_wrong_place_is_one():
    alarms = watch(Sentinel(POINTS[0]), range(120), at=1)

    assert alarms.index(True) == 60  # the fourth quarter is over
    assert all(alarms[60:])


def test_a_few_minutes_at_the_wrong_place_are_none():
    sentinel = Sentinel(POINTS[0])
    for quarter in range(0, 24 * 60, 15):
        assert not any(watch(sentinel, range(quarter, quarter + 5), at=1))
        assert not any(watch(sentinel, range(quarter + 5, quarter + 15), at=0))


def test_it_asks_for_a_shot_where_it_rests():
    assert Sentinel(POINTS[0]).caution == (
        "the sentinel at shelf is no longer located where it rests: edge_agent label "
        "shelf"
    )


def test_a_point_is_found_by_its_name():
    sentinel = sentinel_at("desk", POINTS)

    assert not sentinel.update(located(1)).is_miss


def test_a_point_that_is_none_is_refused():
    with pytest.raises(UsageError, match="attic: the site has no such point; among"):
        sentinel_at("attic", POINTS)
