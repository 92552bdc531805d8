"""An `Explanation` as lines of at most 80 characters, for a person."""

from collections.abc import Iterator

from edge_agent.console import clock, table
from edge_agent.drift.monitor import DriftState
from edge_agent.explain.air import Transmitter
from edge_agent.explain.comparison import Comparison, ShotNearby
from edge_agent.explain.explanation import Explanation
from edge_agent.survey import Point
from edge_agent.tracking.tracker import Tracked

_MOST_CHANNELS = 3
"""Of which a table has columns; there is no room for more."""

_MOST_STRANGERS = 3
_ALIKE = 0.05
_WIDTH = 80


def lines(explanation: Explanation) -> Iterator[str]:
    """Yield what is to be read."""
    yield from _cut(_head(explanation))
    for title, part in (
        (_air_title(explanation), _air(explanation)),
        ("nearest shots", _shots(explanation)),
        ("candidates", _candidates(explanation)),
        ("expected", _expected(explanation)),
        ("drift", _drift(explanation.drift)),
    ):
        found = list(part)
        if found:
            yield ""
            yield f"{title}:"
            yield from _cut(f"  {line}" for line in found)
    yield ""
    took = ", ".join(f"{k} {v:.2f} ms" for k, v in explanation.timing_ms.items())
    yield from _cut([f"took: {took}"])


def place(point: Point) -> str:
    """Return a point in words, with its room where that is another name."""
    if point.room is None or point.room == point.name:
        return point.name
    return f"{point.room}/{point.name}"


def _cut(found: "Iterator[str] | list[str]") -> Iterator[str]:
    for line in found:
        yield line if len(line) <= _WIDTH else line[: _WIDTH - 2] + ".."


def _head(explanation: Explanation) -> Iterator[str]:
    estimate = explanation.fix.estimate
    when = f" at {clock(estimate.time_ns)}" if estimate.time_ns else ""
    yield (
        f"location {explanation.number}{when}, {explanation.fix.source}: "
        f"{estimate.n_frames} frames in {estimate.window_s:.1f} s"
    )
    rooms = ", ".join(f"{room} {p:.0%}" for room, p in estimate.rooms[:3])
    if rooms:
        yield f"rooms: {rooms}"
    if (where := estimate.position) is not None:
        yield (
            f"x {where.x:.2f}  y {where.y:.2f} m, within {where.r68:.1f} m (68 %), "
            f"{where.r95:.1f} m (95 %)"
        )
    quality = f"quality {estimate.quality}, score {estimate.quality_score:.2f}"
    if estimate.outside:
        quality += f", outside {estimate.outside:.0%}"
    if (unrest := explanation.fix.unrest) is not None:
        quality += f", unrest {unrest:.2f} (0 at rest, 1 carried)"
    yield quality
    if estimate.novelty is not None:
        yield (
            f"novelty {estimate.novelty:.2f}: {estimate.novelty:.0%} of re-visits were "
            "nearer to their shots"
        )
    yield from _tracked(explanation.tracked)
    yield f"{explanation.model}, {explanation.backend}{_age(explanation.age_s)}"


def _tracked(tracked: Tracked | None) -> Iterator[str]:
    """Yield what is published, where that is more than this one image says."""
    if tracked is None:
        return
    seen = tracked.whereabouts
    room = seen.room or str(seen.presence)
    since = f" since {clock(tracked.since_ns)}" if tracked.since_ns else ""
    moving = {None: "", True: ", moving", False: ", at rest"}[tracked.moving]
    where = ""
    if (position := tracked.estimate.position) is not None:
        where = f", x {position.x:.2f}  y {position.y:.2f} m"
    yield f"with the way here: {room}{since}{where}{moving}"


def _age(age_s: float | None) -> str:
    if age_s is None:
        return ""
    if age_s < 0:
        return ", calibrated later"
    days, hours = divmod(age_s / 3600, 24)
    return f", {days:.0f} days {hours:.0f} h old" if days else f", {hours:.1f} h old"


def _air_title(explanation: Explanation) -> str:
    if not explanation.air:
        return "access points"
    return f"access points, frames of the {explanation.span_s:.0f} s before"


def _air(explanation: Explanation) -> Iterator[str]:
    ours = [one for one in explanation.air if one.channel is not None]
    if not ours:
        n_heard, n = sum(explanation.heard), len(explanation.heard)
        yield f"{n_heard} heard of the {n} that are calibrated"
        return
    nearest = explanation.shots[0] if explanation.shots else None
    header = ["", "frames", "used", "now", "there", "offset", ""]
    rows = [_air_row(explanation, one, nearest) for one in ours]
    yield from table(header, rows, right={1, 2, 3, 4, 5})
    strangers = [one for one in explanation.air if one.channel is None]
    for one in strangers[:_MOST_STRANGERS]:
        level = "" if one.level_dbm is None else f", {one.level_dbm:.0f} dBm"
        yield f"{one.mac}: {one.n_received} frames{level}, {one.why}"
    if len(strangers) > _MOST_STRANGERS:
        yield f"and {len(strangers) - _MOST_STRANGERS} others that are not calibrated"


