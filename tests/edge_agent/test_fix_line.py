"""Locations in words."""

from dataclasses import replace

import pytest

from edge_agent.estimate import Quality
from edge_agent.fix_line import COLUMNS, describe_event, describe_fix
from edge_agent.payload import Source
from edge_agent.pipeline import Fix
from edge_agent.tracking.rooms import (
    OUTSIDE,
    UNKNOWN,
    EventKind,
    Presence,
    RoomEvent,
    Whereabouts,
)
from edge_agent.tracking.tracker import Tracked
from tests.edge_agent.fixes import FIX


def tracked(whereabouts, estimate=FIX.estimate):
    return Tracked(estimate, FIX.estimate, whereabouts, 0, None, None, ())


def room_of(line):
    """What stands between the time and the coordinates."""
    return line[10:].split("  x ")[0]


@pytest.mark.usefixtures("utc")
def test_a_location_is_described_in_one_line():
    assert describe_fix(FIX) == (
        "23:59:00  kitchen  83%  x  1.23  y 12.50 m  +-1.0 m  2/3 access points  "
        "replay  uncalibrated"
    )


def test_the_room_is_the_one_with_hysteresis():
    line = describe_fix(FIX, 0, tracked(Whereabouts(Presence.INSIDE, "office")))

    assert room_of(line) == "office  17%"


@pytest.mark.parametrize(
    ("whereabouts", "words"),
    [
        (OUTSIDE, "outside  10%"),
        (UNKNOWN, "unknown  50%"),
        (Whereabouts(Presence.INSIDE), "no room  20%"),
        (Whereabouts(Presence.INSIDE, "attic"), "attic   0%"),
    ],
)
def test_who_is_in_no_room_is_described_too(whereabouts, words):
    rooms = (("kitchen", 0.5), ("office", 0.2))
    estimate = replace(FIX.estimate, rooms=rooms, outside=0.1)

    line = describe_fix(Fix(estimate, Source.LIVE), 0, tracked(whereabouts, estimate))

    assert room_of(line) == words


@pytest.mark.parametrize(
    ("overrides", "words"),
    [({"outside": 0.6}, "outside  60%"), ({"is_flat": True}, "unknown  83%")],
)
def test_one_image_alone_may_be_of_no_room(overrides, words):
    fix = Fix(replace(FIX.estimate, **overrides), Source.LIVE)

    assert room_of(describe_fix(fix)) == words


@pytest.mark.parametrize(
    ("quality", "end"),
    [
        (Quality.OK, "replay"),
        (Quality.UNCALIBRATED, "replay  uncalibrated"),
        (Quality.UNCERTAIN, "replay  uncertain"),
        (Quality.DRIFTED, "replay  drifted"),
    ],
)
def test_quality_is_said_unless_it_is_ok(quality, end):
    line = describe_fix(Fix(replace(FIX.estimate, quality=quality), Source.REPLAY))

    assert line.split("access points  ")[1] == end


def test_a_room_that_is_held_against_another_is_said_to_be():
    held = tracked(Whereabouts(Presence.INSIDE, "office"))

    assert describe_fix(FIX, 0, held).endswith("  office is held (kitchen 83%)")


@pytest.mark.parametrize(
    "whereabouts",
    [Whereabouts(Presence.INSIDE, "kitchen"), Whereabouts(Presence.INSIDE), UNKNOWN],
)
def test_nothing_is_held_where_no_other_room_is_more_probable(whereabouts):
    assert "held" not in describe_fix(FIX, 0, tracked(whereabouts))


def test_a_site_without_rooms_holds_none():
    fix = FIX._replace(estimate=replace(FIX.estimate, rooms=()))
    held = tracked(Whereabouts(Presence.INSIDE, "office"), fix.estimate)

    assert "held" not in describe_fix(fix, 0, held)


def test_the_columns_are_named_in_the_order_of_a_line():
    line = describe_fix(FIX)
    places = [COLUMNS.index(w) for w in ("room", "place", "+-", "access", "source")]

    assert places == sorted(places)
    words = ("kitchen", " x ", "+-", "access", "replay")
    assert sorted(words, key=line.index) == list(words)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (EventKind.ENTER, "enters kitchen"),
        (EventKind.LEAVE, "leaves kitchen"),
        (EventKind.DWELL, "in kitchen for 61 s"),
    ],
)
def test_events_are_a_few_words(kind, words):
    assert describe_event(RoomEvent(kind, "kitchen", 0, 0, 60.9, 1.0)) == words
