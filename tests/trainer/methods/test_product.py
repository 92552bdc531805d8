"""Which estimator the product is, by comparing its fixes with theirs."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.days import located
from tests.trainer.surveyed import csi_episode, rss_episode
from trainer.methods.contract import Needs
from trainer.methods.day_effects import DayEffects
from trainer.methods.product import Product
from trainer.methods.residual_field import ResidualField

CSI, RSS = csi_episode(), rss_episode()


def elsewhere(environment):
    return replace(environment, place=replace(environment.place, name="elsewhere"))


def assert_is(estimator, episode, *, history=None):
    """The product's fixes are those of an estimator that knows this place's past."""
    past = episode.history if history is None else history

    found = located(Product(), past, episode.shots, episode.queries.signals)

    own = [e for e in past if e.place.name == episode.place.name]
    expected = located(estimator, own, episode.shots, episode.queries.signals)
    np.testing.assert_array_equal(found.posterior, expected.posterior)
    np.testing.assert_array_equal(found.locations, expected.locations)


def test_the_estimators_can_be_told_apart():
    first, second = (
        located(m, CSI.history, CSI.shots, CSI.queries.signals)
        for m in (DayEffects(), ResidualField())
    )

    assert not np.array_equal(first.posterior, second.posterior)


@pytest.mark.parametrize("episode", [CSI, CSI.without_shots()], ids=["shots", "zero"])
def test_images_of_a_known_place_are_located_by_day_effects(episode):
    assert_is(DayEffects(), episode)


@pytest.mark.parametrize(
    "episode",
    [RSS, RSS.without_shots(), RSS.without_history(), CSI.without_history()],
    ids=["rss", "rss-zero", "rss-new", "csi-new"],
)
def test_everything_else_is_located_by_the_field(episode):
    assert_is(ResidualField(), episode)


def test_images_of_another_place_are_no_history():
    assert_is(ResidualField(), CSI, history=[*map(elsewhere, CSI.history)])


def test_days_without_samples_are_no_history():
    empty = [day.select(np.arange(0)) for day in CSI.history]

    assert_is(ResidualField(), CSI, history=empty)


@pytest.mark.parametrize(
    ("estimator", "episode", "other"),
    [(DayEffects(), CSI, RSS), (ResidualField(), RSS, CSI)],
    ids=["csi", "rss"],
)
def test_of_two_places_each_has_its_own(estimator, episode, other):
    mixed = [*map(elsewhere, other.history), *episode.history]

    assert_is(estimator, episode, history=mixed)


def test_it_can_do_with_nothing():
    assert Product().needs == Needs.NOTHING
    nowhere = CSI.without_history().without_shots()

    found = located(Product(), (), nowhere.shots, nowhere.queries.signals)

    np.testing.assert_allclose(found.posterior, 1 / 12)
