"""Visits held out for all points of a task together, counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.episodes import TaskConfig, draw_episode, split_visits, usable_points


def survey(visits_of, n_images=1):
    """Point and visit of each sample; an item per point, with its visits."""
    rows = [
        (point, visit)
        for point, visits in enumerate(visits_of)
        for visit in visits
        for _ in range(n_images)
    ]
    points, visits = zip(*rows, strict=True)
    return np.array(points), np.array(visits)


def splits(visits_of, n=50, **options):
    """Per draw, the visits of support and of query of each point."""
    points, visits = survey(visits_of)
    rng = np.random.default_rng(0)
    return [
        {
            point: (set(visits[support].tolist()), set(visits[query].tolist()))
            for point, support, query in split_visits(points, visits, rng, **options)
        }
        for _ in range(n)
    ]


def test_laps_are_held_out_one_at_a_time_each_as_often():
    held_out = []
    for split in splits(["abcd"] * 3, n=400):
        (query,) = {frozenset(query) for _, query in split.values()}
        assert {frozenset(support) for support, _ in split.values()} == {
            frozenset("abcd") - query
        }
        (visit,) = query
        held_out.append(visit)

    # A quarter of 400, give or take four standard deviations.
    assert all(65 < held_out.count(visit) < 135 for visit in "abcd")


def test_visits_that_are_of_one_point_each_are_held_out_one_per_point():
    for split in splits(["ab", "cd", "ef"]):
        assert [len(query) for _, query in split.values()] == [1, 1, 1]


def test_of_three_points_of_which_each_two_share_a_visit_one_cannot_ask():
    """One visit is query of two points; the third's two are then both their support."""
    silent = set()
    for split in splits(["ab", "bc", "ac"]):
        (without,) = [point for point, (_, query) in split.items() if not query]
        assert len(split[without][0]) == 2
        silent.add(without)

    assert silent == {0, 1, 2}


visits = st.lists(st.integers(0, 5), min_size=1, max_size=5, unique=True)
several = st.lists(st.integers(0, 5), min_size=2, max_size=5, unique=True)


@given(
    some=st.lists(visits, max_size=4),
    enough=st.lists(several, min_size=2, max_size=4),
    seed=st.integers(0, 99),
)
def test_no_visit_is_support_of_one_point_and_query_of_another(some, enough, seed):
    visits_of = [*some, *enough]
    points, visits = survey(visits_of)
    rng = np.random.default_rng(seed)

    parts = list(split_visits(points, visits, rng))

    assert {point for point, *_ in parts} == {
        point for point, of in enumerate(visits_of) if len(of) > 1
    }
    supported = np.concatenate([visits[support] for _, support, _ in parts])
    asked = np.concatenate([visits[query] for _, _, query in parts])
    assert not set(supported.tolist()) & set(asked.tolist())
    for point, support, query in parts:
        assert len(support)
        assert sorted([*support, *query]) == np.flatnonzero(points == point).tolist()
    assert sum(len(query) > 0 for *_, query in parts) >= 2


def test_points_of_one_visit_take_no_part_where_others_have_several():
    points, visits = survey(["a", "ab", "b", "ab"], n_images=4)

    assert usable_points(points, visits).tolist() == [1, 3]


def test_where_too_few_points_have_several_visits_the_others_are_halved():
    points, visits = survey(["a", "ab", "b", "ab"], n_images=4)
    rng = np.random.default_rng(0)

    assert usable_points(points, visits, 3).tolist() == [0, 1, 2, 3]
    for point, support, query in split_visits(points, visits, rng, n_least=3):
        assert (len(support), len(query)) == ((4, 4) if point % 2 else (2, 2))
        assert (len(set(visits[support])), len(set(visits[query]))) == (1, 1)


@pytest.mark.parametrize("n_way", [2, 3, 4])
def test_a_task_has_as_many_points_as_can_ask(n_way):
    points, visits = survey(["ab", "bc", "ac", "ab"])
    rng = np.random.default_rng(0)
    config = TaskConfig(n_way=n_way)

    found = {len(draw_episode(points, visits, config, rng).points) for _ in range(50)}

    # One or two of four are silent: that of the odd one out, or those alike.
    assert found == {min(n_way, n) for n in (2, 3)}
