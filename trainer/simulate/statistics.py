"""How captures differ: the figures by which simulated ones are compared with real ones.

    level     of a packet: root mean square amplitude over tones and channels
    shape     of a visit: median over its packets of amplitude / level, per tone and
              channel, normalised again [dB]

Of visits to several points on several days (`compare_visits`): how much a tone changes
within a visit, and how far apart the shapes of two visits are (root mean square over
tones and channels), of the same point on the same day, on the next day, and of another
point at the same time. Of the packets of one capture (`describe_capture`): what gain
control, noise and losses do. Figures are medians.

Channels are normalised together: what one antenna hears more than the other is part of
the shape.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import combinations, pairwise, product

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Key = tuple[int, int, int]
"""Day, visit and point."""

Pair = tuple[Key, Key]

_LEAST = 0.01
"""Amplitudes below -40 dB of the level are taken for that: their logarithm is noise."""

_JUMP_DB = 2.0
_GAUSSIAN_MEDIAN = 0.6745
"""Median absolute value of a standard normal variable."""


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """What was recorded while the device stood at a point."""

    day: int
    """Order in time."""

    visit: int
    """Number of the pass over all points on its day."""

    point: int

    amplitude: npt.NDArray[np.floating]
    """Shape (n_packets, n_tones, n_channels)."""

    level_db: npt.NDArray[np.floating]
    """Received power of each packet [dB], shape (n_packets,)."""


@dataclass(frozen=True, slots=True)
class VisitFigures:
    """Medians over all visits, or all pairs of them, that there are."""

    within: float
    """Standard deviation of a tone within a visit [dB]."""

    halves: float
    """Shape, first half of a visit and second half [dB]."""

    same_day: float
    """Shape, same point and day, another visit [dB]."""

    next_day: float
    """Shape, same point, the next day that there is [dB]."""

    other_point: float
    """Shape, same day and visit, another point [dB]."""

    static: float
    """Standard deviation over the tones of a channel's shape [dB]."""

    level_within: float
    """Standard deviation of the level within a visit [dB]."""

    level_same_day: float
    """Level, as shape is compared, absolute difference [dB]."""

    level_next_day: float
    level_other_point: float

    found_same_day: float
    """Share of visits whose nearest shape of another visit on that day is of their
    point."""

    found_next_day: float
    """Share of visits whose nearest shape of the day before is of their point."""


def cut_visits(
    amplitude: npt.NDArray[np.floating],
    scale: npt.NDArray[np.floating],
    day: npt.NDArray[np.integer],
    visit: npt.NDArray[np.integer],
    point: npt.NDArray[np.integer],
) -> list[Visit]:
    """Return the visits of a recording, in order of time.

    Args:
        amplitude: Shape (n_packets, n_tones, n_channels).
        scale: What restores the level of each packet, shape (n_packets,).
        day: Of each packet, shape (n_packets,).
        visit: Likewise.
        point: Likewise.
    """
    places = np.column_stack([day, visit, point])
    ends = [*(np.flatnonzero(np.diff(places, axis=0).any(axis=1)) + 1), len(places)]
    visits = []
    for start, end in pairwise([0, *ends]):
        packets = amplitude[start:end].astype(np.float64)
        level = np.sqrt(np.square(packets).mean(axis=(1, 2))) * scale[start:end]
        where = places[start].tolist()
        visits.append(
            Visit(where[0], where[1], where[2], packets, 20 * np.log10(level))
        )
    return visits


def compare_visits(visits: Sequence[Visit]) -> VisitFigures:
    """Return how visits differ.

    Args:
        visits: Two days at least, with two visits of two points at least.
    """
    shapes = {(v.day, v.visit, v.point): shape_db(v.amplitude) for v in visits}
    levels = {(v.day, v.visit, v.point): float(np.median(v.level_db)) for v in visits}
    halves = []
    for v in visits:
        middle = len(v.amplitude) // 2
        first, second = shape_db(v.amplitude[:middle]), shape_db(v.amplitude[middle:])
        halves.append(difference_db(first, second))
    days = sorted({v.day for v in visits})
    by_point: dict[tuple[int, int], list[Key]] = {}
    by_visit: dict[tuple[int, int], list[Key]] = {}
    for key in shapes:
        day, visit, point = key
        by_point.setdefault((day, point), []).append(key)
        by_visit.setdefault((day, visit), []).append(key)
    same = [pair for keys in by_point.values() for pair in combinations(keys, 2)]
    others = [pair for keys in by_visit.values() for pair in combinations(keys, 2)]
    later = [
        pair
        for (day, point), keys in by_point.items()
        if day != days[-1]
        for pair in product(keys, by_point.get((days[days.index(day) + 1], point), []))
    ]

    def shape(pairs: list[Pair]) -> float:
        return _median(difference_db(shapes[a], shapes[b]) for a, b in pairs)

    def level(pairs: list[Pair]) -> float:
        return _median(abs(levels[a] - levels[b]) for a, b in pairs)

    return VisitFigures(
        within=_median(spread_within_db(v.amplitude) for v in visits),
        halves=_median(halves),
        same_day=shape(same),
        next_day=shape(later),
        other_point=shape(others),
        static=_median(float(s.std(axis=0).mean()) for s in shapes.values()),
        level_within=_median(float(np.std(v.level_db)) for v in visits),
        level_same_day=level(same),
        level_next_day=level(later),
        level_other_point=level(others),
        found_same_day=_found(shapes, {day: day for day in days}),
        found_next_day=_found(shapes, dict(zip(days[1:], days, strict=False))),
    )


