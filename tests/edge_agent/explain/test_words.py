"""An explanation as a person reads it."""

from dataclasses import replace

import pytest

from edge_agent.explain.air import Transmitter
from edge_agent.explain.comparison import ShotNearby
from edge_agent.explain.explanation import Candidate, Explanation
from edge_agent.explain.words import lines
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

    assert titles == ["access points:", "drift:"]


def test_it_is_said_how_unlike_the_shots_the_image_is():
    fix = fix_of([0, 1, 0, 0, 0, 0, 0, 0])
    known = fix._replace(estimate=replace(fix.estimate, novelty=0.976))
    strange = fix._replace(estimate=replace(known.estimate, strangeness=0.9))

    near, far = (list(lines(explanation(fix=each))) for each in (known, strange))

    said = "novelty: 98% of re-visits were nearer to their shots"
    assert said in near
    assert f"{said}; 90% that it is of no point" in far
    assert not any("novelty" in line for line in lines(explanation()))


NOT_ALONE = "not by the nearest shots alone: network on numpy, of its own, says"
P0, P1 = (Point(f"p{n}", float(n), 0.0) for n in range(2))


@pytest.mark.parametrize(
    ("best", "words"),
    [
        (
            Candidate(P0, 0.51, 0.99, 0.996),
            [f"{NOT_ALONE} 99.0%"],
        ),
        (
            Candidate(P0, 0.98, 0.99, 0.6),
            ["temperature (docs/accuracy.md) makes 60.0% of 99.0%"],
        ),
        (
            Candidate(P0, 0.3, None, 0.6),
            [f"{NOT_ALONE} 60.0%"],
        ),
        (Candidate(P0, 0.58, 0.6, 0.62), []),
        (Candidate(P0, None, 0.6, 0.62), []),
    ],
)
def test_what_becomes_of_the_shots_belief_is_said(best, words):
    others = (Candidate(P1, 0.1, 0.1, 0.1),)
    found = list(lines(explanation(candidates=(best, *others))))

    after = found[found.index("candidates:") + 4 :]
    assert [line.strip() for line in after[: after.index("")]] == words


def test_levels_are_those_of_now_and_of_the_nearest_shot_by_name():
    shot = ShotNearby(Point("stove", 0.0, 0.0, "kitchen"), "1", 0.5, (0.5,), (-2.0,))
    heard = Transmitter("dc:a6:32:01:02:03", 0, 0, 60, 50, -42.0, "")
    found = list(lines(explanation(air=(heard,), shots=(shot,))))

    header, row = (
        next(line for line in found if word in line) for word in ("frames  ", "-42 dBm")
    )
    assert "at kitchen/stove" in header
    assert row.split()[-6:] == ["-42", "dBm", "-40", "dBm", "-2.0", "dB"]
