"""Candidates of a location, before temperature and after."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.errors import UsageError
from edge_agent.estimate import estimate_from_posterior
from edge_agent.explain.explanation import candidates_of, shots_of
from edge_agent.payload import Source
from edge_agent.pipeline import Fix
from edge_agent.survey import Point
from edge_agent.trust.novelty import doubted
from edge_agent.trust.temperature import tempered

POINTS = tuple(Point(f"p{n}", float(n), 0.0, "hall") for n in range(8))


def fix_of(posterior):
    estimate = estimate_from_posterior(
        np.array(posterior, np.float64),
        POINTS,
        time_ns=0,
        n_frames=50,
        window_s=2.5,
        n_heard=1,
        n_channels=1,
    )
    return Fix(estimate, Source.LIVE)


def test_what_was_believed_before_temperature_is_recovered(rng):
    own = rng.dirichlet(np.full(8, 0.5))
    (warm,) = tempered(own[None], 2.5)

    found = candidates_of(fix_of(warm), POINTS, None, 2.5)

    assert len(found) == 5
    for candidate in found:
        number = POINTS.index(candidate.point)
        assert candidate.before == pytest.approx(own[number])
        assert candidate.p == pytest.approx(warm[number])
        assert candidate.by_shots is None


def test_a_belief_that_was_doubted_is_recovered_too(rng):
    own = rng.dirichlet(np.full(8, 0.5))
    (warm,) = tempered(own[None], 2.5)
    fix = fix_of(doubted(warm, 0.6))
    fix = fix._replace(estimate=replace(fix.estimate, strangeness=0.6))

    found = candidates_of(fix, POINTS, None, 2.5)

    assert [c.before for c in found] == pytest.approx(
        [own[POINTS.index(c.point)] for c in found]
    )


def test_without_temperature_there_is_no_before():
    (best, *_) = candidates_of(fix_of(np.eye(8)[3]), POINTS, None, None)

    assert (best.point, best.before, best.p) == (POINTS[3], None, 1.0)


def test_a_point_that_only_the_shots_believe_in_is_a_candidate():
    found = candidates_of(fix_of(np.eye(8)[3]), POINTS, np.eye(8)[6], None)

    assert [(c.point.name, c.p, c.by_shots) for c in found] == [
        ("p3", 1.0, 0.0),
        ("p6", 0.0, 1.0),
    ]


def test_a_place_without_a_shot_is_refused():
    point_of = np.array([0, 0, 1])

    assert shots_of("p1", POINTS, point_of).tolist() == [False, False, True]
    assert shots_of("hall", POINTS, point_of).all()
    with pytest.raises(UsageError, match="no shot is of a room or point called 'p7'"):
        shots_of("p7", POINTS, point_of)
