"""Sentences and cells about numbers that say no more than the intervals do.

A difference is called one only where its paired interval excludes zero. Each interval
is of 95 % by itself: of twenty comparisons without any difference one will look like
one, and the notes say so.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any

from trainer.figures.digits import shown

Record = Mapping[str, Any]
"""A fact or a comparison from the JSON of a figure."""


class Verdict(StrEnum):
    """What an interval of a - b lets one say of a."""

    LOWER = "lower"
    HIGHER = "higher"
    OPEN = "open"
    """The interval has zero in it: either may be lower, or neither."""

    NONE = "no interval"


def verdict(record: Record) -> Verdict:
    """Return what the interval of a comparison lets one say of its first.

    Args:
        record: A `trainer.figures.panels.Comparison` from the JSON.
    """
    low, high = record["low"], record["high"]
    if low is None or high is None:
        return Verdict.NONE
    if low > 0:
        return Verdict.HIGHER
    return Verdict.LOWER if high < 0 else Verdict.OPEN


def value(record: Record) -> str:
    """Return for example ``1.20 m [1.10, 1.30]``, or ``3 of 10 seeds``.

    Args:
        record: A `trainer.figures.panels.Fact` or Comparison from the JSON.
    """
    mean, low, high, unit = (record[key] for key in ("mean", "low", "high", "unit"))
    if mean is not None and unit.startswith("of "):
        return f"{mean:.0f} {unit}"
    if mean is None or low is None or high is None:
        return _mean(mean, unit)
    middle, *ends = shown(mean, low, high)
    number = f"{middle} {unit}".rstrip()
    return f"{number} [{', '.join(ends)}]"


def summary(comparisons: Iterable[Record]) -> list[str]:
    """Return a sentence per quantity and first, against all that it is held against.

    Args:
        comparisons: From the JSON; those that are not for the summary are left out.
    """
    chosen = [record for record in comparisons if record["in_summary"]]
    return [
        _sentence(list(group))
        for _, group in groupby(chosen, lambda c: (c["what"], c["a"], c["unit"]))
    ]


def _sentence(group: Sequence[Record]) -> str:
    """Return for example ``The RMSE is 2.00 m for A; lower: 1.00 m for B.``."""
    first = group[0]
    parts = [
        f"The {first['what']} is {_mean(first['a_mean'], first['unit'])} "
        f"for {first['a']}"
    ]
    # What a is to b was found; the sentence says what b is to a.
    for found, words in (
        (Verdict.HIGHER, "lower: "),
        (Verdict.LOWER, "higher: "),
        (Verdict.OPEN, "no difference that the intervals carry: "),
        (Verdict.NONE, "not compared, as one seed gives no interval: "),
    ):
        others = [record for record in group if verdict(record) is found]
        if others:
            others.sort(key=lambda c: (c["b_mean"] is None, c["b_mean"]))
            parts.append(words + listed([_other(record) for record in others]))
    return "; ".join(parts) + "."


def _other(record: Record) -> str:
    mean = _mean(record["b_mean"], record["unit"])
    text = f"{mean} for {record['b']}"
    is_difference = verdict(record) in (Verdict.LOWER, Verdict.HIGHER)
    if is_difference and mean == _mean(record["a_mean"], record["unit"]):
        digits = shown(record["mean"], record["low"], record["high"])[0].lstrip("-")
        by = f"{digits} {record['unit']}".rstrip()
        text += f" (by {by})"
    return text


def _mean(mean: float | None, unit: str) -> str:
    return "not a number" if mean is None else f"{shown(mean)[0]} {unit}".rstrip()


def listed(words: Sequence[str]) -> str:
    """Return for example ``a, b and c``."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
