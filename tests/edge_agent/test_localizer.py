"""Images to locations at a calibrated site."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.csi.image import CsiImage
from edge_agent.estimate import Quality
from edge_agent.estimators import Estimator
from edge_agent.learning.backends import Backend
from edge_agent.learning.predictor import make_predictor
from edge_agent.localizer import Localizer
from edge_agent.trust.choice import Floors, Measure
from edge_agent.trust.novelty import Familiarity
from edge_agent.trust.record import Trust
from edge_agent.trust.stage import Stage
from tests.edge_agent.sites import POINTS, SPEC, channel

STARTED_NS = 1_700_000_000_000_000_000


@pytest.fixture
def image(rng):
    return CsiImage(
        rng.integers(0, 256, SPEC.shape, np.uint8),
        np.array([True, False]),
        STARTED_NS,
        STARTED_NS + 2_500_000_000,
    )


@pytest.fixture(params=list(Backend))
def predictor(request, bundle, calibration):
    return make_predictor(bundle, calibration, request.param)


def test_a_location_is_the_mean_of_the_points_by_probability(
    calibration, predictor, image
):
    estimate = Localizer(calibration, predictor).locate(image)

    (posterior,) = predictor.predict(image.pixels[None], image.heard[None])
    assert estimate.posterior == pytest.approx(posterior.tolist(), rel=1e-6)
    expected = posterior @ [(point.x, point.y) for point in POINTS]
    assert (estimate.position.x, estimate.position.y) == pytest.approx(
        expected.tolist(), rel=1e-6
    )


def test_it_says_what_it_was_made_of(calibration, predictor, image):
    site = replace(calibration, channels=(channel(), channel(core=1)))

    estimate = Localizer(site, predictor).locate(image)

    assert estimate.time_ns == STARTED_NS + 2_500_000_000
    assert estimate.window_s == 2.5
    assert estimate.n_frames == 8  # of the one channel that was heard
    assert (estimate.n_heard, estimate.n_channels) == (1, 2)


def trust(**overrides):
    stage = Stage(2.0, 1.0, 2.0, 0.5, 9.0)
    later = Stage(4.0, 1.0, 4.0, 0.5, 9.0)
    values = {
        "estimator": Estimator.NETWORK,
        "is_forced": False,
        "walked_ns": None,
        "scores": (),
        "measure": Measure.METRES,
        "floors": Floors(2.0, 2.5),
        "n_queries": 9.0,
        "same_day": stage,
        "later": later,
        "is_everywhere": True,
    }
    return Trust(**(values | overrides))


def test_what_was_replayed_says_how_far_to_trust(calibration, predictor, image):
    """The image is of 2023, the calibration of 2026: a recording that came with it."""
    estimate = Localizer(calibration, predictor, trust()).locate(image)

    (posterior,) = predictor.predict(image.pixels[None], image.heard[None])
    warm = np.sqrt(posterior) / np.sqrt(posterior).sum()
    assert estimate.posterior == pytest.approx(warm.tolist(), rel=1e-5)
    assert estimate.quality in (Quality.OK, Quality.UNCERTAIN)
    assert estimate.n_channels == len(calibration.channels)
    drifted = Localizer(calibration, predictor, trust()).locate(image, is_drifted=True)
    assert drifted.quality is Quality.DRIFTED


def test_an_image_of_another_day_than_the_walk_is_trusted_less(
    calibration, predictor, image
):
    same = trust(walked_ns=STARTED_NS)
    other = trust(walked_ns=STARTED_NS - 86_400 * 10**9)

    today, tomorrow = (
        Localizer(calibration, predictor, each).locate(image) for each in (same, other)
    )

    assert tomorrow.position.r95 > today.position.r95
    assert max(tomorrow.posterior) < max(today.posterior)


def test_without_a_walks_time_the_calibration_is_how_old_it_is(
    calibration, predictor, image
):
    long_ago = replace(calibration, calibrated_at="2023-11-01T00:00:00Z")

    today, later = (
        Localizer(site, predictor, trust()).locate(image).position.r95
        for site in (calibration, long_ago)
    )

    assert later > today


def test_without_trust_nothing_is_calibrated(calibration, predictor, image):
    estimate = Localizer(calibration, predictor).locate(image)

    assert estimate.quality is Quality.UNCALIBRATED


FAMILIAR = Familiarity(np.arange(1.0, 40.0), np.array([30.0, 35.0, 40.0]))


def test_an_image_far_from_all_shots_is_trusted_less(calibration, predictor, image):
    localizer = Localizer(calibration, predictor, trust(), FAMILIAR)

    near, far = (localizer.locate(image, nearest=d) for d in (5.0, 60.0))

    assert near.novelty == 4 / 40
    assert far.novelty == 39 / 40
    assert far.position.r95 > near.position.r95
    assert far.quality_score < near.quality_score
    plain = Localizer(calibration, predictor, trust()).locate(image, nearest=60.0)
    assert replace(near, novelty=None) == plain


def test_novelty_is_told_where_nothing_was_replayed_too(calibration, predictor, image):
    localizer = Localizer(calibration, predictor, None, FAMILIAR)

    estimate = localizer.locate(image, nearest=60.0)

    assert estimate.novelty == 39 / 40
    assert localizer.locate(image).novelty is None
    assert replace(estimate, novelty=None) == localizer.locate(image)
