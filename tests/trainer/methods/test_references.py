"""References made of environments, and sums over their points."""

from dataclasses import replace

import numpy as np

from tests.trainer.surveyed import rss_episode
from trainer.methods.references import (
    References,
    of_place,
    point_totals,
    recent,
    sources,
)

EPISODE = rss_episode()


def power_or_floor(signals):
    return np.nan_to_num(signals.rss.astype(np.float64), nan=-99)


def test_only_environments_of_the_place_are_comparable():
    here, other = EPISODE.history
    other = replace(other, place=replace(other.place, name="elsewhere"))

    assert of_place([here, other], EPISODE.place) == [here]


def test_shots_replace_the_past():
    assert sources(EPISODE.history, EPISODE.place, EPISODE.shots) == [EPISODE.shots]


def test_without_shots_the_past_is_the_source():
    none = EPISODE.shots.select(np.arange(0))

    assert sources(EPISODE.history, EPISODE.place, none) == list(EPISODE.history)


def test_references_are_the_samples_of_all_environments():
    first, second = EPISODE.history

    found = References.of([first, second], power_or_floor)

    assert found.point_of.tolist() == [*first.point_of, *second.point_of]
    expected = np.concatenate([power_or_floor(e.signals) for e in (first, second)])
    np.testing.assert_array_equal(found.features, expected)


def test_samples_that_hear_nothing_are_no_references():
    shots = EPISODE.shots
    rss = shots.signals.rss.copy()
    rss[[2, 5]] = np.nan
    shots = replace(shots, signals=type(shots.signals)(rss))

    found = References.of([shots], power_or_floor)

    assert found.point_of.tolist() == np.delete(shots.point_of, [2, 5]).tolist()


def test_no_environment_gives_no_reference():
    assert len(References.of([], power_or_floor)) == 0
    assert len(References.of([], power_or_floor).point_means()) == 0


def test_a_points_mean_is_that_of_its_samples():
    features = np.array([[1.0, 2], [3, 4], [10, 20]])

    found = References(features, np.array([5, 5, 2])).point_means()

    assert found.point_of.tolist() == [2, 5]
    assert found.features.tolist() == [[10, 20], [2, 3]]


def test_totals_are_over_each_points_columns():
    values = np.array([[1.0, 2, 4], [8, 16, 32]])

    found = point_totals(values, np.array([3, 0, 3]), 4)

    assert found.tolist() == [[2, 0, 0, 5], [16, 0, 0, 40]]


def deafened(environment, rows):
    rss = environment.signals.rss.copy()
    rss[rows] = np.nan
    return replace(environment, signals=type(environment.signals)(rss))


def test_the_past_is_what_was_heard():
    first, second = EPISODE.history
    deaf = deafened(first, np.arange(len(first)))

    (kept,) = recent([deaf, deafened(second, [0, 3])])

    assert kept.point_of.tolist() == np.delete(second.point_of, [0, 3]).tolist()


def test_a_past_that_heard_nothing_at_all_is_kept():
    first, _ = EPISODE.history
    deaf = deafened(first, np.arange(len(first)))

    assert recent([deaf]) == [deaf]
