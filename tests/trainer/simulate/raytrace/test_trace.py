"""Responses and signal strengths of layouts."""

import numpy as np
import pytest

from trainer.errors import RoomError
from trainer.simulate.raytrace.errors import NoPathsError
from trainer.simulate.raytrace.trace import Trace, trace

TONES = np.array([-26, -1, 1, 26])


def test_in_free_space_signal_strength_is_that_of_friis(stand_in, make_layout):
    stand_in()
    layout = make_layout(receivers=np.array([[1.0, 1.0, 1.5], [4.0, 1.0, 2.5]]))

    traced = trace(layout, TONES)

    # The access point is at (1, 1, 2.5): 1 m and 3 m away. Free space at 5.18 GHz:
    # 20 lg(4 pi 5.18e9 / 299792458) = 46.734 dB at 1 m, 9.542 dB more at 3 m.
    assert traced.rss_dbm(20.0).ravel() == pytest.approx([-26.734, -36.276], abs=2e-3)
    assert traced.rss_dbm(17.0).ravel() == pytest.approx([-29.734, -39.276], abs=2e-3)
    assert traced.rss_dbm(20.0).dtype == np.float32
    assert traced.n_paths.tolist() == [[1], [1]]


def test_tones_are_312_5_khz_apart(stand_in, make_layout):
    stand_in()

    (((low, *_, high),),) = trace(make_layout(), TONES).response

    # From (1, 1, 2.5) to (4, 3, 1.2): 3.833 m, and 52 tones are 16.25 MHz.
    turn = -2 * np.pi * 52 * 312.5e3 * np.sqrt(9 + 4 + 1.69) / 299_792_458
    assert np.angle(high / low) == pytest.approx(turn, abs=1e-3)


def test_signal_strength_is_the_mean_power_of_the_tones():
    response = np.array([[[1.0, 0.1j]]], np.complex64)

    rss = Trace(response, np.ones((1, 1), np.int32), {}, 0.0).rss_dbm(10.0)

    assert rss[0, 0] == pytest.approx(10 + 10 * np.log10(0.505))


def test_a_receiver_without_paths_is_refused_by_number_and_place(stand_in, make_layout):
    stand_in(rt="DEAF_BELOW_X_M = 2.0")
    layout = make_layout(
        receivers=np.array([[4.0, 1.0, 1.5], [1.5, 2.0, 1.5]]),
        access_points=np.array([[1.0, 1.0, 2.5], [5.0, 1.0, 2.5]]),
    )

    with pytest.raises(NoPathsError) as caught:
        trace(layout, TONES)

    assert str(caught.value) == (
        "cellar: no path leads from access point 0 at [1.  1.  2.5] m to receiver 1 at "
        "[1.5 2.  1.5] m (2 of 4 links have none); is it closed in by metal? Otherwise "
        "trace with a larger depth or more rays"
    )


def test_paths_that_carry_nothing_are_none(stand_in, make_layout):
    stand_in(rt="Paths.cfr = lambda self, tones, **_: np.zeros((1, 1, 1, 1, 1, 4))")

    with pytest.raises(NoPathsError):
        trace(make_layout(), TONES)


def test_receivers_without_paths_are_accepted_where_one_says_so(stand_in, make_layout):
    stand_in(rt="DEAF_BELOW_X_M = 2.0")
    layout = make_layout(receivers=np.array([[4.0, 1.0, 1.5], [1.5, 2.0, 1.5]]))

    traced = trace(layout, TONES, may_be_deaf=True)

    assert traced.heard.tolist() == [[True], [False]]
    assert traced.rss_dbm(20.0)[1, 0] == -np.inf
    heard = traced.at(np.array([True, False]))
    assert heard.n_paths.tolist() == [[1]]
    assert np.array_equal(heard.response, traced.response[:1])


@pytest.mark.parametrize("tones", [[], [3, 2], [0, 500]])
def test_tones_that_are_none_are_refused(make_layout, tones):
    with pytest.raises(RoomError, match="subcarriers"):
        trace(make_layout(), np.array(tones, np.intp))
