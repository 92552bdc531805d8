"""An `Explanation` as lines of at most 80 characters, for a person."""

from collections.abc import Iterable, Iterator

from edge_agent.console import clock, table
from edge_agent.drift.monitor import DriftState
from edge_agent.explain.air import Transmitter
from edge_agent.explain.comparison import ShotNearby
from edge_agent.explain.expected_words import expected_lines
from edge_agent.explain.explanation import Candidate, Explanation
from edge_agent.explain.shot_words import brief, shots_table
from edge_agent.tracking.tracker import Tracked

_MOST_STRANGERS = 3
_DIFFERS = 0.1
"""Difference of two probabilities that is worth a word."""

_WIDTH = 80
_LONGEST_NAME = 13
"""Of a place in the head of a column."""


def lines(explanation: Explanation) -> Iterator[str]:
    """Yield what is to be read."""
    yield from _cut(_head(explanation))
    shots: Iterable[str] = ()
    if explanation.shots:
        shots = shots_table(explanation.shots, explanation.channels, _WIDTH - 2)
    for title, part in (
        (_air_title(explanation), _air(explanation)),
        ("nearest shots", shots),
        ("candidates", _candidates(explanation)),
        (_expected_title(explanation), expected_lines(explanation)),
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


def _cut(found: Iterable[str]) -> Iterator[str]:
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
        spread = ""
        if estimate.strangeness:
            spread = f"; {estimate.strangeness:.0%} that it is of no point"
        yield (
            f"novelty: {estimate.novelty:.0%} of re-visits were nearer to their shots"
            f"{spread}"
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
    then = f"at {brief(nearest.point, _LONGEST_NAME)}" if nearest else "then"
    header = ["", "frames", "used", "now", then, "offset", ""]
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
    """Return a row: level now, and at the nearest shot."""
    assert one.channel is not None
    offset = None if nearest is None else nearest.offsets_db[one.channel]
    now, then = _dbm(one.level_dbm), "-"
    if offset is not None and one.level_dbm is not None:
        then = _dbm(one.level_dbm - offset)
    return [
        explanation.channels[one.channel],
        str(one.n_received),
        str(one.n_used),
        now,
        then,
        "-" if offset is None else f"{offset:+.1f} dB",
        one.why,
    ]


def _dbm(level: float | None) -> str:
    return "-" if level is None else f"{level:.0f} dBm"


def _candidates(explanation: Explanation) -> Iterator[str]:
    if not explanation.candidates:
        return
    rows = [
        [
            brief(one.point),
            *("-" if p is None else f"{p:.1%}" for p in (one.by_shots, one.before)),
            f"{one.p:.1%}",
        ]
        for one in explanation.candidates
    ]
    header = ["", "by shots", "before temperature", "as located"]
    yield from table(header, rows, right={1, 2, 3})
    yield from _why_so_sure(explanation.candidates[0], explanation.backend)


def _why_so_sure(best: Candidate, backend: str) -> Iterator[str]:
    """Yield what comes between the shots' belief and the location's."""
    own = best.p if best.before is None else best.before
    if best.by_shots is not None and abs(own - best.by_shots) > _DIFFERS:
        yield (f"not by the nearest shots alone: {backend}, of its own, says {own:.1%}")
    if abs(best.p - own) > _DIFFERS:
        yield f"temperature (docs/accuracy.md) makes {best.p:.1%} of {own:.1%}"


def _expected_title(explanation: Explanation) -> str:
    comparison = explanation.comparison
    return "expected" if comparison is None else f"expected, {comparison.expected}"


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
