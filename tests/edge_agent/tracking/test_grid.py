"""How somebody may have gone: against the exponential of a matrix, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from edge_agent.site_file import Wall
from edge_agent.survey import Point
from edge_agent.tracking.grid import Grid

ROW = tuple(Point(str(x), float(x), 0.0, "hall") for x in range(8))
OUTSIDE = Point("outside", None, None)


def at(points, name):
    belief = np.zeros(len(points))
    belief[[point.name for point in points].index(name)] = 1
    return belief


def grid(points, speed_m_s=1.2, walls=()):
    return Grid(points, speed_m_s=speed_m_s, walls=walls)


points_anywhere = st.lists(
    st.one_of(
        st.builds(
            lambda x, y, floor: ("placed", x, y, floor),
            st.floats(-20, 20),
            st.floats(-20, 20),
            st.integers(0, 1),
        ),
        st.builds(lambda floor: ("room", None, None, floor), st.integers(0, 1)),
        st.just(("outside", None, None, 0)),
    ),
    min_size=1,
    max_size=12,
)


@given(points_anywhere, st.floats(0, 1e5), st.integers(0, 2**32))
def test_probabilities_stay_probabilities(places, walked_s, seed):
    points = [
        Point(str(n), x, y, "r") if kind != "outside" else OUTSIDE
        for n, (kind, x, y, _) in enumerate(places)
    ]
    belief = np.random.default_rng(seed).dirichlet(np.ones(len(points)))

    after = grid(points).after(belief, walked_s)

    assert after.sum() == pytest.approx(1)
    assert (after >= 0).all()
    if len(points) > 1 and walked_s > 0.01:
        assert (after > 0).all()  # nothing is impossible


def test_who_does_not_walk_stays():
    belief = at(ROW, "3")

    assert (grid(ROW).after(belief, 0.0) == belief).all()


def test_a_tick_s_law_is_the_formula():
    # 1 m apart at 1.2 m/s: a tick of 1 s, reach 1.2 m, s 0.6 m.
    after = grid(ROW).after(at(ROW, "3"), 1e-6) / 1e-6

    away = np.abs(np.arange(8) - 3.0)
    weights = np.exp(-np.square(np.maximum(0, away - 1.2) / 0.6) / 2)
    expected = weights / weights.sum()
    moved = np.delete(np.arange(8), 3)
    assert after[moved] == pytest.approx(expected[moved], abs=2e-4)


def test_many_short_steps_are_the_exponential_of_the_rates():
    points = (*ROW[:4], Point("far", 3.0, 7.0, "attic"), OUTSIDE)
    tracked = grid(points)
    short_s = 1e-6
    rates = np.array([tracked.after(row, short_s) for row in np.eye(6)]) - np.eye(6)
    rates /= short_s

    belief, step_s, n = at(points, "0"), 0.01, 300
    after = belief
    for _ in range(n):
        after = tracked.after(after, step_s)

    assert after == pytest.approx(belief @ expm(rates * step_s * n), abs=5e-3)


def test_the_rate_of_images_hardly_matters():
    tracked, belief = grid(ROW), at(ROW, "0")
    often = belief
    for _ in range(40):
        often = tracked.after(often, 0.1)

    seldom = tracked.after(belief, 4.0)

    assert np.abs(often - seldom).sum() < 0.15


def test_people_walk_as_fast_as_is_configured():
    def mean_m(speed_m_s):
        after = grid(ROW, speed_m_s).after(at(ROW, "0"), 2.0)
        return after @ np.arange(8)

    assert mean_m(0.4) < mean_m(1.2) < mean_m(3.0)


def test_points_that_are_far_apart_are_left_more_slowly_but_are_left():
    near = grid(ROW).after(at(ROW, "0"), 5.0)
    sparse = tuple(Point(p.name, 6 * p.location[0], 0.0, "hall") for p in ROW)
    far = grid(sparse).after(at(sparse, "0"), 5.0)

    assert near[0] < far[0] < 0.7


def test_nobody_walks_through_a_wall():
    wall = Wall((3.5, -5.0), (3.5, 30.0))
    free, walled = grid(ROW), grid(ROW, walls=[wall])

    assert free.after(at(ROW, "3"), 1.0)[4] > 0.12
    assert walled.after(at(ROW, "3"), 1.0)[4] < 1e-3
    assert walled.after(at(ROW, "3"), 1.0)[2] > 0.12


def test_who_is_walled_in_may_be_found_elsewhere_all_the_same():
    wall = Wall((3.5, -500.0), (3.5, 500.0))

    after = grid(ROW, walls=[wall]).after(at(ROW, "3"), 1.0)

    assert (after[4:] > 0).all()


def test_other_floors_are_reached_but_rarely():
    upstairs = tuple(Point(f"u{p.name}", *p.location, "attic", 1) for p in ROW)

    after = grid(ROW + upstairs).after(at(ROW + upstairs, "3"), 5.0)

    assert 0.005 < after[8:].sum() < 0.15


def test_outside_is_reached_from_anywhere_and_anywhere_from_there():
    points = (*ROW, OUTSIDE)
    tracked = grid(points)

    assert 0.01 < tracked.after(at(points, "0"), 2.0)[-1] < 0.2
    after = tracked.after(at(points, "outside"), 2.0)
    assert after[:-1] == pytest.approx(np.full(8, after[0]), rel=0.5)
    assert after[0] > 0.01


def test_rooms_without_coordinates_are_all_as_far():
    rooms = tuple(Point(name, None, None, name) for name in "abcd")

    after = grid(rooms).after(at(rooms, "a"), 5.0)

    assert after[1:] == pytest.approx(np.full(3, after[1]))
    assert 0.3 < after[0] < 0.6


def test_after_hours_anybody_may_be_anywhere_and_it_takes_no_time():
    after = grid(ROW).after(at(ROW, "0"), 1e9)

    assert after == pytest.approx(np.full(8, 1 / 8), abs=0.07)


@pytest.mark.parametrize(
    ("points", "speed_m_s"), [((), 1.0), (ROW, 0.0), (ROW, -1.0), (ROW, np.inf)]
)
def test_no_points_or_no_speed_make_no_grid(points, speed_m_s):
    with pytest.raises(ValueError, match=r"points and .* m/s; at least one point"):
        Grid(points, speed_m_s=speed_m_s)
