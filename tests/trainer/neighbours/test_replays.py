"""Shots come from the first laps, queries from later ones, and never from both."""

from dataclasses import replace

import numpy as np
import pytest

from tests.edge_agent.sites import POINTS, environment
from trainer.neighbours.replays import Replay, with_two_visits


def numbered(rng, **overrides):
    """An environment whose images say in their first two pixels which they are."""
    made = environment(rng, **overrides)
    made.images[:, 0, 0, 0] = np.arange(len(made.images))
    return made


def numbers(part):
    return part.images[:, 0, 0, 0].tolist()


def test_two_visits_are_replayed_once_from_the_first(rng):
    home = numbered(rng, n_per_point=4)
    home = replace(home, visit_of=np.array(list("aabb" * 3)))

    (replay,) = Replay.of(home)

    assert numbers(replay.shots) == [0, 1, 4, 5, 8, 9]
    assert numbers(replay.queries) == [2, 3, 6, 7, 10, 11]


def test_more_visits_are_replayed_from_all_but_the_last_too(rng):
    first, laps = Replay.of(numbered(rng, n_per_point=5))

    assert numbers(first.shots) == [0, 5, 10]
    assert numbers(first.queries) == [k for k in range(15) if k % 5]
    assert numbers(laps.shots) == [0, 1, 2, 5, 6, 7, 10, 11, 12]
    assert numbers(laps.queries) == [4, 9, 14]


def test_visits_are_in_the_order_in_which_they_come(rng):
    home = numbered(rng, n_per_point=2)
    home = replace(home, visit_of=np.array(["10", "9"] * 3))

    (replay,) = Replay.of(home)

    assert numbers(replay.shots) == [0, 2, 4]


def test_points_of_one_visit_take_no_part_where_others_have_two(rng):
    home = numbered(rng, n_per_point=2)
    home = replace(home, visit_of=np.array(list("abaaab")))

    (replay,) = Replay.of(home)

    assert numbers(replay.shots) == [0, 4]
    assert numbers(replay.queries) == [1, 5]


def test_where_nobody_came_back_the_later_half_asks(rng):
    home = numbered(rng, n_per_point=5)
    home = replace(home, visit_of=np.full(15, "1"))

    (replay,) = Replay.of(home)

    assert numbers(replay.shots) == [0, 1, 2, 5, 6, 7, 10, 11, 12]
    assert numbers(replay.queries) == [3, 4, 8, 9, 13, 14]
    assert with_two_visits(home).visit_of.tolist() == list("11122" * 3)


def test_of_many_images_ten_ask_spread_over_the_later_visits(rng):
    home = numbered(rng, n_per_point=40, points=POINTS[:2])
    home = replace(home, visit_of=np.array((["1"] * 10 + ["2"] * 30) * 2))

    (replay,) = Replay.of(home)

    of_first = [k for k in numbers(replay.queries) if k < 40]
    assert len(of_first) == 10
    assert (of_first[0], of_first[-1]) == (10, 39)
    assert len(numbers(replay.queries)) == 20


@pytest.mark.parametrize("n_per_point", [0, 1])
def test_without_two_images_at_two_points_there_is_no_replay(rng, n_per_point):
    assert Replay.of(environment(rng, n_per_point=n_per_point)) == ()
