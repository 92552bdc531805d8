"""First-order MAML against finite differences of the device's network.

Eq. (13): the gradient with respect to θ is that of the query loss with respect to the
adapted parameters θ'. The latter come from `learning.adaptation`, and their gradient
from central differences over every single one of them: nothing here is torch's but the
result.
"""

import math

import numpy as np
import pytest
import torch

from edge_agent.learning.adaptation import adapt
from edge_agent.learning.layer_step import LayerStep
from edge_agent.learning.network import Architecture, forward, scale_input
from edge_agent.learning.support import Support
from tests.trainer.builders import as_tensors, random_images, random_parameters
from trainer.meta.maml import maml_gradient
from trainer.models.classification import ClassificationModel
from trainer.network import make_batch
from trainer.tasks import Task

TINY = Architecture((1, 4, 5), filters=(2, 2), pixel_mean=0.4, pixel_std=0.2)
MODEL = ClassificationModel(TINY)
ALPHA = 0.1
STEP = 1e-6
"""Of the differences: small enough to meet no kink of a ReLU; rounding costs 1e-10."""

RELATIVE = 1e-6


class Shots:
    """Images of a task, for both implementations."""

    def __init__(self, rng, points, n_points):
        self.images, self.heard = random_images(TINY, rng, len(points))
        self.points, self.n_points = np.array(points, np.intp), n_points
        self.inputs = scale_input(TINY, self.images, self.heard, np.float64)
        self.batch = make_batch(
            TINY, self.images, self.heard, self.points, n_points, dtype=torch.float64
        )


class Problem:
    """One task of ``n_points``, with two support and three query images of each."""

    def __init__(self, rng, n_points):
        self.n_points = n_points
        self.support = Shots(rng, [*range(n_points)] * 2, n_points)
        self.query = Shots(rng, [*range(n_points)] * 3, n_points)
        locations = np.zeros((n_points, 2))
        self.task = Task(self.support.batch, self.query.batch, locations)

    def adapted(self, theta, n_steps):
        """θ', in NumPy."""
        support = self.support
        shots = Support.of(support.images, support.heard, support.points, self.n_points)
        return adapt(
            theta,
            LayerStep(TINY, shots),
            shots,
            architecture=TINY,
            alpha=ALPHA,
            n_steps=n_steps,
        ).parameters

    def query_loss(self, adapted):
        """L(f_θ'; D^q) by its definition, statistics of the support set under θ'."""
        traced = forward(adapted, self.support.inputs)
        statistics = [layer.statistics for layer in traced.layers]
        logits = forward(adapted, self.query.inputs, statistics).logits
        loss = 0.0
        for row, point in zip(logits, self.query.points, strict=True):
            n_of_point = int((self.query.points == point).sum())
            loss += (math.log(np.exp(row).sum()) - row[point]) / n_of_point
        return loss

    def gradient(self, theta, n_steps):
        """Eq. (13) for the body; the head is the task's own."""
        adapted = self.adapted(theta, n_steps)
        gradient = {
            name: differences(lambda: self.query_loss(adapted), value)
            for name, value in adapted.items()
            if name in theta
        }
        return gradient


def differences(loss, values):
    """Central differences of ``loss()`` with respect to every element, in place."""
    gradient = np.empty_like(values)
    for place in np.ndindex(values.shape):
        kept, ends = values[place], []
        for shifted in (kept + STEP, kept - STEP):
            values[place] = shifted
            ends.append(loss())
        values[place] = kept
        gradient[place] = (ends[0] - ends[1]) / (2 * STEP)
    return gradient


def assert_same(gradient, expected):
    """Every parameter's gradient to 1e-6 of its length, and none is zero."""
    longest = max(np.linalg.norm(value) for value in expected.values())
    assert gradient.keys() == expected.keys()
    for name, value in expected.items():
        length = np.linalg.norm(value)
        assert length > longest / 1000, name
        difference = np.linalg.norm(gradient[name].numpy() - value)
        # What is very short drowns in the rounding of the differences.
        assert difference <= RELATIVE * max(length, longest / 100), name


@pytest.fixture
def theta(rng):
    return random_parameters(TINY, rng)


# -- one task --------------------------------------------------------------------------


@pytest.mark.parametrize("n_steps", [1, 3])
def test_gradient_of_a_task_is_that_at_the_adapted_parameters(rng, theta, n_steps):
    problem = Problem(rng, n_points=3)

    loss, gradient = maml_gradient(
        MODEL, as_tensors(theta), [problem.task], alpha=ALPHA, n_steps=n_steps
    )

    expected = problem.query_loss(problem.adapted(theta, n_steps))
    assert 3 * loss == pytest.approx(expected)
    assert_same(
        {name: 3 * value for name, value in gradient.items()},
        problem.gradient(theta, n_steps),
    )


def test_a_row_that_all_points_share_would_change_nothing(rng, theta):
    """Why θ has no head: a softmax does not notice what all rows have in common."""
    problem = Problem(rng, n_points=4)
    adapted = problem.adapted(theta, 2)
    loss = problem.query_loss(adapted)

    adapted["head.weight"] = adapted["head.weight"] + rng.normal(size=TINY.n_features)
    adapted["head.bias"] = adapted["head.bias"] + 3.0

    assert problem.query_loss(adapted) == pytest.approx(loss, rel=1e-12)


# -- several tasks ---------------------------------------------------------------------


def test_meta_gradient_is_the_mean_over_tasks_and_over_their_points(rng, theta):
    problems = [Problem(rng, n_points) for n_points in (2, 5)]

    meta_loss, gradient = maml_gradient(
        MODEL, as_tensors(theta), [p.task for p in problems], alpha=ALPHA, n_steps=2
    )

    losses = [p.query_loss(p.adapted(theta, 2)) for p in problems]
    assert meta_loss == pytest.approx((losses[0] / 2 + losses[1] / 5) / 2)
    first, second = (p.gradient(theta, 2) for p in problems)
    assert_same(gradient, {k: (first[k] / 2 + second[k] / 5) / 2 for k in first})


@pytest.mark.parametrize("n_points", [2, 7])
def test_without_a_step_the_meta_loss_is_that_of_guessing(rng, theta, n_points):
    tasks = [Problem(rng, n_points).task for _ in range(2)]

    meta_loss, gradient = maml_gradient(
        MODEL, as_tensors(theta), tasks, alpha=ALPHA, n_steps=0
    )

    assert meta_loss == pytest.approx(math.log(n_points), rel=1e-12)
    # The head is zero: nothing that is moved prefers a point.
    for value in gradient.values():
        assert value.abs().max().item() < 1e-12


def test_meta_parameters_stay_as_they_are(rng, theta):
    tensors = as_tensors(theta)

    maml_gradient(MODEL, tensors, [Problem(rng, 2).task], alpha=ALPHA, n_steps=2)

    for name, value in theta.items():
        np.testing.assert_array_equal(tensors[name].numpy(), value)
        assert not tensors[name].requires_grad
