"""Watches fix by fix whether a site is still what it was calibrated to.

Side by side, each a `betting.Cusum` over the stops of the device:

    site               distance of the nearest shot
    each room          the same, for stops in that room alone
    each channel       gap to the shot that is nearest by the other channels; its level
                       there, above and below; its silence where that shot hears it

Strangeness is measured by the re-visits of the site's own past. They were made exactly
at the points; people put devices down anywhere. So the stops of the first hours after a
calibration are learnt, not judged: nothing has had time to change, and where the device
usually lies belongs to what is normal. Afterwards, strange is what is strange beside
the re-visits and beside what was learnt. An access point that falls silent is noticed
all the same.

Source: A. Page, "Continuous inspection schemes", Biometrika 41, 1954 (CUSUM);
reference of the bets: `betting`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge_agent.drift.baseline import LEAST_REVISITS, Revisits
from edge_agent.drift.betting import Cusum, log_bet, p_value, threshold
from edge_agent.drift.causes import Cause, Kind, told
from edge_agent.drift.stops import Stop, StopWatch
from edge_agent.evidence import Evidence
from edge_agent.neighbours.whitening import Matrix
from edge_agent.survey import Point

LEARNING_NS: Final = 12 * 3600 * 1_000_000_000
"""Stops so soon after a calibration are learnt."""

MOST_LEARNT: Final = 50
_SILENT_IF_GONE: Final = 0.9
"""Share of images without an access point that has gone: others may be mistaken for
it, and windows reach back."""

_N_POINTS: Final = 3
"""That are asked for."""


@dataclass(frozen=True, slots=True, order=True)
class Detector:
    """What one CUSUM is about."""

    kind: Kind

    name: str
    """As of `Cause`."""


@dataclass(frozen=True, slots=True)
class DriftState:
    """What the monitor makes of the site after a fix."""

    score: float | None
    """0, as calibrated, to 1, an alarm; None where there is nothing to judge by."""

    is_alarm: bool

    causes: tuple[Cause, ...]
    """What alarms, the most telling first."""

    p_value: float | None
    """Of the stop that goes on: share of re-visits that were as strange; None under
    way, and where there is nothing to compare with."""

    n_stops: int
    """That were judged."""

    n_known: int
    """Re-visits and learnt stops that strangeness is measured by; 0 where there are too
    few, and nothing but silence is noticed."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "score": None if self.score is None else round(self.score, 3),
            "alarm": self.is_alarm,
            "causes": [cause.to_json() for cause in self.causes],
            "p_value": None if self.p_value is None else round(self.p_value, 4),
            "stops": self.n_stops,
            "known": self.n_known,
        }


