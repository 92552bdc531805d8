"""The outer loop on tasks that are easy: every point has a brightness of its own."""

import contextlib
import math

import numpy as np
import pytest
import torch

from tests.trainer.builders import SMALL, SMALL_NETWORK, environment
from trainer.errors import DivergedError, ResumeError, Stopped
from trainer.meta import train as outer_loop
from trainer.meta.config import MetaConfig, Optimizer
from trainer.meta.maml import Maml, maml_gradient
from trainer.meta.resume import ResumeFile
from trainer.meta.train import Progress, Snapshots
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


# -- following the gradient ------------------------------------------------------------


class Constant:
    """A learner whose gradient is always the same, and whose loss counts down."""

    def __init__(self, *gradient, losses=None):
        self.gradient_ = {"theta": torch.tensor(gradient, dtype=torch.float64)}
        self.losses = iter(losses or [])
        self.seen, self.betas = [], []

    def gradient(self, theta, rng, beta):
        self.seen.append(theta["theta"].tolist())
        self.betas.append(beta)
        return next(self.losses, 1.0), self.gradient_


def follow(learner, n_iterations, **fields):
    config = MetaConfig(n_iterations=n_iterations, **fields)
    theta = {"theta": torch.zeros(2, dtype=torch.float64)}
    rng = np.random.default_rng(0)
    return outer_loop.meta_train(learner, theta, config, rng)["theta"].tolist()


def test_plain_gradient_descent_is_equation_8():
    found = follow(Constant(3.0, -4.0), 2, beta=0.1, optimizer=Optimizer.SGD)

    assert found == pytest.approx([-0.6, 0.8])


def test_a_long_gradient_is_shortened_and_a_short_one_is_not():
    sgd = {"beta": 1.0, "optimizer": Optimizer.SGD}

    assert follow(Constant(3.0, -4.0), 1, clip_norm=1.0, **sgd) == pytest.approx(
        [-0.6, 0.8]
    )
    assert follow(Constant(3.0, -4.0), 1, clip_norm=6.0, **sgd) == [-3.0, 4.0]


def test_step_size_falls_along_half_a_cosine():
    learner = Constant(1.0, 1.0)

    end = follow(learner, 4, beta=0.1, optimizer=Optimizer.SGD, cosine=True)

    path = [first for first, _ in [*learner.seen, end]]
    expected = [0.1 * (1 + math.cos(math.pi * i / 4)) / 2 for i in range(4)]
    assert -np.diff(path) == pytest.approx(expected)
    # Who looks a step ahead looks as far as it goes.
    assert learner.betas == pytest.approx(expected)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_training_that_leaves_the_numbers_ends(loss):
    with pytest.raises(DivergedError, match=f"is {loss} in iteration 3: choose a smal"):
        follow(Constant(1.0, 1.0, losses=[1.0, 1.0, loss]), 5)


# -- snapshots -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_iterations", "expected"), [(7, [0, 3, 6, 7]), (6, [0, 3, 6]), (0, [0])]
)
def test_snapshots_are_taken_at_the_start_in_between_and_at_the_end(
    n_iterations, expected
):
    kept = {}
    config = MetaConfig(n_iterations=n_iterations, tasks_per_iteration=1, n_steps=1)

    end = meta_train(start(), config, snapshots=Snapshots(3, kept.__setitem__))

    assert list(kept) == expected
    assert torch.equal(kept[0]["conv0.weight"], start()["conv0.weight"])
    assert torch.equal(kept[n_iterations]["conv0.weight"], end["conv0.weight"])
    if n_iterations:
        assert not torch.equal(kept[0]["conv0.weight"], kept[3]["conv0.weight"])


# -- interruptions ---------------------------------------------------------------------


def resume_file(tmp_path, settings=None):
    shapes = {name: tuple(value.shape) for name, value in start().items()}
    return ResumeFile(tmp_path / "resume", settings or {}, shapes)


