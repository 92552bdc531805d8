"""A site's past is replayed with every estimator, and trust follows."""

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest

from edge_agent.estimators import Estimator
from edge_agent.history import joined
from edge_agent.learning.backends import Backend
from edge_agent.survey import Point
from edge_agent.trust.choice import losses
from edge_agent.trust.fitting import trust_in
from edge_agent.trust.learn import (
    learn_trust,
    learn_trusts,
    learners_of,
    time_of_walk,
)
from edge_agent.trust.learners import NeighboursLearner
from edge_agent.trust.prior import Prior, cautious
from edge_agent.trust.temperature import fit_temperature
from tests.edge_agent.trust.walks import visited, walked

MONDAY, TUESDAY, WEDNESDAY = (f"202611{day}T101500Z" for day in (23, 24, 25))
ROOMS = (
    Point("bed", None, None, "bedroom"),
    Point("table", None, None, "kitchen"),
    Point("outside", None, None),
)


def learnt(bundle, fresh, history=None, **options):
    return learn_trust(bundle, fresh, history, backend=Backend.NUMPY, **options)


def test_every_estimator_is_replayed_and_scored(trusted_bundle, rng):
    """By what it would do on the day of the walk."""
    old, new = walked(rng, [MONDAY, TUESDAY])

    found = learnt(trusted_bundle, new, old)

    assert found.replays.keys() == {
        Estimator.NETWORK,
        Estimator.NEIGHBOURS,
        Estimator.MAP,
        Estimator.ENSEMBLE,
    }
    scores = dict(found.trust.scores)
    for estimator, replayed in found.replays.items():
        assert scores[estimator] == losses(replayed.of_kind(later=False)).mean
    assert list(scores.values()) == sorted(scores.values())
    assert found.trust.n_queries == sum(
        len(np.unique(e.queries.point_of)) for e in found.past
    )
    assert not found.trust.is_forced


def test_the_score_is_recorded_beside_what_guessing_gives(trusted_bundle, rng):
    (fresh,) = walked(rng, [MONDAY])

    trust = learnt(trusted_bundle, fresh).trust

    where = fresh.locations
    centre = np.hypot(*(where - where.mean(axis=0)).T).mean()
    assert trust.floors.centre == pytest.approx(centre)
    # Neighbours find looks that hardly change; the random network does not.
    assert dict(trust.scores)[Estimator.NEIGHBOURS] < 0.1 * centre
    assert trust.estimator is Estimator.NEIGHBOURS


def test_what_is_forced_is_trusted_as_far_as_it_goes(trusted_bundle, rng):
    (fresh,) = walked(rng, [MONDAY])

    found = learnt(trusted_bundle, fresh, wanted=Estimator.NETWORK)

    assert found.trust.estimator is Estimator.NETWORK
    assert found.trust.is_forced
    own = found.replays[Estimator.NETWORK]
    expected = trusted_bundle.trust[Estimator.NETWORK].temperature
    assert found.trust.same_day.temperature == fit_temperature(own, expected)


def test_each_estimator_has_radii_of_its_own(trusted_bundle, rng):
    """What a person forces later is trusted as if it had been forced at once."""
    (fresh,) = walked(rng, [MONDAY])

    first, *others = learn_trusts(trusted_bundle, fresh, backend=Backend.NUMPY)

    assert first == learnt(trusted_bundle, fresh).trust
    assert {trust.estimator for trust in others} == {
        Estimator.NETWORK,
        Estimator.ENSEMBLE,
    }
    for trust in others:
        forced = learnt(trusted_bundle, fresh, wanted=trust.estimator).trust
        assert trust == forced


def test_each_stage_is_fitted_on_its_own_replays(trusted_bundle, rng):
    old, new = walked(rng, [MONDAY, TUESDAY])

    trust = learnt(trusted_bundle, new, old).trust

    assert trust.same_day.n_queries == 3 * 6  # each lap of both walks
    assert trust.later.temperature != trust.same_day.temperature


def test_one_change_from_day_to_day_is_no_calibration_of_others(trusted_bundle, rng):
    first, second, third = walked(rng, [MONDAY, TUESDAY, WEDNESDAY])

    once = learnt(trusted_bundle, second, first).trust
    twice = learnt(trusted_bundle, third, joined(second, first)).trust

    assert once.later.n_queries == 0
    assert twice.later.n_queries == 2 * 3  # the first laps of Tuesday and Wednesday


