"""Re-visits of the past, against distances computed pair by pair."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.drift.baseline import MOST_REVISITS, Revisits, site_revisits
from edge_agent.history import joined
from edge_agent.neighbours.whitening import channel_features
from tests.edge_agent.sites import POINTS, SPEC, environment
from tests.edge_agent.whitened import random_neighbours

N_LAPS = 3


@pytest.fixture
def neighbours(rng):
    return random_neighbours(rng)


def walk(rng, name, **overrides):
    """A walk of three laps, one shot per point and lap."""
    shots = environment(rng, **overrides)
    return replace(
        shots, visit_of=np.array([f"{name}/{v}" for v in shots.visit_of.tolist()])
    )


def revisits(n=1, n_channels=2, **overrides):
    values = {
        "nearest": np.arange(n, dtype=np.float64),
        "gap": np.ones((n, n_channels)),
        "offset_db": np.zeros((n, n_channels)),
        "silent": np.zeros((n, n_channels)),
    }
    return Revisits(**(values | overrides))


def test_each_lap_is_compared_with_the_others(rng, neighbours):
    shots = walk(rng, "w")

    found = site_revisits(neighbours, shots)

    z = neighbours.whitening(channel_features(shots.images, SPEC))
    gaps = np.stack([neighbours.kernel.gap(z[:, c], z[:, c]) for c in range(2)])
    expected = sorted(
        gaps.sum(axis=0)[row, shots.visit_of != shots.visit_of[row]].min()
        for row in range(len(shots))
    )
    assert len(found) == len(POINTS) * N_LAPS
    assert np.sort(found.nearest) == pytest.approx(expected, rel=1e-5)


def test_a_channel_is_compared_where_the_other_says_we_are(rng, neighbours):
    shots = walk(rng, "w")

    found = site_revisits(neighbours, shots)

    features = channel_features(shots.images, SPEC)
    z = neighbours.whitening(features)
    row = int(np.flatnonzero(shots.visit_of == "w/1")[0])  # the first re-visit
    others = np.flatnonzero(shots.visit_of != "w/1")
    by_second = neighbours.kernel.gap(z[[row], 1], z[others, 1])[0]
    there = others[by_second.argmin()]
    expected = neighbours.kernel.gap(z[[row], 0], z[[there], 0])[0, 0]
    assert found.gap[0, 0] == pytest.approx(expected, rel=1e-4)
    offset = features[row, 0, -1] - features[there, 0, -1]
    assert found.offset_db[0, 0] == pytest.approx(offset, abs=1e-3)


def test_an_access_point_that_another_lap_hears_is_silent(rng, neighbours):
    shots = walk(rng, "w", points=POINTS[:1], n_per_point=2)
    heard = np.array([[True, True], [True, False]])

    found = site_revisits(neighbours, replace(shots, heard=heard))

    assert found.silent[:, 0].tolist() == [0, 0]
    assert np.isnan(found.silent[0, 1])  # the other lap does not hear it
    assert found.silent[1, 1] == 1
    assert np.isnan(found.gap[:, 1]).all()


def test_walks_are_never_compared_with_each_other(rng, neighbours):
    early, late = walk(rng, "20260101T000000Z"), walk(rng, "20260201T000000Z")

    found = site_revisits(neighbours, late, joined(early, early))

    alone = site_revisits(neighbours, late)
    assert len(found) == 3 * len(alone)
    assert found.nearest[-len(alone) :] == pytest.approx(alone.nearest)


def test_earlier_walks_are_compared_with_as_many_laps_as_the_newest_has(
    rng, neighbours
):
    """One lap again: then each lap of before has the one before it, and no other."""
    history, shots = walk(rng, "v"), walk(rng, "w")
    fresh = shots.select(np.flatnonzero(shots.visit_of == "w/1"))

    found = site_revisits(neighbours, fresh, history)

    z = neighbours.whitening(channel_features(history.images, SPEC))
    gaps = np.stack([neighbours.kernel.gap(z[:, c], z[:, c]) for c in range(2)])
    before = {"v/1": "v/3", "v/2": "v/1", "v/3": "v/2"}
    expected = sorted(
        gaps.sum(axis=0)[row, history.visit_of == before[visit]].min()
        for row, visit in enumerate(history.visit_of.tolist())
    )
    assert np.sort(found.nearest) == pytest.approx(expected, rel=1e-5)


def test_a_single_lap_tells_nothing(rng, neighbours):
    shots = environment(rng, n_per_point=1)

    assert len(site_revisits(neighbours, shots)) == 0


def test_points_that_one_lap_has_alone_are_no_revisits(rng, neighbours):
    shots = walk(rng, "w")
    rows = np.flatnonzero((shots.point_of != 2) | (shots.visit_of == "w/3"))

    assert len(site_revisits(neighbours, shots.select(rows))) == 6


def test_the_newest_count(rng):
    found = revisits(MOST_REVISITS + 5).newest(MOST_REVISITS)

    assert found.nearest[[0, -1]].tolist() == [5, MOST_REVISITS + 4]
    assert len(revisits(3).newest(10)) == 3


def test_they_are_kept_in_arrays(rng, neighbours):
    found = site_revisits(neighbours, walk(rng, "w"))

    again = Revisits.from_arrays(found.to_arrays() | {"other": np.zeros(3)})

    for name in ("nearest", "gap", "offset_db", "silent"):
        kept, was = getattr(again, name), getattr(found, name)
        assert kept == pytest.approx(was, rel=1e-6, nan_ok=True)


def test_a_calibration_without_them_has_none():
    assert Revisits.from_arrays({"theta.x": np.zeros(1)}) is None


def test_damaged_arrays_are_refused():
    arrays = revisits().to_arrays()
    with pytest.raises(KeyError):
        Revisits.from_arrays({"drift.nearest": arrays["drift.nearest"]})
    with pytest.raises(ValueError, match="not float32"):
        Revisits.from_arrays(arrays | {"drift.gap": np.zeros((1, 2), np.int32)})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"gap": np.zeros((2, 2))}, r"gap has shape \(2, 2\), not \(1, 2\)"),
        ({"offset_db": np.zeros(1)}, r"offset_db has shape \(1,\), not \(1, 2\)"),
        ({"silent": np.full((1, 2), np.inf)}, "silent holds infinite values"),
        ({"nearest": np.array([np.nan])}, "not one finite number a re-visit"),
    ],
)
def test_impossible_revisits_are_refused(overrides, message):
    with pytest.raises(ValueError, match=message):
        revisits(**overrides)
