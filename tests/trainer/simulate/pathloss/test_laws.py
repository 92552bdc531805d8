"""Path-loss laws against numbers from a calculator, and against each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.simulate.pathloss.laws import (
    FREE_SPACE,
    CloseIn,
    CloseInFrequency,
    DualCloseInFrequency,
    DualFloatingIntercept,
    FloatingIntercept,
    HigherOf,
    free_space_at_1m_db,
)

ABG = FloatingIntercept(3.0, 20.0, 2.5)
CIF = CloseInFrequency(3.0, 0.1, 20e9)
DUAL_ABG = DualFloatingIntercept(ABG, 5.0, 10.0)
DUAL_CIF = DualCloseInFrequency(CIF, CloseInFrequency(6.0, 0.2, 20e9), 10.0)


@pytest.mark.parametrize(("carrier_hz", "loss_db"), [(2.44e9, 40.20), (5.18e9, 46.73)])
def test_one_metre_of_free_space(carrier_hz, loss_db):
    assert free_space_at_1m_db(carrier_hz) == pytest.approx(loss_db, abs=0.005)


@pytest.mark.parametrize("distance_m", [1.0, 3.0, 40.0])
def test_free_space_is_the_engineers_form_in_kilometres_and_megahertz(distance_m):
    engineers = 20 * np.log10(distance_m / 1000) + 20 * np.log10(2440) + 32.4478

    assert FREE_SPACE.loss_db(distance_m, 2.44e9) == pytest.approx(engineers, abs=1e-3)


@pytest.mark.parametrize(
    ("law", "carrier_hz", "at_10_m"),
    [
        # FSPL(10 GHz) = 52.4477 dB.
        (CloseIn(1.5), 10e9, 52.4477 + 15),
        # n (1 + 0.1 (10 - 20) / 20) = 2.85.
        (CIF, 10e9, 52.4477 + 28.5),
        (ABG, 10e9, 20 + 25 + 30),
        (HigherOf(ABG, CIF), 10e9, 52.4477 + 28.5),
        (HigherOf(CIF, ABG), 10e9, 52.4477 + 28.5),
    ],
)
def test_a_decade_of_metres_and_of_gigahertz(law, carrier_hz, at_10_m):
    assert law.loss_db(10.0, carrier_hz) == pytest.approx(at_10_m, abs=1e-3)


@pytest.mark.parametrize(
    ("law", "far_slope"),
    [
        (DUAL_ABG, 5.0),
        # 6 (1 + 0.2 (10 - 20) / 20) = 5.4.
        (DUAL_CIF, 5.4),
    ],
)
def test_beyond_the_break_point_the_second_slope_alone_counts(law, far_slope):
    near, at_break, far = law.loss_db([1.0, 10.0, 100.0], 10e9)

    assert at_break - near == pytest.approx(
        law.near.loss_db(10.0, 10e9) - law.near.loss_db(1.0, 10e9)
    )
    assert far - at_break == pytest.approx(10 * far_slope)


@pytest.mark.parametrize("law", [DUAL_ABG, DUAL_CIF])
def test_two_slopes_meet_at_the_break_point(law):
    below, above = law.loss_db([10 - 1e-9, 10 + 1e-9], 10e9)

    assert above == pytest.approx(below, abs=1e-6)


@pytest.mark.parametrize("law", [CloseIn(2.0), CIF, ABG, DUAL_ABG, DUAL_CIF])
@given(
    distances=st.tuples(st.floats(1, 200), st.floats(1, 200)),
    carrier_hz=st.floats(0.5e9, 100e9),
)
def test_farther_is_never_less_loss(law, distances, carrier_hz):
    nearer, farther = law.loss_db(sorted(distances), carrier_hz)

    assert farther >= nearer
