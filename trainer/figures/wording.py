"""Sentences about numbers that say no more than the intervals do.

A difference is called one only where its paired interval excludes zero. Each interval
is of 95 % by itself: of twenty comparisons without any difference one will look like
one, and the notes say so.
"""

from collections.abc import Mapping
from typing import Any


def fact(record: Mapping[str, Any]) -> str:
    """Return for example ``RMSE after 5 steps: 1.20 m [1.10, 1.30]``, and a period.

    Args:
        record: A `trainer.figures.panels.Fact` from the JSON.
    """
    return (
        f"{record['what']}: {_value(record['mean'], record['unit'])}"
        f"{_interval(record)}."
    )


def comparison(record: Mapping[str, Any]) -> str:
    """Return which is lower and by how much, or that the intervals do not say.

    Args:
        record: A `trainer.figures.panels.Comparison` from the JSON.
    """
    what, a, b, unit = (record[key] for key in ("what", "a", "b", "unit"))
    low, high, mean = record["low"], record["high"], record["mean"]
    if low is None or high is None:
        return f"{what}: {a} and {b} are not compared; one seed gives no interval."
    if low > 0 or high < 0:
        word, sign = ("higher", 1) if low > 0 else ("lower", -1)
        ends = sorted((sign * low, sign * high))
        return (
            f"{what}: {a} is {word} than {b}, by {_value(sign * mean, unit)} "
            f"[{_plain(ends[0])}, {_plain(ends[1])}]."
        )
    return (
        f"{what}: no difference between {a} and {b} that the intervals carry "
        f"({a} less {b}: {_value(mean, unit)}{_interval(record)})."
    )


def is_difference(record: Mapping[str, Any]) -> bool:
    """Return whether a comparison's interval excludes zero."""
    low, high = record["low"], record["high"]
    return low is not None and high is not None and (low > 0 or high < 0)


def _interval(record: Mapping[str, Any]) -> str:
    if record["low"] is None or record["high"] is None:
        return " (one seed, no interval)" if record["n"] == 1 else ""
    return f" [{_plain(record['low'])}, {_plain(record['high'])}]"


def _value(value: float | None, unit: str) -> str:
    return f"{_plain(value)} {unit}".rstrip()


def _plain(value: float | None) -> str:
    """Return three digits behind the point at most, or a power of ten."""
    if value is None:
        return "not a number"
    if value == round(value) and abs(value) < 1e5:
        return f"{value:.0f}"
    if not 1e-3 <= abs(value) < 1e5:
        return f"{value:.2g}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"
