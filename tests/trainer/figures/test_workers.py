"""Units in processes: order, failures, and what they say."""

import multiprocessing
import os
from dataclasses import dataclass

import pytest

from tests.trainer.figures.counted import Numbers, Shift
from trainer.errors import TrainerError
from trainer.figures.errors import FigureError
from trainer.figures.store import read_unit
from trainer.figures.workers import Order, run_orders


@dataclass(frozen=True)
class Killed(Numbers):
    """Takes its process with it, as a lack of memory does."""

    def run(self, seed, needed, tell):
        os._exit(9)


def orders(folder, unit, n_seeds=2):
    found = []
    for seed in range(n_seeds):
        first = Order(unit.shift, seed, folder / f"shift-{seed}.npz", ())
        needed = (first.path,)
        found += [Order(unit, seed, folder / f"numbers-{seed}.npz", needed), first]
    return found


def run(folder, unit, n_processes):
    done, told = [], []
    run_orders(
        orders(folder, unit),
        n_processes=n_processes,
        on_done=lambda order: done.append(order.title),
        on_told=lambda order, text: told.append((order.title, text)),
    )
    return done, told


@pytest.mark.parametrize("n_processes", [1, 2])
def test_what_others_need_is_computed_first_and_handed_to_them(tmp_path, n_processes):
    done, told = run(tmp_path, Numbers(Shift(by=100)), n_processes)

    assert {*done[:2]} == {"shift, seed 0", "shift, seed 1"}
    assert {*done[2:]} == {"numbers, seed 0", "numbers, seed 1"}
    assert ("numbers, seed 0", "counting") in told
    for seed in (0, 1):
        assert (read_unit(tmp_path / f"numbers-{seed}.npz").arrays["y"] > 90).all()


def test_results_do_not_depend_on_the_number_of_processes(tmp_path):
    found = []
    for n_processes in (1, 2):
        folder = tmp_path / str(n_processes)
        folder.mkdir()
        run(folder, Numbers(), n_processes)
        found.append(read_unit(folder / "numbers-1.npz").arrays["y"].tolist())

    assert found[0] == found[1]


@pytest.mark.parametrize("n_processes", [1, 2])
def test_a_refusal_is_passed_on_and_what_is_done_stays(tmp_path, n_processes):
    with pytest.raises(TrainerError, match="nothing to count"):
        run(tmp_path, Numbers(refuses=True), n_processes)

    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"shift-0.npz", "shift-1.npz"}
    assert not multiprocessing.active_children()


def test_a_bug_in_a_process_is_shown_with_its_traceback(tmp_path, capfd):
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a bug"):
        run(tmp_path, Numbers(fails=True), 2)


def test_a_process_that_is_killed_is_noticed(tmp_path):
    with pytest.raises(FigureError, match="ended with code 9, perhaps for lack of"):
        run(tmp_path, Killed(), 2)
