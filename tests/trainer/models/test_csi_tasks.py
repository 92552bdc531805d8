"""Tasks of surveyed amplitudes that say which samples they are."""

import numpy as np
import pytest
import torch

from edge_agent.learning.network import Architecture
from tests.trainer.models.surveyed import environment, place
from trainer.episodes import TaskConfig
from trainer.errors import TaskError
from trainer.models.csi_tasks import (
    CsiTaskSampler,
    amplitude_architecture,
    amplitude_inputs,
)

PLAIN = Architecture((2, 2, 3), filters=(1,), pixel_mean=0.0, pixel_std=1.0)
"""Inputs are amplitudes."""

ROWS = [(point, visit) for point in range(4) for visit in (1, 1, 2, 3)]


def tasks(*environments, n=20, dropout=0.0, site_labels=False, **config):
    sampler = CsiTaskSampler(
        environments,
        PLAIN,
        TaskConfig(channel_dropout=dropout, **config),
        site_labels=site_labels,
    )
    rng = np.random.default_rng(0)
    return [sampler.draw(rng) for _ in range(n)]


def samples_of(batch):
    return (batch.inputs.amax(dim=(1, 2, 3)).round().int() - 1).tolist()


def test_support_and_query_are_of_different_visits():
    for task in tasks(environment(ROWS), k_support=2):
        of_support, of_query = (
            {ROWS[i] for i in samples_of(b)} for b in (task.support, task.query)
        )
        assert not of_support & of_query
        assert {p for p, _ in of_support} == {p for p, _ in of_query}


def test_labels_are_the_tasks_own_and_locations_say_whose():
    seen = set()
    for task in tasks(environment(ROWS), n_way=3):
        assert task.support.n_points == task.query.n_points == 3
        for batch in (task.support, task.query):
            for sample, label in zip(
                samples_of(batch), batch.points.tolist(), strict=True
            ):
                point = ROWS[sample][0]
                assert task.locations[label].tolist() == [point, 10 * point]
                seen.add((point, label))
    assert len(seen) == 4 * 3


def test_labels_of_the_site_are_its_points():
    for task in tasks(environment(ROWS), n_way=2, site_labels=True):
        assert task.support.n_points == 4
        assert task.locations.shape == (4, 2)
        for batch in (task.support, task.query):
            assert len(set(batch.points.tolist())) == 2
            points = [ROWS[i][0] for i in samples_of(batch)]
            assert batch.points.tolist() == points


def test_points_surveyed_only_to_test_take_no_part():
    is_test = [point == 3 for point, _ in ROWS]

    for task in tasks(environment(ROWS, is_test=is_test)):
        assert task.support.n_points == 3
        assert not {ROWS[i][0] for i in samples_of(task.query)} & {3}


def test_every_environment_has_its_turn():
    days = [environment(ROWS[:n]) for n in (8, 16)]

    sizes = [task.support.n_points for task in tasks(*days, n=100)]

    assert set(sizes) == {2, 4}


def test_dropout_masks_a_channel_throughout_a_task():
    masks = []
    for task in tasks(environment(ROWS), n=60, dropout=0.5):
        seen = {
            tuple(row)
            for batch in (task.support, task.query)
            for row in (batch.inputs.amax(dim=(2, 3)) > 0).tolist()
        }
        assert len(seen) == 1
        masks.append(seen.pop())
    assert set(masks) == {(True, True), (True, False), (False, True)}


def test_inputs_are_scaled_channel_first_and_masked():
    images = np.zeros((1, 2, 3, 2), np.float32)
    images[0, 1, 2, 0] = 9.0
    signals = environment([(0, 1)], images=images).signals
    network = Architecture((2, 2, 3), filters=(1,), pixel_mean=3.0, pixel_std=2.0)

    inputs = amplitude_inputs(network, signals)

    assert inputs.dtype == np.float32
    assert inputs[0, 0].tolist() == [[-1.5, -1.5, -1.5], [-1.5, -1.5, 3.0]]
    assert not inputs[0, 1].any()


def test_the_network_is_scaled_to_what_was_heard(rng):
    images = rng.gamma(2, 9, size=(16, 2, 3, 2)).astype(np.float32)
    images[:5, :, :, 1] = 0
    days = [environment(ROWS, images=images), environment(ROWS)]

    network = amplitude_architecture(days, filters=(4, 2))

    heard = [images[..., 0], images[5:, ..., 1], days[1].signals.images]
    values = np.concatenate([part.ravel() for part in heard]).astype(np.float64)
    assert network.image_shape == (2, 2, 3)
    assert network.filters == (4, 2)
    assert network.pixel_mean == pytest.approx(values.mean())
    assert network.pixel_std == pytest.approx(values.std())


def test_the_papers_five_layers_are_the_default(rng):
    images = rng.random((2, 16, 16, 1), dtype=np.float32)
    day = environment([(0, 1), (1, 1)], of=place(2, 1), images=images)

    assert amplitude_architecture([day]).filters == Architecture((1, 16, 16)).filters


def test_images_that_vanish_are_refused():
    with pytest.raises(TaskError, match="vanish in 5 layers; choose fewer filters"):
        amplitude_architecture([environment(ROWS)])


def test_batches_are_where_the_network_computes():
    sampler = CsiTaskSampler(
        [environment(ROWS)], PLAIN, TaskConfig(), device=torch.device("meta")
    )

    assert sampler.draw(np.random.default_rng(0)).query.inputs.device.type == "meta"


# -- refusals --------------------------------------------------------------------------


def test_environments_that_cannot_serve_are_refused():
    rss = np.zeros((4, 2), np.float32)
    powers = environment([(0, 1), (0, 2), (1, 1), (1, 2)], rss=rss)
    wide = environment(ROWS, of=place(4, 3))
    elsewhere = environment(ROWS, of=place(4, name="office"))
    for environments, options, reason in (
        ([], {}, "no environment to draw tasks from"),
        ([powers], {}, "d01 has no CSI images"),
        ([wide], {}, r"d01: images of \(2, 3, 3\), the network takes \(2, 3, 2\)"),
        ([environment([(0, 1), (0, 2), (1, 1)])], {}, "d01 has fewer than two points"),
        (
            [environment(ROWS), elsewhere],
            {"site_labels": True},
            r"but several: \['home', 'office'\]",
        ),
    ):
        with pytest.raises(TaskError, match=reason):
            tasks(*environments, **options)


@pytest.mark.parametrize("days", [[], [environment([])]], ids=["none", "empty"])
def test_a_network_cannot_be_scaled_to_nothing(days):
    with pytest.raises(TaskError, match="hold no image to scale the network to"):
        amplitude_architecture(days)