@pytest.mark.parametrize(
    "fields",
    [{}, {"optimizer": Optimizer.SGD}, {"cosine": True, "clip_norm": 0.5}],
    ids=["adam", "sgd", "cosine and clip"],
)
def test_a_resumed_training_ends_at_the_same_bits(tmp_path, fields):
    """Interrupted after 2 and after 5 of 7 iterations."""
    config = MetaConfig(n_iterations=7, tasks_per_iteration=2, n_steps=2, **fields)
    seen = []

    for stop in (2, 5):
        with pytest.raises(Stopped, match=f"stopped after {stop} of 7 iterations; .*"):
            meta_train(
                start(),
                config,
                resume=resume_file(tmp_path),
                on_progress=seen.append,
                should_stop=lambda stop=stop: seen[-1].iteration == stop,
            )
    resumed = meta_train(
        start(), config, resume=resume_file(tmp_path), on_progress=seen.append
    )

    whole = []
    for name, value in meta_train(start(), config, on_progress=whole.append).items():
        assert torch.equal(resumed[name], value)
    assert [p.iteration for p in seen] == [1, 2, 3, 4, 5, 6, 7]
    assert [p.meta_loss for p in seen] == [p.meta_loss for p in whole]


def test_a_finished_training_is_not_done_again(tmp_path):
    config = MetaConfig(n_iterations=2, tasks_per_iteration=1, n_steps=1)
    first = meta_train(start(), config, resume=resume_file(tmp_path))
    seen = []

    again = meta_train(
        start(), config, resume=resume_file(tmp_path), on_progress=seen.append
    )

    assert seen == []
    assert torch.equal(first["conv0.weight"], again["conv0.weight"])


def test_a_state_beyond_the_end_is_refused(tmp_path):
    config = MetaConfig(n_iterations=2, tasks_per_iteration=1, n_steps=1)
    meta_train(start(), config, resume=resume_file(tmp_path))

    with pytest.raises(ResumeError, match="holds iteration 2, more than the 1 that"):
        meta_train(start(), MetaConfig(n_iterations=1), resume=resume_file(tmp_path))


def test_the_state_is_kept_at_least_once_a_minute(tmp_path, monkeypatch):
    """With iterations of 25 s: no power cut costs more than a minute."""
    saved, times = [], iter(range(0, 10**6, 25))
    monkeypatch.setattr(ResumeFile, "save", lambda _, state: saved.append(state))
    config = MetaConfig(n_iterations=9, tasks_per_iteration=1, n_steps=0)

    meta_train(start(), config, resume=resume_file(tmp_path), clock=lambda: next(times))

    assert [state.iteration for state in saved] == [2, 4, 6, 8, 9]
    assert [state.seconds for state in saved] == [50, 100, 150, 200, 225]


def test_time_goes_on_where_it_stopped(tmp_path):
    config = MetaConfig(n_iterations=3, tasks_per_iteration=1, n_steps=0)
    seen = []
    for _ in range(2):
        times = iter(range(0, 10**6, 10))
        with contextlib.suppress(Stopped):
            meta_train(
                start(),
                config,
                resume=resume_file(tmp_path),
                on_progress=seen.append,
                should_stop=lambda: True,
                clock=lambda times=times: next(times),
            )

    assert [p.seconds for p in seen] == [10, 20]


def test_without_a_file_stopping_says_where(tmp_path):
    config = MetaConfig(n_iterations=3, tasks_per_iteration=1, n_steps=0)

    with pytest.raises(Stopped, match=r"stopped after 1 of 3 iterations$"):
        meta_train(start(), config, should_stop=lambda: True)


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

    meta_train(start(), config, seed=4, on_progress=seen.append)

    first, second = (
        maml_gradient(MODEL, start(), [task], alpha=config.alpha, n_steps=1)[0]
        for task in drawn(2, seed=4)
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
