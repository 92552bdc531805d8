"""The paper's grids, against what is known about them."""

import numpy as np
import pytest

from trainer.simulate.grids import N_POINTS, grid


@pytest.mark.parametrize(
    ("scene", "mean_m", "sides_m"),
    [("hall", 2.54, (8.4, 3.0)), ("lab", 3.26, (7.2, 8.4))],
)
def test_the_middle_of_the_grids_is_as_far_as_it_was(scene, mean_m, sides_m):
    """From the reference notes on the authors' grids."""
    xy = grid(scene)

    far = np.linalg.norm(xy - xy.mean(axis=0), axis=1).mean()
    assert far == pytest.approx(mean_m, abs=0.005)
    assert len(np.unique(xy.round(3), axis=0)) == N_POINTS == 90
    np.testing.assert_allclose(np.ptp(xy, axis=0), sides_m)


@pytest.mark.parametrize(
    ("scene", "label", "x_m", "y_m"),
    [
        ("hall", 7, 0.6, 0.6),
        ("hall", 89, 8.4, 3.0),
        # One aisle is 1.8 m wide before the second row of the laboratory, and before
        # its last.
        ("lab", 14, 0.0, 8.4),
        ("lab", 15, 1.8, 0.0),
        ("lab", 74, 5.4, 8.4),
        ("lab", 75, 7.2, 0.0),
    ],
)
def test_labels_run_along_y(scene, label, x_m, y_m):
    np.testing.assert_allclose(grid(scene)[label], (x_m, y_m))
