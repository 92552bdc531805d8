"""Whether a shot is any good: one word, one reason, one action; the worst comes first.

    REJECT   teaches nothing, or something wrong: it is not stored
    WEAK     can be kept, better is to take it again
    GOOD

Where the limits come from: docs/calibration_protocol.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from edge_agent.csi.image import ImageSpec
from edge_agent.walking.json_fields import FieldError, Fields
from edge_agent.walking.reading import (
    Reading,
    is_complete,
    level_change,
    shape_distance,
)
from edge_agent.walking.shot_meter import ON_THE_AIR_S, ShotReport

CARRIED: Final = 0.4
"""Steadiness below which the device was carried. Of 3478 shots cut from real captures
at rest 0.4 % are below; of simulated walkers all."""

UNSTEADY: Final = 0.55
"""Steadiness below which something moved: the device a little, or people close by."""

LONGEST_GAP_S: Final = 1.0
"""Beacons come 10 times a second; in real captures at rest the longest gap is 0.3 s."""

LEVEL_CHANGE_DB: Final = 6.0
"""Median over access points between two laps of a point. In simulated places 95 % of
the visits of one day differ by 3 dB or less; other points by 4 in the middle. From day
to day 5 to 10 dB are usual, so that shots of earlier walks are not compared."""

SAME_SHAPE: Final = 0.05
"""Distance of shapes below which a device was not moved. Between different points of
the simulated places it is 0.1 at least, of the real ones 0.115."""

SAME_LEVEL_DB: Final = 1.5
"""Levels of a device that was not moved differ by up to one step."""


_MAX_TEXT: Final = 1000


class Grade(StrEnum):
    """How good a shot is."""

    GOOD = "GOOD"
    WEAK = "WEAK"
    REJECT = "REJECT"


class Reason(StrEnum):
    """Why a shot is as good as it is."""

    FINE = "fine"
    NO_FRAMES = "no_frames"
    STRANGERS = "strangers"
    TOO_FEW = "too_few"
    CLOCK = "clock"
    VANISHED = "vanished"
    MOVED = "moved"
    IRREGULAR = "irregular"
    LEVEL = "level"
    SAME_PLACE = "same_place"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one shot."""

    grade: Grade
    reason: Reason

    text: str
    """The reason, for people."""

    action: str
    """What to do, for people; empty where there is nothing to do."""

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {
            "grade": self.grade.value,
            "reason": self.reason.value,
            "text": self.text,
            "action": self.action,
        }

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        """Return a verdict that was stored.

        Raises:
            FieldError: It is none.
        """
        grade, reason = fields.text("grade"), fields.text("reason")
        if grade not in list(Grade) or reason not in list(Reason):
            raise FieldError(f"no verdict is {grade[:20]!r} for {reason[:20]!r}")
        text = fields.text("text", most=_MAX_TEXT)
        action = fields.text("action", least=0, most=_MAX_TEXT)
        return cls(Grade(grade), Reason(reason), text, action)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A shot of the same walk that was stored."""

    point: str
    """Name of the point."""

    lap: int

    readings: tuple[Reading, ...]


def judge(
    report: ShotReport,
    spec: ImageSpec,
    *,
    point: str,
    lap: int,
    earlier: Sequence[Earlier] = (),
) -> Verdict:
    """Return the verdict on a shot.

    Args:
        report: What was measured.
        spec: What an image needs.
        point: Name of the point where it was taken.
        lap: In which.
        earlier: The other shots of this walk.
    """
    first = next(_findings(report, spec, point, lap, earlier), None)
    if first is not None:
        return first
    used = sum(is_complete(reading, spec) for reading in report.readings)
    text = f"{used} access point{'' if used == 1 else 's'}"
    if report.steadiness is not None:
        text += f", steadiness {report.steadiness:.2f}"
    return Verdict(Grade.GOOD, Reason.FINE, text, "")


def _findings(
    report: ShotReport,
    spec: ImageSpec,
    point: str,
    lap: int,
    earlier: Sequence[Earlier],
) -> Iterator[Verdict]:
    """Yield what is wrong, worst first."""
    yield from _too_little(report, spec)
    yield from _clock(report)
    here = {
        reading.mac
        for other in earlier
        if other.point == point
        for reading in other.readings
        if is_complete(reading, spec)
    }
    yield from _vanished(report, spec, here)
    yield from _moved(report)
    yield from _irregular(report, spec, here)
    yield from _elsewhere(report, point, lap, earlier)


def _too_little(report: ShotReport, spec: ImageSpec) -> Iterator[Verdict]:
    expected = [reading for reading in report.readings if reading.is_expected]
    if report.n_frames == 0:
        others = (
            f"; {report.n_packets} packets came, none of them with CSI"
            if report.n_packets
            else ""
        )
        yield _reject(
            Reason.NO_FRAMES,
            f"no CSI frame in {report.elapsed_s:.0f} s{others}",
            "check that the access points send on the channel that is captured, "
            "then shoot again",
        )
    if expected and not any(reading.n_frames for reading in expected):
        strangers = [r.mac for r in report.readings if r.n_frames]
        heard = ", ".join(strangers[:3]) or "of another bandwidth or format"
        yield _reject(
            Reason.STRANGERS,
            f"frames of other transmitters only ({heard}), none of {_names(expected)}",
            "check that the site's access points are on, and on this channel, then "
            "shoot again",
        )
    best = max(report.readings, key=lambda r: r.n_frames, default=None)
    if best is None or not is_complete(best, spec):
        found = f"{best.n_frames} of {best.mac}" if best else "none that images can use"
        yield _reject(
            Reason.TOO_FEW,
            f"too few frames in {report.elapsed_s:.0f} s: {found}, "
            f"{spec.n_packets} are needed",
            "have the access points send more, or go closer to one, then shoot again",
        )


def _clock(report: ShotReport) -> Iterator[Verdict]:
    if report.clock_change_s:
        way = "back" if report.clock_change_s < 0 else "ahead"
        yield _reject(
            Reason.CLOCK,
            f"the clock of the captures was set {way} by "
            f"{abs(report.clock_change_s):.1f} s during the shot",
            "wait until the clock is set (timedatectl), then shoot again",
        )


def _vanished(report: ShotReport, spec: ImageSpec, here: set[str]) -> Iterator[Verdict]:
    """Yield access points that fell silent, or that were heard here in other laps."""
    for reading in report.readings:
        was_heard = reading.n_frames > 0
        regular = reading.is_expected or reading.n_frames * 4 >= spec.n_packets
        if is_complete(reading, spec) or reading.silent_s < ON_THE_AIR_S:
            continue
        if was_heard and regular:
            yield _weak(
                Reason.VANISHED,
                f"access point {reading.mac} vanished {reading.silent_s:.0f} s before "
                f"the end, after {reading.n_frames} frames",
                "see whether it is still on, then retry",
            )
        elif reading.mac in here and not was_heard:
            yield _weak(
                Reason.VANISHED,
                f"access point {reading.mac}, heard here before, is gone",
                "see whether it is still on, then retry; keep if it is to stay away",
            )


def _moved(report: ShotReport) -> Iterator[Verdict]:
    steadiness = report.steadiness
    if steadiness is None:
        return
    if steadiness < CARRIED:
        yield _reject(
            Reason.MOVED,
            f"the device was carried or moved (steadiness {steadiness:.2f})",
            "put it down, step back, then shoot again",
        )
    elif steadiness < UNSTEADY:
        yield _weak(
            Reason.MOVED,
            f"something moved: the device, or people close to it (steadiness "
            f"{steadiness:.2f})",
            "put it down, step back, then retry",
        )


def _irregular(
    report: ShotReport, spec: ImageSpec, here: set[str]
) -> Iterator[Verdict]:
    for reading in report.readings:
        if is_complete(reading, spec) and reading.longest_gap_s > LONGEST_GAP_S:
            yield _weak(
                Reason.IRREGULAR,
                f"frames of {reading.mac} stopped for {reading.longest_gap_s:.1f} s",
                "retry; if it stays so, the channel is busy or the device too slow",
            )
        elif reading.mac in here and not is_complete(reading, spec):
            yield _weak(
                Reason.IRREGULAR,
                f"frames of {reading.mac} were lost: {reading.n_frames} of "
                f"{spec.n_packets}",
                "retry; keep if it is at the edge of its reach",
            )


def _elsewhere(
    report: ShotReport, point: str, lap: int, earlier: Sequence[Earlier]
) -> Iterator[Verdict]:
    for other in earlier:
        change_db = level_change(report.readings, other.readings)
        if other.point == point:
            is_far = other.lap != lap and (change_db or 0.0) > LEVEL_CHANGE_DB
            if is_far and change_db is not None:
                yield _weak(
                    Reason.LEVEL,
                    f"levels are {change_db:.0f} dB from those of lap {other.lap} here",
                    f"see that this is {point}, the device where it lay, then retry",
                )
            continue
        distance = shape_distance(report.readings, other.readings)
        is_same = distance is not None and distance < SAME_SHAPE
        if is_same and (change_db or 0.0) < SAME_LEVEL_DB:
            yield _weak(
                Reason.SAME_PLACE,
                f"it looks exactly like the shot at {other.point}: either this or "
                "that one was taken elsewhere",
                f"if this one is wrong, carry the device to {point}, then retry; if "
                f"that one is: forget {other.point}",
            )


def _names(readings: Sequence[Reading]) -> str:
    named = ", ".join(reading.mac for reading in readings[:3])
    return named if len(readings) <= 3 else f"{named} and {len(readings) - 3} more"


def _reject(reason: Reason, text: str, action: str) -> Verdict:
    return Verdict(Grade.REJECT, reason, text, action)


def _weak(reason: Reason, text: str, action: str) -> Verdict:
    return Verdict(Grade.WEAK, reason, text, action)
