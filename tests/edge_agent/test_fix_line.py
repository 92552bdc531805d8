"""Locations in words."""

from dataclasses import replace

import pytest

from edge_agent.estimate import Quality
from edge_agent.fix_line import describe_event, describe_fix
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
        "23:59:00  kitchen  83%  x  1.23  y 12.50 m  +-1.0 m  2/3 access points  replay"
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
        (Quality.UNCALIBRATED, "replay"),
        (Quality.UNCERTAIN, "replay  uncertain"),
        (Quality.DRIFTED, "replay  drifted"),
    ],
)
def test_quality_is_said_where_it_is_bad(quality, end):
    line = describe_fix(Fix(replace(FIX.estimate, quality=quality), Source.REPLAY))

    assert line.split("access points  ")[1] == end


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
