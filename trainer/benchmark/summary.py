"""One line per survey: what calibration costs, and what it buys."""

from collections.abc import Sequence
from typing import Final

from trainer.benchmark.rows import Row

OURS: Final = "ours"
_KNN: Final = "knn"
_SIMPLE: Final = (
    "rssi",
    "1nn",
    "1nn_linear",
    "knn",
    "knn_samples",
    "wknn",
    "wknn_linear",
)
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
_OURS_IN: Final = (_FULL, "3laps", "quarter", "five", "zero")

_CAPTION: Final = """\
Mean error [m]. Left: the middle of the map, and others with three shots of one visit
at every point; best simple: of 1-NN, KNN, WKNN and RSSI alone, those that were run,
also with no shots. Right: ours, with fewer and fewer shots, and its error as a share
of KNN's with all of them, which is a straw man where there are few points. * shots and
queries of one visit."""


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
        revisited = [row for row in of_survey if not row.same_visit]
        # What cannot keep visits apart is shown where there is nothing better.
        shown = revisited or of_survey
        if any(row.method == OURS for row in shown):
            lines.append(_line(_cells(survey, shown)))
    return [*lines, ""]


def _cells(survey: str, rows: Sequence[Row]) -> list[str]:
    full = {row.method: row for row in rows if row.regime == _FULL}
    none = {row.method: row for row in rows if row.regime == "zero"}
    ours = {row.regime: row for row in rows if row.method == OURS}
    knn = _mean(full.get(_KNN))
    middle = next((r.figures.centre_m for r in rows if r.figures is not None), None)
    mark = " *" if any(row.same_visit for row in rows) else ""
    return [
        f"{survey}{mark}",
        _metres(middle),
        _metres(knn),
        _metres(_least([_mean(full.get(name)) for name in _SIMPLE])),
        _metres(_least([_mean(none.get(name)) for name in _SIMPLE])),
        _metres(_least([_mean(full.get(name)) for name in _PAPER])),
        *(_with_share(_mean(ours.get(regime)), knn) for regime in _OURS_IN),
    ]


def _mean(row: Row | None) -> float | None:
    return None if row is None or row.figures is None else row.figures.error.mean_m


def _least(values: Sequence[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _metres(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _with_share(value: float | None, of: float | None) -> str:
    if value is None or not of:
        return _metres(value)
    return f"{value:.2f} ({value / of:.0%})"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
