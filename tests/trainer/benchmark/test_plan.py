"""Plans: which units there are, and what they share."""

from collections import Counter

import pytest

from tests.trainer.benchmark.synthetic import Slow, make_methods, survey
from trainer.benchmark.errors import ProtocolError
from trainer.benchmark.plan import (
    Extent,
    Survey,
    history_digest,
    method_digests,
    plan_survey,
)
from trainer.benchmark.protocol import Protocol
from trainer.benchmark.regimes import REGIMES

PROTOCOL = Protocol("days", history=("0-2",), test=("3-5",))
DAYS = survey(6, visits=(0, 1), n=4)


def extent(*regimes, methods=("1nn", "noisy"), n_seeds=3, **options):
    return Extent(methods, tuple(REGIMES[r] for r in regimes), n_seeds, **options)


def plan(of, *, protocol=PROTOCOL, environments=DAYS, methods=None):
    methods = methods or make_methods()
    survey_ = Survey(protocol, environments, of.role)
    return plan_survey(survey_, methods, of, method_digests(methods))


def test_there_is_a_unit_per_target_method_and_seed():
    keys = plan(extent("3shot")).keys

    assert len(keys) == len(set(keys)) == 3 * 2 * 3
    assert {k.target for k in keys} == {"d3", "d4", "d5"}
    assert {k.seed for k in keys} == {0, 1, 2}


def test_without_shots_only_chance_makes_seeds_differ():
    keys = plan(extent("zero")).keys

    assert Counter(k.method for k in keys) == {"1nn": 3, "noisy": 9}


def test_units_that_learn_the_same_are_one_job():
    jobs = plan(extent("zero", "1shot", "3shot")).jobs

    # 1-NN learns once for all targets and regimes, a method with chance once per seed.
    assert Counter(job.method for job in jobs) == {"1nn": 1, "noisy": 3}
    assert {
        len({t.key.seed for t in j.tasks}) for j in jobs if j.method == "noisy"
    } == {1}


def test_targets_with_other_histories_are_other_jobs():
    rolling = Protocol("days", history=("0-2",), test=("3-5",), rolling=True)

    jobs = plan(extent("3shot", methods=("1nn",)), protocol=rolling).jobs

    assert [{t.key.target for t in job.tasks} for job in jobs] == [
        {"d3"},
        {"d4"},
        {"d5"},
    ]


def test_chance_does_not_depend_on_what_else_is_run():
    whole = plan(extent("zero", "3shot"))
    part = plan(extent("3shot", methods=("noisy",), max_targets=1))

    entropies = {job.learn_entropy for job in whole.jobs if job.method == "noisy"}
    assert {job.learn_entropy for job in part.jobs} == entropies
    assert set(part.keys) <= set(whole.keys)


def test_keys_change_with_data_protocol_and_settings():
    small = extent("3shot", methods=("slow",), n_seeds=1)
    base = plan(small, methods={"slow": Slow(0.1)}).keys

    assert plan(small, methods={"slow": Slow(0.1)}).keys == base
    others = [
        plan(small, methods={"slow": Slow(0.2)}).keys,
        plan(
            small,
            methods={"slow": Slow(0.1)},
            environments=survey(6, visits=(0, 1), n=4, seed=1),
        ).keys,
        plan(
            small,
            methods={"slow": Slow(0.1)},
            protocol=Protocol("days", history=("0-2",), test=("3-5",), last=2),
        ).keys,
    ]
    for other in others:
        assert set(other).isdisjoint(base)


def test_targets_that_cannot_serve_a_regime_are_refused_once():
    refused = plan(extent("3laps", "3shot"))

    assert {(r.target, r.regime) for r in refused.refusals} == {
        (day, "3laps") for day in ("d3", "d4", "d5")
    }
    assert len(refused.refusals) == 3
    assert {k.regime for k in refused.keys} == {"3shot"}


@pytest.mark.parametrize(
    ("n", "chosen"),
    [(None, "d1 d2 d3 d4 d5"), (1, "d5"), (2, "d3 d5"), (3, "d2 d3 d5"), (9, None)],
)
def test_a_reduced_run_takes_the_last_target_and_others_evenly(n, chosen):
    days = Survey(Protocol("days", history=("0",), test=("1-5",)), DAYS, "test")

    found = " ".join(t.name for t in days.some_targets(n))

    assert found == (chosen or "d1 d2 d3 d4 d5")


def test_history_of_other_points_is_another_history():
    days = Survey(PROTOCOL, DAYS, "test")
    one, other = (days.split("d3", REGIMES[r], 0) for r in ("zero", "five"))

    assert history_digest(one) == history_digest(other)
    board = Survey(
        Protocol(
            "days",
            history=("0-2",),
            test=("3-5",),
            calibrate="checkerboard",
            query="others",
        ),
        DAYS,
        "test",
    )
    assert history_digest(board.split("d3", REGIMES["zero"], 0)) != history_digest(one)


def test_a_protocol_that_does_not_fit_is_refused_at_once():
    with pytest.raises(ProtocolError, match="'7-9' is no environment of days"):
        Survey(Protocol("days", test=("7-9",)), DAYS, "test")
