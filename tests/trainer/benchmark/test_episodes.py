"""Episodes: what a method is handed has nothing in it that it must not know."""

from dataclasses import fields, replace
from typing import get_type_hints

import numpy as np
import pytest

from tests.trainer.benchmark.synthetic import environment, hall, rows_of, survey
from trainer.benchmark.episodes import make_episode, make_history, permute_labels
from trainer.benchmark.metrics import judge
from trainer.benchmark.protocol import Protocol
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.splits import make_split
from trainer.methods.contract import Locator
from trainer.methods.neighbours import NearestNeighbours
from trainer.surveys.environment import Signals

ONE_NN = NearestNeighbours("1nn", "1-NN", 1, of_samples=True)


def scattered(n_days=4):
    """Days whose points for testing have numbers between the others'."""
    place = hall(4, 3)
    rows = rows_of([0, 2, 3, 5, 6, 8, 9, 10, 11], [0, 1], 4)
    rows += rows_of([1, 4, 7], [2], 2, is_test=True)
    return [
        environment(place, rows, name=f"d{day}", order=day) for day in range(n_days)
    ]


def make(environments, regime="3shot", *, seed=0, **options):
    roles = {"survey": "days", "history": ("0-2",), "test": ("3",)}
    protocol = Protocol(**roles | options)
    split = make_split(
        protocol, environments, environments[-1], "test", REGIMES[regime], seed
    )
    return split, make_episode(split)


def errors(episode, method=ONE_NN):
    learnt = method.learn(episode.history, np.random.default_rng(0))
    locator = learnt.calibrate(episode.place, episode.shots)
    return judge(locator.locate(episode.queries), episode)


# -- nothing to see --------------------------------------------------------------------


def test_points_for_testing_are_nowhere():
    split, episode = make(scattered(), query="test")

    assert episode.place.n_points == 9
    known = {tuple(xy) for xy in episode.place.locations}
    assert known.isdisjoint({tuple(xy) for xy in episode.truth.locations})
    for environment_ in (*episode.history, episode.shots):
        assert environment_.place.n_points == 9
        assert not environment_.is_test.any()
    assert [len(e) for e in episode.history] == [72] * 3
    assert split.known.tolist() == [0, 2, 3, 5, 6, 8, 9, 10, 11]


def test_locations_survive_the_renumbering():
    days = scattered()
    split, episode = make(days)

    np.testing.assert_array_equal(
        episode.shots.locations, days[-1].locations[split.shots]
    )
    for new, old in zip(episode.history, days, strict=False):
        np.testing.assert_array_equal(new.locations, old.locations[~old.is_test])
        np.testing.assert_array_equal(new.signals.rss, old.signals.rss[~old.is_test])


def test_all_environments_of_the_place_share_its_numbers():
    _, episode = make(scattered())

    for one in (*episode.history, episode.shots):
        assert one.place.name == episode.place.name
        np.testing.assert_array_equal(one.place.locations, episode.place.locations)


def test_a_point_of_history_that_a_checkerboard_hides_is_nowhere():
    days = survey(4, n_test=0)
    _, episode = make(days, calibrate="checkerboard", query="others")

    assert episode.place.n_points == 6
    assert {len(e) for e in episode.history} == {6 * 2 * 4}


def test_other_places_keep_their_points_but_not_those_for_testing():
    far = replace(scattered(1)[0], name="far", place=hall(4, 3, name="far"))
    days = [far, *scattered()]
    _, episode = make(days, history=("far", "hall/0-2"), other_places=True)

    assert [e.place.name for e in episode.history] == ["far", *["hall"] * 3]
    assert episode.history[0].n_points == 9
    assert len(episode.history[0]) == 72


def test_history_that_was_made_before_is_taken():
    split, _ = make(scattered())
    history = make_history(split)

    assert make_episode(split, history).history is history


def test_a_survey_without_anything_to_leave_out_is_not_copied():
    days = survey(4, n_test=0)
    split, episode = make(days)

    assert split.history[0].signals is episode.history[0].signals


def test_what_is_located_has_no_labels():
    assert get_type_hints(Locator.locate)["signals"] is Signals
    assert {f.name for f in fields(Signals)} == {"rss", "images"}
    assert type(make(scattered())[1].queries) is Signals


# -- truth -----------------------------------------------------------------------------


def test_the_truth_is_where_the_queries_were_taken():
    days = scattered()
    split, episode = make(days, query="test")

    np.testing.assert_array_equal(
        episode.truth.locations, days[-1].locations[split.queries]
    )
    np.testing.assert_array_equal(
        episode.queries.rss, days[-1].signals.rss[split.queries]
    )


def test_floors_are_known_to_the_truth():
    days = survey(4, place=hall(3, 2, floors=2), n_test=0)
    _, episode = make(days)

    assert set(episode.truth.floors.tolist()) == {0, 1}


# -- permuted labels -------------------------------------------------------------------


def test_permuted_labels_are_the_same_labels_elsewhere(rng):
    _, episode = make(scattered())

    permuted = permute_labels(episode, rng)

    pairs = zip(
        (*episode.history, episode.shots),
        (*permuted.history, permuted.shots),
        strict=True,
    )
    for before, after in pairs:
        assert before.point_of.tolist() != after.point_of.tolist()
        # One name for another, throughout an environment.
        renamed = set(zip(before.point_of, after.point_of, strict=True))
        points = set(before.point_of)
        assert len(renamed) == len(points)
        assert {new for _, new in renamed} == points
    names = [
        dict(zip(e.point_of, p.point_of, strict=True))
        for e, p in zip(episode.history, permuted.history, strict=True)
    ]
    assert names[0] != names[1]
    assert permuted.truth is episode.truth
    assert permuted.queries is episode.queries


@pytest.mark.parametrize("regime", ["zero", "3shot"])
def test_with_permuted_labels_a_real_method_lands_on_the_floor(regime, rng):
    days = survey(4, n_test=0, drift_db=0.3)
    found, permuted, floor = [], [], []
    for seed in range(8):
        _, episode = make(days, regime, seed=seed)
        found.append(errors(episode).error_m.mean())
        permuted.append(errors(permute_labels(episode, rng)).error_m.mean())
        # What 1-NN does without any knowledge: a random point of the map.
        apart = episode.truth.locations[:, None] - episode.place.locations
        floor.append(np.linalg.norm(apart, axis=2).mean())

    assert np.mean(found) < 0.2 * np.mean(floor)
    assert np.mean(permuted) == pytest.approx(np.mean(floor), rel=0.15)
