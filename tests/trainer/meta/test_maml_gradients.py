"""MAML's gradients of models that can be differentiated by hand."""

import numpy as np
import pytest
import torch

from tests.trainer.builders import as_tensors
from tests.trainer.meta import small_models as by_hand
from tests.trainer.meta.small_models import (
    LabelledTask,
    Quadratic,
    QuadraticTask,
    SoftmaxRegression,
    assert_close,
    complex_step,
    random_theta,
)
from trainer.meta.config import MetaConfig
from trainer.meta.inner_loop import as_leaves, inner_step
from trainer.meta.maml import Maml, adapted_to, maml_gradient, meta_objective

ALPHA = 0.3
EXACT = 1e-10
ORDERS = pytest.mark.parametrize("second_order", [False, True], ids=["first", "second"])


# -- a quadratic -----------------------------------------------------------------------


@ORDERS
@pytest.mark.parametrize("n_steps", [0, 1, 2, 5])
def test_gradient_of_a_quadratic_is_the_closed_form(rng, n_steps, second_order):
    """[(I - αA)^Q] B (θ_Q - q), the factor of the second order alone; mean of tasks."""
    tasks, theta = [QuadraticTask.random(rng) for _ in range(3)], rng.normal(size=3)

    loss, gradient = maml_gradient(
        Quadratic(),
        as_tensors({"theta": theta}),
        tasks,
        alpha=ALPHA,
        n_steps=n_steps,
        second_order=second_order,
    )

    ends = [task.adapted(theta, ALPHA, n_steps) for task in tasks]
    slopes = [t.B @ (end - t.q) for t, end in zip(tasks, ends, strict=True)]
    if second_order:
        slopes = [
            task.factor(ALPHA, n_steps).T @ slope
            for task, slope in zip(tasks, slopes, strict=True)
        ]
    assert_close(gradient, {"theta": np.mean(slopes, axis=0)}, EXACT)
    expected = np.mean([t.loss(end) for t, end in zip(tasks, ends, strict=True)])
    assert loss == pytest.approx(expected, rel=1e-12)


# -- softmax regression ----------------------------------------------------------------


def test_one_inner_step_is_the_one_derived_by_hand(rng):
    task, theta = LabelledTask.random(rng), random_theta(rng)

    found = inner_step(
        SoftmaxRegression().support_loss,
        as_leaves(as_tensors(theta)),
        task,
        ALPHA,
    )

    expected = by_hand.stepped(theta, by_hand.gradient(theta, task.xs, task.ys), ALPHA)
    found = {name: value.detach() for name, value in found.items()}
    assert_close(found, expected, EXACT)


@ORDERS
@pytest.mark.parametrize("n_steps", [1, 4])
def test_meta_gradient_is_the_one_derived_by_hand(rng, n_steps, second_order):
    tasks, theta = [LabelledTask.random(rng) for _ in range(3)], random_theta(rng)

    loss, gradient = maml_gradient(
        SoftmaxRegression(),
        as_tensors(theta),
        tasks,
        alpha=ALPHA,
        n_steps=n_steps,
        second_order=second_order,
    )

    expected = by_hand.meta_gradient(
        theta, tasks, ALPHA, n_steps, second_order=second_order
    )
    assert_close(gradient, expected, EXACT)
    assert loss == pytest.approx(by_hand.meta_loss(theta, tasks, ALPHA, n_steps))


def test_second_order_is_the_derivative_of_the_meta_loss(rng):
    tasks, theta = [LabelledTask.random(rng) for _ in range(2)], random_theta(rng)

    _, exact = maml_gradient(
        SoftmaxRegression(),
        as_tensors(theta),
        tasks,
        alpha=ALPHA,
        n_steps=3,
        second_order=True,
    )

    expected = complex_step(lambda at: by_hand.meta_loss(at, tasks, ALPHA, 3), theta)
    assert_close(exact, expected, EXACT)


def test_the_objective_has_the_same_gradient(rng):
    tasks = [LabelledTask.random(rng) for _ in range(2)]
    leaves = as_leaves(as_tensors(random_theta(rng)))

    objective = meta_objective(
        SoftmaxRegression(), leaves, tasks, alpha=ALPHA, n_steps=2
    )

    loss, expected = maml_gradient(
        SoftmaxRegression(), leaves, tasks, alpha=ALPHA, n_steps=2, second_order=True
    )
    found = torch.autograd.grad(objective, list(leaves.values()))
    assert_close(dict(zip(leaves, found, strict=True)), expected, EXACT)
    assert objective.item() == pytest.approx(loss, rel=1e-12)


@ORDERS
def test_meta_parameters_stay_as_they_are(rng, second_order):
    theta = random_theta(rng)
    tensors = as_tensors(theta)

    maml_gradient(
        SoftmaxRegression(),
        tensors,
        [LabelledTask.random(rng)],
        alpha=ALPHA,
        n_steps=2,
        second_order=second_order,
    )

    assert_close(tensors, theta, 0)
    assert not any(v.requires_grad or v.grad is not None for v in tensors.values())


def test_adapting_uses_the_support_set_alone(rng):
    task, theta = LabelledTask.random(rng), as_tensors(random_theta(rng))
    blind = LabelledTask(task.xs, task.ys, task.xq * np.nan, task.yq)

    ends = [
        adapted_to(SoftmaxRegression(), theta, t, alpha=ALPHA, n_steps=3)
        for t in (task, blind)
    ]

    for name, value in ends[0].items():
        assert torch.equal(value, ends[1][name])


# -- one meta-iteration ----------------------------------------------------------------


def test_algorithm_1_draws_its_tasks_and_follows_its_settings(rng):
    class Source:
        def draw(self, rng):
            return LabelledTask.random(rng)

    config = MetaConfig(tasks_per_iteration=3, alpha=0.2, n_steps=2, second_order=True)
    theta = as_tensors(random_theta(rng))

    found = Maml(SoftmaxRegression(), Source(), config).gradient(
        theta, np.random.default_rng(4), 0.001
    )

    again = np.random.default_rng(4)
    loss, expected = maml_gradient(
        SoftmaxRegression(),
        theta,
        [LabelledTask.random(again) for _ in range(3)],
        alpha=0.2,
        n_steps=2,
        second_order=True,
    )
    assert found[0] == loss
    assert_close(found[1], expected, 0)