def _air_row(
    explanation: Explanation, one: Transmitter, nearest: ShotNearby | None
) -> list[str]:
    """Return a row; *there* is the nearest shot."""
    assert one.channel is not None
    offset = None if nearest is None else nearest.offsets_db[one.channel]
    now, there = _dbm(one.level_dbm), "-"
    if offset is not None and one.level_dbm is not None:
        there = _dbm(one.level_dbm - offset)
    return [
        explanation.channels[one.channel],
        str(one.n_received),
        str(one.n_used),
        now,
        there,
        "-" if offset is None else f"{offset:+.1f} dB",
        one.why,
    ]


def _dbm(level: float | None) -> str:
    return "-" if level is None else f"{level:.0f} dBm"


def _shots(explanation: Explanation) -> Iterator[str]:
    if not explanation.shots:
        return
    names = _short(explanation.channels)[:_MOST_CHANNELS]
    header = ["", "lap", "apart", *names]
    rows = [
        [
            place(shot.point),
            shot.visit or "-",
            f"{shot.distance:.2f}",
            *(f"{share:.2f}" for share in shot.shares[: len(names)]),
        ]
        for shot in explanation.shots
    ]
    yield from table(header, rows, right=set(range(2, len(header))))


def _candidates(explanation: Explanation) -> Iterator[str]:
    rows = [
        [
            place(one.point),
            *("-" if p is None else f"{p:.1%}" for p in (one.by_shots, one.before)),
            f"{one.p:.1%}",
        ]
        for one in explanation.candidates
    ]
    header = ["", "by shots", "before temperature", "as located"]
    yield from table(header, rows, right={1, 2, 3})


def _expected(explanation: Explanation) -> Iterator[str]:
    comparison = explanation.comparison
    if comparison is None:
        return
    yield from _verdict(comparison, explanation.channels)
    if comparison.is_right:
        return
    header = ["", "here", "there", "speaks for", "level: here", "there"]
    rows = [
        _channel_row(comparison, explanation.channels, number)
        for number in range(len(explanation.channels))
    ]
    yield from table(header, rows, right={1, 2, 4, 5})
    yield f"here: {_lap(comparison.nearest)}; there: {_lap(comparison.best)}"


def _verdict(comparison: Comparison, channels: tuple[str, ...]) -> Iterator[str]:
    best, nearest = comparison.best, comparison.nearest
    if comparison.is_right:
        yield (
            f"the nearest shot is of {comparison.expected}: {_lap(best)}, "
            f"{best.distance:.2f} apart"
        )
        return
    yield (
        f"{comparison.rank} shots elsewhere are nearer than the best of "
        f"{comparison.expected}"
    )
    yield (
        f"{_lap(nearest)} is {nearest.distance:.2f} apart, {_lap(best)} "
        f"{best.distance:.2f}"
    )
    for number in comparison.deciding:
        yield f"without {channels[number]} it would be {comparison.expected}"
    if not comparison.deciding:
        yield "no single access point decides it"


def _channel_row(
    comparison: Comparison, channels: tuple[str, ...], number: int
) -> list[str]:
    here = comparison.nearest.shares[number]
    there = comparison.best.shares[number]
    side = "there" if there < here else "here"
    if abs(here - there) < _ALIKE:
        side = "neither"
    return [
        channels[number],
        f"{here:.2f}",
        f"{there:.2f}",
        side,
        *(
            "-" if offset is None else f"{offset:+.1f} dB"
            for offset in (
                comparison.nearest.offsets_db[number],
                comparison.best.offsets_db[number],
            )
        ),
    ]


def _lap(shot: ShotNearby) -> str:
    return (
        f"{place(shot.point)} (lap {shot.visit})" if shot.visit else place(shot.point)
    )


def _drift(state: DriftState | None) -> Iterator[str]:
    if state is None:
        yield "nobody watches: there are no shots to compare with"
        return
    if state.score is None:
        yield "nothing to judge by: the calibration knows of too few re-visits"
    else:
        strange = ""
        if state.p_value is not None:
            strange = f"; as strange are {state.p_value:.0%} of re-visits"
        yield f"{state.score:.2f} after {state.n_stops} stops{strange}"
    for cause in state.causes:
        yield cause.sentence
        yield f"  fresh shots would mend it: {cause.request}"


def _short(channels: tuple[str, ...]) -> list[str]:
    """Return the ends of addresses, as far as they differ."""
    return [name[-8:] for name in channels]
