"""Fingerprints counted by hand, the MLP in NumPy, and tasks that keep samples apart."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from edge_agent.rss.fingerprints import Fingerprints
from tests.trainer.models.surveyed import environment, place
from trainer.errors import TaskError
from trainer.meta.config import MetaConfig
from trainer.meta.curves import step_errors
from trainer.meta.maml import Maml, maml_gradient
from trainer.meta.train import meta_train
from trainer.models.rss_regression import (
    RssBatch,
    RssRegressionModel,
    RssTask,
    RssTaskConfig,
    RssTaskSampler,
    radio_map_of,
    regress,
    silenced,
    support_of,
)
from trainer.surveys.environment import Environment, Place, Signals

CPU = torch.device("cpu")


def day(rss, points, visits=None):
    """Samples with these levels; two channels unless they say otherwise."""
    rss = np.array(rss, np.float32)
    visits = visits or range(len(points))
    rows = list(zip(points, visits, strict=True))
    return environment(rows, of=place(max(points) + 1, rss.shape[1]), rss=rss)


# -- fingerprints ----------------------------------------------------------------------


def test_a_radio_map_is_the_mean_level_at_each_point_that_was_surveyed():
    survey = day([[-40, -60], [-50, np.nan], [-70, -80]], [2, 2, 0])

    found = radio_map_of(survey)

    assert found.points.tolist() == [0, 2]
    assert found.locations.tolist() == [[0, 0], [2, 20]]
    assert found.rss.tolist() == [[-70, -80], [-45, -80]]


# -- the network -----------------------------------------------------------------------


def batch(rng, n, k=5):
    inputs, targets = rng.normal(size=(n, 3 * k)), rng.normal(size=(n, 2))
    return RssBatch(torch.from_numpy(inputs), torch.from_numpy(targets))


def test_the_network_is_an_mlp_with_four_hidden_layers(rng):
    theta = RssRegressionModel().initial(torch.Generator().manual_seed(0))
    inputs = torch.randn(7, 15, generator=torch.Generator().manual_seed(1))

    found = regress(theta, inputs).numpy()

    shapes = [tuple(theta[f"layer{i}.weight"].shape) for i in range(5)]
    assert shapes == [(64, 15), (64, 64), (64, 64), (64, 64), (2, 64)]
    x = inputs.numpy()
    for i in range(5):
        x = x @ theta[f"layer{i}.weight"].numpy().T + theta[f"layer{i}.bias"].numpy()
        x = np.maximum(x, 0) if i < 4 else x
    np.testing.assert_allclose(found, x, atol=1e-5)


def test_initial_weights_keep_the_variance():
    theta = RssRegressionModel().initial(torch.Generator().manual_seed(0))

    for i, (n_in, _) in enumerate(pairwise((15, 64, 64, 64, 64, 2))):
        weight = theta[f"layer{i}.weight"]
        accuracy = 4 * (2 / weight.numel()) ** 0.5
        assert weight.var().item() == pytest.approx(2 / n_in, rel=accuracy)
        assert not theta[f"layer{i}.bias"].any()


def test_a_silenced_network_is_k_nearest_neighbours():
    theta = silenced(RssRegressionModel().initial(torch.Generator().manual_seed(0)))

    assert theta["layer3.weight"].any()
    assert not regress(theta, torch.ones(3, 15)).any()


def test_losses_are_root_mean_square_errors(rng):
    model = RssRegressionModel(hidden=(3,))
    theta = {
        name: value.double()
        for name, value in model.initial(torch.Generator().manual_seed(0)).items()
    }
    task = RssTask(batch(rng, 6), batch(rng, 4))

    for loss, part in (
        (model.support_loss, task.support),
        (model.query_loss, task.query),
    ):
        missed = (regress(theta, part.inputs) - part.targets).numpy()
        expected = math.sqrt((np.linalg.norm(missed, axis=1) ** 2).mean())
        assert loss(theta, task).item() == pytest.approx(expected)
    missed = (regress(theta, task.query.inputs) - task.query.targets).numpy()
    assert model.query_errors(theta, task) == pytest.approx(
        10 * np.linalg.norm(missed, axis=1)
    )
    assert model.start(theta, task) is theta


def test_a_perfect_answer_has_a_gradient(rng):
    model = RssRegressionModel(hidden=())
    theta = {"layer0.weight": torch.zeros(2, 15), "layer0.bias": torch.zeros(2)}
    exact = RssBatch(torch.ones(3, 15), torch.zeros(3, 2))

    _, gradient = maml_gradient(
        model, theta, [RssTask(exact, exact)], alpha=0.1, n_steps=1
    )

    assert all(value.isfinite().all() for value in gradient.values())


def test_locations_are_relative_to_the_nearest_points():
    model = RssRegressionModel(k=1, hidden=())
    theta = {"layer0.weight": torch.zeros(2, 3), "layer0.bias": torch.tensor([0.1, 2])}
    fingerprints = Fingerprints(
        np.zeros((2, 3)), np.array([[5.0, 5.0], [-1.0, 0.0]]), np.zeros((2, 1), np.intp)
    )

    found = model.locate(theta, fingerprints)

    np.testing.assert_allclose(found, [[6.0, 25.0], [0.0, 20.0]], atol=1e-5)


# -- tasks -----------------------------------------------------------------------------

ROWS = [(point, visit) for point in range(12) for visit in (1, 1, 2)]
LEVELS = np.stack([np.arange(36), np.arange(36) % 5], axis=1) - 90.0


def tasks(*days, n=20, **config):
    sampler = RssTaskSampler(days, RssTaskConfig(**{"n_references": (6, 9)} | config))
    rng = np.random.default_rng(0)
    return [sampler.draw(rng) for _ in range(n)]


def targets_of(batch):
    return {tuple(row) for row in batch.targets.tolist()}


def test_samples_to_locate_are_at_none_of_the_reference_points(monkeypatch):
    """Recorded where fingerprints are made: references, support, query."""
    drawn = []
    original = Fingerprints.of.__func__

    def record(cls, rss, radio_map, k, **options):
        samples = np.rint(rss[:, 0] + 90).astype(int)
        drawn.append((radio_map.points.tolist(), samples.tolist()))
        return original(cls, rss, radio_map, k, **options)

    monkeypatch.setattr(Fingerprints, "of", classmethod(record))
    tasks(day(LEVELS, *zip(*ROWS, strict=True)))

    sizes = set()
    for (references, support), (same, query) in zip(
        drawn[::2], drawn[1::2], strict=True
    ):
        assert references == same
        sizes.add(len(references))
        assert not {ROWS[i][0] for i in support + query} & set(references)
        assert len({*support, *query}) == len(support + query)
        # Not of any point is a visit in the query and in the support.
        assert not {ROWS[i][1] for i in support} & {ROWS[i][1] for i in query}
    assert sizes == {6, 7, 8, 9}


def test_tasks_have_at_most_the_samples_that_were_asked_for():
    survey = day(LEVELS, *zip(*ROWS, strict=True))

    for task in tasks(survey, n_references=(6, 6), n_support=4, n_query=3):
        assert task.support.inputs.shape == (4, 15)
        assert task.query.inputs.shape[0] == 3


def test_points_without_a_visit_to_ask_in_are_references():
    """Of three points of which each two share a visit, one has none."""
    rows = [
        (3 * group + point, visit)
        for group in range(2)
        for point, visits in enumerate([(1, 2), (2, 3), (1, 3)])
        for visit in visits
    ]
    survey = day(LEVELS[:12], *zip(*rows, strict=True))

    for task in tasks(survey, n=50, n_references=(5, 5)):
        assert (len(task.support.targets), len(task.query.targets)) == (1, 1)


def test_a_small_place_has_fewer_references():
    rows = [(point, visit) for point in range(6) for visit in (1, 2)]

    for task in tasks(
        day(LEVELS[:12], *zip(*rows, strict=True)), n_references=(10, 54)
    ):
        assert len(task.query.targets) == 1


def test_test_points_take_no_part():
    is_test = [point < 6 for point, _ in ROWS]
    survey = environment(
        ROWS, of=place(12), rss=LEVELS.astype(np.float32), is_test=is_test
    )

    for task in tasks(survey, n_references=(5, 5)):
        assert len(task.query.targets) <= 2


def test_the_support_of_a_new_place_is_each_shot_among_the_others():
    survey = day(LEVELS, *zip(*ROWS, strict=True))

    support = support_of(survey, 5, CPU)

    fingerprints = Fingerprints.of(
        survey.signals.rss, radio_map_of(survey), 5, own_points=survey.point_of
    )
    expected = (survey.locations - fingerprints.origins) / 10
    np.testing.assert_allclose(support.targets.numpy(), expected, rtol=1e-6)
    assert support.inputs.shape == (36, 15)
    assert support.inputs.dtype == torch.float32


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        ([], "no environment to draw tasks from"),
        (
            [day(LEVELS[:10], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])],
            "d01 has 5 points with two samples; K = 5 references and one",
        ),
    ],
)
def test_environments_that_cannot_serve_are_refused(days, reason):
    with pytest.raises(TaskError, match=reason):
        tasks(*days)


@pytest.mark.parametrize(
    "fields",
    [{"k": 0}, {"n_references": (4, 9)}, {"n_references": (9, 8)}, {"n_support": 0}],
)
def test_tasks_that_teach_nothing_are_refused(fields):
    with pytest.raises(ValueError, match="K may not exceed the points"):
        RssTaskConfig(**fields)


# -- the whole -------------------------------------------------------------------------


def log_distance(rng, n_points=60):
    """A square of 20 m with eight access points, path loss of exponent 2.5 to 3.5."""
    points, transmitters = (rng.uniform(0, 20, size=(n, 2)) for n in (n_points, 8))
    away = np.linalg.norm(points[:, None] - transmitters, axis=2).clip(1)
    level = -35 - 10 * rng.uniform(2.5, 3.5) * np.log10(away)
    point_of = np.repeat(np.arange(n_points), 4)
    rss = level[point_of] + rng.normal(0, 2, size=(len(point_of), 8))
    return Environment(
        "simulated",
        Place("square", points, np.zeros(n_points, np.intp), tuple("abcdefgh")),
        0,
        Signals(rss.astype(np.float32)),
        point_of,
        np.tile(np.arange(4), n_points),
        np.zeros(len(point_of), np.bool_),
        is_simulated=True,
    )


def test_meta_training_beats_a_random_start_and_the_mean_of_the_neighbours(rng):
    """In places that training has not seen: the paper's Fig. 8, in a small way."""
    config = RssTaskConfig(n_references=(15, 25))
    model = RssRegressionModel()
    past = RssTaskSampler([log_distance(rng) for _ in range(6)], config)
    future = RssTaskSampler([log_distance(rng) for _ in range(4)], config)
    meta = MetaConfig(n_iterations=150, beta=0.003, alpha=0.01, n_steps=2)
    start = model.initial(torch.Generator().manual_seed(0))

    trained = meta_train(Maml(model, past, meta), start, meta, rng)

    new = [future.draw(rng) for _ in range(12)]
    learnt, random = (
        np.mean([step_errors(model, t, task, alpha=0.01, n_steps=5) for task in new], 0)
        for t in (trained, start)
    )
    neighbours = np.mean([10 * t.query.targets.norm(dim=1).mean() for t in new])
    assert learnt[-1] < 0.8 * random[-1]
    assert learnt[-1] < 0.95 * neighbours
