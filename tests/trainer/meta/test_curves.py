"""Curves of quadratics, whose path to the minimum is known."""

import numpy as np
import pytest

from tests.trainer.builders import as_tensors
from tests.trainer.meta.small_models import Quadratic, QuadraticTask
from trainer.meta.curves import learning_curves, step_errors

ALPHA = 0.3


class Locating(Quadratic):
    def query_errors(self, theta, task):
        """Distances of two samples: that to the query's centre, and three times it."""
        away = np.linalg.norm(theta["theta"].detach().numpy() - task.q)
        return np.array([away, 3 * away])


def expected(task, theta, n_steps):
    return [
        2 * np.linalg.norm(task.adapted(theta, ALPHA, n) - task.q)
        for n in range(n_steps + 1)
    ]


def test_errors_follow_the_inner_steps(rng):
    task, theta = QuadraticTask.random(rng), rng.normal(size=3)
    tensors = as_tensors({"theta": theta})

    errors = step_errors(Locating(), tensors, task, alpha=ALPHA, n_steps=4)

    assert errors == pytest.approx(expected(task, theta, 4), rel=1e-12)
    assert (tensors["theta"].numpy() == theta).all()


def test_curves_hold_every_snapshot_and_task_in_order(rng):
    tasks = [QuadraticTask.random(rng) for _ in range(3)]
    thetas = {20: rng.normal(size=3), 0: rng.normal(size=3)}
    snapshots = {i: as_tensors({"theta": theta}) for i, theta in thetas.items()}

    curves = learning_curves(Locating(), snapshots, tasks, alpha=ALPHA, n_steps=2)

    assert curves.iterations.tolist() == [0, 20]
    table = np.array([[expected(t, thetas[i], 2) for t in tasks] for i in (0, 20)])
    np.testing.assert_allclose(curves.errors, table, rtol=1e-12)
    np.testing.assert_allclose(curves.against_iterations, table[:, :, 2].mean(axis=1))
    np.testing.assert_allclose(curves.against_steps, table[1].mean(axis=0))
