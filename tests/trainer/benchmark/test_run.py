"""The whole benchmark on a small survey: what is written, and going on after a stop."""

import json
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.trainer.benchmark import interruptible, synthetic
from tests.trainer.benchmark.test_rows import rows, unit
from trainer.benchmark.errors import BenchmarkError
from trainer.benchmark.plan import Extent
from trainer.benchmark.protocol import Protocol
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.run import Progress, effort_curves, run_benchmark
from trainer.benchmark.workers import Bench
from trainer.errors import TrainerError
from trainer.methods.contract import Needs
from trainer.methods.registry import methods

METHODS = ("centre", "random5", "1nn", "wknn", "noisy")
N_UNITS = 12


def bench(out, **fields):
    defaults = {
        "data": out,
        "out": out,
        "protocols": (
            Protocol("days", history=("0-2",), test=("3-5",)),
            Protocol("other", history=("0-2",), test=("3-5",), query="test"),
        ),
        "role": "test",
        "load": synthetic.load,
        "make_methods": synthetic.make_methods,
    }
    return Bench(**defaults | fields)


def run(out, regimes=("zero", "3shot", "five", "3laps"), n_seeds=2, **options):
    fields = {
        k: options.pop(k) for k in ("load", "make_methods", "protocols") if k in options
    }
    extent = Extent(
        options.pop("methods", METHODS),
        tuple(REGIMES[r] for r in regimes),
        n_seeds,
        max_targets=options.pop("max_targets", None),
        is_quick=options.pop("is_quick", False),
    )
    return run_benchmark(bench(out, **fields), extent, **options)


def cannot_load(name, data):
    raise TrainerError(f"{name} is under water")


def timeless(path):
    """Results without what a clock has measured."""
    results = json.loads(path.read_text(encoding="utf-8"))
    for row in results["rows"]:
        row.pop("seconds", None)
    return results


# -- what is written -------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmark")
    return out, run(out)


def test_results_have_a_row_per_survey_regime_and_method(finished):
    out, rows = finished
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))

    found = [(r["survey"], r["regime"], r["method"]) for r in results["rows"]]
    assert found == [
        (survey, regime, method)
        for survey in ("days", "other")
        for regime in ("zero", "3shot", "3laps", "five")
        for method in METHODS
    ]
    assert len(rows) == len(found)
    assert results["protocols"]["other"]["query"] == "test"
    assert results["seeds"] == 2
    assert {r["reason"] for r in results["refusals"]["days"]} == {
        f"needs a visit left after 3 of a point; 0 of 12 points of {day} have them"
        for day in ("d3", "d4", "d5")
    }


def test_real_methods_beat_the_floors_and_shots_help(finished):
    _, rows = finished
    mean = {
        (r.survey, r.regime, r.method): r.figures.error.mean_m
        for r in rows
        if r.figures is not None
    }

    for survey in ("days", "other"):
        for regime in ("zero", "3shot"):
            assert mean[survey, regime, "wknn"] < 0.7 * mean[survey, regime, "centre"]
        assert mean[survey, "3shot", "wknn"] < mean[survey, "five", "wknn"]
    skill = {
        r.regime: r.figures.skill.value
        for r in rows
        if r.method == "centre" and r.figures
    }
    assert skill["3shot"] == pytest.approx(0, abs=1e-12)


def test_every_row_has_its_errors_and_they_are_its_figures(finished):
    out, rows = finished
    for row in rows:
        path = out / "errors" / f"{row.key}.npz"
        assert path.exists() == (row.figures is not None)
        if row.figures is None:
            continue
        with np.load(path) as errors:
            n_answers = row.figures.n_queries * row.figures.n_seeds
            assert len(errors["error_m"]) == n_answers
            assert errors["error_m"].mean() == pytest.approx(row.figures.error.mean_m)
            np.testing.assert_allclose(
                np.hypot(*errors["offset_m"].T), errors["error_m"]
            )
            assert set(errors["target"]) == {"d3", "d4", "d5"}


def test_there_are_a_table_and_plots(finished):
    out, _ = finished

    table = (out / "table.md").read_text(encoding="utf-8")
    assert table.count("\n## ") == 8
    assert "Reduced run" not in table
    assert sorted(path.name for path in out.glob("*.png")) == sorted(
        [
            *(
                f"cdf-{survey}-{regime}.png"
                for survey in ("days", "other")
                for regime in ("zero", "3shot", "five")
            ),
            "effort-days.png",
            "effort-other.png",
        ]
    )


