"""Packets in a row become images that share none."""

import numpy as np

from trainer.surveys.packets import cut, repeated, runs
from trainer.surveys.report import Skips


def test_runs_are_the_stretches_of_equal_rows():
    keys = np.array([[1, 1], [1, 1], [1, 2], [1, 1]])

    assert list(runs(keys)) == [slice(0, 2), slice(2, 3), slice(3, 4)]
    assert list(runs(np.array([7, 7]))) == [slice(0, 2)]
    assert list(runs(np.empty((0, 2), int))) == []


def test_images_are_consecutive_and_the_rest_is_counted():
    skips = Skips()
    packets = np.arange(7, dtype=np.float32)[:, None, None]

    images = cut(packets, 3, skips)

    assert images[:, :, 0, 0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert skips.counts == {"packets after the last full image": 1}


def test_values_are_repeated_as_often_as_they_count():
    assert repeated([4, 2, 9], [2, 0, 1]).tolist() == [4, 4, 9]
