"""What answers make of trust, where some points have fresh shots and some have not."""

import numpy as np
import pytest

from edge_agent.estimators import Estimator
from edge_agent.survey import Point
from edge_agent.trust.fitting import trust_in
from edge_agent.trust.prior import Prior
from edge_agent.trust.replayed import Replayed

LINE = (Point("a", 0, 0), Point("b", 4, 0))
PRIOR = Prior.of(1.0, np.linspace(0, 1, 199))
MAP = Estimator.MAP


def answers(rows):
    """Rows of metres off, is fresh, is of a later day; all queries are at a."""
    off, fresh, later = (np.array(column) for column in zip(*rows, strict=True))
    return Replayed(
        LINE,
        np.column_stack([1 - off / 4, off / 4]),
        np.zeros(len(off), np.intp),
        later.astype(np.bool_),
        np.ones(len(off)),
        fresh.astype(np.bool_),
    )


def trust_of(rows, share):
    return trust_in(MAP, {MAP: answers(rows)}, LINE, PRIOR, share=share)


def test_the_score_is_that_of_all_points_on_the_day_of_the_walk():
    """0 m at fresh points, 2 m at others; on other days 3 m."""
    rows = [(0, True, False)] * 6 + [(2, False, False)] * 2 + [(3, True, True)] * 9

    trust = trust_of(rows, 0.25)

    assert dict(trust.scores)[MAP] == pytest.approx(0.75 * 2)
    assert trust.is_everywhere
    assert (trust.same_day.n_queries, trust.later.n_queries) == (8, 9)
    assert trust.n_queries == 17


@pytest.mark.parametrize("kind", [True, False])
def test_who_asked_at_one_kind_of_points_knows_nothing_of_all(kind):
    assert not trust_of([(1, kind, False)] * 9, 0.5).is_everywhere


def test_of_a_full_walk_all_points_are_fresh():
    assert trust_of([(1, True, False)] * 9, 1.0).is_everywhere


def test_nothing_replayed_is_nowhere():
    trust = trust_in(MAP, {}, LINE, PRIOR)

    assert not trust.is_everywhere
    assert trust.scores == ()


def test_radii_grow_with_the_share_of_points_without_fresh_shots():
    rows = [(0.1, True, False)] * 40 + [(2, False, False)] * 40

    few, half, all_points = (trust_of(rows, share) for share in (0.1, 0.5, 1.0))

    assert few.same_day.bound >= half.same_day.bound > all_points.same_day.bound
    assert few.same_day.expected > half.same_day.expected
    assert half.same_day.expected > all_points.same_day.expected


def test_without_replays_stale_points_are_expected_as_of_another_day():
    few, all_points = (
        trust_in(MAP, {}, LINE, PRIOR, share=share).same_day for share in (0.2, 1.0)
    )

    assert few.bound > all_points.bound
    assert all_points.bound == PRIOR.scores(30).holding(0.95)
    assert few.n_queries == 0
