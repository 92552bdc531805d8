"""Features of signals that are small enough to do by hand."""

import numpy as np
import pytest

from trainer.methods.features import (
    SILENCE_DB,
    decibel_floor,
    decibels,
    full_scale,
    level_db,
    mean_amplitude,
    packet_shape,
    rss_vector,
    scaled_images,
)
from trainer.surveys.environment import Signals

NAN = np.nan


def rss(*rows):
    return Signals(np.array(rows, np.float32))


def csi(images, power=None):
    images = np.array(images, np.float32)
    if power is None:
        power = np.full((len(images), images.shape[3]), NAN)
    return Signals(np.array(power, np.float32), images)


TWO_PACKETS = csi([[[[3, 0], [0, 4]], [[6, 0], [0, 8]]]])
"""One image of two packets, two tones and two channels; the second packet is double."""


def test_what_is_not_heard_or_weaker_is_at_the_floor():
    found = rss_vector(rss([-40, NAN, -90]), floor_dbm=-80)

    assert found.tolist() == [[-40, -80, -80]]


def test_decibels_of_an_rss_survey_are_its_powers():
    assert decibels(rss([-40, NAN]), -95.0).tolist() == [[-40, -95]]


def test_decibels_of_images_are_those_of_the_mean_over_packets():
    found = decibels(csi([[[[10, 0]], [[10, 0]]], [[[100, 1]], [[300, 1]]]]), -6.0)

    np.testing.assert_allclose(found, [[20, -6], [20 * np.log10(200), 0]])


def test_the_floor_is_below_the_weakest_of_all_signals():
    known = [rss([-40, NAN]), rss([NAN, NAN]), rss([-70, -61])]

    assert decibel_floor(known, margin_db=3) == -73


def test_the_floor_of_images_is_below_their_weakest_tone():
    known = [csi([[[[10, 0]]]]), csi([[[[100, 0.1]]]])]

    assert decibel_floor(known, margin_db=3) == pytest.approx(-23)


@pytest.mark.parametrize("nothing", [rss([NAN]), csi([[[[0]]]])], ids=["rss", "csi"])
def test_there_is_a_floor_where_nothing_is_heard(nothing):
    assert decibel_floor([nothing]) == decibel_floor([]) == SILENCE_DB


def test_the_mean_amplitude_is_over_packets():
    assert mean_amplitude(TWO_PACKETS).tolist() == [[4.5, 0, 0, 6]]


def test_the_shape_of_a_packet_has_unit_norm_over_tones_and_channels():
    # Each packet is (3, 4) / 5, however loud.
    np.testing.assert_allclose(packet_shape(TWO_PACKETS), [[0.6, 0, 0, 0.8]])


def test_the_shape_of_a_lost_packet_is_zero():
    found = packet_shape(csi([[[[3], [4]], [[0], [0]]]]))

    np.testing.assert_allclose(found, [[0.3, 0.4]])


def test_the_shape_forgets_the_level_and_keeps_the_ratio_of_channels(rng):
    images = rng.uniform(1, 2, (4, 3, 5, 2))

    np.testing.assert_allclose(
        packet_shape(csi(images * 7)), packet_shape(csi(images)), rtol=1e-6
    )
    assert not np.allclose(
        packet_shape(csi(images * [1, 2])), packet_shape(csi(images))
    )


def test_the_level_of_an_rss_survey_is_the_power():
    assert level_db(rss([-40, NAN])).tolist()[0][0] == -40
    assert np.isnan(level_db(rss([-40, NAN]))[0, 1])


def test_the_level_of_images_is_their_mean_square():
    found = level_db(csi([[[[3, 0], [1, 0]], [[1, 0], [3, 0]]]], power=[[NAN, -50]]))

    np.testing.assert_allclose(found, [[10 * np.log10(5), NAN]])


def test_one_bright_image_in_a_hundred_does_not_set_the_scale():
    images = np.ones((200, 1, 2, 1))
    images[7, 0, 1, 0] = 50

    assert full_scale([csi(images[:150]), csi(images[150:])]).tolist() == [1.0]


def test_the_scale_is_that_of_images_which_hear_the_channel():
    images = np.zeros((100, 1, 1, 3))
    images[0, ..., 0] = 7
    images[..., 1] = 5

    assert full_scale([csi(images)]).tolist() == [7.0, 5.0, 1.0]


def test_scaled_images_are_channels_first_and_clipped():
    found = scaled_images(csi([[[[1, 8]], [[2, 4]], [[9, 0]]]]), np.array([2.0, 8.0]))

    assert found.dtype == np.float32
    assert found.tolist() == [[[[0.5], [1], [1]], [[1], [0.5], [0]]]]


@pytest.mark.parametrize(
    "feature", [mean_amplitude, packet_shape, lambda s: full_scale([s])]
)
def test_signals_without_images_have_no_features_of_images(feature):
    with pytest.raises(ValueError, match="these signals have no CSI images"):
        feature(rss([-40]))
