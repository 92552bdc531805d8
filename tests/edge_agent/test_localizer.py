"""Images to locations at a calibrated site."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.csi.image import CsiImage
from edge_agent.learning.backends import Backend
from edge_agent.learning.predictor import make_predictor
from edge_agent.localizer import Localizer
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
