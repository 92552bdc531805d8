"""S1 to S6 are six different rooms, sound for every seed."""

from itertools import pairwise, product

import numpy as np
import pytest

from trainer.errors import RoomError
from trainer.simulate.raytrace.scenarios import NAMES, TEST, TRAINING, scenario


def overlap(one, other):
    sides = zip(one.low, one.high, other.low, other.high, strict=True)
    return all(min(b, d) - max(a, c) > 1e-9 for a, b, c, d in sides)


def test_training_and_test_are_those_of_the_paper():
    assert NAMES == ("S1", "S2", "S3", "S4", "S5", "S6")
    assert (TRAINING, TEST) == (("S1", "S2", "S5", "S6"), ("S3", "S4"))


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_has_twenty_access_points_and_receivers_to_learn_from(name):
    layout = scenario(name)

    assert layout.name == name
    assert layout.access_points.shape == (20, 3)
    # 124 to adapt with and as many to test, with 54 reference points.
    assert len(layout.receivers) > 250
    assert len(np.unique(layout.receivers, axis=0)) == len(layout.receivers)


@pytest.mark.parametrize("name", NAMES)
def test_furniture_stands_in_nothing_else_whatever_the_seed(name):
    for seed in range(20):
        layout = scenario(name, seed=seed)
        for box, other in product(layout.boxes, layout.obstacles()):
            if box is not other:
                assert not overlap(box, other), (seed, box.name, other.name)


@pytest.mark.parametrize("name", NAMES)
def test_furniture_and_walls_have_no_plane_in_common(name):
    """A ray that meets two faces at once meets either."""
    for seed in range(20):
        layout = scenario(name, seed=seed)
        for box in layout.boxes:
            assert np.min(box.low) >= 0.01 - 1e-9
            assert (np.array(box.high) <= layout.size_m - 0.01 + 1e-9).all()


def test_scenarios_are_designed_quite_differently():
    layouts = [scenario(name) for name in NAMES]

    volumes = sorted(layout.size_m.prod() for layout in layouts)
    assert all(b / a > 1.05 for a, b in pairwise(volumes))
    assert volumes[-1] / volumes[0] > 5
    materials = [
        tuple(wall.material.name for wall in layout.walls) for layout in layouts
    ]
    assert len(set(materials)) == len(NAMES)
    contents = [(len(layout.panels), len(layout.boxes)) for layout in layouts]
    assert len(set(contents)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_on_access_points_and_furniture(name):
    first, again, other = (scenario(name, seed=seed) for seed in (3, 3, 4))

    assert np.array_equal(first.access_points, again.access_points)
    assert np.array_equal(first.receivers, again.receivers)
    assert first.boxes == again.boxes
    assert not np.isin(first.access_points, other.access_points).any()
    assert first.boxes != other.boxes
    assert first.panels == other.panels
    assert first.walls == other.walls


def test_access_points_of_different_scenarios_are_drawn_independently():
    one, other = (scenario(name, seed=0).access_points for name in ("S3", "S4"))

    low, high = 0.3, np.array([10.0, 8.0]) - 0.3
    relative = (one[:, :2] - low) / (high - low)
    assert np.abs(relative - (other[:, :2] - low) / (np.array([8.4, 6.4]))).max() > 0.3


def test_furniture_moves_by_a_quarter_of_a_metre_at_most():
    places = np.array(
        [[box.low for box in scenario("S4", seed=seed).boxes] for seed in range(60)]
    )

    spread = np.ptp(places, axis=0)
    fixed = np.array(["bench" in box.name for box in scenario("S4").boxes])
    assert (spread[fixed] == 0).all()
    assert (spread[~fixed, :2].max(axis=1) > 0.3).all()
    assert spread[:, :2].max() <= 0.5
    assert spread[:, 2].max() == 0


def test_a_scenario_that_is_none_is_refused():
    with pytest.raises(RoomError, match="no scenario 'S7'; there are S1, S2, S3, S4,"):
        scenario("S7")
