"""A run from units to files: what is written, resumed, interrupted."""

import json
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.trainer.figures import interruptible
from tests.trainer.figures.counted import Drawn, Numbers, Shift
from trainer.figures.errors import FigureError
from trainer.figures.run import Progress, run_figures


def document(out):
    return json.loads((out / "drawn.json").read_text(encoding="utf-8"))


def computed(found):
    """The document, less what time and machine decide."""
    return {k: v for k, v in found.items() if k not in ("elapsed_s", "versions")}


def test_a_run_writes_picture_numbers_note_and_index(tmp_path):
    written, missing = run_figures(tmp_path, [Drawn()])

    names = [path.name for path in written]
    assert names == ["drawn.png", "drawn.json", "drawn.md", "README.md"]
    assert missing == {}
    found = document(tmp_path)
    assert found["seeds"] == [0, 1, 2]
    assert found["settings"]["numbers"]["shift"]["by"] == 0
    assert {*found["versions"]} == {"metaloc", "numpy", "torch", "python"}
    assert found["quick"] is False
    assert found["comparisons"][0]["n"] == 3
    note = (tmp_path / "drawn.md").read_text(encoding="utf-8")
    assert "Are numbers alike?\n\n- The value is " in note
    assert "The paper shows others." in note
    assert "Quick run" not in note


def test_the_same_seeds_give_the_same_numbers_in_another_folder(tmp_path):
    for name in ("a", "b"):
        run_figures(tmp_path / name, [Drawn()])

    assert computed(document(tmp_path / "a")) == computed(document(tmp_path / "b"))


def test_quick_is_written_everywhere(tmp_path):
    run_figures(tmp_path / "quick", [Drawn()], quick=True)
    run_figures(tmp_path / "full", [Drawn()])

    assert document(tmp_path / "quick")["quick"] is True
    for name in ("drawn.md", "README.md"):
        assert "Quick run" in (tmp_path / "quick" / name).read_text(encoding="utf-8")
    pictures = [tmp_path / kind / "drawn.png" for kind in ("quick", "full")]
    assert pictures[0].read_bytes() != pictures[1].read_bytes()


def test_a_second_run_computes_nothing_and_more_seeds_only_the_new_ones(tmp_path):
    seen = []
    run_figures(tmp_path, [Drawn()], on_progress=seen.append)
    assert [p.n_done for p in seen if p.what.endswith("done")] == [1, 2, 3, 4, 5, 6]

    seen.clear()
    run_figures(tmp_path, [Drawn()], on_progress=seen.append)
    assert [str(p) for p in seen] == ["6/6 done; 6 of 6 units done before"]

    seen.clear()
    run_figures(tmp_path, [Drawn()], n_seeds=4, on_progress=seen.append)
    done = [p.what for p in seen if p.what.endswith("done")]
    assert done == ["shift, seed 3: done", "numbers, seed 3: done"]
    assert document(tmp_path)["seeds"] == [0, 1, 2, 3]


def test_other_settings_are_computed_anew(tmp_path):
    run_figures(tmp_path, [Drawn()])
    before = document(tmp_path)["facts"]
    run_figures(tmp_path, [Drawn(Numbers(Shift(by=5)))])

    after = document(tmp_path)["facts"]
    assert after[0]["mean"] == pytest.approx(before[0]["mean"] + 5, abs=1e-4)


def test_units_that_figures_share_are_computed_once(tmp_path):
    seen = []
    both = [Drawn(), Drawn(name="again")]
    run_figures(tmp_path, both, on_progress=seen.append)

    assert seen[-1].n_units == 6
    assert (tmp_path / "again.json").is_file()


def test_what_is_missing_is_said_and_the_rest_is_made(tmp_path):
    lacking = Drawn(name="lacking", title="Lacking", missing="get it first")
    written, missing = run_figures(tmp_path, [lacking, Drawn()])

    assert missing == {"Lacking": "get it first"}
    assert not any(path.name.startswith("lacking") for path in written)
    assert "get it first" in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("seconds", "running", "text"),
    [
        (250.0, (), "3/20 done, 4 min left; a, seed 1: done"),
        (250.0, ("b, seed 1: 2/9", "c, seed 0"),
         "3/20 done, 4 min left; running: b, seed 1: 2/9; c, seed 0"),
        (29.0, (), "3/20 done, less than a minute left; a, seed 1: done"),
        (None, (), "3/20 done; a, seed 1: done"),
    ],
)  # fmt: skip
def test_progress_says_what_runs_and_how_long(seconds, running, text):
    assert str(Progress("a, seed 1: done", 3, 20, seconds, running)) == text


@pytest.mark.parametrize("n_processes", [1, 2])
def test_progress_names_what_runs_and_has_a_guess_before_anything_is_done(
    tmp_path, n_processes
):
    seen = []
    run_figures(
        tmp_path,
        [Drawn(n_seeds=2)],
        n_processes=n_processes,
        on_progress=seen.append,
    )

    # Two shifts of weight 1, two numbers of weight 2.
    assert seen[0].seconds_left == 6 / n_processes
    assert seen[0].running == ()
    assert seen[1].running == ("shift, seed 0",)
    assert max(len(p.running) for p in seen) == n_processes
    assert (seen[-1].running, seen[-1].seconds_left) == ((), None)


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "README.md").mkdir()

    with pytest.raises(FigureError, match=r"cannot write .*README\.md"):
        run_figures(tmp_path, [Drawn()])


@pytest.mark.parametrize("n_processes", ["1", "2"])
def test_an_interrupted_run_loses_what_it_had_in_hand_and_goes_on(
    tmp_path, n_processes
):
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.trainer.figures.interruptible", tmp_path,
         n_processes],
        cwd=ROOT, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    units = tmp_path / "units"
    deadline = time.monotonic() + 120
    while len(list(units.glob("numbers-*.npz"))) < 1:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) != 0
    kept = {*units.glob("numbers-*.npz")}
    assert 1 <= len(kept) < 4
    assert not list(units.glob("*.part"))

    seen = []
    run_figures(tmp_path, [interruptible.FIGURE], on_progress=seen.append)

    done = [p for p in seen if p.what.endswith("done") and "numbers" in p.what]
    assert len(done) == 4 - len(kept)
    assert document(tmp_path)["seeds"] == list(range(4))
