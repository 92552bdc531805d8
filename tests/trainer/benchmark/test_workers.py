"""Jobs in other processes: the same results, and failures that are heard of."""

import os
from functools import partial

import numpy as np
import pytest

from tests.trainer.benchmark import synthetic
from trainer.benchmark.errors import BenchmarkError
from trainer.benchmark.plan import Extent, method_digests, plan_survey
from trainer.benchmark.protocol import Protocol
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.workers import Bench, run_jobs
from trainer.errors import TrainerError


def bench(out, **fields):
    defaults = {
        "data": out,
        "out": out,
        "protocols": (Protocol("days", history=("0-2",), test=("3-5",)),),
        "role": "test",
        "load": synthetic.load,
        "make_methods": synthetic.make_methods,
    }
    return Bench(**defaults | fields)


def plan(of, *methods, load=synthetic.load, regimes=("zero", "3shot")):
    """Plan with the true survey, whatever the workers will load."""
    here = bench(of.out, protocols=of.protocols).survey("days")
    extent = Extent(methods, tuple(REGIMES[r] for r in regimes), 2)
    made = of.make_methods()
    return plan_survey(here, made, extent, method_digests(made))


def run(of, planned, n_processes):
    counted = []
    run_jobs(
        of, planned.jobs, n_processes=n_processes, on_unit=lambda: counted.append(1)
    )
    return len(counted)


def kill_worker(name, data):
    os._exit(9)


def test_results_do_not_depend_on_the_number_of_processes(tmp_path):
    found = []
    for n_processes in (1, 2):
        of = bench(tmp_path / str(n_processes))
        planned = plan(of, "1nn", "noisy", "random5")
        assert run(of, planned, n_processes) == len(planned.keys)
        found.append([of.store.load(key) for key in planned.keys])

    for here, there in zip(*found, strict=True):
        assert here.key == there.key
        np.testing.assert_array_equal(here.outcome.offset_m, there.outcome.offset_m)


def test_workers_have_one_thread_and_the_parent_keeps_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    of = bench(tmp_path, make_methods=synthetic.make_thread_methods)
    planned = plan(of, "refusing", regimes=["3shot"])

    run(of, planned, 2)

    assert {of.store.load(key).reason for key in planned.keys} == {"1 1 1"}
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("n_processes", [1, 2])
def test_a_survey_that_cannot_be_read_is_an_error_for_a_person(tmp_path, n_processes):
    of = bench(tmp_path, load=synthetic.load_nothing)

    with pytest.raises(TrainerError, match="no days below"):
        run(of, plan(of, "1nn"), n_processes)


def test_a_bug_in_a_worker_is_told_with_its_traceback(tmp_path, capfd):
    of = bench(tmp_path, make_methods=synthetic.make_buggy_methods)

    with pytest.raises(RuntimeError, match=r"(?s)Traceback.*ZeroDivisionError: a bug"):
        run(of, plan(of, "refusing"), 2)


def test_a_worker_that_is_killed_is_noticed(tmp_path):
    of = bench(tmp_path, load=kill_worker)

    with pytest.raises(BenchmarkError, match=r"code 9, .*: try fewer --jobs"):
        run(of, plan(of, "1nn"), 2)


def test_without_jobs_no_worker_is_started(tmp_path):
    run_jobs(bench(tmp_path, load=kill_worker), [], n_processes=2, on_unit=print)


def test_methods_may_be_made_by_a_partial(tmp_path):
    of = bench(tmp_path, make_methods=partial(synthetic.make_some_methods, "wknn"))

    assert run(of, plan(of, "wknn"), 2) == 9
