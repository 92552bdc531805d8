"""What error people are told to expect."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.history import joined
from edge_agent.neighbours.bent_map import BentMap
from edge_agent.neighbours.bent_map_predictor import BentMapPredictor
from edge_agent.sparse.choice import choose
from edge_agent.sparse.expectation import expectations, sizes_of
from edge_agent.survey import Point
from tests.edge_agent.walked import (
    WALKED_SPEC,
    at_points,
    grid_points,
    last_walk,
    mean_error,
    plain_neighbours,
    walked,
)

NEIGHBOURS = plain_neighbours()
POINTS = grid_points(12)


def hard(rng, n_walks=4):
    """Walks change as much as points differ."""
    return walked(rng, POINTS, n_walks, persistent=0.06, local=0.06, visit=0.03)


@pytest.fixture(scope="module")
def past():
    return hard(np.random.default_rng(6))


def expected(history, sizes=None, **keywords):
    return expectations(NEIGHBOURS, WALKED_SPEC, history, sizes, **keywords)


def bent_error(history, fresh, queries):
    """Return the mean error of queries on the map that fresh shots bent [m]."""
    bent = BentMap.bend(NEIGHBOURS, WALKED_SPEC, history, fresh)
    return mean_error(BentMapPredictor(NEIGHBOURS, WALKED_SPEC, bent), queries)


def test_people_are_told_of_3_5_8_a_quarter_and_all_points():
    assert sizes_of(90) == (3, 5, 8, 23, 90)
    assert sizes_of(8) == (2, 3, 5, 8)
    assert sizes_of(2) == (1, 2)


def test_more_points_are_expected_to_be_better(past):
    told = expected(past, (0, 3, 6, 12))

    assert [each.n_points for each in told] == [0, 3, 6, 12]
    errors = [each.error_m for each in told]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.3 * errors[0]
    assert all(0 <= each.low <= each.error_m <= each.high for each in told)
    assert all(each.n_replays == 3 for each in told)
    assert told[0].wrong > told[-1].wrong


def test_the_error_of_a_walk_is_that_of_the_walks_before_it(past):
    """What is told of all points is what the last lap of each walk says, by hand."""
    errors, rest = [], past
    while len(set(v.split("/")[0] for v in rest.visit_of.tolist())) > 1:
        history, fresh, queries = last_walk(rest)
        errors.append(bent_error(history, fresh, queries))
        rest = history

    (told,) = expected(past, (12,))

    assert told.error_m == pytest.approx(np.mean(errors))


def test_the_next_walk_is_usually_within_the_interval():
    """Told before it; of 10 sites, at 4 points that are chosen."""
    inside = 0
    for seed in range(10):
        history, fresh, queries = last_walk(hard(np.random.default_rng([3, seed]), 6))
        (told,) = expected(history, (4,))
        nothing = fresh.select(np.zeros(0, np.intp))
        chosen = choose(NEIGHBOURS, WALKED_SPEC, history, nothing, 4)
        error = bent_error(
            history, at_points(fresh, [choice.point for choice in chosen]), queries
        )
        inside += told.low <= error <= told.high
    assert inside >= 8


def test_a_site_that_was_walked_once_is_told_what_others_are_like(past):
    newest = last_walk(past)
    once = joined(newest[1], newest[2])

    told = expected(once, (0, 3, 12))

    assert [each.n_replays for each in told] == [0, 0, 0]
    errors = [each.error_m for each in told]
    assert errors == sorted(errors, reverse=True)
    assert all(each.low <= each.error_m <= each.high for each in told)
    assert told == expected(once, (0, 3, 12))


def test_that_it_may_change_more_than_others_is_reckoned_with(past, monkeypatch):
    newest = last_walk(past)
    once = joined(newest[1], newest[2])

    wary = expected(once, (3,))[0]
    monkeypatch.setattr("edge_agent.sparse.expectation._RESTLESS", 0.0)
    confident = expected(once, (3,))[0]

    assert wary.high > 1.2 * confident.high
    assert wary.error_m > 1.2 * confident.error_m


def test_walks_of_one_lap_cannot_be_replayed():
    past = walked(np.random.default_rng(6), POINTS, 3, n_laps=1)

    assert expected(past, (12,))[0].n_replays == 0


def test_a_past_walk_to_a_few_points_shows_nothing_of_the_others(past):
    history, fresh, queries = last_walk(past)
    some = [part.point_of < 4 for part in (fresh, queries)]
    few, fewer = (
        part.select(np.flatnonzero(rows))
        for part, rows in zip((fresh, queries), some, strict=True)
    )

    for shots, asked in ((few, queries), (fresh, fewer), (few, fewer)):
        told = expected(joined(joined(history, shots), asked), (3, 12))
        assert told == expected(history, (3, 12))
        assert told[0].n_replays == 2


def test_rooms_alone_are_told_in_shares_of_wrong_rooms(past):
    rooms = tuple(replace(point, x=None, y=None) for point in POINTS)

    told = expected(replace(past, points=rooms), (3, 12))

    assert [each.error_m for each in told] == [None, None]
    assert told[0].wrong >= told[1].wrong
    assert told[0].low <= told[0].wrong <= told[0].high


def test_images_from_outside_count_for_rooms_and_not_for_metres(past):
    points = (Point("outside", None, None), *POINTS[1:])

    told = expected(replace(past, points=points), (12,))[0]

    assert told.error_m is not None
    assert np.isfinite(told.error_m)


def test_progress_is_told(past):
    told = []

    expected(past, (3,), on_replay=lambda done, n: told.append((done, n)))

    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("sizes", [(13,), (-1,), ()])
def test_numbers_of_points_that_make_no_sense_are_refused(past, sizes):
    with pytest.raises(ValueError, match=r"of 12 points, asked about"):
        expected(past, sizes)


def test_no_past_tells_nothing(past):
    with pytest.raises(ValueError, match="0 shots of 12 points"):
        expected(past.select(np.zeros(0, np.intp)))
