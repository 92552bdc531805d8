"""The past as if it were today: who calibrates, who asks, and who must not."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.history import joined
from edge_agent.trust.episodes import MOST_EPISODES, episodes
from tests.edge_agent.sites import POINTS, channel, environment


def walked(rng, visits, points=(0, 1, 2)):
    """One image of each point in each visit, the visits in order."""
    labels = [(visit, point) for visit in visits for point in points]
    site = environment(rng, n_per_point=len(visits))
    rows = np.arange(len(labels))
    return replace(
        site,
        images=site.images[rows],
        heard=site.heard[rows],
        point_of=np.array([point for _, point in labels], np.intp),
        visit_of=np.array([visit for visit, _ in labels], np.str_),
    )


def visits(part):
    return set() if part is None else set(part.visit_of.tolist())


def described(past):
    return [
        (visits(e.shots), visits(e.history), visits(e.queries), e.is_later_walk)
        for e in past
    ]


def test_each_lap_of_a_single_walk_asks_the_others(rng):
    past = episodes(walked(rng, ["1", "2", "3"]))

    assert sorted(described(past), key=str) == sorted(
        [
            ({"2", "3"}, set(), {"1"}, False),
            ({"1", "3"}, set(), {"2"}, False),
            ({"1", "2"}, set(), {"3"}, False),
        ],
        key=str,
    )


def test_a_single_lap_has_no_past(rng):
    assert episodes(walked(rng, ["1"])) == ()


def test_ten_laps_are_counted_not_spelt(rng):
    """Lap 10 is long after lap 2, and the next walk's first lap is lap 1."""
    fresh = walked(rng, ["b/10", "b/2"])

    past = episodes(fresh, walked(rng, ["a/1"]))

    assert ({"a/1"}, set(), {"b/2"}, True) in described(past)


def test_a_walk_is_asked_by_the_first_lap_of_the_next(rng):
    fresh = walked(rng, ["c/1"])
    history = walked(rng, ["a/1", "b/1"])

    assert described(episodes(fresh, history)) == [
        ({"b/1"}, {"a/1"}, {"c/1"}, True),
        ({"a/1"}, set(), {"b/1"}, True),
    ]


def test_history_of_then_is_what_was_before(rng):
    past = episodes(walked(rng, ["c/1", "c/2"]), walked(rng, ["a/1", "b/1", "b/2"]))

    for episode in past:
        walk = min(visits(episode.shots))[0]
        assert {v[0] for v in visits(episode.history)} == set(
            "abc"[: "abc".index(walk)]
        )


def test_no_visit_asks_that_calibrates_or_is_history(rng):
    fresh = walked(rng, ["d/1", "d/2", "d/3"])
    history = walked(rng, [f"{walk}/{lap}" for walk in "abc" for lap in "1234"])

    past = episodes(fresh, history, most=100)

    assert len(past) == 3 + 3 * 4 + 3  # laps of d; laps of a, b and c; steps
    for episode in past:
        known = visits(episode.shots) | visits(episode.history)
        assert not visits(episode.queries) & known


def test_what_is_replayed_has_as_many_laps_and_shots_as_the_newest_walk(rng):
    fresh = walked(rng, ["b/1", "b/2"])
    history = walked(rng, [f"a/{lap}" for lap in range(1, 6)])

    past = episodes(fresh, history, most=100)

    for episode in past:
        walk = min(visits(episode.shots))[0]
        assert len(visits(episode.shots)) == {"a": 2, "b": 1}[walk]
        assert np.bincount(episode.shots.point_of).max() <= 2


def test_a_sparse_walk_is_replayed_sparse_and_asked_everywhere(rng):
    """Of a walk at two points, nobody may learn what a survey of three would do."""
    fresh = walked(rng, ["c/1"], points=(0, 2))
    history = walked(rng, ["a/1", "b/1"])

    newest, older = episodes(fresh, history)

    assert set(newest.shots.point_of.tolist()) == {0, 2}
    assert set(newest.queries.point_of.tolist()) == {0, 2}  # nobody was at 1
    assert set(older.shots.point_of.tolist()) == {0, 2}
    # Without a history as of then, nothing is known of point 1: it is not asked about.
    assert set(older.queries.point_of.tolist()) == {0, 2}


def test_points_that_history_knows_are_asked_about(rng):
    fresh = walked(rng, ["c/1", "c/2"], points=(0, 2))
    history = walked(rng, ["a/1", "b/1", "b/2"])

    past = episodes(fresh, history, most=100)

    (within,) = [
        e for e in past if visits(e.queries) == {"b/2"} and not e.is_later_walk
    ]
    assert set(within.shots.point_of.tolist()) == {0, 2}
    assert set(within.queries.point_of.tolist()) == {0, 1, 2}


