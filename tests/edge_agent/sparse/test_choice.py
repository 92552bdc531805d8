"""Which points are worth a walk."""

import numpy as np
import pytest

from edge_agent.neighbours.bent_map import BentMap
from edge_agent.neighbours.bent_map_predictor import BentMapPredictor
from edge_agent.sparse.choice import Choice, choose, greedy, worth_walking
from edge_agent.sparse.outlook import Outlook
from tests.edge_agent.walked import (
    WALKED_SPEC,
    at_points,
    grid_points,
    last_walk,
    mean_error,
    plain_neighbours,
    walked,
)

NOBODY = np.zeros(0, np.intp)
NEIGHBOURS = plain_neighbours()
POINTS = grid_points(12)


@pytest.fixture
def site():
    return last_walk(walked(np.random.default_rng(4), POINTS, 4))


def chosen(history, fresh, n):
    return choose(NEIGHBOURS, WALKED_SPEC, history, fresh, n)


def test_of_points_that_look_alike_one_is_chosen_and_the_odd_one_is_not():
    """0 and 1 are alike and change; 2 is far from both, and as it always was."""
    means = np.array([[0.0, 0.1, 50.0]])
    outlook = Outlook(
        means,
        np.diag([4.0, 4.0, 0.01])[None],
        (means[:, :, None] - means[:, None]) ** 2,
        np.ones(3, bool),
        1 - np.eye(3),
    )

    choices = greedy(outlook, [0, 1, 2], 3)

    assert {choice.point for choice in choices[:2]} == {0, 1}
    assert choices[0].gain > 0.01
    assert choices[2].gain < 1e-6


def test_it_is_greedy_though_it_does_not_compute_everything(site):
    """A second implementation that computes every gain every time."""
    history, fresh, _ = site
    outlook = Outlook.of(NEIGHBOURS, WALKED_SPEC, history, fresh.select(NOBODY))

    choices = greedy(outlook, list(range(12)), 6)

    left, gains = set(range(12)), []
    for choice in choices:
        error = outlook.error
        exact = {p: error - outlook.visited(p, 3).error for p in left}
        gains.append((choice.gain, max(exact.values()), exact[choice.point]))
        left.remove(choice.point)
        outlook = outlook.visited(choice.point, 3)
    gain, best, own = np.array(gains).T
    np.testing.assert_allclose(gain, own, atol=1e-12)
    assert (own > 0.8 * best).all()
    assert own[0] == best[0]


def test_what_is_gained_adds_up_to_what_there_is_to_gain(site):
    history, fresh, _ = site

    choices = chosen(history, fresh.select(NOBODY), 12)

    assert sorted(choice.point for choice in choices) == list(range(12))
    total = choices[0].remaining
    assert sum(choice.gain for choice in choices) == pytest.approx(total)
    remaining = [choice.remaining for choice in choices]
    assert remaining == sorted(remaining, reverse=True)
    assert choices[-1].remaining == pytest.approx(choices[-1].gain)


def test_points_that_were_walked_are_not_chosen_again(site):
    history, fresh, _ = site

    points = {choice.point for choice in chosen(history, at_points(fresh, [2, 7]), 99)}

    assert points == set(range(12)) - {2, 7}
    assert chosen(history, fresh, 3) == ()


def test_the_same_past_chooses_the_same_points(site):
    history, fresh, _ = site
    nothing = fresh.select(NOBODY)

    assert chosen(history, nothing, 5) == chosen(history, nothing, 5)


def test_points_that_were_chosen_teach_more_than_others_on_average():
    """Over several sites; as many others, drawn at random."""
    better = []
    for seed in range(12):
        rng = np.random.default_rng([17, seed])
        # Some points change a lot, others hardly.
        history, fresh, queries = last_walk(
            walked(rng, POINTS, 5, local=0.08, persistent=0.15)
        )
        ours = [c.point for c in chosen(history, fresh.select(NOBODY), 4)]
        errors = [
            mean_error(
                BentMapPredictor(
                    NEIGHBOURS,
                    WALKED_SPEC,
                    BentMap.bend(
                        NEIGHBOURS, WALKED_SPEC, history, at_points(fresh, points)
                    ),
                ),
                queries,
            )
            for points in (ours, *(rng.permutation(12)[:4] for _ in range(6)))
        ]
        better.append(np.mean(errors[1:]) - errors[0])

    assert np.mean(better) > 0


def test_it_is_enough_when_the_next_point_gains_little_of_what_there_was():
    def choice(gain):
        return Choice(0, gain, remaining=0.2, average=0.125)

    assert worth_walking(choice(0.05), total=1.0)
    assert not worth_walking(choice(0.02), total=1.0)
    assert worth_walking(choice(0.02), total=1.0, share=0.01)
    assert not worth_walking(choice(0.0), total=0.0)


def test_of_a_hundred_points_none_is_worth_much_and_most_are_worth_a_walk():
    def choice(gain):
        return Choice(0, gain, remaining=0.9, average=0.01)

    assert worth_walking(choice(0.01), total=1.0)
    assert not worth_walking(choice(0.004), total=1.0)


def test_where_one_point_of_a_pair_tells_both_apart_the_other_is_not_worth_it():
    """Three pairs, far from each other; one point of each changes, one does not."""
    means = np.repeat([[0.0, 1e3, 2e3]], 2, axis=1).reshape(1, -1)
    outlook = Outlook(
        means,
        np.diag([400.0, 0.01] * 3)[None],
        (means[:, :, None] - means[:, None]) ** 2,
        np.ones(6, bool),
        1 - np.eye(6),
    )

    choices = greedy(outlook, list(range(6)), 6)

    assert choices[0].average == pytest.approx(choices[0].remaining / 6)
    worth = {c.point for c in choices if worth_walking(c, choices[0].remaining)}
    assert worth == {0, 2, 4}


def test_shots_that_are_not_aligned_are_refused(site):
    history = site[0]

    with pytest.raises(ValueError, match="align them first"):
        choose(
            NEIGHBOURS,
            WALKED_SPEC,
            history,
            last_walk(walked(np.random.default_rng(0), grid_points(3), 2))[1],
            1,
        )
