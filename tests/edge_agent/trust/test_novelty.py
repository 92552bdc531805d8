"""What tells an image of no point of the site, against counts made by hand."""

import numpy as np
import pytest

from edge_agent.neighbours.estimator import Fingerprints, Kernel
from edge_agent.trust.novelty import Familiarity, doubted, undoubted

NEAR, FAR = np.arange(1.0, 20.0), np.array([10.0, 15.0, 20.0, 25.0])
KERNEL = Kernel(freedom=0.5, temperature=0.25, unheard=2.5)


def fingerprints(positions, point_of, *, unheard=()):
    z = np.array(positions, np.float32).reshape(-1, 1, 1)
    heard = np.ones((len(z), 1), np.bool_)
    heard[list(unheard)] = False
    return Fingerprints(z * heard[..., None], heard, np.array(point_of, np.intp), 3)


@pytest.mark.parametrize(
    ("nearest", "share", "as_far", "as_near"),
    [
        (0.5, 0 / 20, 20 / 20, 0 / 4),  # nearer than everything
        (10.0, 9 / 20, 11 / 20, 1 / 4),  # ties count on both sides
        (17.5, 17 / 20, 3 / 20, 2 / 4),
        (99.0, 19 / 20, 1 / 20, 4 / 4),  # farther than everything
    ],
)
def test_novelty_counts_re_visits_and_other_points(nearest, share, as_far, as_near):
    found = Familiarity(NEAR, FAR).novelty(nearest)

    assert found.share == pytest.approx(share)
    assert found.strangeness == pytest.approx(as_near / (as_near + 2 * as_far))


@pytest.mark.parametrize("elsewhere", [FAR, FAR + 50])
def test_what_is_farther_is_never_less_strange(elsewhere):
    known = Familiarity(NEAR, elsewhere)
    found = [known.novelty(d) for d in np.linspace(0, 30, 121).tolist()]

    assert all(np.diff([each.share for each in found]) >= 0)
    assert all(np.diff([each.strangeness for each in found]) >= 0)


def test_beyond_all_re_visits_another_place_is_as_likely_at_least():
    """Other points may be farther still: there is room between them."""
    known = Familiarity(NEAR, FAR + 50)

    assert known.novelty(19.0).strangeness == 0
    assert known.novelty(19.5).strangeness == 0.5


def test_few_re_visits_never_make_sure():
    """Three of them, all nearer: one in four of the next would be farther still."""
    found = Familiarity(NEAR[:3], FAR).novelty(99.0)

    assert found.share == 3 / 4
    assert found.strangeness == pytest.approx(1 / (1 + 2 / 4))


def test_re_visits_are_strange_no_more_often_than_their_share():
    """Conformal: of exchangeable distances, one in ten is beyond nine tenths."""
    rng = np.random.default_rng(5)
    n_beyond = 0
    for _ in range(2000):
        drawn = rng.exponential(size=40)
        known = Familiarity(np.sort(drawn[:39]), FAR)
        n_beyond += known.novelty(float(drawn[39])).share >= 0.9
    assert n_beyond / 2000 == pytest.approx(0.1, abs=0.02)


def test_elsewhere_is_how_far_shots_are_from_those_of_other_points():
    shots = fingerprints([0.0, 0.5, 3.0, 7.0], [0, 0, 1, 2])

    known = Familiarity.of(np.array([0.4, 0.2], np.float32), KERNEL, shots)

    gaps = np.array([2.5, 3.0, 2.5, 4.0])  # to the nearest of another point
    assert known.revisits == pytest.approx([0.2, 0.4])
    assert known.elsewhere == pytest.approx(
        np.sort(0.5 * np.log1p(gaps**2 / 0.5)), rel=1e-6
    )


def test_an_access_point_that_only_one_shot_hears_counts_as_when_locating():
    shots = fingerprints([0.0, 9.0], [0, 1], unheard=[1])

    known = Familiarity.of(np.ones(1), KERNEL, shots)

    assert known.elsewhere.tolist() == [2.5, 2.5]


def test_of_many_shots_some_are_looked_at():
    shots = fingerprints(np.arange(900.0), np.arange(900) % 3)

    known = Familiarity.of(np.ones(1), KERNEL, shots)

    assert len(known.elsewhere) == 300


def test_nobody_knows_without_re_visits_or_with_a_single_point():
    two, one = fingerprints([0, 1], [0, 1]), fingerprints([0, 1], [2, 2])

    assert Familiarity.of(np.zeros(0), KERNEL, two) is None
    assert Familiarity.of(np.ones(4), KERNEL, one) is None


@pytest.mark.parametrize(
    ("revisits", "elsewhere", "what"),
    [
        (NEAR[::-1], FAR, "revisits are not finite numbers that rise"),
        (NEAR, np.array([1.0, np.inf]), "elsewhere are not finite"),
        (NEAR, np.zeros(0), r"elsewhere has shape \(0,\)"),
        (NEAR[None], FAR, r"revisits has shape \(1, 19\)"),
    ],
)
def test_distances_that_make_no_sense_are_refused(revisits, elsewhere, what):
    with pytest.raises(ValueError, match=what):
        Familiarity(revisits, elsewhere)


@pytest.mark.parametrize("nearest", [-0.1, np.nan, np.inf])
def test_what_is_no_distance_is_refused(nearest):
    with pytest.raises(ValueError, match="the nearest shot is"):
        Familiarity(NEAR, FAR).novelty(nearest)


def test_a_doubted_belief_goes_to_all_points_alike():
    belief = np.array([0.5, 0.5, 0.0, 0.0])

    assert doubted(belief, 0.0).tolist() == belief.tolist()
    assert doubted(belief, 0.2) == pytest.approx([0.45, 0.45, 0.05, 0.05])
    assert doubted(belief, 1.0).tolist() == [0.25] * 4
    assert undoubted(doubted(belief, 0.7), 0.7) == pytest.approx(belief.tolist())
    assert undoubted(doubted(belief, 0.7), 0.7).min() >= 0