def test_effort_curves_rise_in_images(finished):
    _, rows = finished
    curves = effort_curves([r for r in rows if r.survey == "days"])

    assert len(curves) == len(METHODS)
    for curve in curves:
        assert curve.x.tolist() == [0, 15, 36]
        assert (curve.low <= curve.y).all()
        assert (curve.y <= curve.high).all()


def test_three_laps_are_in_no_effort_curve():
    """Their queries are others."""
    found = rows(
        unit("1nn", [3, 3], regime="1shot"),
        unit("1nn", [2, 2], regime="3shot"),
        unit("1nn", [1, 1], regime="3laps"),
    )

    (curve,) = effort_curves(found)

    assert curve.y.tolist() == [3, 2]


def test_regimes_that_fewer_targets_serve_are_in_no_effort_curve():
    found = rows(
        unit("1nn", [3, 3], regime="1shot"),
        unit("1nn", [2, 2], regime="3shot"),
        unit("1nn", [2, 2], "d2", regime="1shot"),
        unit("1nn", [1, 1], "d2", regime="3shot"),
        unit("1nn", [9, 9], regime="five"),
    )

    (curve,) = effort_curves(found)

    assert curve.y.tolist() == [2.5, 1.5]


def test_jobs_that_are_done_are_not_handed_out_again(tmp_path, monkeypatch):
    run(tmp_path, ["3shot"], n_seeds=1)
    handed_out = []
    monkeypatch.setattr(
        "trainer.benchmark.run.run_jobs",
        lambda _bench, jobs, **_: handed_out.extend(jobs),
    )

    run(tmp_path, ["3shot"], n_seeds=1)

    assert handed_out == []


def test_a_reduced_run_says_so(tmp_path):
    run(tmp_path, ["3shot"], 4, max_targets=1, methods=("1nn",), is_quick=True)

    table = (tmp_path / "table.md").read_text()
    assert "at most 1 target per survey" in table
    assert "Quick run" in table
    assert "4 seeds: what chance does" in table
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["max_targets"], results["quick"]) == (1, True)


def test_a_run_in_full_has_nothing_to_say_against_itself(tmp_path):
    run(tmp_path, ["3shot"], 5, methods=("centre",))

    table = (tmp_path / "table.md").read_text()
    assert "Quick run" not in table
    assert "seeds: what chance" not in table
    versions = json.loads((tmp_path / "results.json").read_text())["versions"]
    assert set(versions) == {"metaloc", "python", "numpy", "scipy", "torch"}


def test_a_method_that_refuses_is_a_row_that_says_so(tmp_path):
    rows = run(
        tmp_path,
        ["3shot"],
        methods=("refusing",),
        make_methods=synthetic.make_refusing_methods,
    )

    assert {r.note for r in rows} == {"too few stars tonight"}
    assert "Not run: too few stars tonight." in (tmp_path / "table.md").read_text()


def test_what_an_earlier_run_drew_of_other_surveys_goes_once_this_one_is_done(tmp_path):
    run(tmp_path, ["3shot"], 1, methods=("1nn", "centre"))
    mine = tmp_path / "notes-cdf.png"
    mine.touch()
    for curves in ("fig13-other.png", "fig14-other.png", "curves.json"):
        (tmp_path / curves).touch()
    before = {p.name for p in tmp_path.rglob("*") if p.suffix in (".png", ".npz")}
    only = (Protocol("days", history=("0-2",), test=("3-5",)),)

    with pytest.raises(TrainerError):
        run(tmp_path, ["3shot"], 1, methods=("1nn",), load=cannot_load)
    assert {p.name for p in tmp_path.rglob("*") if p.suffix in (".png", ".npz")} >= (
        before
    )
    run(tmp_path, ["3shot"], 1, methods=("1nn",), protocols=only)

    assert sorted(p.name for p in tmp_path.glob("*.png")) == [
        "cdf-days-3shot.png",
        "notes-cdf.png",
    ]
    assert not (tmp_path / "curves.json").exists()
    assert [p.name for p in (tmp_path / "errors").iterdir()] == ["days-3shot-1nn.npz"]
    assert list((tmp_path / "units").iterdir())


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    run(tmp_path, ["3shot"], 1, methods=("1nn",))
    (tmp_path / "table.md").unlink()
    (tmp_path / "table.md").mkdir()

    with pytest.raises(BenchmarkError, match=r"cannot write .*table\.md"):
        run(tmp_path, ["3shot"], 1, methods=("1nn",))