def test_where_one_point_is_left_there_is_nothing_to_tell_apart(rng):
    assert episodes(walked(rng, ["1", "2"], points=(1,))) == ()


def test_of_one_placement_a_few_images_ask(rng):
    site = environment(rng, n_per_point=8)
    laps = np.array([str(n % 8 // 4) for n in range(len(site))], np.str_)

    past = episodes(replace(site, visit_of=laps))

    for episode in past:
        assert np.bincount(episode.queries.point_of).tolist() == [3, 3, 3]


def test_their_number_is_bounded_and_both_kinds_take_part(rng):
    fresh = walked(rng, ["z/1", "z/2", "z/3"])
    history = walked(rng, [f"{walk}/{lap}" for walk in "abcdef" for lap in "123"])

    past = episodes(fresh, history)

    assert len(past) == MOST_EPISODES
    assert sum(e.is_later_walk for e in past) == MOST_EPISODES // 2
    # The newest of either kind.
    assert [visits(e.queries) for e in past[:2]] == [{"z/1"}, {"f/1"}]
    newest = {min(visits(e.queries)) for e in past if not e.is_later_walk}
    assert {"z/1", "z/2", "z/3"} < newest


def test_what_one_kind_leaves_the_other_takes(rng):
    fresh = walked(rng, [f"b/{lap}" for lap in range(1, 10)])

    past = episodes(fresh, walked(rng, ["a/1"]), most=6)

    assert [e.is_later_walk for e in past] == [True] + 5 * [False]


def test_large_sites_replay_fewer_episodes(rng):
    few = episodes(walked(rng, [f"a/{lap}" for lap in range(1, 200)]))

    assert len(few) == 3


def test_a_sparse_walk_through_a_large_site_takes_no_longer_than_a_full_one(rng):
    """What learners are given of the other points is old, and as much."""
    history = walked(rng, [f"a/{lap}" for lap in range(1, 200)])
    laps = [f"b/{lap}" for lap in range(1, 200)]

    assert len(episodes(walked(rng, laps, points=(0,)), history)) == 3


def test_the_same_past_gives_the_same_episodes(rng):
    fresh, history = walked(rng, ["b/1", "b/2"]), walked(rng, ["a/1", "a/2"])

    for first, second in zip(
        episodes(fresh, history), episodes(fresh, history), strict=True
    ):
        assert first.shots.digest == second.shots.digest
        assert first.queries.digest == second.queries.digest


@pytest.mark.parametrize(
    "changes", [{"points": POINTS[::-1]}, {"channels": (channel(),)}]
)
def test_a_history_that_is_not_aligned_is_refused(rng, changes):
    history = replace(walked(rng, ["a/1"]), **changes)

    with pytest.raises(ValueError, match="align them first"):
        episodes(walked(rng, ["b/1"]), history)


def test_of_a_sparse_walk_the_walks_take_turns(rng):
    """Its own laps never ask at the points between; those of earlier walks do."""
    fresh = walked(rng, [f"d/{lap}" for lap in "123"], points=(0, 2))
    history = walked(rng, [f"{walk}/{lap}" for walk in "abc" for lap in "123"])

    past = episodes(fresh, history, most=8)

    same = [visits(e.queries) for e in past if not e.is_later_walk]
    assert same == [{"d/1"}, {"c/1"}, {"b/1"}, {"a/1"}, {"d/2"}]
    asked = {min(visits(e.queries)): set(e.queries.point_of.tolist()) for e in past}
    assert asked["d/1"] == {0, 2}
    assert asked["c/1"] == {0, 1, 2}


def test_walks_elsewhere_do_not_take_the_place_of_others(rng):
    """Between two walks everywhere, somebody walked to other points."""
    fresh = walked(rng, ["f/1", "f/2"], points=(0, 2))
    before = walked(rng, ["a/1", "a/2", "b/1", "b/2"])
    elsewhere = walked(rng, ["c/1", "c/2", "d/1", "d/2", "e/1", "e/2"], points=(1,))

    past = episodes(fresh, joined(before, elsewhere), most=4)

    assert len(past) == 4
    assert {1} in [set(e.queries.point_of.tolist()) - {0, 2} for e in past]


def test_a_single_shot_of_one_point_is_replayed_beside_the_past(rng):
    """As `edge_agent label` adds it, a day after the last walk."""
    fresh = walked(rng, ["c/1"], points=(1,))
    history = walked(rng, [f"{walk}/{lap}" for walk in "ab" for lap in "12"])

    past = episodes(fresh, history)

    assert [set(e.shots.point_of.tolist()) for e in past] == [{1}] * len(past)
    same = [e for e in past if not e.is_later_walk]
    # Laps of b, beside a; of a, which nothing was before, one point is nothing.
    assert [visits(e.queries) for e in same] == [{"b/1"}, {"b/2"}]
    assert set(same[0].queries.point_of.tolist()) == {0, 1, 2}
