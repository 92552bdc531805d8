"""An explanation as a person reads it."""

from dataclasses import replace

import pytest

from edge_agent.explain.explanation import Explanation
from edge_agent.explain.words import lines, place
from edge_agent.survey import Point
from tests.edge_agent.explain.test_explanation import fix_of


def explanation(**overrides):
    values = {
        "number": 3,
        "fix": fix_of([0, 1, 0, 0, 0, 0, 0, 0]),
        "tracked": None,
        "model": "rooms+cal.20260101T000000Z",
        "backend": "network on numpy",
        "age_s": None,
        "channels": ("dc:a6:32:01:02:03",),
        "heard": (True,),
        "span_s": 30.0,
        "air": (),
        "shots": (),
        "candidates": (),
        "comparison": None,
        "drift": None,
        "timing_ms": {"location": 1.0},
    }
    return Explanation(**(values | overrides))


def test_no_line_is_longer_than_a_terminal():
    found = list(lines(explanation(model="m" * 200)))

    (long,) = [line for line in found if line.startswith("mmm")]
    assert len(long) == 80
    assert long.endswith("..")


@pytest.mark.parametrize(
    ("age_s", "words"),
    [
        (None, "network on numpy"),
        (-5.0, "network on numpy, calibrated later"),
        (5400.0, "network on numpy, 1.5 h old"),
        (266_400.0, "network on numpy, 3 days 2 h old"),
    ],
)
def test_the_age_of_the_calibration_is_said(age_s, words):
    found = list(lines(explanation(age_s=age_s)))

    assert any(line.endswith(words) for line in found)


def test_parts_without_anything_to_say_are_left_out():
    titles = [line for line in lines(explanation()) if line.endswith(":")]

    assert titles == ["access points:", "candidates:", "drift:"]


@pytest.mark.parametrize(
    ("point", "name"),
    [
        (Point("table", 0.0, 0.0, "kitchen"), "kitchen/table"),
        (Point("kitchen", None, None, "kitchen"), "kitchen"),
        (Point("p1", 0.0, 0.0), "p1"),
    ],
)
def test_a_point_is_named_with_its_room(point, name):
    assert place(point) == name


def test_it_is_said_how_unlike_the_shots_the_image_is():
    fix = fix_of([0, 1, 0, 0, 0, 0, 0, 0])
    strange = fix._replace(estimate=replace(fix.estimate, novelty=0.976))

    found = list(lines(explanation(fix=strange)))

    assert "novelty 0.98: 98% of re-visits were nearer to their shots" in found
    assert not any("novelty" in line for line in lines(explanation()))
