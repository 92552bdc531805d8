"""One shot where somebody stands, without questions."""

from collections.abc import Callable, Iterator

from edge_agent.csi.raw import RawFrames
from edge_agent.errors import CalibrationError, WalkError
from edge_agent.guide.skin import Skin
from edge_agent.survey import Point
from edge_agent.walking.commands import Command, Verb
from edge_agent.walking.engine import State, Walk
from edge_agent.walking.events import Asking, Event, Fault, Refused
from edge_agent.walking.shot_events import Judged

_TICK_S = 0.1


def take_shot(
    walk: Walk,
    point: Point,
    skin: Skin,
    packets: Iterator[RawFrames | None],
    clock: Callable[[RawFrames | None], float],
) -> None:
    """Take one shot at a point, and keep it if it is any good.

    Args:
        walk: That it becomes part of; the point may be new to it.
        point: Where.
        skin: What shows it.
        packets: Of the source; None now and then when nothing comes.
        clock: Returns the time [s], given what came last.

    Raises:
        CalibrationError: The shot was rejected; says why and what to do.
        CaptureError: The source breaks.
        WalkError: It cannot be stored.
    """
    now = clock(None)
    walk.begin(now)
    _show(skin, _go(walk, point, now))
    _show(skin, walk.handle(Command(Verb.SHOOT), now))
    for raw in packets:
        now = clock(raw)
        _show(
            skin, [*(walk.feed(raw, now) if raw is not None else []), *walk.tick(now)]
        )
        if walk.state is not State.SHOOTING:
            break
    while walk.state is State.SHOOTING:  # the packets have ended
        now += _TICK_S
        _show(skin, walk.tick(now))
    if Verb.KEEP in walk.can:
        _show(skin, walk.handle(Command(Verb.KEEP), now))


def packet_clock() -> Callable[[RawFrames | None], float]:
    """Return a clock that tells the times of a recording's packets."""
    first_ns, now = 0, 0.0

    def clock(raw: RawFrames | None) -> float:
        nonlocal first_ns, now
        if raw is not None and len(raw):
            first_ns = first_ns or int(raw.time_ns[0])
            now = max(now, (int(raw.time_ns[-1]) - first_ns) / 1e9)
        return now

    return clock


def _go(walk: Walk, point: Point, now: float) -> list[Event]:
    events = walk.handle(Command(Verb.GO, name=point.name), now)
    if not any(isinstance(event, Refused) for event in events):
        return events
    if point.is_outside:
        return walk.handle(Command(Verb.OUTSIDE), now)
    return walk.handle(Command(Verb.ADD_POINT, point=point), now)


def _show(skin: Skin, events: list[Event]) -> None:
    skin.events([event for event in events if not isinstance(event, Asking)])
    for event in events:
        if isinstance(event, Fault | Refused):
            raise WalkError(event.text)
        if isinstance(event, Judged) and event.verdict.grade == "REJECT":
            verdict = event.verdict
            raise CalibrationError(f"{verdict.text}; {verdict.action}")
