"""The Markdown table: headlines first, what cannot keep visits apart below."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from trainer.benchmark.bootstrap import FEW_TARGETS
from trainer.benchmark.plan import Refusal
from trainer.benchmark.regimes import REGIMES
from trainer.benchmark.rows import Comparison, Figures, Interval, Row, counted, several
from trainer.benchmark.summary import summary

_HEADER: Final = (
    "Method",
    "mean [m]",
    "95 %",
    "median",
    "p75",
    "p90",
    "CE95",
    "RMSE",
    "accuracy",
    "skill",
    "vs best simple",
    "images",
    "queries",
    "learn / calibrate / fix",
    "note",
)

_PREFACE: Final = """\
Errors in metres; intervals are 95 %, from a bootstrap over target environments, points
and seeds; the median is the CEP. Accuracy: share of fixes whose most probable point is
the right one, where queries are at reference points; zone: share that is nearest to the
right one, otherwise; floor: share on the right floor. Skill: 1 - mean error /
error of the middle of the map. Vs best simple: mean error against the best of 1-NN,
KNN, WKNN and RSSI alone, those that were run, on the same queries; negative is better;
in metres where that one errs by less than a centimetre.
Less another: paired difference of the mean errors, where --against was given.
Images: labelled ones of the target.
"""


def markdown(
    rows: Sequence[Row],
    remarks: Iterable[str] = (),
    refusals: Mapping[str, Sequence[Refusal]] | None = None,
) -> str:
    """Return the table of all rows, one section per survey and regime.

    Args:
        rows: In the order of the table.
        remarks: Printed above.
        refusals: By survey.
    """
    refused = {} if refusals is None else refusals
    parts = ["# Benchmark", "", *[f"{r}\n" for r in remarks], *summary(rows), _PREFACE]
    parts += _sections([r for r in rows if not r.same_visit], refused, level="##")
    same = [r for r in rows if r.same_visit]
    if same:
        parts += [
            "## Same visit: not for headlines",
            "",
            "Shots and queries are of one placement of the device, queries later: "
            "errors are smaller than any re-visit would have.",
            "",
            *_sections(same, refused, level="###"),
        ]
    return "\n".join(parts).rstrip() + "\n"


def _sections(
    rows: Sequence[Row], refusals: Mapping[str, Sequence[Refusal]], level: str
) -> list[str]:
    lines = []
    for survey, regime in dict.fromkeys((r.survey, r.regime) for r in rows):
        group = [r for r in rows if (r.survey, r.regime) == (survey, regime)]
        lines += [f"{level} {group[0].survey_title}, {REGIMES[regime].title}", ""]
        if group[0].origin:
            lines += [f"Simulated: {group[0].origin}.", ""]
        if any(r.figures is not None for r in group):
            refused = [r.reason for r in refusals.get(survey, ()) if r.regime == regime]
            lines += [*_measured(group, refused), ""]
        lines += _not_run(group)
    return lines


def _measured(rows: Sequence[Row], refused: Sequence[str]) -> list[str]:
    """Return how much was measured, and the table of the rows that have figures."""
    measured = [r.figures for r in rows if r.figures is not None]
    n_targets = max(f.n_targets for f in measured)
    few = ", so few that intervals are too narrow" if n_targets < FEW_TARGETS else ""
    seeds = several(max(f.n_seeds for f in measured), "seed")
    left_out = counted(refused, "target", of_all=False)
    return [
        f"{several(n_targets, 'target')}{few}; {seeds}; "
        f"middle of the map {measured[0].centre_m:.2f} m.",
        *([f"Left out: {left_out}."] if refused else []),
        "",
        *_table(rows),
    ]


def _not_run(rows: Sequence[Row]) -> list[str]:
    """Return a line for each reason why rows have no figures, and which these are."""
    titles: dict[str, list[str]] = {}
    for row in rows:
        if row.figures is None:
            titles.setdefault(row.note, []).append(row.title)
    if [len(of) for of in titles.values()] == [len(rows)]:
        return [f"Not run: {rows[0].note}.", ""]
    lines = [f"Not run ({note}): {', '.join(of)}." for note, of in titles.items()]
    return [text for line in lines for text in (line, "")]


def _table(rows: Sequence[Row]) -> list[str]:
    """Return header and the rows that have figures.

    With one more column where another method was asked for.
    """
    shown = [(row, row.figures) for row in rows if row.figures is not None]
    other = next((r.against.method for r, _ in shown if r.against is not None), None)
    header, lines = list(_HEADER), [_cells(*pair) for pair in shown]
    if other is not None:
        at = _HEADER.index("vs best simple") + 1
        header.insert(at, f"less {other} [m]")
        for cells, (row, _) in zip(lines, shown, strict=True):
            cells.insert(at, _difference(row.against))
    dashes = ["---", *["---:"] * (len(header) - 2), "---"]
    return [_line(cells) for cells in (header, dashes, *lines)]


def _difference(against: Comparison | None) -> str:
    """Return for example ``-0.41 [-0.57, -0.27]``: what is below zero is better."""
    if against is None:
        return ""
    span = _span(against.difference_interval_m, "{:+.2f}")
    return f"{against.difference_m:+.2f}{span}"


def _cells(row: Row, figures: Figures) -> list[str]:
    e, s = figures.error, figures.seconds
    comparison = ""
    if row.comparison is not None and row.comparison.method != row.method:
        comparison = f"{_change(row.comparison)} ({row.comparison.method})"
    return [
        row.title,
        f"{e.mean_m:.2f}",
        _span(figures.interval_m, "{:.2f}").strip(),
        *(f"{v:.2f}" for v in (e.median_m, e.p75_m, e.p90_m, e.ce95_m, e.rmse_m)),
        _hits(figures),
        f"{figures.skill.value:+.2f}",
        comparison or ("best simple" if row.comparison else ""),
        f"{figures.images:.0f}",
        f"{figures.n_queries}",
        f"{s.learn:.3g} s / {s.calibrate:.3g} s / {1e3 * s.locate:.3g} ms",
        row.note,
    ]


def _change(compared: Comparison) -> str:
    """Return a percentage; a difference in metres where the other hardly errs."""
    if compared.change is None:
        span = _span(compared.difference_interval_m, "{:+.2f}")
        return f"{compared.difference_m:+.2f} m{span}"
    return f"{compared.change:+.1%}{_span(compared.interval, '{:+.1%}')}"


def _hits(figures: Figures) -> str:
    named = {
        "": figures.accuracy,
        "zone ": None if figures.accuracy else figures.zone_detection,
        "floor ": figures.floor_detection,
    }
    return ", ".join(
        f"{name}{share.value:.1%}{_span(share.interval, '{:.1%}')}"
        for name, share in named.items()
        if share is not None
    )


def _span(interval: Interval, form: str) -> str:
    if interval is None:
        return ""
    return f" [{form.format(interval[0])}, {form.format(interval[1])}]"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"
