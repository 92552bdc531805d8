"""A survey's packets as images of the device, against closed forms."""

import numpy as np
import pytest

from edge_agent.csi.image import ImageSpec
from tests.trainer.days import day, hall, images, power
from trainer.surveys.device_images import device_environment, legacy_tones, points_of
from trainer.surveys.report import SurveyDataError

SPEC = ImageSpec(n_packets=4, n_tones=52, n_channels=2)


def test_tones_of_the_lower_half_are_drawn_out_along_a_straight_line():
    """What is linear in the tone's number stays so, whatever the numbers of tones."""
    ramp = np.arange(30.0, dtype=np.float32).reshape(1, 1, 30, 1)

    drawn = legacy_tones(ramp, 52, n_lowest=15)

    assert drawn.shape == (1, 1, 52, 1)
    np.testing.assert_allclose(drawn[0, 0, :, 0], np.linspace(0, 14, 52), atol=1e-12)


@pytest.mark.parametrize("n_there", [1, 2, 49, 51, 53])
def test_tones_are_interpolated_as_numpy_does(rng, n_there):
    there = rng.uniform(1, 9, (2, 3, n_there, 2)).astype(np.float32)

    drawn = legacy_tones(there, 52)

    at = np.linspace(0, n_there - 1, 52)
    for sample, packet, channel in np.ndindex(2, 3, 2):
        expected = np.interp(at, np.arange(n_there), there[sample, packet, :, channel])
        np.testing.assert_allclose(drawn[sample, packet, :, channel], expected)


def test_52_tones_stay_what_they_are(rng):
    there = rng.uniform(1, 9, (2, 3, 52, 1)).astype(np.float32)
    np.testing.assert_array_equal(legacy_tones(there, 52), there)


def test_pixels_are_tone_powers_on_the_scale_of_the_device():
    """2 dB above a nanowatt, -60 dBm, on a scale from -110 to -10 dBm."""
    amplitude = np.full((1, 4, 52, 2), 10**0.1, np.float32)
    amplitude[..., 1] = 0.0  # not heard
    found = device_environment(day(hall([(1, 2)], 2), images(amplitude), [0]), SPEC)

    assert (found.images[0, 0] == round(255 * 52 / 100)).all()
    assert not found.images[0, 1].any()
    assert found.heard.tolist() == [[True, False]]


def test_points_are_called_by_their_numbers_and_keep_their_floors():
    place = hall([(1, 2), (3, 4)], 1, floors=[0, 2])
    assert [(p.name, p.x, p.y, p.floor) for p in points_of(place)] == [
        ("0", 1.0, 2.0, 0),
        ("1", 3.0, 4.0, 2),
    ]


@pytest.mark.parametrize(
    "signals",
    [power([[-50.0, -60.0]]), images(np.ones((1, 3, 52, 2)))],
    ids=["power alone", "three packets"],
)
def test_what_makes_no_image_of_the_device_is_refused(signals):
    with pytest.raises(SurveyDataError, match="no images of 4 packets"):
        device_environment(day(hall([(0, 0)], 2), signals, [0]), SPEC)
