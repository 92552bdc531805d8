"""P_LOS against values from a calculator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.simulate.pathloss.sight import MIXED_OFFICE, OPEN_OFFICE


def test_the_mixed_office():
    distances = [1, 2, 3, 5, 7, 10, 14]

    np.testing.assert_allclose(
        MIXED_OFFICE.at(distances), [1, 0.84, 0.68, 0.45, 0.32, 0.29, 0.25], atol=0.006
    )


@pytest.mark.parametrize(
    ("distance_m", "probability"),
    [
        (0, 1),
        (5, 1),
        (20, np.exp(-15 / 70.8)),
        (100, 0.54 * np.exp(-51 / 211.7)),
        (49.001, 0.54),
    ],
)
def test_the_open_office(distance_m, probability):
    assert OPEN_OFFICE.at(distance_m) == pytest.approx(probability, abs=1e-5)


@pytest.mark.parametrize(("sight", "jump"), [(MIXED_OFFICE, 0.0), (OPEN_OFFICE, 0.003)])
@given(distances=st.tuples(st.floats(0, 300), st.floats(0, 300)))
def test_farther_is_never_more_likely_in_sight(sight, jump, distances):
    """But for the open office at 49 m, where the published pieces miss each other."""
    nearer, farther = sight.at(sorted(distances))

    assert 0 < farther <= nearer + jump <= 1 + jump
