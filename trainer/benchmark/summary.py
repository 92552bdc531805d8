"""One line per survey: what calibration costs, and what it buys."""

from collections.abc import Mapping, Sequence
from typing import Final

from trainer.benchmark.rows import RESOLVED_M, Row

OURS: Final = "ours"
_KNN: Final = "knn"
_PAPER: Final = ("maml", "maml_ts", "maml_dg")
_FULL: Final = "3shot"

_HEADER: Final = (
    "Survey",
    "middle",
    "KNN",
    "best simple",
    "with none",
    "best of the paper",
    "3 shots",
    "3 laps",
    "every 4th",
    "five",
    "none",
)
_OURS_IN: Final = {
    _FULL: _FULL,
    "3laps": "3laps",
    "quarter": _FULL,
    "five": _FULL,
    "zero": _FULL,
}
"""Regimes, and the one whose KNN ours is a share of."""

_CAPTION: Final = """\
Mean error [m]. Left: the middle of the map, and others with three shots of one visit
at every point; best simple: of 1-NN, KNN, WKNN and RSSI alone, those that were run and
missed nothing, also with no shots. Right: ours, with fewer and fewer shots, and its
error as a share of KNN's with all of them (3 laps: of KNN's with 3 laps, as the queries
are others), which is a straw man where there are few points. * shots and queries of one
visit."""


def summary(rows: Sequence[Row]) -> list[str]:
    """Return the lines of a Markdown section; none if ours was not run.

    Args:
        rows: All of a run.
    """
    if all(row.method != OURS or row.figures is None for row in rows):
        return []
    lines = ["## In one look", "", _CAPTION, ""]
    lines += [_line(_HEADER), _line(["---", *["---:"] * (len(_HEADER) - 1)])]
    for survey in dict.fromkeys(row.survey for row in rows):
        of_survey = [r for r in rows if r.survey == survey and r.figures is not None]
        if any(row.method == OURS for row in of_survey):
            lines.append(_line(_cells(of_survey)))
    return [*lines, ""]


def _cells(rows: Sequence[Row]) -> list[str]:
    shown: dict[tuple[str, str], Row] = {}
    # What cannot keep visits apart is shown where there is nothing better.
    for row in sorted(rows, key=lambda row: row.same_visit):
        shown.setdefault((row.regime, row.method), row)
    full = [row for (regime, _), row in shown.items() if regime == _FULL]
    middle = next(r.figures.centre_m for r in [*full, *rows] if r.figures is not None)
    return [
        rows[0].survey_title,
        f"{middle:.2f}",
        _text(shown.get((_FULL, _KNN))),
        _text(_best_simple(shown, _FULL)),
        _text(_best_simple(shown, "zero")),
        _text(_least(shown, _FULL, _PAPER)),
        *(
            _text(shown.get((regime, OURS)), of=shown.get((measure, _KNN)))
            for regime, measure in _OURS_IN.items()
        ),
    ]


def _best_simple(shown: Mapping[tuple[str, str], Row], regime: str) -> Row | None:
    """Return the row that the others of the regime are compared with."""
    for (of_regime, _), row in shown.items():
        if of_regime == regime and row.comparison is not None:
            return shown.get((regime, row.comparison.method))
    return None


def _least(
    shown: Mapping[tuple[str, str], Row], regime: str, methods: Sequence[str]
) -> Row | None:
    """Return the row of the method that errs least."""
    rows = [row for name in methods if (row := shown.get((regime, name))) is not None]
    return min(rows, key=_mean, default=None)


def _text(row: Row | None, of: Row | None = None) -> str:
    """Return for example ``0.71 (57%) *``."""
    if row is None:
        return "–"
    share = ""
    if of is not None and _mean(of) >= RESOLVED_M:
        share = f" ({_mean(row) / _mean(of):.0%})"
    return f"{_mean(row):.2f}{share}{' *' if row.same_visit else ''}"


def _mean(row: Row) -> float:
    return 0.0 if row.figures is None else row.figures.error.mean_m


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
