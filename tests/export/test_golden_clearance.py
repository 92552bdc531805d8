"""How close decisions are: where the closest is known, and where there is none."""

import numpy as np
import pytest

from edge_agent.bundles.bundle import AdaptationDefaults
from edge_agent.learning.network import scale_input
from export.golden_clearance import clearance_of
from export.golden_task import draw_task
from tests.trainer.builders import SMALL_NETWORK, random_parameters


def task_of(architecture, seed=0):
    return draw_task(
        architecture, AdaptationDefaults(0.01, 5), np.random.default_rng(seed)
    )


def test_an_activation_next_to_zero_leaves_no_clearance():
    """The convolution of one pixel is told by hand, and the bias put beside it."""
    task = task_of(SMALL_NETWORK)
    parameters = random_parameters(SMALL_NETWORK, np.random.default_rng(0))
    usual = clearance_of(SMALL_NETWORK, parameters, task)
    inputs = scale_input(SMALL_NETWORK, task.shots.images, task.shots.heard, np.float64)
    patch = inputs[0, :, 2:5, 3:6]  # about pixel (3, 4) of the first shot
    value = (patch * parameters["conv0.weight"][1]).sum()
    parameters["conv0.bias"][1] = 1e-12 - value

    assert usual > 10
    assert clearance_of(SMALL_NETWORK, parameters, task) < 1e-3


@pytest.mark.parametrize(
    ("scale", "equal", "leaves_clearance"),
    [(1.0, "largest", False), (1.0, "smallest", True), (-1.0, "smallest", False)],
)
def test_equal_pixels_leave_no_clearance(scale, equal, leaves_clearance):
    """Those between which the maximum decides: where the scale is negative, the least.

    The first convolution passes the first channel on, so that its pixels decide.
    """
    task = task_of(SMALL_NETWORK)
    parameters = random_parameters(SMALL_NETWORK, np.random.default_rng(0))
    parameters["norm0.scale"][:] = scale
    parameters["conv0.weight"][...] = 0
    parameters["conv0.weight"][:, 0, 1, 1] = [1.0, 0.9, 1.1]
    parameters["conv0.bias"][:] = 10  # all of them are positive
    images = task.shots.images
    pixels = np.tile(np.arange(63, dtype=np.uint8), (len(images), 1))
    shuffled = np.random.default_rng(1).permuted(pixels, axis=1)
    images[:, 0] = shuffled.reshape(-1, 7, 9)
    usual = clearance_of(SMALL_NETWORK, parameters, task)

    cell = images[0, 0, 2:4, 4:6]
    ordered = np.sort(cell, axis=None)
    less, more = ordered[2:] if equal == "largest" else ordered[:2]
    cell[cell == less] = more

    found = clearance_of(SMALL_NETWORK, parameters, task)
    assert usual > 1
    assert found > 1 if leaves_clearance else found == 0
