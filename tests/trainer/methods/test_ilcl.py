"""ILCL: which samples it learns from, and how its two halves are mixed."""

from dataclasses import replace

import numpy as np

from tests.trainer.surveyed import csi_episode
from trainer.methods.broad_learning import BroadLearning, BroadLearningConfig
from trainer.methods.features import full_scale, scaled_images
from trainer.methods.ilcl import Ilcl, _rows, _some_of_each_point
from trainer.methods.ilcl_network import train_network
from trainer.surveys.environment import Signals

EPISODE = csi_episode()
BROAD = BroadLearningConfig(n_windows=2, n_steps=1)
ILCL = Ilcl(n_epochs=4, broad_learning=BROAD)


def locator(episode, method=ILCL):
    learnt = method.learn(episode.history, np.random.default_rng(5))
    return learnt.calibrate(episode.place, episode.shots)


def top5_expectation(weights):
    """Of one sample, written out."""
    best = np.argsort(weights)[-5:]
    return weights[best] @ EPISODE.place.locations[best] / weights[best].sum()


def test_a_fix_is_the_mix_of_both_halves():
    seed = int(np.random.default_rng(5).integers(2**63))
    shots, queries = EPISODE.shots, EPISODE.queries.signals
    scale = full_scale([shots.signals])
    images, to_locate = (scaled_images(s, scale) for s in (shots.signals, queries))
    broad = BroadLearning(
        _rows(images), np.eye(12)[shots.point_of], BROAD, np.random.default_rng(seed)
    )
    network = train_network(images, shots.point_of, n_epochs=4, seed=seed)

    found = locator(EPISODE).locate(queries)

    outputs = broad.predict(_rows(to_locate)).clip(min=0)
    for location, of_broad, of_network in zip(
        found.locations, outputs, network.probabilities(to_locate), strict=True
    ):
        w = min(of_broad.max(), 1)
        expected = w * top5_expectation(of_broad) + (1 - w) * top5_expectation(
            of_network
        )
        np.testing.assert_allclose(location, expected, atol=1e-9)


def test_the_fix_is_the_mean_of_the_posterior():
    found = locator(EPISODE).locate(EPISODE.queries.signals)

    np.testing.assert_allclose(
        found.posterior @ EPISODE.place.locations, found.locations, atol=1e-9
    )


def test_a_single_calibrated_point_is_the_answer():
    only = np.flatnonzero(EPISODE.shots.point_of == 7)
    episode = replace(EPISODE, shots=EPISODE.shots.select(only))

    found = locator(episode).locate(EPISODE.queries.signals)

    assert (found.posterior.argmax(axis=1) == 7).all()


def test_images_of_a_point_are_spread_over_time():
    n = 100
    environment = replace(
        EPISODE.shots,
        signals=EPISODE.shots.signals.select(np.zeros(n, np.intp)),
        point_of=np.repeat([3, 1], [90, 10]),
        visit_of=np.arange(n),
        is_test=np.zeros(n, np.bool_),
    )

    found = _some_of_each_point(environment, 30)

    assert found.visit_of[found.point_of == 3].tolist() == list(range(0, 90, 3))
    assert found.visit_of[found.point_of == 1].tolist() == list(range(90, 100))


def test_thirty_images_of_a_point_are_learnt_from_the_whole_past(monkeypatch):
    # Twelve days of six images: three of each day, rounded up, are 36.
    rows = []

    def count(images, labels, **options):
        rows.append(np.bincount(labels))
        return train_network(images, labels, n_epochs=1, seed=0)

    monkeypatch.setattr("trainer.methods.ilcl_network.train_network", count)
    days = EPISODE.history[:1] * 12
    episode = replace(EPISODE.without_shots(), history=days)

    locator(episode)

    assert [row.tolist() for row in rows] == [[36] * 12]


def test_images_that_hear_nothing_are_not_learnt():
    signals = EPISODE.shots.signals
    images, rss = signals.images.copy(), signals.rss.copy()
    images[:5], rss[:5] = 0, np.nan
    environment = replace(EPISODE.shots, signals=Signals(rss, images))

    found = _some_of_each_point(environment, 30)

    assert len(found) == len(environment) - 5
    assert found.signals.heard.any(axis=1).all()


def test_rows_have_mean_zero_and_variance_one(rng):
    images = rng.uniform(0, 1, (3, 2, 4, 5)).astype(np.float32)
    images[2] = 0.5

    rows = _rows(images)

    assert rows.shape == (3, 40)
    np.testing.assert_allclose(rows[:2].mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(rows[:2].std(axis=1), 1)
    assert not rows[2].any()