class Monitor:
    """Of one site and one calibration."""

    def __init__(
        self,
        past: Revisits,
        points: Sequence[Point],
        channels: Sequence[str],
        *,
        calibrated_ns: int = 0,
    ) -> None:
        """Start with nothing seen.

        Args:
            past: Re-visits, as `baseline.site_revisits` found them.
            points: Of the site.
            channels: What each channel is called: address of its access point.
            calibrated_ns: When the newest shots were taken [ns since the UNIX epoch];
                0 where that is not known, and nothing is learnt then.

        Raises:
            ValueError: More channels than the re-visits have.
        """
        if len(channels) > past.n_channels:
            raise ValueError(
                f"{len(channels)} channels, re-visits of {past.n_channels}"
            )
        self._points, self._channels = tuple(points), tuple(channels)
        self._calibrated_ns = calibrated_ns
        self._past, self._learnt = past, Revisits.of([], past.n_channels)
        rooms = sorted({p.room for p in points if p.room is not None})
        self._rooms = rooms if len(rooms) > 1 else []
        detectors = [
            Detector(Kind.SITE, ""),
            *(Detector(Kind.ROOM, room) for room in self._rooms),
            *(
                Detector(kind, name)
                for name in dict.fromkeys(channels)
                for kind in Kind
                if kind.is_of_access_point
            ),
        ]
        limit = threshold(len(detectors))
        self.cusums = {detector: Cusum(limit) for detector in detectors}
        """By what they are about."""

        self.n_stops = 0
        self._offsets: dict[str, list[float]] = {name: [] for name in channels}
        self._strangeness: dict[int, float] = {}
        self._watch = StopWatch(past.n_channels)
        self._sort()

    @property
    def n_counted(self) -> int:
        """Stops that were judged or learnt."""
        return self.n_stops + len(self._learnt)

    def memory(self) -> dict[str, Any]:
        """Return in JSON values what `restore` needs; the stop that goes on is lost."""
        names = [point.name for point in self._points]
        return {
            "stops": self.n_stops,
            "detectors": [
                [d.kind.value, d.name, c.level, c.n_stops, c.is_alarm]
                for d, c in self.cusums.items()
                if c.level > 0 or c.is_alarm
            ],
            "offsets_db": self._offsets,
            "strangeness": {names[n]: s for n, s in self._strangeness.items()},
            "learnt": self._learnt.to_json(),
        }

    def restore(self, memory: Any) -> None:  # noqa: ANN401  (JSON)
        """Go on where another monitor of the same calibration was.

        Args:
            memory: Of that one.

        Raises:
            KeyError, TypeError, ValueError: It is of no such monitor; this one is as
                it was.
        """
        n_stops = _whole(memory["stops"])
        cusums = {d: Cusum(c.threshold) for d, c in self.cusums.items()}
        for kind, name, level, count, is_alarm in memory["detectors"]:
            cusum = cusums[Detector(Kind(kind), name)]
            if not 0 <= level <= 2 * cusum.threshold or type(is_alarm) is not bool:
                raise ValueError(f"a detector at {level!r}, alarm {is_alarm!r}")
            cusum.level, cusum.is_alarm = float(level), is_alarm
            cusum.n_stops = _whole(count)
        numbers = {point.name: n for n, point in enumerate(self._points)}
        strangeness = {
            numbers[name]: _finite(value)
            for name, value in memory["strangeness"].items()
        }
        offsets = {
            name: [_finite(value) for value in memory["offsets_db"][name]][
                -MOST_LEARNT:
            ]
            for name in self._offsets
        }
        learnt = Revisits.from_json(memory["learnt"], self._past.n_channels)
        self.n_stops, self.cusums = n_stops, cusums
        self._strangeness, self._offsets = strangeness, offsets
        self._learnt = learnt.newest(MOST_LEARNT)
        self._sort()

    @property
    def learnt(self) -> Revisits:
        """Stops that were learnt."""
        return self._learnt

    def update(self, evidence: Evidence, point: int, time_ns: int) -> DriftState:
        """Take one image.

        Args:
            evidence: What it says of the site's shots.
            point: Of the nearest shot.
            time_ns: Of its newest frame [ns since the UNIX epoch]; 0 when unknown.
        """
        ended = self._watch.see(evidence, point, time_ns)
        if ended is not None and ended.is_long_enough:
            self._count(ended)
        stop = self._watch.stop
        return self._state(stop if stop is not None and stop.is_long_enough else None)

    def finish(self) -> DriftState:
        """Count the stop that goes on; what comes next is another recording."""
        stop = self._watch.stop
        self._watch = StopWatch(self._past.n_channels)
        if stop is not None and stop.is_long_enough:
            self._count(stop)
        return self._state(None)

    def _count(self, stop: Stop) -> None:
        gains = self._gains(stop)
        if self._is_to_be_learnt(stop):
            gains = {d: gain for d, gain in gains.items() if d.kind is Kind.SILENT}
            self._learnt = Revisits.joined([self._learnt, stop.row])
            self._sort()
        else:
            self.n_stops += 1
            strange = gains.get(Detector(Kind.SITE, ""), 0.0)
            before = self._strangeness.get(stop.point, 0.0)
            self._strangeness[stop.point] = max(0.0, before + strange)
        for detector, gain in gains.items():
            self.cusums[detector].add(gain)
        for number, name in enumerate(self._channels):
            offset = float(stop.row.offset_db[0, number])
            if math.isfinite(offset):
                self._offsets[name] = [*self._offsets[name], offset][-MOST_LEARNT:]

    def _is_to_be_learnt(self, stop: Stop) -> bool:
        age_ns = stop.ended_ns - self._calibrated_ns
        return (
            self._calibrated_ns > 0
            and 0 <= age_ns < LEARNING_NS
            and len(self._learnt) < MOST_LEARNT
        )

    def _sort(self) -> None:
        """Prepare what values are ranked among."""
        references = [self._past, self._learnt]
        known = [r for r in references if len(r) >= LEAST_REVISITS]
        self._nearest = [np.sort(r.nearest) for r in known]
        self._gap = _by_channel([r.gap for r in known])
        self._above = _by_channel([r.offset_db for r in known])
        self._below = _by_channel([-r.offset_db for r in known])
        # Silence is not learnt: it is noticed from the first stop on.
        silent = self._past.silent.T
        heard_or_not = [column[np.isfinite(column)] for column in silent]
        self._silence = [(1 + s.sum()) / (2 + len(s)) for s in heard_or_not]

    def _gains(self, stop: Stop) -> dict[Detector, float]:
        """Return ln f(p) of a stop, for what it says anything about."""
        row, gains = stop.row, dict[Detector, float]()
        nearest = float(row.nearest[0])
        if self._nearest:
            gain = _least_bet(self._nearest, nearest)
            gains[Detector(Kind.SITE, "")] = gain
            room = self._points[stop.point].room
            if room in self._rooms:
                gains[Detector(Kind.ROOM, str(room))] = gain
        of_cores = dict[Detector, list[float]]()
        for number, name in enumerate(self._channels):
            for kind, gain in self._channel_gains(row, number):
                of_cores.setdefault(Detector(kind, name), []).append(gain)
        # Cores of one receiver hear the same: their mean is a bet, their sum is none.
        gains |= {d: float(np.mean(each)) for d, each in of_cores.items()}
        return gains

    def _channel_gains(
        self, row: Revisits, number: int
    ) -> Iterator[tuple[Kind, float]]:
        """Yield what a stop says about one channel."""
        offset = float(row.offset_db[0, number])
        for kind, references, value in (
            (Kind.MOVED, self._gap, float(row.gap[0, number])),
            (Kind.LOUDER, self._above, offset),
            (Kind.WEAKER, self._below, -offset),
        ):
            if math.isfinite(value) and references and references[number]:
                yield kind, _least_bet(references[number], value)
        silent, usual = float(row.silent[0, number]), self._silence[number]
        if math.isfinite(silent) and usual < _SILENT_IF_GONE:
            gone = math.log(_SILENT_IF_GONE / usual)
            there = math.log((1 - _SILENT_IF_GONE) / (1 - usual))
            yield Kind.SILENT, silent * gone + (1 - silent) * there

    def _state(self, stop: Stop | None) -> DriftState:
        gains = dict[Detector, float]()
        p = None
        if stop is not None:
            if not self._is_to_be_learnt(stop):
                gains = self._gains(stop)
            if self._nearest:
                nearest = float(stop.row.nearest[0])
                p = max(p_value(past, nearest) for past in self._nearest)
        n_known = sum(map(len, self._nearest))
        score = None
        if n_known:
            score = max(c.score(gains.get(d, 0.0)) for d, c in self.cusums.items())
        alarms = [d for d, cusum in self.cusums.items() if cusum.is_alarm]
        rooms = {self._points[point].room for point in self._strangeness}
        causes = told(
            [self._cause(d) for d in alarms],
            len(set(self._channels)),
            len(rooms & set(self._rooms)),
        )
        return DriftState(
            1.0 if alarms else score, bool(alarms), causes, p, self.n_stops, n_known
        )

    def _cause(self, detector: Detector) -> Cause:
        n_stops = self.cusums[detector].n_stops
        offset = None
        if detector.kind in (Kind.WEAKER, Kind.LOUDER):
            offset = float(np.mean(self._offsets[detector.name][-n_stops:] or [0.0]))
        strangeness = self._strangeness
        inside = [n for n, point in enumerate(self._points) if not point.is_outside]
        strange = sorted(inside, key=lambda point: -strangeness.get(point, 0.0))
        return Cause(
            detector.kind,
            detector.name,
            n_stops,
            offset,
            tuple(self._points[point].name for point in strange[:_N_POINTS]),
        )


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no number of stops")
    return value


def _finite(value: object) -> float:
    if type(value) not in (int, float) or not math.isfinite(float(str(value))):
        raise ValueError(f"{value!r} is no finite number")
    return float(str(value))


def _by_channel(references: list[Matrix]) -> list[list[Matrix]]:
    """Return of each channel its known values, sorted, in each reference with enough.

    Args:
        references: Shapes (n, n_channels), NaN where unknown; may be none.
    """
    return [
        [
            np.sort(known)
            for column in columns
            for known in [column[np.isfinite(column)]]
            if len(known) >= LEAST_REVISITS
        ]
        for columns in zip(*(reference.T for reference in references), strict=True)
    ]


def _least_bet(references: list[Matrix], value: float) -> float:
    """Return what a bet wins that must win beside every reference.

    The least of several bets is one; and what is usual in either is not strange.
    """
    return min(log_bet(past, value) for past in references)
