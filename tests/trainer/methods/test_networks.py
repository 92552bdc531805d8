"""What the contract's suite cannot see: how the networks learn and are tuned."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainer.surveyed import csi_episode, rss_episode
from trainer.errors import TaskError
from trainer.methods import network_csi, network_rss
from trainer.methods.contract import Needs
from trainer.methods.features import mean_amplitude
from trainer.methods.network_csi import CsiSite, Tuning, make_model, tasks_of, tune
from trainer.methods.network_training import (
    Trained,
    most_similar,
    n_iterations,
    train,
)
from trainer.methods.networks import QUICK, NetworkMethod, Training
from trainer.models.classification import ClassificationModel
from trainer.models.csi_tasks import PAPER_FILTERS

EPISODE = csi_episode()
BRIEF = replace(QUICK, n_epochs=2, max_steps=4)


def method(training, **fields):
    return NetworkMethod(training, BRIEF, **fields)


def site(training, *, days=EPISODE.history, seed=0):
    rng = np.random.default_rng(seed)
    return CsiSite.learn(method(training), EPISODE.place, days, rng)


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


# -- where parameters come from --------------------------------------------------------


def test_random_initialisation_is_not_trained():
    first, other = site(Training.RI), site(Training.RI, days=EPISODE.history[:1])

    assert same(first.trained.theta, other.trained.theta)


def test_everybody_starts_with_the_same_body():
    bodies = []
    for training in (Training.RI, Training.TL, Training.MAML):
        model = make_model(training, site(Training.RI).front, EPISODE.place)
        bodies.append(model.initial(torch.Generator().manual_seed(1)))

    assert same(bodies[0], {name: bodies[1][name] for name in bodies[0]})
    assert same(bodies[0], bodies[2])


def test_supervised_training_alone_has_a_head_of_the_place():
    front = site(Training.RI).front

    for training in Training:
        model = make_model(training, front, EPISODE.place)
        has_head = isinstance(model, ClassificationModel) and model.site_points == 12
        assert has_head == (training in (Training.TL, Training.CONFI))


def test_task_similarity_has_parameters_of_each_environment():
    trained = site(Training.MAML_TS).trained

    assert list(trained.of_environment) == ["d0", "d1"]
    assert not same(*trained.of_environment.values())


def test_only_environments_with_parameters_of_their_own_can_be_most_similar():
    """d1 is the same day as the shots, but was of no use for training."""
    d0, d1 = EPISODE.history
    own, total = {"a": torch.ones(2)}, {"a": torch.zeros(2)}
    shots = replace(d1, name="today")

    for of_environment, expected in (
        ({"d0": total, "d1": own}, own),
        ({"d0": own}, own),
        ({}, total),
    ):
        found = most_similar(
            Trained(total, of_environment),
            shots,
            [d0, d1],
            lambda day: mean_amplitude(day.signals),
            np.random.default_rng(0),
        )
        assert found is expected


def test_shots_too_few_to_compare_start_from_the_parameters_of_all():
    total = {"a": torch.zeros(2)}
    trained = Trained(total, {"d0": {"a": torch.ones(2)}})
    shot = EPISODE.shots.select(np.array([0]))

    def vectors(day):
        return mean_amplitude(day.signals)

    rng = np.random.default_rng(0)
    assert most_similar(trained, shot, EPISODE.history, vectors, rng) is total


def test_domain_generalization_of_one_domain_is_maml():
    days = EPISODE.history[:1]

    one, other = (site(t, days=days) for t in (Training.MAML_DG, Training.MAML))

    assert same(one.trained.theta, other.trained.theta)


def test_history_without_tasks_leaves_the_parameters_random():
    day = EPISODE.history[0]
    lone = day.select(np.unique(day.point_of, return_index=True)[1])

    assert tasks_of(Training.MAML, site(Training.RI).front, [lone]) is None
    theta = {"a": torch.ones(2)}
    trained = train(Training.MAML, None, theta, None, 3, np.random.default_rng(0))
    assert trained.theta is theta


@pytest.mark.parametrize(
    ("n_images", "n_epochs", "expected"), [(320, 7, 7), (1, 1, 1), (10_000, 100, 50)]
)
def test_iterations_are_for_so_many_epochs(n_images, n_epochs, expected):
    assert n_iterations(n_images, n_epochs, 50) == expected


# -- tuning ----------------------------------------------------------------------------


class Known:
    """A model whose logits after q steps are known."""

    def __init__(self, scores):
        self.scores = scores

    def start(self, theta, task):
        return {"q": torch.zeros(())}

    def support_loss(self, theta, task):
        return -theta["q"] / network_csi.ALPHA  # a step adds one

    def query_logits(self, theta, task):
        return self.scores[round(theta["q"].item())]


class Asked:
    """A task with a query at the first of two points."""

    locations = np.array([[0.0, 0.0], [1.0, 0.0]])

    class query:  # noqa: N801
        points = torch.tensor([0])


def test_the_steps_and_temperature_with_the_smallest_error_are_chosen():
    right, wrong = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])

    found = tune(Known([wrong, wrong, right, wrong]), {}, [Asked], 3)

    # The colder, the surer: 0.05 is the coldest there is.
    assert found == Tuning(2, 0.05)


def test_a_model_that_is_often_wrong_had_better_be_unsure():
    right, wrong = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 0.5]])

    found = tune(Known([torch.cat([right, wrong, wrong])]), {}, [Thrice], 0)

    assert found == Tuning(0, 1.0)


class Thrice(Asked):
    class query:  # noqa: N801
        points = torch.tensor([0, 0, 0])


def test_without_a_task_nothing_is_tuned():
    assert tune(None, {}, [], 5) == Tuning()


def test_a_single_day_cannot_be_replayed():
    assert site(Training.RI, days=EPISODE.history[:1]).tuning == Tuning()


def test_confi_is_not_tuned():
    assert site(Training.CONFI).tuning == Tuning()


# -- calibration -----------------------------------------------------------------------


def test_confi_does_not_look_at_the_shots():
    learnt = method(Training.CONFI).learn(EPISODE.history, np.random.default_rng(0))
    queries = EPISODE.queries.signals

    with_shots = learnt.calibrate(EPISODE.place, EPISODE.shots).locate(queries)
    without = learnt.calibrate(EPISODE.place, EPISODE.without_shots().shots)

    np.testing.assert_array_equal(
        with_shots.posterior, without.locate(queries).posterior
    )
    assert ((with_shots.posterior > 0).sum(axis=1) <= 5).all()


def test_prototypes_of_points_without_shots_are_those_of_history():
    learnt = method(Training.PROTONET).learn(EPISODE.history, np.random.default_rng(0))
    half = EPISODE.shots.select(np.flatnonzero(EPISODE.shots.point_of < 6))

    fixes = learnt.calibrate(EPISODE.place, half).locate(EPISODE.queries.signals)

    assert (fixes.posterior[:, 6:].sum(axis=1) > 1e-6).any()


def test_where_nothing_was_ever_heard_the_answer_is_the_centre():
    silent = EPISODE.with_signals(
        lambda s, _: replace(s, rss=s.rss * np.nan, images=s.images * 0)
    )
    learnt = method(Training.MAML).learn(silent.history, np.random.default_rng(0))

    fixes = learnt.calibrate(EPISODE.place, silent.shots).locate(silent.queries.signals)

    np.testing.assert_allclose(
        fixes.locations, np.tile(EPISODE.place.locations.mean(axis=0), (36, 1))
    )


def test_filters_that_do_not_fit_are_refused_and_not_taken_for_silence():
    five = method(Training.MAML, filters=PAPER_FILTERS)

    with pytest.raises(
        TaskError, match="5 layers halve an image 4 times, which 4 rows"
    ):
        five.learn(EPISODE.history, np.random.default_rng(0))


# -- received power --------------------------------------------------------------------


def test_an_untrained_regression_is_knn():
    episode = rss_episode()
    learnt = method(Training.RI).learn((), np.random.default_rng(0))
    few = episode.shots.select(np.flatnonzero(episode.shots.point_of < 5))

    fixes = learnt.calibrate(episode.place, few).locate(episode.queries.signals)

    # The five points with shots are the five nearest of all queries.
    middle = episode.place.locations[:5].mean(axis=0)
    np.testing.assert_allclose(fixes.locations, np.tile(middle, (36, 1)), atol=1e-5)


def test_history_draws_the_map_where_shots_are_few():
    episode = rss_episode()
    few = episode.shots.select(np.array([0, 1]))
    rng = np.random.default_rng(0)
    learnt = network_rss.RssSite.learn(
        method(Training.TL), episode.place, episode.history, rng
    )

    locator = learnt.calibrate(episode.place, few, rng)

    assert locator.radio_map.points.tolist() == list(range(12))
    today = few.signals.rss[few.point_of == 0][0]
    heard = np.isfinite(today)
    np.testing.assert_allclose(locator.radio_map.rss[0][heard], today[heard])


def test_what_was_learnt_to_be_tuned_is_tuned_on_history_where_shots_are_few():
    episode = rss_episode()
    few = episode.shots.select(np.array([0, 1]))

    for training, is_tuned in ((Training.MAML, True), (Training.TL, False)):
        rng = np.random.default_rng(0)
        site = network_rss.RssSite.learn(
            method(training), episode.place, episode.history, rng
        )
        site = replace(site, n_steps=2)
        locator = site.calibrate(episode.place, few, rng)
        assert same(site.trained.theta, locator.theta) != is_tuned


# -- the registry's description --------------------------------------------------------


def test_who_fine_tunes_from_history_needs_both():
    for training in (Training.MAML, Training.MAML_TS, Training.MAML_DG):
        assert method(training).needs == Needs.HISTORY | Needs.SHOTS
    assert method(Training.RI).needs == Needs.SHOTS
    assert method(Training.TL).needs == Needs.HISTORY
