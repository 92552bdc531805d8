"""The outer loop on tasks that are easy: every point has a brightness of its own."""

import math

import numpy as np
import pytest
import torch

from tests.trainer.builders import SMALL, SMALL_NETWORK, environment
from trainer.meta import train as outer_loop
from trainer.meta.config import MetaConfig
from trainer.meta.maml import Maml, maml_gradient
from trainer.meta.train import Progress
from trainer.models.classification import ClassificationModel
from trainer.tasks import TaskConfig, TaskSampler

N_POINTS = 5
QUICK = MetaConfig(n_iterations=60, tasks_per_iteration=2, beta=0.02, n_steps=2)
GUESSING = math.log(N_POINTS)

MODEL = ClassificationModel(SMALL_NETWORK)


def meta_train(theta, config, *, seed=0, **options):
    learner = Maml(MODEL, sampler(), config)
    rng = np.random.default_rng(seed)
    return outer_loop.meta_train(learner, theta, config, rng, **options)


def sampler():
    """Five points, twelve images each: a flat grey under noise."""
    rng = np.random.default_rng(7)
    rows = [(point, visit) for visit in "123" for point in range(N_POINTS)] * 4
    grey = np.array([40 + 40 * point for point, _ in rows])[:, None, None, None]
    pixels = (grey + rng.normal(0, 8, (len(rows), *SMALL.shape))).clip(0, 255)
    home = environment(rows, images=pixels.astype(np.uint8))
    config = TaskConfig(n_way=N_POINTS, channel_dropout=0.0)
    return TaskSampler([home], SMALL_NETWORK, config)


def drawn(n, seed=0):
    """The first tasks that a training with this seed sees."""
    tasks, rng = sampler(), np.random.default_rng(seed)
    return [tasks.draw(rng) for _ in range(n)]


def start(seed=0):
    return MODEL.initial(torch.Generator().manual_seed(seed))


def meta_loss(theta):
    """Over twenty tasks, the same ones for every θ."""
    tasks = drawn(20, seed=99)
    loss, _ = maml_gradient(
        MODEL, theta, tasks, alpha=QUICK.alpha, n_steps=QUICK.n_steps
    )
    return loss


# -- learning --------------------------------------------------------------------------


def test_training_lowers_the_meta_loss():
    theta = start()

    trained = meta_train(theta, QUICK)

    before, after = meta_loss(theta), meta_loss(trained)
    assert before > 0.5 * GUESSING
    assert after < 0.5 * before


def test_the_same_seed_gives_the_same_parameters():
    config = MetaConfig(n_iterations=3, tasks_per_iteration=2, n_steps=2)

    first, again = (meta_train(start(), config) for _ in range(2))
    other = meta_train(start(), config, seed=1)

    for name, value in first.items():
        assert torch.equal(value, again[name])
    assert not torch.equal(first["conv0.weight"], other["conv0.weight"])


def test_first_iteration_is_a_step_of_adam():
    """Whose first step is β g / (|g| + 1e-8), whatever the size of g."""
    theta = start()
    config = MetaConfig(n_iterations=1, tasks_per_iteration=3, beta=0.004, n_steps=2)

    trained = meta_train(theta, config)

    _, gradient = maml_gradient(
        MODEL, theta, drawn(3), alpha=config.alpha, n_steps=config.n_steps
    )
    for name, g in gradient.items():
        expected = theta[name] - 0.004 * g / (g.abs() + 1e-8)
        torch.testing.assert_close(trained[name], expected, rtol=0, atol=1e-6)


def test_initial_parameters_stay_as_they_are():
    theta = start()

    meta_train(theta, MetaConfig(n_iterations=2, n_steps=1))

    for name, value in start().items():
        assert torch.equal(theta[name], value)


def test_no_iteration_returns_the_initial_parameters():
    trained = meta_train(start(), MetaConfig(n_iterations=0))

    for name, value in start().items():
        assert torch.equal(trained[name], value)


# -- progress --------------------------------------------------------------------------


def test_every_iteration_is_reported_with_its_smoothed_loss():
    seen = []
    config = MetaConfig(n_iterations=3, tasks_per_iteration=1, beta=1e-12, n_steps=0)

    meta_train(start(), config, on_progress=seen.append)

    assert [(p.iteration, p.n_iterations) for p in seen] == [(1, 3), (2, 3), (3, 3)]
    # Without an inner step every task is guessed, so that smoothing changes nothing.
    assert [p.meta_loss for p in seen] == pytest.approx([GUESSING] * 3)
    assert 0 < seen[0].seconds <= seen[1].seconds <= seen[2].seconds


def test_a_new_loss_counts_for_a_fiftieth():
    seen = []
    config = MetaConfig(n_iterations=2, tasks_per_iteration=1, beta=1e-12, n_steps=1)

    meta_train(start(), config, on_progress=seen.append)

    first, second = (
        maml_gradient(MODEL, start(), [task], alpha=config.alpha, n_steps=1)[0]
        for task in drawn(2)
    )
    assert seen[0].meta_loss == pytest.approx(first)
    assert seen[1].meta_loss == pytest.approx(first + (second - first) / 50)
    assert abs(second - first) > 0.005


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress(120, 2000, 0.8123, 40.0), "120/2000  loss 0.812  3.0/s  10 min left"),
        (Progress(2000, 2000, 0.1, 500.0), "2000/2000  loss 0.100  4.0/s  0 min left"),
        (Progress(0, 2000, 0.0, 0.0), "0/2000  loss 0.000  0.0/s  0 min left"),
    ],
)
def test_progress_is_one_line(progress, line):
    assert str(progress) == line
