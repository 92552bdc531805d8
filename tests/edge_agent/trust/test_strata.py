"""Points with fresh shots and without weigh their shares, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.survey import Point
from edge_agent.trust.prior import Prior
from edge_agent.trust.replayed import Replayed
from edge_agent.trust.strata import (
    Priors,
    balanced,
    fresh_share,
    represented,
    scores_in,
)
from tests.edge_agent.trust.walks import walked

LINE = (Point("a", 0, 0), Point("b", 4, 0))
PRIORS = Priors(Prior.of(1.0, np.full(5, 0.5)), Prior.of(1.0, np.full(5, 2.0)))


def answers(is_fresh, metres=None):
    """Queries at a, that many metres off."""
    n = len(is_fresh)
    off = np.zeros(n) if metres is None else np.array(metres, np.float64)
    return Replayed(
        LINE,
        np.column_stack([1 - off / 4, off / 4]),
        np.zeros(n, np.intp),
        np.zeros(n, np.bool_),
        np.ones(n),
        np.array(is_fresh, np.bool_),
    )


def test_the_share_is_of_points_that_anybody_shot(rng):
    fresh, history = walked(rng, ["b", "a"])
    at = {
        n: fresh.select(np.flatnonzero(np.isin(fresh.point_of, range(n))))
        for n in range(4)
    }
    old = history.select(np.flatnonzero(history.point_of < 2))

    assert fresh_share(at[1], None) == 1.0
    assert fresh_share(at[1], history) == pytest.approx(1 / 3)
    assert fresh_share(at[1], old) == 0.5
    assert fresh_share(at[3], old) == 1.0
    assert fresh_share(at[0], history) == 1.0


def test_both_kinds_weigh_their_shares():
    found = balanced(answers([True] * 6 + [False] * 2), 0.25)

    fresh, stale = found.weight[:6].sum(), found.weight[6:].sum()
    assert fresh / (fresh + stale) == pytest.approx(0.25)
    # The variance of a stratified mean of queries with variance 1 is 1 / n.
    assert 1 / found.weight.sum() == pytest.approx(0.25**2 / 6 + 0.75**2 / 2)


def test_what_is_asked_as_often_as_people_go_there_is_left_alone():
    found = balanced(answers([True] * 6 + [False] * 2), 0.75)

    assert found.weight == pytest.approx(np.ones(8))


def test_images_of_one_placement_still_share_its_weight():
    asked = replace(answers([True, True, False]), weight=np.array([0.5, 0.5, 1.0]))

    assert balanced(asked, 0.5).weight == pytest.approx([0.5, 0.5, 1.0])


@pytest.mark.parametrize("kind", [True, False])
def test_where_one_kind_asked_it_is_all_there_is(kind):
    found = balanced(answers([kind] * 3), 0.4)

    assert found.weight.tolist() == [1, 1, 1]


def test_a_kind_that_the_site_does_not_have_is_left_out():
    asked = answers([True, False, True])

    assert represented(asked, 1.0).is_fresh.tolist() == [True, True]
    assert balanced(asked, 1.0).weight.tolist() == [1, 1]
    assert len(represented(asked, 0.5)) == 3


def test_scores_of_a_full_walk_are_its_own_beside_what_is_known():
    found = scores_in(answers([True, False], [1, 3]), 1.0, PRIORS, 1.0, 10.0)

    assert found.values[:199].tolist() == [0.5] * 199  # nothing of stale points
    assert len(found.values) == 200
    assert found.total == pytest.approx(11)


def test_scores_of_points_that_nobody_asked_about_are_those_of_other_places():
    """All own queries are at fresh points, and do not say what the others do."""
    found = scores_in(answers([True] * 40), 1.0, PRIORS, 0.5, 10.0)

    share = found.weights[found.values == 2.0].sum() / found.total
    assert share == pytest.approx(0.5)
    assert found.total == pytest.approx(1 / (0.5**2 / 45 + 0.5**2 / 5))
    assert found.holding(0.95) == 2.0


def test_without_any_answer_each_kind_stands_on_other_places():
    found = scores_in(None, 1.0, PRIORS, 0.75, 30.0)

    assert found.total == pytest.approx(30)
    assert found.weights[found.values == 0.5].sum() == pytest.approx(22.5)


def test_what_is_held_holds_for_the_mix_of_points():
    """Fresh points asked ten times as often: unbalanced, r95 would hold the fresh."""
    rng = np.random.default_rng(3)
    fresh, stale = rng.uniform(0, 0.2, 400), rng.uniform(0, 3, 40)
    asked = answers([True] * 400 + [False] * 40, np.concatenate([fresh, stale]))

    bound = scores_in(asked, 1.0, PRIORS, 0.5, 1e-9).holding(0.95)

    of_stale = scores_in(asked, 1.0, PRIORS, 0.0, 1e-9).values[199:]
    of_fresh = scores_in(asked, 1.0, PRIORS, 1.0, 1e-9).values[199:]
    held = ((of_fresh <= bound).mean() + (of_stale <= bound).mean()) / 2
    assert 0.94 <= held <= 0.98
