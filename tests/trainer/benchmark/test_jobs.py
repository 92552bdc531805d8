"""Jobs: what methods are handed, and what becomes of what they do."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.trainer.benchmark.synthetic import (
    Noisy,
    Refusing,
    environment,
    hall,
    rows_of,
    survey,
)
from trainer.benchmark.errors import LeakageError
from trainer.benchmark.jobs import run_job
from trainer.benchmark.plan import Extent, Survey, method_digests, plan_survey
from trainer.benchmark.protocol import Protocol
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.store import UnitStore
from trainer.errors import TrainerError
from trainer.methods.contract import Needs
from trainer.methods.neighbours import NearestNeighbours
from trainer.surveys.environment import Signals

ONE_NN = NearestNeighbours("1nn", "1-NN", 1, of_samples=True)
PROTOCOL = Protocol("days", history=("0-2",), test=("3-5",))


@dataclass
class Recorder:
    """1-NN, and what it was handed."""

    learned: int = 0
    calibrated: int = 0
    seen: object = None
    name: str = "recorder"
    title: str = "Recorder"
    needs: Needs = Needs.NOTHING
    is_stochastic: bool = False

    def learn(self, history, rng):
        self.learned += 1
        self.seen = history
        self.learnt = ONE_NN.learn(history, rng)
        return self

    def calibrate(self, place, shots):
        self.calibrated += 1
        return self.learnt.calibrate(place, shots)


def run(
    method,
    tmp_path,
    *,
    environments=None,
    protocol=PROTOCOL,
    regimes=("zero", "3shot"),
    n_seeds=2,
):
    """Run all jobs of one method and return its units."""
    environments = survey(6) if environments is None else environments
    of = Survey(protocol, environments, "test")
    extent = Extent((method.name,), tuple(REGIMES[r] for r in regimes), n_seeds)
    # Recorders change while they run: their digest is taken of something that does not.
    methods = {method.name: replace_recorder(method)}
    plan = plan_survey(of, methods, extent, method_digests(methods))
    store, counted = UnitStore(tmp_path), []
    for job in plan.jobs:
        run_job(job, of, method, store, lambda: counted.append(1))
    return [store.load(key) for key in plan.keys], len(counted)


def replace_recorder(method):
    return Recorder() if isinstance(method, Recorder) else method


# -- doing -----------------------------------------------------------------------------


def test_units_hold_the_outcome_of_the_method(tmp_path):
    units, counted = run(ONE_NN, tmp_path)

    assert counted == len(units) == 3 * 1 + 3 * 2
    for unit in units:
        assert unit.outcome.error_m.mean() < 0.3 * unit.outcome.centre_error_m.mean()
        assert not unit.same_visit


def test_effort_is_counted_in_images_points_and_seconds(tmp_path):
    units, _ = run(ONE_NN, tmp_path)

    shots = {u.key.regime: (u.effort.images, u.effort.points) for u in units}
    assert shots == {"zero": (0, 0), "3shot": (36, 12)}
    for unit in units:
        times = (unit.effort.learn_s, unit.effort.calibrate_s, unit.effort.locate_s)
        assert all(0 < t < 10 for t in times)


def test_a_method_learns_once_per_job_and_calibrates_once_per_unit(tmp_path):
    recorder = Recorder()

    units, _ = run(recorder, tmp_path)

    assert recorder.learned == 1
    assert recorder.calibrated == len(units)
    assert [e.name for e in recorder.seen] == ["d0", "d1", "d2"]


def test_what_is_stored_is_not_done_again(tmp_path):
    first, _ = run(ONE_NN, tmp_path, regimes=["3shot"])
    recorder = Recorder()
    run(recorder, tmp_path)
    again = Recorder()
    _, counted = run(again, tmp_path)

    assert (again.learned, counted) == (0, 0)
    units, counted = run(ONE_NN, tmp_path)
    assert counted == len(units) - len(first)


def test_chance_is_that_of_the_seed_alone(tmp_path):
    whole, _ = run(Noisy(), tmp_path / "a", n_seeds=3)
    part, _ = run(Noisy(), tmp_path / "b", n_seeds=3, regimes=["3shot"])

    offsets = {u.key: u.outcome.offset_m for u in whole}
    for unit in part:
        np.testing.assert_array_equal(offsets[unit.key], unit.outcome.offset_m)
    by_seed = {u.key.seed: u.outcome.offset_m[0, 0] for u in part}
    assert len(set(by_seed.values())) == 3


# -- what a method cannot do without ---------------------------------------------------


@pytest.mark.parametrize(
    ("needs", "options", "reason"),
    [
        (Needs.IMAGES, {}, "needs CSI images"),
        (Needs.SHOTS, {"regimes": ["zero"]}, "needs shots"),
        (
            Needs.HISTORY,
            {"protocol": Protocol("days", test=("5",)), "regimes": ["3shot"]},
            "needs history",
        ),
        (
            Needs.IMAGES | Needs.SHOTS,
            {"regimes": ["zero"]},
            "needs CSI images; needs shots",
        ),
    ],
)
def test_what_an_episode_lacks_is_the_reason(tmp_path, needs, options, reason):
    recorder = Recorder(needs=needs)
    units, _ = run(recorder, tmp_path, **options)

    assert {u.reason for u in units} == {reason}
    assert all(u.outcome is None and u.effort is None for u in units)
    assert recorder.learned == 0


def test_power_is_needed_in_queries_and_in_what_is_known(tmp_path):
    days = [
        replace(
            day,
            signals=Signals(np.full_like(day.signals.rss, np.nan), day.signals.images),
        )
        for day in survey(6, is_csi=True)
    ]
    units, _ = run(Recorder(needs=Needs.POWER), tmp_path, environments=days)

    assert {u.reason for u in units} == {"needs received power"}


def test_history_of_other_places_is_no_history_of_the_place(tmp_path):
    far = environment(hall(name="far"), rows_of(range(12), [0], 3), name="far")
    units, _ = run(
        Recorder(needs=Needs.HISTORY),
        tmp_path,
        environments=[far, *survey(6)],
        protocol=Protocol("days", history=("far",), test=("5",), other_places=True),
        regimes=["3shot"],
    )

    assert {u.reason for u in units} == {"needs history"}


def test_what_there_is_is_not_missed(tmp_path):
    everything = Needs.IMAGES | Needs.POWER | Needs.HISTORY | Needs.SHOTS
    units, _ = run(
        Recorder(needs=everything),
        tmp_path,
        environments=survey(6, is_csi=True),
        regimes=["3shot"],
    )

    assert {u.reason for u in units} == {""}


# -- failing ---------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["learn", "calibrate", "locate"])
def test_an_error_that_a_method_explains_is_the_unit_s_reason(tmp_path, stage):
    method = Refusing(TrainerError("too few stars tonight"), stage)

    units, counted = run(method, tmp_path)

    assert counted == len(units)
    assert {u.reason for u in units} == {"too few stars tonight"}


@pytest.mark.parametrize("stage", ["learn", "calibrate", "locate"])
def test_a_bug_of_a_method_is_not_hidden(tmp_path, stage):
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run(Refusing(ZeroDivisionError("a bug"), stage), tmp_path)


def test_an_image_that_is_in_history_too_stops_the_run(tmp_path):
    days = survey(6, is_csi=True)
    copied = [*days[:5], replace(days[5], signals=days[0].signals)]

    with pytest.raises(LeakageError, match="images to be located are in history"):
        run(ONE_NN, tmp_path, environments=copied)
