"""Signal strengths that were traced, if they are there."""

import numpy as np
import pytest

from trainer.figures import traced
from trainer.simulate.raytrace.errors import TableError


def absent():
    raise TableError("no such file")


def test_without_signal_strengths_it_is_said_what_to_do(monkeypatch):
    monkeypatch.setattr(traced, "read_tables", absent)

    assert "no such file. Signal strengths" in traced.why_missing()
    assert "trainer raytrace" in traced.why_missing()
    assert traced.traced_digest() == ""


def test_a_traced_room_is_a_place_on_the_map(monkeypatch):
    class Table:
        receivers = np.array([(1, 2, 1.2), (3, 4, 1.2)], np.float32)
        rss_dbm = np.array([(-40,), (-50,)], np.float32)

    monkeypatch.setattr(traced, "read_tables", lambda: {"S1": Table()})

    place = traced.traced_place("S1", 2.0)

    assert place.points.tolist() == [[1, 2], [3, 4]]
    assert place.rss.tolist() == [[-40], [-50]]
    assert place.noise_db == 2
    assert traced.why_missing() == ""
    assert traced.traced_digest() != ""


def test_the_rooms_of_fig_11_have_points_enough():
    if reason := traced.why_missing():
        pytest.skip(reason)
    from trainer.simulate.raytrace.scenarios import TEST, TRAINING

    for name in (*TRAINING, *TEST):
        assert len(traced.traced_place(name, 0.0).points) > 54 + 124 + 30
