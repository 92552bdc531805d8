"""What is said about shots that promise more than they can teach."""

import numpy as np
import pytest

from edge_agent.cautions import cautions
from edge_agent.survey import Point
from tests.edge_agent.sites import POINTS, REAL, channel, environment

NO_RSSI = tuple(channel(mac, has_rssi=False) for mac in REAL)


def test_good_shots_need_no_caution(rng):
    assert cautions(environment(rng), n_asked=3) == []


def test_access_points_that_no_two_places_share_are_said(rng):
    heard = np.zeros((9, 2), np.bool_)
    heard[:3, 0] = heard[3:, 1] = True

    (said,) = cautions(environment(rng, heard=heard), n_asked=3)

    assert said.startswith("no access point is heard at every point")


def test_one_access_point_that_is_heard_everywhere_is_enough(rng):
    heard = np.zeros((9, 2), np.bool_)
    heard[[0, 3, 6], 1] = True  # in one shot of each point
    heard[1, 0] = True

    assert cautions(environment(rng, heard=heard), n_asked=3) == []


def test_the_lack_of_a_level_is_said(rng):
    (said,) = cautions(environment(rng, channels=NO_RSSI), n_asked=3)

    assert "sends no RSSI" in said


def test_one_access_point_with_a_level_is_enough(rng):
    mixed = (channel(REAL[0]), channel(REAL[1], has_rssi=False))

    assert cautions(environment(rng, channels=mixed), n_asked=3) == []


def test_points_with_fewer_shots_than_asked_are_named(rng):
    shots = environment(rng).select(np.array([0, 1, 2, 3, 4, 6, 7, 8]))

    (said,) = cautions(shots, n_asked=3)

    assert said.startswith(f"fewer than 3 shots: point {POINTS[1].name};")


def test_points_with_a_single_visit_are_named(rng):
    visits = np.array(["1", "1", "1", "1", "2", "1", "2", "2", "2"])

    (said,) = cautions(environment(rng, visit_of=visits), n_asked=3)

    names = f"{POINTS[0].name}, {POINTS[2].name}"
    assert said.startswith(f"all shots from one recording: point {names};")


def test_one_shot_per_point_is_from_one_recording_of_course(rng):
    assert cautions(environment(rng, n_per_point=1), n_asked=1) == []


@pytest.mark.parametrize(
    ("n_points", "names"),
    [(4, "all points;"), (5, "point p1, p2, p3 and 1 more;")],
)
def test_many_points_are_counted_and_all_are_all(rng, n_points, names):
    points = tuple(Point(f"p{i}", i, 0) for i in range(n_points))
    visits = np.array(["1"] * 3 * n_points)
    if n_points == 5:
        visits[:3] = ["1", "2", "3"]

    (said,) = cautions(environment(rng, points=points, visit_of=visits), n_asked=3)

    assert said.startswith(f"all shots from one recording: {names}")


def test_simulated_shots_are_said(rng):
    (said,) = cautions(environment(rng, is_simulated=True), n_asked=3)

    assert "source: simulated" in said
    assert "--allow-simulated" in said


OUTSIDE = Point("outside", None, None)


def test_outside_nothing_need_be_heard(rng):
    heard = np.ones((9, 2), np.bool_)
    heard[6:] = False
    visits = np.array(["1", "2", "3"] * 3)
    points = (*POINTS[:2], OUTSIDE)

    shots = environment(rng, points=points, heard=heard, visit_of=visits)

    assert cautions(shots, n_asked=3) == []


def test_outside_is_to_be_visited_as_often_as_any_point(rng):
    visits = np.array(["1", "2", "3", "1", "2", "3", "1", "1", "1"])
    points = (*POINTS[:2], OUTSIDE)

    shots = environment(rng, points=points, visit_of=visits)

    (said,) = cautions(shots, n_asked=3)
    assert said.startswith("all shots from one recording: point outside;")
    few, _ = cautions(shots.select(np.arange(7)), n_asked=3)
    assert few.startswith("fewer than 3 shots: point outside;")
