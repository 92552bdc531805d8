"""Shortest ways around walls: by hand, and against a search over a grid."""

import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.site_file import Wall
from edge_agent.tracking.ways import walking_distances


def distances(places, walls=(), floors=None):
    places = np.array(places, np.float64)
    floors = np.zeros(len(places), np.intp) if floors is None else np.array(floors)
    return walking_distances(places, floors, walls)


def box(left, bottom, right, top):
    """Four walls without a door."""
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    return [
        Wall(one, other)
        for one, other in zip(corners, [*corners[1:], corners[0]], strict=True)
    ]


def test_without_walls_ways_are_straight(rng):
    places = rng.uniform(0, 10, (12, 2))

    found = distances(places)

    assert found == pytest.approx(np.linalg.norm(places[:, None] - places, axis=2))


def test_a_way_goes_around_the_end_of_a_wall():
    wall = Wall((2.0, -10.0), (2.0, 3.0))

    found = distances([(0.0, 0.0), (4.0, 0.0)], [wall])

    # Over (2, 3); people keep some 15 cm from it.
    assert found[0, 1] == pytest.approx(2 * np.hypot(2, 3), abs=0.35)
    assert found[0, 1] >= 2 * np.hypot(2, 3)


def test_a_door_lets_through():
    walls = [Wall((2.0, -50.0), (2.0, 0.6)), Wall((2.0, 1.4), (2.0, 50.0))]

    found = distances([(0.0, 1.0), (4.0, 1.0), (0.0, -4.0)], walls)

    assert found[0, 1] == 4.0
    assert found[2, 1] == pytest.approx(np.hypot(2, 5) + 2, abs=0.5)


def test_nobody_slips_through_the_corner_of_a_room():
    found = distances([(1.0, 1.0), (3.0, 3.0)], box(0, 0, 2, 2))

    assert found[0, 1] == np.inf


def test_a_wall_is_on_its_own_floor_alone():
    places = [(0.0, 0.0), (4.0, 0.0)] * 2
    wall = Wall((2.0, -90.0), (2.0, 90.0), floor=1)

    found = distances(places, [wall], floors=[0, 0, 1, 1])

    assert found[0, 1] == 4.0
    assert found[2, 3] > 100
    assert (found[:2, 2:] == np.inf).all()


def test_two_points_at_one_place_are_no_way_apart():
    found = distances([(1.0, 1.0), (1.0, 1.0)], [Wall((1.0, 0.0), (1.0, 2.0))])

    assert (found == 0).all()


@given(
    st.lists(
        st.tuples(*[st.integers(0, 8)] * 4).filter(lambda w: w[:2] != w[2:]),
        max_size=4,
    ),
    st.integers(0, 2**32),
)
def test_ways_are_symmetric_and_no_shorter_than_straight(walls, seed):
    places = np.random.default_rng(seed).uniform(0, 8, (5, 2))
    walls = [Wall((float(a), float(b)), (float(c), float(d))) for a, b, c, d in walls]

    found = distances(places, walls)

    straight = np.linalg.norm(places[:, None] - places, axis=2)
    assert found == pytest.approx(found.T)
    assert (found >= straight - 1e-9).all()
    via = (found[:, :, None] + found).min(axis=1)
    assert (found <= via + 0.5).all()  # hardly longer than over a third place


def test_ways_are_those_that_a_search_over_a_fine_grid_finds():
    walls = [
        Wall((3.0, -9.0), (3.0, 4.0)),
        Wall((3.0, 4.0), (1.0, 4.0)),
        Wall((5.0, 2.0), (5.0, 16.0)),
    ]
    places = [(1.0, 1.0), (4.0, 1.0), (5.5, 5.0), (2.0, 5.0)]

    found = distances(places, walls)

    for one in range(4):
        searched = _search(places[one], walls)
        for other in range(4):
            # A grid's ways bend by 45 degrees at most, so they are up to 8 % longer,
            # and it keeps a step away from walls.
            truth = searched[places[other]]
            assert found[one, other] <= truth + 0.3
            assert found[one, other] >= truth / 1.083 - 0.6


def _search(start, walls, step=0.25, side=6.0):
    """Dijkstra over a grid of 8 neighbours; walls block steps that cross them."""
    n = round(side / step)

    def blocked(a, b):
        for wall in walls:
            (x1, y1), (x2, y2) = wall.start, wall.end
            if x1 == x2:
                crosses = (a[0] - x1) * (b[0] - x1) <= 0
                at = [a[1], b[1]]
                inside = min(at) <= max(y1, y2) and max(at) >= min(y1, y2)
            else:
                crosses = (a[1] - y1) * (b[1] - y1) <= 0
                at = [a[0], b[0]]
                inside = min(at) <= max(x1, x2) and max(at) >= min(x1, x2)
            if crosses and inside:
                return True
        return False

    lengths, queue = {start: 0.0}, [(0.0, start)]
    while queue:
        length, here = heapq.heappop(queue)
        if length > lengths[here]:
            continue
        for dx in (-step, 0, step):
            for dy in (-step, 0, step):
                there = (here[0] + dx, here[1] + dy)
                if not (0 <= there[0] <= n * step and 0 <= there[1] <= n * step):
                    continue
                longer = length + np.hypot(dx, dy)
                if longer < lengths.get(there, np.inf) and not blocked(here, there):
                    lengths[there] = longer
                    heapq.heappush(queue, (longer, there))
    return lengths
