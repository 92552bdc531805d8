"""What is said of a place that was expected, and what to do about it."""

from dataclasses import replace

import pytest

from edge_agent.explain.comparison import Comparison, ShotNearby
from edge_agent.explain.expected_words import expected_lines
from edge_agent.explain.explanation import Candidate
from edge_agent.survey import Point
from tests.edge_agent.explain.test_words import explanation

DESK = Point("desk", 4.0, 0.0, "office")
STOVE = Point("stove", 0.0, 0.0, "tea kitchen")
CHANNELS = ("dc:a6:32:01:02:03", "dc:a6:32:01:02:04")

NEAREST = ShotNearby(DESK, "1", 2.5, (0.5, 2.0), (-1.0, 3.0))
BEST = ShotNearby(STOVE, "2", 4.0, (3.0, 1.0), (-9.0, None))
WRONG = Comparison("tea kitchen", NEAREST, BEST, 2, (0,))


def at(point):
    return (Candidate(point, 0.9, None, 0.9),)


def said(comparison, point=DESK):
    return list(
        expected_lines(
            explanation(
                comparison=comparison,
                channels=CHANNELS,
                heard=(True, True),
                candidates=at(point),
            )
        )
    )


def test_columns_have_the_names_of_the_places():
    lines = said(WRONG)

    header = next(line for line in lines if "speaks for" in line)
    assert header.split() == ["desk", "stove", "speaks", "for", "desk", "stove"]
    first, second = (next(x for x in lines if x.startswith(c)) for c in CHANNELS)
    assert first.split() == [
        CHANNELS[0],
        "0.50",
        "3.00",
        "desk",
        "-1.0",
        "dB",
        "-9.0",
        "dB",
    ]
    assert second.split() == [CHANNELS[1], "2.00", "1.00", "stove", "+3.0", "dB", "-"]
    assert not any(word in " ".join(lines).split() for word in ("here", "here:"))


def test_both_shots_are_named_above_with_how_far_apart_they_are():
    lines = said(WRONG)

    nearest, expected = (
        next(line for line in lines if line.startswith(word))
        for word in ("nearest", "expected")
    )
    assert nearest.split() == ["nearest", "office/desk,", "lap", "1", "2.50"]
    assert expected.endswith("tea kitchen/stove, lap 2   4.00")
    assert f"without {CHANNELS[0]} it would be tea kitchen" in lines


def test_where_no_access_point_decides_it_that_is_said():
    assert "no single access point decides it" in said(replace(WRONG, deciding=()))


def test_an_access_point_at_the_same_distance_of_both_speaks_for_neither():
    best = replace(BEST, shares=(0.52, 2.0))
    row = next(x for x in said(replace(WRONG, best=best)) if x.startswith(CHANNELS[0]))

    assert "neither" in row


def test_it_ends_with_what_to_do():
    *_, label, _, calibrate = said(WRONG)

    assert label == "  edge_agent label 'tea kitchen'"
    assert calibrate == "  edge_agent calibrate --points 5"


@pytest.mark.parametrize("expected", ["office", "desk"])
def test_where_it_was_located_as_expected_nothing_is_to_be_done(expected):
    right = Comparison(expected, NEAREST, NEAREST, 0, ())

    assert said(right) == [
        f"the nearest shot is of {expected}: office/desk, lap 1, 2.50 apart"
    ]


def test_what_locates_may_differ_from_the_nearest_shot():
    right = Comparison("office", NEAREST, NEAREST, 0, ())
    lines = said(right, STOVE)

    assert lines[1] == "yet network on numpy located it at tea kitchen/stove"
    assert lines[3] == "  edge_agent label office"


def test_lines_fit_a_terminal_whatever_places_are_called():
    long = Point("p" * 40, 0.0, 0.0, "r" * 40)
    shots = [replace(shot, point=long) for shot in (NEAREST, BEST)]
    comparison = replace(WRONG, nearest=shots[0], best=shots[1])
    rows = [line for line in said(comparison) if line.startswith(CHANNELS)]

    assert len(rows) == 2
    assert max(map(len, rows)) <= 78


def test_nothing_is_said_where_nothing_was_expected():
    assert said(None) == []
