"""Locations in words: one line each, for a person."""

import time

from edge_agent.console import clock
from edge_agent.estimate import Quality
from edge_agent.pipeline import Fix
from edge_agent.tracking.rooms import EventKind, Presence, RoomEvent
from edge_agent.tracking.tracker import Tracked

COLUMNS = (
    "time  room, how probable  place, +- what holds it 68 times of 100  access points "
    "heard  source  how far to trust it, unless ok"
)
"""What the lines of `describe_fix` say, for who reads them for the first time."""


def describe_fix(fix: Fix, room_width: int = 0, tracked: Tracked | None = None) -> str:
    """Return one line about a location, for a person.

    Args:
        fix: The location.
        room_width: Characters that the room's name takes at least.
        tracked: Where the room has hysteresis, if anything follows the device.
    """
    estimate = fix.estimate
    room = ""
    if not estimate.n_heard:
        room = "unknown  "
    elif estimate.rooms:
        name, share = _room(fix, tracked)
        room = f"{name:<{room_width}} {share:4.0%}  "
    when = clock(estimate.time_ns or time.time_ns())
    place = ""
    if (where := estimate.position) is not None:
        place = f"x {where.x:5.2f}  y {where.y:5.2f} m  +-{where.r68:.1f} m  "
    quality = "" if estimate.quality is Quality.OK else f"  {estimate.quality}"
    return (
        f"{when}  {room}{place}{estimate.n_heard}/{estimate.n_channels} access "
        f"points  {fix.source}{quality}{_held(fix, tracked)}"
    )


def describe_event(event: RoomEvent) -> str:
    """Return a few words about what happened to a room, for a person."""
    match event.kind:
        case EventKind.ENTER:
            return f"enters {event.room}"
        case EventKind.LEAVE:
            return f"leaves {event.room}"
        case EventKind.DWELL:
            return f"in {event.room} for {event.duration_s:.0f} s"


def _held(fix: Fix, tracked: Tracked | None) -> str:
    """Return which room is more probable than the one that is held, if one is."""
    if tracked is None or tracked.whereabouts.room is None or not fix.estimate.rooms:
        return ""
    (likeliest, share), held = fix.estimate.rooms[0], tracked.whereabouts.room
    return "" if likeliest == held else f"  {held} is held ({likeliest} {share:.0%})"


def _room(fix: Fix, tracked: Tracked | None) -> tuple[str, float]:
    """Return what stands for the room, and its probability."""
    estimate = fix.estimate
    if tracked is None:
        is_outside, is_unknown = estimate.is_outside, estimate.is_unknown
        name = estimate.room
    else:
        presence, name = tracked.whereabouts
        is_outside = presence is Presence.OUTSIDE
        is_unknown = presence is Presence.UNKNOWN
    if name is not None:
        return name, dict(estimate.rooms).get(name, 0.0)
    if is_outside:
        return "outside", estimate.outside
    if is_unknown:
        return "unknown", estimate.rooms[0][1]
    return "no room", 1 - estimate.outside - sum(dict(estimate.rooms).values())
