"""Paths of descent against closed forms and the inner loop that they repeat."""

import numpy as np
import pytest
import torch

from trainer.figures.descent import descend, descend_adam, rmse_at, shown_steps
from trainer.figures.meta_training import MODEL, from_arrays, initial, to_arrays
from trainer.figures.radio import PathLossPlace, draw_problem
from trainer.meta.maml import adapted_to
from trainer.simulate.pathloss.tasks import TABLE_1


@pytest.fixture
def task(rng):
    place = PathLossPlace(TABLE_1.test[0].draw_site(rng))
    return draw_problem(place, rng, n_references=10, n_support=20, n_query=30).task


@pytest.mark.parametrize("last", [0, 1, 5, 100, 1000])
def test_steps_are_shown_from_zero_to_the_last(last):
    steps = shown_steps(last).tolist()

    assert steps[0] == 0
    assert steps[-1] == max(last, 1) if last else steps == [0]
    assert steps == sorted(set(steps))
    assert len(steps) <= 3 + 6 * np.log10(max(last, 1))


def test_descent_passes_where_the_inner_loop_ends(task):
    start = initial(0)

    for step, at in descend(start, task, alpha=0.01, n_steps=3):
        expected = adapted_to(MODEL, start, task, alpha=0.01, n_steps=step)
        assert all(torch.equal(at[name], expected[name]) for name in at)


def test_the_first_step_of_adam_moves_every_parameter_by_its_step_size(task):
    start = initial(0)
    (_, before), (_, after) = [
        (step, {name: value.detach().clone() for name, value in at.items()})
        for step, at in descend_adam(start, task, beta=0.01, n_steps=1)
    ]

    moved = (after["layer4.bias"] - before["layer4.bias"]).abs()
    np.testing.assert_allclose(moved.numpy(), 0.01, rtol=1e-4)
    assert all(torch.equal(start[name], before[name]) for name in start)


def test_errors_are_those_at_the_steps_that_are_asked_for(task):
    path = descend(initial(0), task, alpha=0.01, n_steps=4)
    every = rmse_at(path, task, np.arange(5))
    path = descend(initial(0), task, alpha=0.01, n_steps=4)

    assert rmse_at(path, task, np.array([1, 4])).tolist() == every[[1, 4]].tolist()
    assert every[4] < every[0]


def test_parameters_survive_being_stored():
    theta = initial(3)
    again = from_arrays(to_arrays(theta))

    assert all(torch.equal(again[name], theta[name]) for name in theta)
    assert not torch.equal(initial(4)["layer0.weight"], theta["layer0.weight"])
