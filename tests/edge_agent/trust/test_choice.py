"""Which estimator wins, against scores worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.estimators import Estimator
from edge_agent.survey import Point
from edge_agent.trust.choice import (
    Floors,
    Measure,
    deciding,
    floors_at,
    losses,
    measure_at,
    recommended_at,
    room_beliefs,
    rooms_of,
    winner,
)
from edge_agent.trust.replayed import Replayed

LINE = (Point("a", 0, 0, "west"), Point("b", 4, 0, "east"))
ROOMS = (
    Point("table", None, None, "kitchen"),
    Point("desk", None, None, "office"),
    Point("sink", None, None, "kitchen"),
    Point("outside", None, None),
)


def answers(posterior, truth, points=LINE, weight=None):
    n = len(truth)
    return Replayed(
        points,
        np.asarray(posterior, np.float64).reshape(n, len(points)),
        np.asarray(truth, np.intp),
        np.zeros(n, np.bool_),
        np.ones(n) if weight is None else np.asarray(weight, np.float64),
        np.ones(n, np.bool_),
    )


def of_errors(errors):
    """Answers at (0, 0) that are so many metres off, at most 4."""
    return answers([[1 - e / 4, e / 4] for e in errors], [0] * len(errors))


def test_metres_are_those_of_the_mean():
    found = losses(answers([[0.75, 0.25], [0.75, 0.25]], [0, 1], weight=[1, 0.5]))

    assert found.values.tolist() == [1, 3]
    assert found.mean == pytest.approx((1 + 1.5) / 1.5)


def test_who_was_outside_is_not_asked_for_metres():
    points = (*LINE, Point("outside", None, None))

    found = losses(answers([[0.5, 0.5, 0], [0, 0, 1]], [0, 2], points))

    assert found.values.tolist() == [2]


def test_without_coordinates_the_room_counts():
    """Two points of the kitchen together are more than the office."""
    belief = [0.3, 0.4, 0.3, 0.0]

    found = losses(answers([belief] * 4, [0, 1, 2, 3], ROOMS))

    assert measure_at(ROOMS) is Measure.WRONG_ROOMS
    assert found.values.tolist() == [0, 1, 0, 1]


def test_outside_is_a_room_and_so_is_none():
    points = (*ROOMS, Point("hall", 1, 1))
    rooms = rooms_of(points)

    assert rooms[0] == rooms[2]
    assert len(set(rooms.tolist())) == 4
    (beliefs,) = room_beliefs(np.array([[0.1, 0.2, 0.3, 0.15, 0.25]]), rooms)
    assert beliefs[rooms].tolist() == pytest.approx([0.4, 0.2, 0.4, 0.15, 0.25])


def test_floors_in_metres_leave_outside_away():
    """Middle: 2 m from either. Drawn at random: 0 or 4 m off."""
    points = (*LINE, Point("outside", None, None))

    assert floors_at(points) == Floors(2.0, 2.0)


def test_floors_in_rooms_are_those_of_guessing():
    """Half of the points are of the kitchen."""
    assert floors_at(ROOMS) == Floors(0.5, 1 - (0.25 + 1 / 16 + 1 / 16))


def test_what_is_clearly_better_wins():
    replays = {
        Estimator.NEIGHBOURS: of_errors([2.0, 2.1, 1.9, 2.2]),
        Estimator.NETWORK: of_errors([1.0, 1.2, 0.9, 1.0]),
    }

    assert winner(replays, Estimator.NEIGHBOURS) is Estimator.NETWORK


def test_what_is_better_by_chance_does_not():
    """One query of four makes the difference: 0.5 m, with a standard error of 0.87."""
    replays = {
        Estimator.NEIGHBOURS: of_errors([0, 0, 0, 4.0]),
        Estimator.NETWORK: of_errors([1.0, 1.0, 0, 0]),
    }

    more, error = losses(replays[Estimator.NEIGHBOURS]).excess(
        losses(replays[Estimator.NETWORK])
    )
    assert more == 0.5
    assert error == pytest.approx(np.std([-1, -1, 0, 4]) / 2)
    assert winner(replays, Estimator.NEIGHBOURS) is Estimator.NEIGHBOURS
    assert winner(replays, Estimator.NETWORK) is Estimator.NETWORK


def test_where_nothing_was_replayed_the_recommended_one_stays():
    nothing = {Estimator.NETWORK: answers(np.zeros((0, 2)), [])}

    assert winner(nothing, Estimator.NETWORK) is Estimator.NETWORK
    assert winner({}, Estimator.NEIGHBOURS) is Estimator.NEIGHBOURS
    assert winner(nothing, Estimator.NEIGHBOURS) is Estimator.NEIGHBOURS


@pytest.mark.parametrize(
    ("recommended", "replayed", "expected"),
    [
        (Estimator.NEIGHBOURS, {Estimator.NEIGHBOURS}, Estimator.NEIGHBOURS),
        (Estimator.NEIGHBOURS, {Estimator.NEIGHBOURS, Estimator.MAP}, Estimator.MAP),
        (Estimator.NETWORK, {Estimator.NEIGHBOURS, Estimator.MAP}, Estimator.NETWORK),
    ],
)
def test_where_there_is_a_history_the_map_stands_for_its_neighbours(
    trusted_bundle, recommended, replayed, expected
):
    manifest = replace(trusted_bundle.manifest, estimator=recommended)
    bundle = replace(trusted_bundle, manifest=manifest)

    assert recommended_at(bundle, dict.fromkeys(replayed, of_errors([0]))) is expected


def test_the_day_of_the_walk_decides_where_it_was_replayed():
    both = replace(of_errors([1, 3, 2]), is_later_day=np.array([False, True, False]))
    later = replace(of_errors([1, 3]), is_later_day=np.array([True, True]))

    assert losses(deciding(both)).values.tolist() == [1, 2]
    assert losses(deciding(later)).values.tolist() == [1, 3]
