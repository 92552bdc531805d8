"""What a figure shows, apart from how it is drawn: lines, floors, points, statements.

Everything here becomes JSON, and notes are written from that JSON alone, so that a
sentence cannot say anything else than the numbers beside it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from trainer.figures.statistics import Band, Estimate, Floats, over_seeds, paired

_DIGITS: Final = 6
"""Significant ones; no interval here carries more."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A curve with its interval."""

    label: str
    x: Floats
    band: Band
    is_floor: bool = False
    """What needs no radio, to be drawn as floors are."""

    def as_json(self) -> dict[str, Any]:
        """Return the curve as plain values."""
        return {
            "label": self.label,
            "x": numbers(self.x),
            "mean": numbers(self.band.mean),
            "low": numbers(self.band.low),
            "high": numbers(self.band.high),
        }


@dataclass(frozen=True, slots=True)
class Level:
    """One number: a floor across the panel, or a point of it."""

    label: str
    value: Estimate

    def as_json(self) -> dict[str, Any]:
        """Return the level as plain values."""
        return {"label": self.label, **estimate_json(self.value)}


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One pair of axes."""

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...] = ()
    floors: tuple[Level, ...] = ()
    """Horizontal lines: what others reach that do not take part in x."""

    points: tuple[Level, ...] = ()
    """Instead of lines: one estimate per label, side by side."""

    x_scale: Literal["linear", "symlog"] = "linear"
    """Symlog: linear up to 1, then logarithmic, so that 0 has a place."""

    y_scale: Literal["linear", "log"] = "linear"
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the panel as plain values."""
        return {
            "title": self.title,
            "x_label": self.x_label,
            "y_label": self.y_label,
            "lines": [line.as_json() for line in self.lines],
            "floors": [floor.as_json() for floor in self.floors],
            "points": [point.as_json() for point in self.points],
        }


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was measured: a cell of the note's table."""

    what: str
    """Its row."""

    of: str
    """Its column."""

    unit: str
    """Empty for a share or a plain number."""

    value: Estimate

    def as_json(self) -> dict[str, Any]:
        """Return the fact as plain values."""
        return {
            "what": self.what,
            "of": self.of,
            "unit": self.unit,
            **estimate_json(self.value),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing held against another, within each seed."""

    what: str
    """The quantity, for example ``RMSE after 10 steps``; "the" may precede it."""

    unit: str
    a: str
    b: str
    means: tuple[float, float]
    """Of a and of b."""

    difference: Estimate
    """a - b."""

    in_summary: bool = False
    """Whether the note begins with it."""

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as plain values."""
        return {
            "what": self.what,
            "unit": self.unit,
            "a": self.a,
            "b": self.b,
            "a_mean": number(self.means[0]),
            "b_mean": number(self.means[1]),
            **estimate_json(self.difference),
            "in_summary": self.in_summary,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All that one figure has to show and to say."""

    panels: tuple[Panel, ...]
    facts: tuple[Fact, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    n_columns: int = 2
    """Panels beside each other."""

    intervals_over: str = " over seeds"
    """What the intervals are of, to follow ``95 % intervals``."""

    details: Mapping[str, Any] = field(default_factory=dict)
    """Further numbers for the JSON, plain values."""


def measured(values: Floats, *, most: float = math.inf) -> Estimate:
    """Return the estimate of what cannot be negative: errors, distances, shares.

    Args:
        values: One per seed, shape (n_seeds,).
        most: Nor more than this: 1 for shares.
    """
    return over_seeds(np.atleast_1d(values)[:, None], least=0.0, most=most).at(0)


def compared(
    what: str,
    unit: str,
    a: tuple[str, Floats],
    b: tuple[str, Floats],
    *,
    in_summary: bool = False,
) -> Comparison:
    """Return one thing held against another of the same seeds.

    Args:
        what: The quantity.
        unit: Of both.
        a: What people call it, and one number per seed, shape (n_seeds,).
        b: The same of the other.
        in_summary: Whether the note begins with it.

    Raises:
        ValueError: They are not of the same seeds.
    """
    (first, mine), (second, others) = a, b
    means = (float(mine.mean()), float(others.mean()))
    gap = paired(mine, others)
    return Comparison(what, unit, first, second, means, gap, in_summary)


def count(what: str, of: str, found: int, n: int) -> Fact:
    """Return in how many of n seeds something was so."""
    value = Estimate(float(found), math.nan, math.nan, n)
    return Fact(what, of, f"of {n} seeds", value)


def estimate_json(value: Estimate) -> dict[str, Any]:
    """Return an estimate as plain values; None where it has no interval."""
    return {
        "mean": number(value.mean),
        "low": number(value.low),
        "high": number(value.high),
        "n": value.n,
    }


def number(value: float) -> float | None:
    """Return a number with the digits it is worth; None for NaN and infinity."""
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def numbers(values: Floats) -> list[float | None]:
    """Return numbers with the digits they are worth."""
    return [number(value) for value in values.tolist()]
