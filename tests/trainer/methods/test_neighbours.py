"""Neighbours on maps whose distances are easy to see, and against a plain loop."""

from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import SHARED_DATA
from tests.trainer.surveyed import csi_episode, place, rss_episode
from trainer.methods.contract import Needs
from trainer.methods.features import decibel_floor, decibels, mean_amplitude
from trainer.methods.neighbours import NearestNeighbours, k_smallest
from trainer.surveys.environment import Environment, Signals
from trainer.surveys.registry import load_survey

LINE = place(1, locations=[(0, 0), (10, 0), (20, 0), (40, 0)])


def environment(levels, points, where=LINE, visit=0):
    signals = Signals(np.array(levels, np.float32)[:, None])
    n = len(levels)
    return Environment(
        name="today",
        place=where,
        order=0,
        signals=signals,
        point_of=np.array(points, np.intp),
        visit_of=np.full(n, visit, np.intp),
        is_test=np.zeros(n, np.bool_),
    )


SHOTS = environment([-40, -44, -50, -60, -80], [0, 0, 1, 2, 3])
"""Means of the points: -42, -50, -60, -80 dBm."""


def fixes(method, levels, shots=SHOTS, history=()):
    learnt = method.learn(history, np.random.default_rng(0))
    locator = learnt.calibrate(shots.place, shots)
    return locator.locate(Signals(np.array(levels, np.float32)[:, None]))


def knn(k, **options):
    return NearestNeighbours("knn", "KNN", k=k, **options)


def test_knn_is_the_mean_of_the_nearest_points():
    found = fixes(knn(2), [-47.0, -58.0])

    np.testing.assert_allclose(found.locations[:, 0], [5, 15])
    assert found.posterior.tolist() == [[0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0]]


def test_a_point_is_the_mean_of_its_samples():
    # 4.5 dB from the mean of point 0, 3.5 from point 1; its samples are 2.5 away.
    assert fixes(knn(1), [-46.5]).locations[0, 0] == 10
    assert fixes(knn(1, of_samples=True), [-46.5]).locations[0, 0] == 0


def test_wknn_weighs_with_the_inverse_distance():
    found = fixes(knn(2, is_weighted=True), [-48.0])

    # 2 dB from point 1, 6 dB from point 0.
    np.testing.assert_allclose(found.posterior[0], [0.25, 0.75, 0, 0], rtol=1e-6)


def test_a_reference_that_equals_the_query_takes_it_all():
    found = fixes(knn(2, is_weighted=True), [-50.0])

    np.testing.assert_allclose(found.locations[0], [10, 0], atol=1e-6)


def test_samples_of_a_point_count_one_by_one():
    found = fixes(knn(3, of_samples=True), [-43.0])

    np.testing.assert_allclose(found.posterior[0], [2 / 3, 1 / 3, 0, 0])


def test_more_neighbours_than_points_are_all_points():
    np.testing.assert_allclose(fixes(knn(9), [-43.0]).posterior, 0.25)


def test_the_past_is_the_map_only_where_there_are_no_shots():
    past = environment([-40.0, -60.0], [3, 0])
    none = SHOTS.select(np.arange(0))

    assert fixes(knn(1), [-41.0], history=[past]).locations[0, 0] == 0
    assert fixes(knn(1), [-41.0], none, history=[past]).locations[0, 0] == 40


def test_silence_is_a_power_below_the_weakest():
    where = place(2, locations=[(0, 0), (10, 0)])
    silent = np.array([[-50, np.nan], [-50, -80]], np.float32)
    shots = environment([0, 0], [0, 1])
    shots = Environment(
        name="today",
        place=where,
        order=0,
        signals=Signals(silent),
        point_of=np.array([0, 1]),
        visit_of=np.zeros(2, np.intp),
        is_test=np.zeros(2, np.bool_),
    )
    locator = knn(1).learn((), np.random.default_rng(0)).calibrate(where, shots)

    # The floor is at -85: what is not heard is between -82.5 and silence.
    queries = Signals(np.array([[-50, -82], [-50, -83], [-50, np.nan]], np.float32))
    assert locator.locate(queries).locations[:, 0].tolist() == [10, 0, 0]


@pytest.mark.parametrize(
    ("episode", "options"),
    [(rss_episode(), {}), (csi_episode(), {}), (csi_episode(), {"is_linear": True})],
    ids=["rss", "csi", "csi-linear"],
)
def test_it_agrees_with_a_loop_over_queries_and_points(episode, options):
    known = [e.signals for e in (*episode.history, episode.shots)]
    floor = decibel_floor(known)

    def features(signals):
        return mean_amplitude(signals) if options else decibels(signals, floor)

    shots, queries = features(episode.shots.signals), features(episode.queries.signals)
    expected = []
    for query in queries:
        distances = {}
        for point in range(episode.place.n_points):
            mean = shots[episode.shots.point_of == point].mean(axis=0)
            distances[point] = float(np.sqrt(((query - mean) ** 2).sum()))
        best = sorted(distances, key=distances.__getitem__)[:5]
        weights = np.array([1 / distances[p] for p in best])
        expected.append(weights @ episode.place.locations[best] / weights.sum())

    method = knn(5, is_weighted=True, **options)
    learnt = method.learn(episode.history, np.random.default_rng(0))
    locator = learnt.calibrate(episode.place, episode.shots)

    found = locator.locate(episode.queries.signals)
    np.testing.assert_allclose(found.locations, expected, rtol=0, atol=1e-6)


def test_hundreds_of_queries_are_located_as_each_alone():
    levels = np.linspace(-90, -30, 600)
    method = knn(2, is_weighted=True)

    together = fixes(method, levels).locations

    for row in (0, 255, 256, 599):
        alone = fixes(method, levels[row : row + 1]).locations
        np.testing.assert_array_equal(together[row], alone[0])


def test_only_linear_amplitudes_need_images():
    assert knn(1).needs == Needs.NOTHING
    assert knn(1, is_linear=True).needs == Needs.IMAGES


def test_the_smallest_are_chosen():
    values = np.array([[3.0, 1, 2], [5, 6, 4]])

    assert k_smallest(values, 2).tolist() == [[False, True, True], [True, False, True]]
    assert k_smallest(values, 5).all()


# -- real surveys ----------------------------------------------------------------------


@pytest.mark.parametrize(("n_shots", "expected_m"), [(3, 2.27), (10, 2.20)])
def test_ncepu_is_located_as_well_as_by_others(shared_data, n_shots, expected_m):
    # Expected is what other code found on the same weeks, with another floor.
    shared_data("surveys/ncepu_rss.npz")
    errors = []
    for week in load_survey("ncepu", SHARED_DATA):
        surveyed = np.unique(week.point_of[~week.is_test])
        shots = week.select(
            np.concatenate(
                [np.flatnonzero(week.point_of == p)[:n_shots] for p in surveyed]
            )
        )
        shots = replace(
            shots,
            place=week.place.select(surveyed),
            point_of=np.searchsorted(surveyed, shots.point_of),
        )
        queries = week.select(np.flatnonzero(week.is_test))

        learnt = knn(5).learn((), np.random.default_rng(0))
        found = learnt.calibrate(shots.place, shots).locate(queries.signals)
        errors.append(np.linalg.norm(found.locations - queries.locations, axis=1))

    assert np.concatenate(errors).mean() == pytest.approx(expected_m, abs=0.02)
