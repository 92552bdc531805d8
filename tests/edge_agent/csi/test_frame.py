"""FrameBatch: rows, concatenation, names."""

from dataclasses import fields

import numpy as np
import pytest

from edge_agent.csi import NO_RSSI, FrameBatch
from edge_agent.csi.chips import WordFormat
from edge_agent.csi.frame import NO_FRAME_CONTROL, chip_name, format_mac
from tests.builders import frame_batch


def numbered(n, *, first=0):
    """Frames that differ in every column."""
    number = np.arange(first, first + n)
    columns = {
        field.name: number % 2 if field.name == "imaginary_first" else number
        for field in fields(FrameBatch)
        if field.name not in ("csi", "mac", "phystatus")
    }
    wide = np.repeat(number[:, None], 6, axis=1)
    gains = np.repeat(number[:, None], 64, axis=1)
    return frame_batch(gains, mac=wide, phystatus=wide, **columns)


def assert_equal(found, expected):
    for field in fields(FrameBatch):
        np.testing.assert_array_equal(
            getattr(found, field.name), getattr(expected, field.name), field.name
        )


@pytest.mark.parametrize("rows", [slice(2, 5), np.array([2, 3, 4])])
def test_rows_are_taken_from_every_column(rows):
    assert_equal(numbered(9)[rows], numbered(3, first=2))


def test_concatenation_joins_every_column():
    parts = [numbered(2), numbered(1, first=2), numbered(4, first=3)]

    assert_equal(FrameBatch.concatenate(parts), numbered(7))


def test_a_single_batch_is_its_own_concatenation():
    batch = numbered(2)

    assert FrameBatch.concatenate([batch]) is batch


def test_nothing_cannot_be_concatenated():
    with pytest.raises(ValueError, match="nothing to concatenate"):
        FrameBatch.concatenate([])


def test_different_numbers_of_subcarriers_cannot_be_concatenated():
    with pytest.raises(ValueError, match="dimension"):
        FrameBatch.concatenate([frame_batch(), frame_batch(np.ones((1, 128)))])


def test_absent_values_are_none_that_can_be_measured():
    """Saved recordings hold them."""
    assert NO_RSSI == -32768
    assert NO_FRAME_CONTROL == -1


def test_length_subcarriers_and_power_of_a_batch():
    batch = frame_batch(np.ones((3, 128)), rssi=[-60, NO_RSSI, 0])

    assert (len(batch), batch.n_subcarriers) == (3, 128)
    assert batch.has_rssi.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("number", "word_format", "name"),
    [
        (0x0001, WordFormat.INT16, "bcm4339"),
        (0x0003, WordFormat.FLOAT_9_5, "bcm4358"),
        (0x0065, WordFormat.INT16, "bcm43455c0"),
        (0x006A, WordFormat.FLOAT_12_6, "bcm4366c0"),
        (0xDEAD, WordFormat.INT16, "bcm4339 or bcm43455c0"),
        (0xDEAD, WordFormat.FLOAT_9_5, "bcm4358"),
        (0xDEAD, WordFormat.FLOAT_12_6, "bcm4366c0"),
    ],
)
def test_a_chip_is_named_as_far_as_it_is_known(number, word_format, name):
    assert chip_name(number, word_format) == name


def test_addresses_are_written_as_everywhere():
    assert format_mac(np.array([0, 1, 0xAB, 0xCD, 0xE, 0xFF], np.uint8)) == (
        "00:01:ab:cd:0e:ff"
    )
