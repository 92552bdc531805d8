"""Radii against hand-made figures, the textbook's rule, and simulated sites."""

import math

import numpy as np
import pytest

from edge_agent.survey import Point
from edge_agent.trust.radii import Scores, knowing_nothing, spreads

# Each point's nearest neighbour is 2 m away, so each stands for a disc of radius 1 m.
LINE = tuple(Point(str(x), x, 0) for x in (0, 2, 4))
OUTSIDE = Point("outside", None, None)


def test_the_mean_is_of_the_posterior_and_the_spread_of_the_tempered_one():
    own, warm = np.array([[1.0, 0, 0]]), np.array([[0.6, 0.3, 0.1]])

    found = spreads(own, warm, LINE)

    assert found.mean.tolist() == [[0, 0]]
    assert found.cell == pytest.approx([1])
    assert found.base == pytest.approx([math.sqrt(0.3 * 4 + 0.1 * 16 + 1)])


def test_what_is_outside_is_nowhere():
    belief = np.array([[0.2, 0.2, 0.0, 0.6]])

    with_outside = spreads(belief, belief, (*LINE, OUTSIDE))
    without = spreads(np.array([[0.5, 0.5, 0]]), np.array([[0.5, 0.5, 0]]), LINE)

    assert with_outside.mean.tolist() == without.mean.tolist()
    assert with_outside.base == pytest.approx(without.base)


def test_who_is_surely_outside_could_be_anywhere():
    belief = np.array([[0, 0, 0, 1.0]])

    found = spreads(belief, belief, (*LINE, OUTSIDE))

    assert found.mean.tolist() == [[2, 0]]
    assert found.base == pytest.approx([math.sqrt(8 / 3 + 1)])


@pytest.mark.parametrize("n", [19, 20, 39, 100])
@pytest.mark.parametrize("share", [0.68, 0.95])
def test_scores_of_weight_one_give_the_textbooks_quantile(rng, n, share):
    """The ceil(q (n + 1)) smallest: Lei et al. (2018), algorithm 2."""
    values = rng.uniform(0, 5, n)

    found = Scores(values, np.ones(n)).holding(share)

    assert found == np.sort(values)[min(math.ceil(share * (n + 1)), n) - 1]


def test_of_too_few_scores_it_is_the_largest():
    assert Scores(np.array([0.4, 2.5, 1.0]), np.ones(3)).holding(0.95) == 2.5


def test_heavy_scores_count_for_more():
    scores = Scores(np.array([1.0, 2.0, 3.0]), np.array([1.0, 90.0, 9.0]))

    assert scores.holding(0.5) == 2.0
    assert scores.holding(0.95) == 3.0
    assert scores.mean == pytest.approx((1 + 180 + 27) / 100)


def test_joined_scores_are_those_of_both(rng):
    first, second = (Scores(rng.uniform(size=n), np.ones(n)) for n in (8, 5))

    joined = first.joined(second)

    assert joined.values.tolist() == [*first.values, *second.values]
    assert joined.weights.tolist() == [1.0] * 13


def test_radii_hold_what_is_promised_of_the_next_query(rng):
    """A thousand sites of 40 queries each; whatever the scores are distributed like."""
    inside = []
    for _ in range(1000):
        values = rng.pareto(1.5, 41)
        inside.append(values[40] <= Scores(values[:40], np.ones(40)).holding(0.95))

    # ceil(0.95 * 41) / 41 = 39 / 41 are expected; 1.96 standard errors.
    assert np.mean(inside) == pytest.approx(39 / 41, abs=0.0135)


def test_knowing_nothing_is_knowing_the_site():
    """From (0, 0) the points are 0, 2 and 4 m away, and reach 1 m further."""
    at = np.zeros(2)

    assert knowing_nothing(at, LINE, 0.68) == 5
    assert knowing_nothing(at, LINE, 0.5) == 3
    assert knowing_nothing(at, (*LINE, OUTSIDE), 0.95) == 5
