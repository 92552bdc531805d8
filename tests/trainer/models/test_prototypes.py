"""Prototypes against means and distances made by hand."""

import numpy as np
import pytest
import torch

from tests.trainer.builders import SMALL_NETWORK, random_batch
from trainer.meta.maml import maml_gradient
from trainer.models.prototypes import PrototypeModel, logits, mean_per_point
from trainer.network import features
from trainer.tasks import Task

LOCATIONS = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 3.0]])
MODEL = PrototypeModel(SMALL_NETWORK)


def make_task(rng):
    shots = random_batch(SMALL_NETWORK, rng, [0, 1, 2, 0, 1, 2], n_points=3)
    queries = random_batch(SMALL_NETWORK, rng, [2, 1, 0, 1], n_points=3)
    return Task(shots, queries, LOCATIONS)


def random_theta():
    theta = MODEL.initial(torch.Generator().manual_seed(0))
    return {name: value.double() for name, value in theta.items()}


def test_a_prototype_is_the_mean_of_a_points_rows():
    values = torch.tensor([[1.0, 2.0], [3.0, 6.0], [7.0, 7.0]])

    means = mean_per_point(values, torch.tensor([0, 0, 2]), 3)

    assert means.tolist() == [[2, 4], [torch.inf] * 2, [7, 7]]


def test_logits_are_squared_distances_over_the_temperature():
    theta = {"metric.log_temperature": torch.log(torch.tensor(2.0))}
    prototypes = torch.tensor([[0.0, 0.0], [3.0, 1.0], [torch.inf, torch.inf]])

    scores = logits(theta, torch.tensor([[1.0, 1.0]]), prototypes)

    # Mean squares 1 and 2, halved; a point without a shot cannot be.
    torch.testing.assert_close(scores, torch.tensor([[-0.5, -1.0, -torch.inf]]))


def test_the_query_loss_is_that_of_its_definition(rng):
    task, theta = make_task(rng), random_theta()
    statistics = []
    shots = features(theta, task.support.inputs, collect=statistics).numpy()
    queries = features(theta, task.query.inputs, statistics).numpy()
    loss = 0.0
    for row, point in zip(queries, [2, 1, 0, 1], strict=True):
        squares = [
            np.square(row - shots[[k, k + 3]].mean(axis=0)).mean() for k in range(3)
        ]
        loss += np.log(np.exp(-np.array(squares)).sum()) + squares[point]

    assert MODEL.query_loss(theta, task).item() == pytest.approx(loss / 4, rel=1e-10)


def test_errors_are_those_of_the_mean_location(rng):
    task, theta = make_task(rng), random_theta()
    posterior = MODEL.query_logits(theta, task).softmax(dim=1).numpy()

    errors = MODEL.query_errors(theta, task)

    missed = posterior @ LOCATIONS - LOCATIONS[[2, 1, 0, 1]]
    np.testing.assert_allclose(errors, np.linalg.norm(missed, axis=1), atol=1e-12)


def test_shots_are_nearest_to_their_own_prototypes(rng):
    task, theta = make_task(rng), random_theta()

    assert MODEL.support_loss(theta, task).item() < np.log(3)


def test_training_without_an_inner_step_reaches_every_parameter(rng):
    theta = random_theta()

    _, gradient = maml_gradient(MODEL, theta, [make_task(rng)], alpha=0.1, n_steps=0)

    assert gradient.keys() == theta.keys()
    for name, value in gradient.items():
        assert value.abs().max().item() > 0, name
