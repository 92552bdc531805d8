"""Fingerprints counted by hand."""

import math
import tracemalloc

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from edge_agent.errors import CalibrationError
from edge_agent.rss.fingerprints import Fingerprints, RadioMap, levels

SHIFT = np.array([30.0, -7.0])
LOCATIONS = np.array([[n, 10.0 * n] for n in range(8)])


def radio_map(rss):
    """One sample at each of the first points."""
    return RadioMap.of(np.array(rss, float), np.arange(len(rss)), LOCATIONS)


def test_a_radio_map_is_the_mean_level_at_each_point_that_was_surveyed():
    rss = np.array([[-40, -60], [-50, np.nan], [-70, -80]])

    found = RadioMap.of(rss, np.array([2, 2, 0]), LOCATIONS)

    assert found.points.tolist() == [0, 2]
    assert found.locations.tolist() == [[0, 0], [2, 20]]
    assert found.rss.tolist() == [[-70, -80], [-45, -80]]


def test_what_is_not_heard_counts_as_the_floor():
    assert levels(np.array([[-40, np.nan]], np.float32)).tolist() == [[-40, -100]]


def test_a_fingerprint_is_figure_3():
    """Of points at (0, 0), (1, 10), (2, 20), the last two are nearest, in that order.

    Distances per channel: sqrt((3² + 4²) / 2) dB and sqrt((6² + 8²) / 2) dB.
    """
    reference = radio_map([[-90, -90], [-53, -54], [-56, -58]])

    found = Fingerprints.of(np.array([[-50.0, -50.0]]), reference, 2)

    assert found.nearest.tolist() == [[1, 2]]
    assert found.origins.tolist() == [[1.5, 15.0]]
    distances = [math.sqrt(12.5) / 10, math.sqrt(50) / 10]
    relative = [-0.05, -0.5, 0.05, 0.5]
    assert found.inputs[0] == pytest.approx([*distances, *relative])


def test_a_large_site_takes_little_memory(rng):
    """400 samples at 300 points of 64 transmitters are 61 MB of differences."""
    known, heard = rng.uniform(-90, -40, (300, 64)), rng.uniform(-90, -40, (400, 64))
    reference = RadioMap(known, rng.uniform(0, 50, (300, 2)), np.arange(300))

    tracemalloc.start()
    found = Fingerprints.of(heard, reference, 5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 20e6
    by_another = cdist(heard, known) / np.sqrt(64) / 10
    np.testing.assert_array_equal(found.nearest, by_another.argsort(axis=1)[:, :5])
    np.testing.assert_allclose(found.inputs[:, :5], np.sort(by_another)[:, :5])


def test_a_calibration_sample_does_not_find_itself():
    rss = np.array([[-40.0, -40.0], [-50.0, -50.0], [-60.0, -60.0]])

    found = Fingerprints.of(rss, radio_map(rss), 1, own_points=np.arange(3))

    assert found.inputs[:, 0] == pytest.approx([1.0, 1.0, 1.0])
    assert found.origins[0].tolist() == [1, 10]
    assert found.origins[2].tolist() == [1, 10]


def test_places_that_are_moved_give_the_same_inputs(rng):
    reference = radio_map(rng.uniform(-90, -40, size=(8, 2)))
    moved = RadioMap(reference.rss, reference.locations + SHIFT, reference.points)
    rss = rng.uniform(-90, -40, size=(5, 2))

    here, there = (Fingerprints.of(rss, m, 5) for m in (reference, moved))

    np.testing.assert_allclose(here.inputs, there.inputs, atol=1e-12)
    np.testing.assert_allclose(here.origins + SHIFT, there.origins, atol=1e-12)


def test_transmitters_in_another_order_give_the_same_inputs(rng):
    rss, asked = rng.uniform(-90, -40, (8, 4)), rng.uniform(-90, -40, (3, 4))
    order = [2, 0, 3, 1]

    one = Fingerprints.of(asked, radio_map(rss), 5)
    other = Fingerprints.of(asked[:, order], radio_map(rss[:, order]), 5)

    np.testing.assert_allclose(one.inputs, other.inputs, atol=1e-12)


def test_targets_and_places_are_each_others_inverse(rng):
    found = Fingerprints.of(
        rng.uniform(-90, -40, (4, 2)), radio_map(rng.uniform(-90, -40, (6, 2))), 3
    )
    locations = rng.uniform(-50, 50, (4, 2))

    targets = found.targets(locations)

    np.testing.assert_allclose(targets, (locations - found.origins) / 10)
    np.testing.assert_allclose(found.place(targets), locations)


@pytest.mark.parametrize("own", [None, np.array([0])])
def test_too_few_reference_points_are_refused(own):
    k = 3 if own is None else 2

    with pytest.raises(
        CalibrationError, match=f"{k - 1} reference points, .* takes {k}"
    ):
        Fingerprints.of(
            np.array([[-50.0, -50.0]]),
            radio_map([[-40, -40], [-50, -50]]),
            k,
            own_points=own,
        )
