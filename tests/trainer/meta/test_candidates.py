"""Eq. (2) between images of a few grey levels, counted by hand."""

import numpy as np
import pytest

from trainer.errors import TaskError
from trainer.meta.candidates import nearest_points, to_pixels


def grey(*shares):
    """A 4x5 image with one channel: as many pixels of each level as given."""
    levels = np.repeat(np.arange(len(shares)) * 40, shares)
    return levels.reshape(1, 4, 5).astype(np.uint8)


IMAGE = grey(10, 10, 0)
REFERENCES = np.stack(
    [
        grey(0, 0, 20),  # point 4: 0 pixels in common
        grey(10, 5, 5),  # point 7: 15
        grey(2, 2, 16),  # point 5: 4
        grey(10, 8, 2),  # point 4: 18
        grey(5, 5, 10),  # point 5: 10
    ]
)
POINT_OF = np.array([4, 7, 5, 4, 5])


@pytest.mark.parametrize("k", [1, 2, 3])
def test_points_rank_by_their_most_similar_image(k):
    assert nearest_points(IMAGE, REFERENCES, POINT_OF, k).tolist() == [4, 7, 5][:k]


def test_channels_that_were_not_heard_take_no_part():
    """The second channel says the opposite, and louder; masked, the first decides."""
    two = np.concatenate([REFERENCES, REFERENCES[[3, 0, 0, 3, 0]]], axis=1)
    image = np.concatenate([IMAGE, grey(0, 0, 20)], axis=0)

    everything = nearest_points(image, two, POINT_OF, 3)
    masked = nearest_points(
        image,
        two,
        POINT_OF,
        3,
        heard=np.array([True, False]),
        references_heard=np.ones((5, 2), np.bool_),
    )

    assert everything.tolist() == [7, 5, 4]
    assert masked.tolist() == [4, 7, 5]


@pytest.mark.parametrize("k", [0, 4])
def test_more_points_than_there_are_are_refused(k):
    with pytest.raises(TaskError, match=f"{k} nearest of 3 points"):
        nearest_points(IMAGE, REFERENCES, POINT_OF, k)


def test_amplitudes_become_pixels_channel_first():
    images = np.zeros((1, 2, 3, 2), np.float32)
    images[0, 1, 2, 0], images[0, 0, 1, 1], images[0, 0, 0, 0] = 10.0, 20.0, 99.0

    pixels = to_pixels(images, top=20.0)

    assert pixels.dtype == np.uint8
    assert pixels.shape == (1, 2, 2, 3)
    assert pixels[0, 0].tolist() == [[255, 0, 0], [0, 0, 128]]
    assert pixels[0, 1].tolist() == [[0, 255, 0], [0, 0, 0]]
