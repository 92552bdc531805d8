"""The CNN as a model: where tasks start, what they cost, and where images are put."""

import math

import numpy as np
import pytest
import torch

from tests.trainer.builders import (
    SMALL_NETWORK,
    as_tensors,
    random_batch,
    random_parameters,
)
from trainer import network
from trainer.meta.config import MetaConfig
from trainer.meta.maml import maml_gradient
from trainer.meta.train import meta_train
from trainer.models.classification import ClassificationModel
from trainer.tasks import Task

CARRIES = ClassificationModel(SMALL_NETWORK)
N_SITE = 6
OF_SITE = ClassificationModel(SMALL_NETWORK, site_points=N_SITE)
CORNERS = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])


def task(rng, points=(0, 1, 2), n_points=3, locations=CORNERS):
    support, query = (
        random_batch(SMALL_NETWORK, rng, [*points] * n, n_points=n_points)
        for n in (3, 2)
    )
    return Task(support, query, locations)


# -- where a task starts ---------------------------------------------------------------


def test_a_task_starts_with_a_head_of_zeros(rng):
    theta = as_tensors(random_parameters(SMALL_NETWORK, rng))

    start = CARRIES.start(theta, task(rng))

    assert start["head.weight"].shape == (3, SMALL_NETWORK.n_features)
    assert not start["head.weight"].any()
    assert not start["head.bias"].any()
    for name, value in theta.items():
        assert start[name] is value


def test_a_head_is_made_where_the_parameters_are(rng):
    theta = {
        name: value.to("meta")
        for name, value in as_tensors(random_parameters(SMALL_NETWORK, rng)).items()
    }

    start = CARRIES.start(theta, task(rng))

    assert {value.device.type for value in start.values()} == {"meta"}


def test_a_site_starts_with_the_head_that_it_has_learnt(rng):
    theta = as_tensors(random_parameters(SMALL_NETWORK, rng, n_points=N_SITE))

    assert OF_SITE.start(theta, task(rng)) is theta


def test_initial_parameters_have_a_head_for_a_site_alone():
    plain = CARRIES.initial(torch.Generator().manual_seed(0))
    of_site = OF_SITE.initial(torch.Generator().manual_seed(0))

    assert of_site.keys() - plain.keys() == {"head.weight", "head.bias"}
    for name, value in plain.items():
        assert torch.equal(of_site[name], value)
    weight = of_site["head.weight"]
    assert weight.shape == (N_SITE, SMALL_NETWORK.n_features)
    accuracy = 4 * (2 / weight.numel()) ** 0.5
    expected = 2 / SMALL_NETWORK.n_features
    assert weight.var().item() == pytest.approx(expected, rel=accuracy)
    assert not of_site["head.bias"].any()


# -- what it costs ---------------------------------------------------------------------


def test_losses_are_those_of_the_network_that_of_the_query_per_point(rng):
    problem = task(rng)
    theta = as_tensors(random_parameters(SMALL_NETWORK, rng, n_points=3))

    support = CARRIES.support_loss(theta, problem)
    query = CARRIES.query_loss(theta, problem)

    assert torch.equal(support, network.support_loss(theta, problem.support))
    total = network.query_loss(theta, problem.support, problem.query)
    assert query.item() == pytest.approx(total.item() / 3)


def test_the_support_loss_is_as_many_means_over_images_as_there_are_points(rng):
    """Which makes the inner step at one α so many times as long as the authors'."""
    problem = task(rng)
    theta = as_tensors(random_parameters(SMALL_NETWORK, rng, n_points=3))

    found = CARRIES.support_loss(theta, problem)

    logits = network.forward(theta, problem.support.inputs)
    mean = torch.nn.functional.cross_entropy(logits, problem.support.points)
    assert found.item() == pytest.approx(3 * mean.item())


def test_points_of_a_site_that_a_task_lacks_do_not_count(rng):
    """Guessing among all six points costs ln 6 per point, whichever three there are."""
    theta = as_tensors(random_parameters(SMALL_NETWORK, rng, n_points=N_SITE))
    theta |= {name: torch.zeros_like(theta[name]) for name in theta if "head" in name}
    problem = task(rng, points=(5, 0, 3), n_points=N_SITE)

    assert OF_SITE.query_loss(theta, problem).item() == pytest.approx(math.log(6))


@pytest.mark.parametrize("second_order", [False, True])
def test_a_site_learns_its_head(rng, second_order):
    theta = as_tensors(random_parameters(SMALL_NETWORK, rng, n_points=N_SITE))

    _, gradient = maml_gradient(
        OF_SITE,
        theta,
        [task(rng, points=(5, 0, 3), n_points=N_SITE)],
        alpha=0.01,
        n_steps=2,
        second_order=second_order,
    )

    assert gradient.keys() == theta.keys()
    assert (gradient["head.weight"] != 0).any()


def test_second_order_equals_finite_differences_of_the_meta_loss(rng):
    """Along five random directions, through two steps of the whole network."""
    problem = task(rng)
    theta = random_parameters(SMALL_NETWORK, rng)

    def meta_loss(at):
        loss, _ = maml_gradient(
            CARRIES, as_tensors(at), [problem], alpha=0.05, n_steps=2
        )
        return loss

    _, exact = maml_gradient(
        CARRIES, as_tensors(theta), [problem], alpha=0.05, n_steps=2, second_order=True
    )
    _, first = maml_gradient(
        CARRIES, as_tensors(theta), [problem], alpha=0.05, n_steps=2
    )

    for _ in range(5):
        direction = {name: rng.normal(size=v.shape) for name, v in theta.items()}
        ends = [
            meta_loss({name: v + step * direction[name] for name, v in theta.items()})
            for step in (1e-6, -1e-6)
        ]
        expected = (ends[0] - ends[1]) / 2e-6
        along, along_first = (
            sum((g[name].numpy() * direction[name]).sum() for name in theta)
            for g in (exact, first)
        )
        assert along == pytest.approx(expected, rel=1e-5, abs=1e-6)
        assert along_first != pytest.approx(expected, rel=1e-3)


# -- where images are put --------------------------------------------------------------


def test_errors_are_those_of_the_expected_location(rng):
    """Logits of (0, ln 2, 0) put every image at the weighted mean of the corners."""
    problem = task(rng)
    theta = as_tensors(random_parameters(SMALL_NETWORK, rng, n_points=3))
    theta["head.weight"].zero_()
    theta["head.bias"] = torch.tensor([0.0, math.log(2), 0.0], dtype=torch.float64)

    errors = CARRIES.query_errors(theta, problem)

    mean = np.array([0.5 * 3, 0.25 * 4])
    expected = np.linalg.norm(CORNERS - mean, axis=1)
    assert errors == pytest.approx([*expected] * 2)


def test_training_through_the_outer_loop_learns_a_site(rng):
    """Labels that never change can be learnt without adapting."""
    problem = task(rng, points=(5, 0, 3), n_points=N_SITE)
    problem = Task(
        *(
            network.Batch(b.inputs.float(), b.points, b.n_points)
            for b in (problem.support, problem.support)
        ),
        problem.locations,
    )

    class Same:
        def gradient(self, theta, rng, beta):
            return maml_gradient(OF_SITE, theta, [problem], alpha=1e-9, n_steps=1)

    theta = OF_SITE.initial(torch.Generator().manual_seed(0))
    config = MetaConfig(n_iterations=60, beta=0.02)
    trained = meta_train(Same(), theta, config, rng)

    assert OF_SITE.query_loss(trained, problem) < 0.2
    assert OF_SITE.query_loss(theta, problem) > 1