def test_errors_that_cannot_be_written_are_an_error(tmp_path):
    (tmp_path / "errors").touch()

    with pytest.raises(BenchmarkError, match=r"cannot write .*errors"):
        run(tmp_path, ["3shot"], 1, methods=("1nn",))


def test_all_methods_of_the_registry_run_in_reduced_form(tmp_path):
    """What CI runs: every method, quick, on CSI images of one small day."""
    rows = run(
        tmp_path,
        ["zero", "3shot"],
        n_seeds=1,
        max_targets=1,
        methods=tuple(methods(quick=True)),
        load=synthetic.load_small_csi,
        make_methods=partial(methods, quick=True),
        protocols=(Protocol("small", history=("0-1",), test=("2",)),),
    )

    assert len(rows) == 2 * len(methods(quick=True))
    mean = {r.method: r.figures.error.mean_m for r in rows if r.figures is not None}
    centre = mean["centre"]
    assert mean["rssi"] < centre
    need_shots = [
        name
        for name, method in methods(quick=True).items()
        if Needs.SHOTS in method.needs
    ]
    assert [(r.regime, r.method) for r in rows if r.figures is None] == [
        ("zero", name) for name in need_shots
    ]
    assert {r.note for r in rows if r.figures is None} == {"needs shots"}
    assert {r.note for r in rows if r.figures is not None} == {""}


# -- independence ----------------------------------------------------------------------


def test_results_depend_neither_on_processes_nor_on_what_was_there(finished, tmp_path):
    out, _ = finished

    run(tmp_path, ["five"], n_seeds=1, methods=("noisy",))
    run(tmp_path, n_processes=2)

    assert timeless(tmp_path / "results.json") == timeless(out / "results.json")


# -- progress --------------------------------------------------------------------------


def test_progress_counts_units_and_those_of_earlier_runs(tmp_path):
    seen, again = [], []
    run(tmp_path, ["3shot"], methods=("1nn",), on_progress=seen.append)
    run(tmp_path, ["3shot"], methods=("1nn",), on_progress=again.append)

    assert [(p.survey, p.n_done, p.n_new, p.n_units) for p in seen] == [
        (survey, i, i, 6) for survey in ("days", "other") for i in range(7)
    ]
    assert [(p.n_done, p.n_new) for p in again] == [(6, 0), (6, 0)]


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress("polyu", 20, 80, 0, 0.0), "polyu 20/80 units  0/s"),
        (Progress("polyu", 20, 80, 10, 20.0), "polyu 20/80 units  0.5/s  2 min left"),
    ],
)
def test_progress_is_one_line_with_rate_and_time_left(progress, text):
    assert str(progress) == text


# -- interruption ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    out = tmp_path_factory.mktemp("uninterrupted")
    interruptible.main(out, 1)
    return out


def start(out, n_processes):
    command = [
        sys.executable, "-m", "tests.trainer.benchmark.interruptible", out, n_processes
    ]  # fmt: skip
    return subprocess.Popen(
        [*map(str, command)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def finished_units(out):
    return {path.name: path.read_bytes() for path in out.glob("units/*.npz")}


@pytest.mark.parametrize(
    ("how", "n_processes"),
    [(signal.SIGKILL, 1), (signal.SIGINT, 2)],
)
def test_a_run_that_is_stopped_half_way_goes_on_where_it_was(
    tmp_path, how, n_processes, uninterrupted
):
    out = tmp_path / "stopped"
    process = start(out, n_processes)
    deadline = time.monotonic() + 60
    while len(finished_units(out)) < N_UNITS // 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(how)
    assert process.wait(timeout=30) != 0
    before = finished_units(out)
    assert N_UNITS // 3 <= len(before) < N_UNITS

    seen = []
    interruptible.main(out, 1, on_progress=seen.append)

    assert seen[0].n_done == len(before)
    assert seen[-1].n_new == N_UNITS - len(before)
    after = finished_units(out)
    assert {name: after[name] for name in before} == before
    assert timeless(out / "results.json") == timeless(uninterrupted / "results.json")
