"""Locations and their uncertainty, by closed forms."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from edge_agent.rss.bundle import RssBundle
from edge_agent.rss.calibration import RssCalibration
from edge_agent.rss.localizer import RssLocalizer, holding
from edge_agent.rss.window import RssSample
from tests.edge_agent.rss.places import POINTS, checkpoint, levels_at, shots

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def site(rss_bundle, rng):
    """Calibrated without a step, by a silent network: three nearest neighbours."""
    still = replace(
        rss_bundle.manifest,
        adaptation=replace(rss_bundle.manifest.adaptation, n_steps=0),
    )
    silent = RssBundle(still, checkpoint(rng).parameters, rss_bundle.files)
    return RssCalibration.from_shots(silent, shots(rng, noise_db=0.0), now=NOW)


def sample(rss):
    return RssSample(np.asarray(rss, float), 5_000_000_000, 8_500_000_000, 30)


def test_a_silent_network_is_the_mean_of_the_nearest_points(site):
    found = RssLocalizer(site, 3).locate(sample(levels_at(6.0, 6.0)))

    differences = site.radio_map.rss - levels_at(6.0, 6.0)
    nearest = np.argsort(np.linalg.norm(differences, axis=1))[:3]
    assert (found.position.x, found.position.y) == pytest.approx(
        tuple(site.radio_map.locations[nearest].mean(axis=0))
    )
    assert (found.time_ns, found.window_s, found.n_frames) == (8_500_000_000, 3.5, 30)
    assert (found.n_heard, found.n_channels, found.floor) == (3, 3, 0)


def test_what_was_not_heard_is_far_away(site):
    rss = levels_at(0.0, 0.0)
    rss[1] = np.nan

    found = RssLocalizer(site, 3).locate(sample(rss))

    assert found.n_heard == 2
    assert found.position.x < 6  # the second mast is at (12, 0)


def test_uncertainty_is_that_of_the_residuals(site):
    residuals = np.array([[3.0, 0.0], [0.0, 4.0], [-1.0, 0.0], [0.0, -2.0]])

    found = RssLocalizer(replace(site, residuals=residuals), 3).locate(
        sample(levels_at(3.0, 3.0))
    )

    assert found.position.covariance == pytest.approx((10 / 4 + 0.01, 0, 20 / 4 + 0.01))
    assert (found.position.r68, found.position.r95) == (4, 4)


def test_rooms_are_those_of_the_points_around(site):
    """Two points decide: the others are more than ten deviations away."""
    residuals = np.array([[1.0, 0.0], [0.0, 1.0]]) * np.sqrt(2 * 0.99)
    rooms = [None, "hall", "den", None, None, None, None, None]
    points = tuple(
        replace(point, room=room) for point, room in zip(POINTS, rooms, strict=True)
    )
    calibrated = replace(site, residuals=residuals, points=points)

    found = RssLocalizer(calibrated, 3).locate(sample(levels_at(3.0, 0.0)))

    offsets = np.array([(p.x, p.y) for p in points]) - (
        found.position.x,
        found.position.y,
    )
    weights = np.exp(-np.square(offsets).sum(axis=1) / 2)  # variance 0.99 + 0.01
    weights /= weights.sum()
    assert found.posterior == pytest.approx(tuple(weights))
    assert dict(found.rooms) == pytest.approx({"hall": weights[1], "den": weights[2]})


def test_of_several_floors_that_of_the_nearest_in_signal_space_counts(site):
    """Though the points of both lie above each other."""
    above = tuple(
        replace(point, floor=0 if n < 4 else 1, y=0.0) for n, point in enumerate(POINTS)
    )
    localizer = RssLocalizer(replace(site, points=above), 3)

    floors = [localizer.locate(sample(levels_at(4.5, y))).floor for y in (-2.0, 8.0)]

    assert floors == [0, 1]


@pytest.mark.parametrize(
    ("n", "share", "rank"), [(1, 0.68, 1), (4, 0.68, 4), (99, 0.68, 68), (99, 0.95, 95)]
)
def test_a_radius_holds_the_next_distance_with_its_probability(n, share, rank):
    assert holding(np.arange(1.0, n + 1), share) == rank


def test_a_radius_of_many_holds_the_share_of_others(rng):
    """By simulation: of further distances, 68 and 95 % are within."""
    trials = [
        np.mean(
            np.abs(rng.normal(size=200))
            <= holding(np.sort(np.abs(rng.normal(size=40))), share)
        )
        for share in (0.68, 0.95)
        for _ in range(400)
    ]

    assert np.mean(trials[:400]) == pytest.approx(0.69, abs=0.02)
    assert np.mean(trials[400:]) == pytest.approx(0.95, abs=0.02)