def test_without_a_second_visit_it_stands_on_other_places(trusted_bundle, rng):
    (fresh,) = walked(rng, [MONDAY], n_laps=1)

    found = learnt(trusted_bundle, fresh)

    prior = trusted_bundle.trust[Estimator.NEIGHBOURS]
    assert found.past == ()
    assert found.trust.scores == ()
    assert found.trust.estimator is Estimator.NEIGHBOURS
    assert found.trust.same_day.n_queries == 0
    assert found.trust.same_day.temperature == prior.temperature
    # 30 queries' weight, and one to come: 98 % of other places' scores are below it.
    held = prior.quantiles[int(np.ceil(0.95 * 31 / 30 * 199)) - 1]
    assert found.trust.same_day.bound == pytest.approx(held)
    assert found.trust.later.bound == pytest.approx(2 * held)


def test_where_nobody_knows_anything_it_is_inflated(bundle, rng):
    """Five times the temperature, and twice a normal distribution."""
    (fresh,) = walked(rng, [MONDAY], n_laps=1)

    trust = learnt(bundle, fresh).trust

    assert trust.estimator is Estimator.NETWORK
    assert trust.same_day.temperature == 5.0
    assert trust.same_day.bound == cautious().scores(30).holding(0.95)


def test_of_a_bundle_without_neighbours_the_network_is_replayed(bundle, rng):
    old, new = walked(rng, [MONDAY, TUESDAY])

    assert learnt(bundle, new, old).replays.keys() == {Estimator.NETWORK}


def test_a_map_needs_a_history(trusted_bundle):
    for has_history in (True, False):
        learners = learners_of(trusted_bundle, has_history=has_history)
        is_there = Estimator.MAP in {learner.estimator for learner in learners}
        assert is_there is has_history


def test_rooms_without_coordinates_and_outside_are_replayed(trusted_bundle, rng):
    (fresh,) = walked(rng, [MONDAY], points=ROOMS)

    trust = learnt(trusted_bundle, fresh).trust

    assert trust.measure == "wrong rooms"
    assert dict(trust.scores)[Estimator.NEIGHBOURS] == 0
    assert trust.same_day.n_queries == 9


def test_where_all_queries_are_outside_the_radii_are_those_of_other_places(
    trusted_bundle, rng
):
    points = (Point("a", 0, 0), Point("b", 3, 0), Point("outside", None, None))
    (fresh,) = walked(rng, [MONDAY], points=points)
    found = learnt(trusted_bundle, fresh)
    outside = found.replays[Estimator.NEIGHBOURS]
    outside = outside.select(np.flatnonzero(outside.truth == 2))
    prior = trusted_bundle.trust[Estimator.NEIGHBOURS]

    trust = trust_in(
        Estimator.NEIGHBOURS, {Estimator.NEIGHBOURS: outside}, points, prior
    )

    assert trust.scores == ()
    assert trust.same_day.bound == prior.scores(30).holding(0.95)


def test_radii_hold_re_visits_that_nothing_was_fitted_on(trusted_bundle):
    """Sites blurred from visit to visit; elsewhere, it is said, errors are tiny.

    What is said elsewhere holds less than it promises here, what was replayed does not.
    """
    tiny = {Estimator.NEIGHBOURS: Prior.of(1.0, np.linspace(0, 0.3, 50))}
    bundle = replace(trusted_bundle, trust=tiny)
    grid = tuple(Point(f"{x},{y}", x, y) for x in range(4) for y in range(3))
    believed, replayed = [], []
    for seed in range(20):
        rng = np.random.default_rng([7, seed])
        (site,) = walked(rng, [MONDAY], n_laps=6, change=40.0, points=grid)
        fresh, asked = split(site, 3)
        single, _ = split(site, 1)
        for shots, held in ((single, believed), (fresh, replayed)):
            trust = learnt(bundle, shots, wanted=Estimator.NEIGHBOURS).trust
            predictor = NeighboursLearner(bundle).learn(shots, None)
            held += are_held(trust, predictor, asked)

    assert np.mean(believed) < 0.8
    assert 0.90 <= np.mean(replayed) <= 0.98


