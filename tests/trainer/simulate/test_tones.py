"""Subcarriers against the standard's counts and the device's own."""

import numpy as np
import pytest

from edge_agent.csi.subcarriers import FrameFormat, Phy, usable_tones
from trainer.errors import RoomError
from trainer.simulate.tones import TONES, check_tones, used_tones


@pytest.mark.parametrize(
    ("bandwidth_mhz", "n_words", "subbands", "n_tones"),
    [(20, 64, 1, 56), (40, 128, 3, 114), (80, 256, 15, 242)],
)
def test_used_tones_are_those_that_the_device_takes(
    bandwidth_mhz, n_words, subbands, n_tones
):
    tones = used_tones(bandwidth_mhz)

    device = usable_tones(FrameFormat(n_words, Phy.VHT, subbands, overwritten=False))
    np.testing.assert_array_equal(tones, device)
    assert len(tones) == n_tones


def test_the_usual_ones_are_those_of_20_mhz():
    assert TONES.tolist() == [*range(-28, 0), *range(1, 29)]


def test_another_bandwidth_is_refused():
    with pytest.raises(RoomError, match="160 MHz, not 20, 40 or 80"):
        used_tones(160)


@pytest.mark.parametrize("tones", [[], [1, 1], [3, 2], [-129, 0], [0, 129]])
def test_what_are_no_subcarriers_is_refused(tones):
    with pytest.raises(RoomError, match="there must be some, ascending, within ±128"):
        check_tones(np.array(tones, np.intp))


def test_subcarriers_may_be_any_within_80_mhz():
    check_tones(np.array([-128, -3, 0, 128]))
