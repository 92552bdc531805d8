"""Which points are calibrated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from tests.trainer.benchmark.synthetic import hall
from trainer.benchmark.points import checkerboard, every_nth_point, spread_points
from trainer.surveys.environment import Place


def place(locations, floors=None):
    locations = np.array(locations, np.float64).reshape(-1, 2)
    floors = np.zeros(len(locations)) if floors is None else np.array(floors)
    return Place("hall", locations, floors.astype(np.intp), ("ap",))


# -- spread ----------------------------------------------------------------------------


def test_spread_points_of_a_square_are_its_corners_and_its_middle():
    square = hall(5, 5)

    for corner in (0, 4, 20, 24):
        assert spread_points(square, 5, corner).tolist() == [0, 4, 12, 20, 24]


def test_spread_points_of_a_line_are_its_ends_and_halves():
    line = place([(x, 0) for x in range(9)])

    assert spread_points(line, 5, 0).tolist() == [0, 2, 4, 6, 8]


def test_fewer_points_than_asked_for_are_all():
    assert spread_points(hall(3, 1), 5, 1).tolist() == [0, 1, 2]


def test_spread_points_are_on_all_floors():
    two = hall(4, 3, floors=2)

    for start in range(two.n_points):
        floors = two.floors[spread_points(two, 5, start)]
        assert sorted(np.bincount(floors)) == [2, 3]


@settings(deadline=None)
@given(n=st.integers(1, 8), start=st.integers(0, 19), seed=st.integers(0, 99))
def test_no_point_is_farther_from_the_chosen_than_these_are_from_each_other(
    n, start, seed
):
    """The property that makes farthest-point sampling a 2-approximation."""
    scattered = place(np.random.default_rng(seed).uniform(0, 10, (20, 2)))

    chosen = spread_points(scattered, n, start)

    assert start in chosen
    assert len(set(chosen.tolist())) == n
    apart = cdist(scattered.locations, scattered.locations[chosen])
    if n > 1:
        among = apart[chosen] + np.where(np.eye(n), np.inf, 0)
        assert apart.min(axis=1).max() <= among.min() + 1e-12


# -- every nth -------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 4, 5])
def test_the_phases_share_the_points_out(n):
    parts = [every_nth_point(hall(5, 4), n, phase) for phase in range(n)]

    assert sorted(np.concatenate(parts).tolist()) == list(range(20))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_every_fourth_point_of_a_corridor_is_every_fourth():
    corridor = place([(x, 0) for x in range(12)])

    assert every_nth_point(corridor, 4, 1).tolist() == [1, 5, 9]


def test_every_fourth_point_of_a_square_is_one_of_each_quadrant():
    """The Hilbert curve visits each 2 x 2 block of a 2^k grid before the next."""
    square = hall(8, 8)
    for phase in range(4):
        chosen = square.locations[every_nth_point(square, 4, phase)]
        blocks = {(x // 6, y // 6) for x, y in chosen}
        assert len(blocks) == len(chosen) == 16


def test_neighbours_on_the_curve_are_neighbours_on_the_map():
    square = hall(8, 8)
    order = [every_nth_point(square, 64, phase)[0] for phase in range(64)]

    steps = np.linalg.norm(np.diff(square.locations[order], axis=0), axis=1)

    np.testing.assert_allclose(steps, 3.0)


def test_points_in_one_spot_are_no_problem():
    assert every_nth_point(place([(1, 1)] * 4), 4, 2).tolist() == [2]
    assert every_nth_point(place([]), 4, 2).tolist() == []


def test_floors_are_visited_one_after_the_other():
    two = hall(4, 1, floors=2)

    assert every_nth_point(two, 4, 0).tolist() == [0, 4]


# -- checkerboard ----------------------------------------------------------------------


def test_neighbours_of_a_checkerboard_have_different_colours():
    colours = checkerboard(hall(4, 3)).reshape(3, 4)

    assert colours.astype(int).tolist() == [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]


def test_coordinates_that_differ_by_less_than_a_hand_are_one_column():
    skewed = place([(0, 0), (3, 0.01), (0.02, 3), (3.01, 3)])

    assert checkerboard(skewed).astype(int).tolist() == [1, 0, 0, 1]


def test_a_gap_in_the_grid_is_no_column():
    assert checkerboard(place([(0, 0), (3, 0), (9, 0)])).tolist() == [True, False, True]


def test_every_floor_has_its_own_checkerboard():
    assert checkerboard(hall(3, 1, floors=2)).astype(int).tolist() == [1, 0, 1] * 2