def shape_db(amplitude: npt.NDArray[np.floating]) -> Floats:
    """Return the shape of a visit [dB], (n_packets, n_tones, n_channels) of it."""
    middle = np.median(_normalised(amplitude), axis=0)
    return _decibels(_normalised(middle[None])[0])


def spread_within_db(amplitude: npt.NDArray[np.floating]) -> float:
    """Return the standard deviation [dB] of the median tone within a visit."""
    return float(np.median(_decibels(_normalised(amplitude)).std(axis=0)))


def difference_db(first: Floats, second: Floats) -> float:
    """Return how far two shapes are apart [dB]."""
    return float(np.sqrt(np.square(first - second).mean()))


@dataclass(frozen=True, slots=True)
class CaptureFigures:
    """What the receiver does, seen in the packets of one capture of one transmitter."""

    level_counts: float
    """Root mean square amplitude."""

    level_std_db: float
    """Standard deviation of the level [dB]."""

    level_lag_1: float
    """Correlation of the levels of neighbouring packets."""

    level_lag_10: float
    """The same for packets ten apart."""

    jumps: float
    """Share of neighbouring packets whose levels are more than 2 dB apart."""

    noise: float
    """Of the normalised amplitude from packet to packet."""

    static_db: float
    """Standard deviation over the tones of the shape."""


def describe_capture(amplitude: npt.NDArray[np.floating]) -> CaptureFigures:
    """Return what the receiver did.

    Args:
        amplitude: Counts, shape (n_packets, n_tones), more than ten packets.
    """
    level = np.sqrt(np.square(amplitude, dtype=np.float64).mean(axis=1))
    level_db = 20 * np.log10(level)
    steps = np.abs(np.diff(_normalised(amplitude[..., None])[..., 0], axis=0))
    # Half the neighbours' difference is each one's own; medians, so that people do not
    # count.
    noise = np.median(np.median(steps, axis=0)) / _GAUSSIAN_MEDIAN / np.sqrt(2)
    return CaptureFigures(
        level_counts=float(level.mean()),
        level_std_db=float(level_db.std()),
        level_lag_1=_correlation(level_db, 1),
        level_lag_10=_correlation(level_db, 10),
        jumps=float((np.abs(np.diff(level_db)) > _JUMP_DB).mean()),
        noise=float(noise),
        static_db=float(shape_db(amplitude[..., None]).std()),
    )


def median_figures(captures: Sequence[CaptureFigures]) -> CaptureFigures:
    """Return the median of each figure."""
    names = [field.name for field in fields(CaptureFigures)]
    return CaptureFigures(
        **{name: _median(getattr(c, name) for c in captures) for name in names}
    )


def _normalised(amplitude: npt.NDArray[np.floating]) -> Floats:
    """Return packets of level 1."""
    values = amplitude.astype(np.float64)
    level = np.sqrt(np.square(values).mean(axis=(-2, -1), keepdims=True))
    return np.asarray(values / level)


def _decibels(amplitude: Floats) -> Floats:
    return np.asarray(20 * np.log10(np.maximum(amplitude, _LEAST)))


def _correlation(values: Floats, lag: int) -> float:
    centred = values - values.mean()
    return float((centred[lag:] * centred[:-lag]).mean() / np.square(centred).mean())


def _median(values: Iterable[float]) -> float:
    found = [*values]
    return float(np.median(found)) if found else float("nan")


def _found(shapes: dict[Key, Floats], known_day: dict[int, int]) -> float:
    """Return the share of visits whose nearest known shape is of their point.

    Args:
        shapes: Of all visits.
        known_day: Of which day shapes are known, by day; never those of the same visit.
    """
    hits = []
    for (day, visit, point), shape in shapes.items():
        known = [
            key
            for key in shapes
            if key[0] == known_day.get(day) and key[:2] != (day, visit)
        ]
        if known:
            nearest = min(known, key=lambda key: difference_db(shapes[key], shape))
            hits.append(nearest[2] == point)
    return float(np.mean(hits)) if hits else float("nan")