def test_radii_of_a_sparse_walk_hold_re_visits_to_all_points(trusted_bundle):
    """Every night changes looks; the newest walk went to a third of the points.

    What was asked where fresh shots are holds too few re-visits to all points.
    """
    tiny = Prior.of(1.0, np.linspace(0, 0.3, 50))
    bundle = replace(trusted_bundle, trust={Estimator.NEIGHBOURS: tiny})
    grid = tuple(Point(f"{x},{y}", x, y) for x in range(4) for y in range(3))
    at_all, at_fresh = [], []
    for seed in range(8):
        rng = np.random.default_rng([8, seed])
        past, asked = nights(rng, grid, [f"2026112{n}T101500Z" for n in range(5)])
        history, today = reduce(joined, past[:-1]), past[-1]
        fresh = today.select(np.flatnonzero(today.point_of % 3 == 0))
        found = learnt(bundle, fresh, history, wanted=Estimator.NEIGHBOURS)
        own = found.replays[Estimator.NEIGHBOURS]
        own = own.select(np.flatnonzero(own.is_fresh))
        narrow = trust_in(Estimator.NEIGHBOURS, {Estimator.NEIGHBOURS: own}, grid, tiny)
        predictor = NeighboursLearner(bundle).learn(fresh, history)
        at_all += are_held(found.trust, predictor, asked)
        at_fresh += are_held(narrow, predictor, asked)

    assert np.mean(at_fresh) < 0.88
    assert 0.90 <= np.mean(at_all) <= 0.98


def nights(rng, points, names):
    """Walks of three laps between which looks change; a fourth lap of the last."""
    (site,) = walked(rng, ["looks"], points=points, change=0.0, n_laps=1)
    looks = site.images.astype(np.float64)
    walks = []
    for number, name in enumerate(names):
        today = looks + rng.normal(0, 40, (*looks.shape[:2], 1, looks.shape[3]))
        n_laps = 4 if number + 1 == len(names) else 3
        visits = [f"{name}/{lap + 1}" for lap in range(n_laps)]
        walks.append(visited(rng, np.clip(today, 1, 255), visits, points, 15.0))
    walks[-1], asked = split(walks[-1], 3)
    return walks, asked


def are_held(trust, predictor, asked):
    """Whether r95 holds the truth, for each image that asks."""
    held = []
    for posterior, point in zip(
        predictor.predict(asked.images, asked.heard), asked.point_of, strict=True
    ):
        fix = trust.estimate(
            posterior,
            asked.points,
            age_s=0,
            time_ns=0,
            n_frames=0,
            window_s=0,
            n_heard=0,
            n_channels=0,
        )
        truth = asked.points[point]
        off = np.hypot(fix.position.x - truth.x, fix.position.y - truth.y)
        held.append(off <= fix.position.r95)
    return held


def split(site, n_laps):
    """The first laps of a walk, and the others."""
    laps = np.array([int(visit.rpartition("/")[2]) for visit in site.visit_of])
    return (
        site.select(np.flatnonzero(laps <= n_laps)),
        site.select(np.flatnonzero(laps > n_laps)),
    )


def test_progress_goes_over_all_learners(trusted_bundle, rng):
    (fresh,) = walked(rng, [MONDAY])
    told = []

    learnt(trusted_bundle, fresh, on_episode=lambda done, n: told.append((done, n)))

    assert told == [(done, 6) for done in range(1, 7)]  # 3 laps, 2 learners


def test_the_same_past_gives_the_same_trust(trusted_bundle, rng):
    old, new = walked(rng, [MONDAY, TUESDAY])

    first, second = (learnt(trusted_bundle, new, old).trust for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    ("walk", "expected"),
    [(MONDAY, 1795428900 * 10**9), ("first", None), ("2026", None)],
)
def test_a_walk_is_called_by_its_time(rng, walk, expected):
    (fresh,) = walked(rng, [walk])

    assert time_of_walk(fresh) == expected


def test_a_survey_that_counts_its_visits_has_no_time(rng):
    (fresh,) = walked(rng, [MONDAY])
    visits = np.array(["1"] * len(fresh), np.str_)

    assert time_of_walk(replace(fresh, visit_of=visits)) is None


def test_days_that_are_not_aligned_are_refused(trusted_bundle, rng):
    old, new = walked(rng, [MONDAY, TUESDAY])

    with pytest.raises(ValueError, match="align them first"):
        learnt(trusted_bundle, new, replace(old, points=old.points[::-1]))


def test_history_is_as_of_then(trusted_bundle, rng):
    """Wednesday's trust does not change what Tuesday was asked."""
    monday, tuesday, wednesday = walked(rng, [MONDAY, TUESDAY, WEDNESDAY])

    past = learnt(trusted_bundle, wednesday, joined(monday, tuesday)).past

    for episode in past:
        if episode.history is not None:
            assert max(episode.history.visit_of) < min(episode.shots.visit_of)
