"""What a site's trust makes of a posterior, against figures worked out by hand."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from edge_agent.estimate import Quality
from edge_agent.estimators import Estimator
from edge_agent.survey import Point
from edge_agent.trust.choice import Floors, Measure, floors_at
from edge_agent.trust.novelty import Novelty
from edge_agent.trust.record import SAME_DAY_S, Trust
from edge_agent.trust.stage import Stage

# Each point's nearest neighbour is 2 m away, so each stands for a disc of radius 1 m.
LINE = (
    Point("a", 0, 0, "west"),
    Point("b", 2, 0, "west"),
    Point("c", 4, 0, "east"),
    Point("d", 20, 0, "far"),
    Point("e", 22, 0, "far"),
)
ROOMS = (
    Point("table", None, None, "kitchen"),
    Point("desk", None, None, "office"),
    Point("outside", None, None),
)
TODAY = Stage(2.0, 0.9, 1.6, 0.5, 12.0)
TOMORROW = Stage(4.0, 1.2, 3.0, 1.0, 3.0)


def trust_at(points, **overrides):
    is_placed = points[0].is_placed
    values = {
        "estimator": Estimator.NEIGHBOURS,
        "is_forced": False,
        "walked_ns": None,
        "scores": ((Estimator.NEIGHBOURS, 0.4), (Estimator.NETWORK, 0.7)),
        "measure": Measure.METRES if is_placed else Measure.WRONG_ROOMS,
        "floors": floors_at(points),
        "n_queries": 15.0,
        "same_day": TODAY,
        "later": TOMORROW,
        "is_everywhere": True,
    }
    return Trust(**(values | overrides))


def located(trust, posterior, points=LINE, *, age_s=0.0, is_drifted=False, **novel):
    return trust.estimate(
        np.array(posterior),
        points,
        age_s=age_s,
        is_drifted=is_drifted,
        time_ns=12,
        n_frames=150,
        window_s=2.5,
        n_heard=2,
        n_channels=3,
        **novel,
    )


def test_position_is_of_the_posterior_and_radii_of_what_was_replayed():
    fix = located(trust_at(LINE), [0.64, 0.32, 0.04, 0, 0])

    x = 0.32 * 2 + 0.04 * 4
    warm = np.sqrt([0.64, 0.32, 0.04])
    warm /= warm.sum()
    base = math.sqrt(warm @ (np.array([0, 2, 4]) - x) ** 2 + 1)
    assert (fix.position.x, fix.position.y) == pytest.approx((x, 0))
    assert fix.position.r68 == pytest.approx(0.9 * base)
    assert fix.position.r95 == pytest.approx(1.6 * base)
    assert fix.quality is Quality.OK
    centre = trust_at(LINE).floors.centre
    assert fix.quality_score == pytest.approx(1 - 0.5 * base / centre)


def test_posterior_and_rooms_are_tempered():
    fix = located(trust_at(LINE), [0.64, 0.32, 0.04, 0, 0])

    warm = np.sqrt([0.64, 0.32, 0.04, 0, 0])
    warm /= warm.sum()
    assert fix.posterior == pytest.approx(warm.tolist())
    assert dict(fix.rooms)["west"] == pytest.approx(warm[0] + warm[1])
    assert fix.room == "west"


def test_the_covariance_goes_with_r68():
    """68 % of a round normal distribution lie within sqrt(-2 ln 0.32) deviations."""
    belief = [0.3, 0.4, 0.3, 0, 0]
    fix = located(trust_at(LINE), belief)

    xx, xy, yy = fix.position.covariance
    deviation = math.sqrt((xx + yy) / 2)
    assert fix.position.r68 == pytest.approx(math.sqrt(-2 * math.log(0.32)) * deviation)
    # Its shape is that of the belief: long along the line, the disc across.
    warm = np.sqrt(belief[:3]) / np.sqrt(belief[:3]).sum()
    along = warm @ np.square([-2, 0, 2]) + 1 / 4
    assert xx / yy == pytest.approx(along / (1 / 4))
    assert xy == 0


def test_an_image_of_no_point_leans_to_knowing_nothing():
    belief = [0.64, 0.32, 0.04, 0, 0]
    known, half, none = (
        located(trust_at(LINE), belief, novelty=Novelty(0.9, strangeness))
        for strangeness in (0.0, 0.5, 1.0)
    )

    assert replace(known, novelty=None) == located(trust_at(LINE), belief)
    assert (half.position.x, half.position.y) == (known.position.x, known.position.y)
    assert (half.novelty, half.strangeness) == (0.9, 0.5)
    # The next of six is within the farthest of five more often than 68 %, with its
    # disc of 1 m, and not within the one before.
    farthest = 22 - known.position.x + 1
    assert none.position.r68 == pytest.approx(farthest)
    assert none.position.r95 == pytest.approx(farthest)
    assert none.posterior == pytest.approx([0.2] * 5)
    assert none.quality_score == 0
    for name in ("r68", "r95"):
        ends = [getattr(fix.position, name) for fix in (known, none)]
        assert getattr(half.position, name) == pytest.approx(np.mean(ends))
    assert half.quality_score == pytest.approx(known.quality_score / 2)
    assert half.posterior == pytest.approx(np.mean([known.posterior, [0.2] * 5], 0))


def test_the_stranger_the_less_is_said():
    fixes = [
        located(trust_at(LINE), [0, 1, 0, 0, 0], novelty=Novelty(0.9, strangeness))
        for strangeness in (0.0, 0.6, 0.95)
    ]

    assert [fix.quality for fix in fixes] == [
        Quality.OK,
        Quality.UNCERTAIN,
        Quality.UNCERTAIN,
    ]
    assert [fix.room for fix in fixes] == ["west", "west", None]


def test_rooms_without_coordinates_are_doubted_too():
    fixes = [
        located(trust_at(ROOMS), [0.9, 0.05, 0.05], ROOMS, novelty=Novelty(0.9, s))
        for s in (0.0, 0.95)
    ]

    assert [fix.room for fix in fixes] == ["kitchen", None]


def test_on_another_day_all_images_are_strange_and_none_is_doubted():
    belief, later = [0.64, 0.32, 0.04, 0, 0], SAME_DAY_S + 1

    fix = located(trust_at(LINE), belief, age_s=later, novelty=Novelty(0.97, 0.95))

    assert fix.novelty == 0.97
    assert replace(fix, novelty=None) == located(trust_at(LINE), belief, age_s=later)


def test_no_radius_is_less_than_the_disc_of_a_point():
    narrow = Stage(1.0, 0.01, 0.02, 0.0, 9.0)

    fix = located(trust_at(LINE, same_day=narrow), [0, 1, 0, 0, 0])

    assert fix.position.r68 == pytest.approx(math.sqrt(0.68))
    assert fix.position.r95 == pytest.approx(math.sqrt(0.95))
    assert fix.quality_score == 1.0


def test_no_radius_is_more_than_the_site():
    """And where r95 holds all of it, nothing is certain."""
    wide = Stage(1.0, 50.0, 50.0, 0.1, 9.0)

    fix = located(trust_at(LINE, same_day=wide), [1.0, 0, 0, 0, 0])

    assert fix.position.r95 == 22 + 1
    assert fix.quality is Quality.UNCERTAIN
    assert fix.quality_score > 0.5


@pytest.mark.parametrize(
    ("age_s", "stage"),
    [(-5.0, TODAY), (0.0, TODAY), (SAME_DAY_S, TODAY), (SAME_DAY_S + 1, TOMORROW)],
)
def test_another_day_is_another_stage(age_s, stage):
    fix = located(trust_at(LINE), [0, 1, 0, 0, 0], age_s=age_s)

    assert fix.position.r95 == pytest.approx(stage.bound)


def test_age_counts_from_the_walk_where_its_time_is_known():
    hour = 3600 * 10**9
    known, unknown = trust_at(LINE, walked_ns=100 * hour), trust_at(LINE)

    assert known.age_s(103 * hour, 500 * hour) == 3 * 3600
    assert known.age_s(76 * hour, 500 * hour) == 24 * 3600  # the day before
    assert unknown.age_s(503 * hour, 500 * hour) == 3 * 3600
    assert unknown.age_s(76 * hour, 500 * hour) == 0  # a recording
    assert known.age_s(0, 500 * hour) == 0  # no time at all


def test_what_nobody_replayed_is_uncalibrated():
    guess = replace(TODAY, n_queries=0.0)

    fix = located(trust_at(LINE, same_day=guess), [0, 1, 0, 0, 0])

    assert fix.quality is Quality.UNCALIBRATED
    assert located(trust_at(LINE), [0, 1, 0, 0, 0]).quality is Quality.OK


def test_what_is_guessed_of_other_days_does_not_hide_a_room():
    """Errors are expected to be larger than the site; the belief is sharp all the same.

    Where it is flat, too, nobody knows anything.
    """
    guess = Stage(1.0, 3.0, 5.0, 40.0, 0.0)
    trust = trust_at(LINE, later=guess)

    sharp = located(trust, [0, 1, 0, 0, 0], age_s=1e6)
    flat = located(trust, [0.2, 0.2, 0.2, 0.2, 0.2], age_s=1e6)

    assert (sharp.quality_score, sharp.is_flat, sharp.room) == (0, False, "west")
    assert (flat.is_flat, flat.room) == (True, None)
    modest = trust_at(LINE, later=replace(guess, expected=0.2))
    assert not located(modest, [0.2, 0.2, 0.2, 0.2, 0.2], age_s=1e6).is_flat
    replayed = trust_at(LINE, later=replace(guess, n_queries=9.0))
    assert located(replayed, [0, 1, 0, 0, 0], age_s=1e6).is_flat


def test_drift_is_worse_than_anything():
    fix = located(trust_at(LINE), [0, 1, 0, 0, 0], is_drifted=True)

    assert fix.quality is Quality.DRIFTED


def test_a_flat_belief_is_unknown():
    fix = located(
        trust_at(LINE, same_day=replace(TODAY, expected=1.0)), [0.2, 0.2, 0.2, 0.2, 0.2]
    )

    assert fix.quality_score == 0
    assert fix.is_flat
    assert fix.is_unknown
    assert fix.room is None
    assert fix.quality is Quality.UNCERTAIN
    assert fix.rooms  # candidates are there all the same


def test_who_is_rather_outside_has_no_room():
    points = (*LINE, Point("outside", None, None))

    fix = located(trust_at(points), [0.1, 0, 0, 0, 0, 0.9], points)

    assert fix.outside == pytest.approx(3 / 4)  # square roots: 1 to 3
    assert fix.is_outside
    assert fix.is_unknown
    assert fix.room is None
    assert (fix.position.x, fix.position.y) == (0, 0)  # where it is if it is inside


def test_who_is_surely_outside_has_no_position_and_no_doubt():
    points = (*LINE, Point("outside", None, None))

    fix = located(trust_at(points), [0, 0, 0, 0, 0, 1.0], points)

    assert fix.position is None
    assert fix.is_outside
    assert fix.quality_score == 1.0


def test_rooms_without_coordinates_are_trusted_by_their_probability():
    trust = trust_at(ROOMS, floors=Floors(2 / 3, 2 / 3))

    fix = located(trust, [0.81, 0.09, 0.09], ROOMS)

    sure = 0.9 / (0.9 + 0.3 + 0.3)  # square roots
    assert fix.position is None
    assert fix.quality_score == pytest.approx(1 - (1 - sure) / (2 / 3))
    assert fix.room == "kitchen"


def test_of_one_point_nobody_is_in_doubt():
    fix = located(trust_at(LINE[:1]), [1.0], LINE[:1])

    assert (fix.position.r68, fix.position.r95) == (0, 0)
    assert (fix.quality, fix.quality_score) == (Quality.OK, 1.0)


def test_of_one_room_nobody_is_in_doubt():
    points = (
        Point("table", None, None, "kitchen"),
        Point("desk", None, None, "kitchen"),
    )

    assert located(trust_at(points), [0.3, 0.7], points).quality_score == 1.0


def test_it_passes_on_the_rest():
    fix = located(trust_at(LINE), [0, 1, 0, 0, 0])

    assert (fix.time_ns, fix.n_frames, fix.window_s) == (12, 150, 2.5)
    assert (fix.n_heard, fix.n_channels) == (2, 3)


@pytest.mark.parametrize("points", [LINE, ROOMS])
def test_it_comes_back_from_json(points):
    trust = trust_at(points, walked_ns=123)

    assert Trust.from_json(trust.to_json()) == trust


def without(name):
    facts = trust_at(LINE).to_json()
    del facts[name]
    return facts


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"estimator": "oracle"}, "'oracle' is not a valid Estimator"),
        ({"measure": "feet"}, "'feet' is not a valid Measure"),
        ({"walked_ns": "today"}, "walked_ns is 'today', not a time"),
        ({"n_queries": -1}, "n_queries is -1"),
        ({"n_queries": math.nan}, "n_queries is nan"),
        ({"n_queries": True}, "n_queries is True"),
        ({"scores": {"network": math.inf}}, "a score is inf"),
        ({"scores": {"network": -0.1}}, "a score is -0.1"),
        ({"scores": [0.1]}, r"scores are \[0.1\], not by estimator"),
        ({"floors": {"centre": -1.0, "chance": 1.0}}, "a score is -1.0"),
        ({"floors": {"middle": 1.0}}, "middle"),
        ({"same_day": asdict(TODAY) | {"temperature": 0}}, "temperature is 0"),
        ({"same_day": asdict(TODAY) | {"bound": math.nan}}, "bound is nan"),
        ({"same_day": asdict(TODAY) | {"bound": "1"}}, "bound is '1'"),
        ({"later": asdict(TODAY) | {"accuracy": 9.0}}, "r68 is 9.0 b, more than r95"),
    ],
)
def test_facts_that_make_no_sense_are_refused(changes, reason):
    with pytest.raises((TypeError, ValueError), match=reason):
        Trust.from_json(trust_at(LINE).to_json() | changes)


def test_facts_that_are_missing_are_refused():
    with pytest.raises(KeyError, match="floors"):
        Trust.from_json(without("floors"))
