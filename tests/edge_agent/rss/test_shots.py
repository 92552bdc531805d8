"""Labelled windows: what they hold, and how they come back from the disk."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.errors import CalibrationError
from tests.edge_agent.rss.places import POINTS, shots


def test_what_is_saved_is_loaded(tmp_path, rng):
    before = shots(rng)
    before.rss[0, 1] = np.nan

    before.save(tmp_path / "shots.npz")
    after = type(before).load(tmp_path / "shots.npz")

    for name in (
        *("name", "spec", "transmitters", "points"),
        *("is_simulated", "is_monitor"),
    ):
        assert getattr(after, name) == getattr(before, name)
    for name in ("rss", "point_of", "visit_of"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert after.digest == before.digest
    assert after.heard[0].tolist() == [True, False, True]
    assert (after.has_level, after.n_access_points, len(after)) == (True, 3, 24)


def test_shots_are_taken_from_many_visits(rng):
    taken = shots(rng, n_per_point=3).take_shots(2)

    assert taken.point_of.tolist() == np.repeat(np.arange(8), 2).tolist()
    assert taken.visit_of.tolist() == ["0", "1"] * 8


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "office"},
        {"is_monitor": False},
        {"points": (*POINTS[:7], replace(POINTS[7], x=9.5))},
        {"visit_of": np.full(24, "9")},
        {"rss": np.full((24, 3), -50, np.float32)},
    ],
)
def test_other_shots_have_another_digest(rng, changes):
    before = shots(rng)

    assert replace(before, **changes).digest != before.digest


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rss": np.zeros((24, 2), np.float32)}, "shape .24, 2. for 3 transmitters"),
        ({"rss": np.full((24, 3), np.inf, np.float32)}, "infinite"),
        ({"rss": np.full((24, 3), np.nan, np.float32)}, "nothing was heard"),
        ({"point_of": np.zeros(3, np.intp)}, "24 windows, but other numbers"),
        ({"point_of": np.full(24, 8)}, "none of the 8"),
        ({"transmitters": ("00:00:00:00:00:01",) * 3}, "listed twice"),
        ({"transmitters": ("a", "b", "c")}, "no address such as|fromhex"),
    ],
)
def test_shots_that_contradict_themselves_are_refused(rng, changes, reason):
    with pytest.raises(ValueError, match=reason):
        replace(shots(rng), **changes)


def test_shots_that_are_not_there_or_damaged_are_refused(tmp_path, rng):
    path = tmp_path / "shots.npz"
    with pytest.raises(CalibrationError, match="No such file"):
        type(shots(rng)).load(path)
    shots(rng, points=POINTS).save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CalibrationError, match="damaged"):
        type(shots(rng)).load(path)
