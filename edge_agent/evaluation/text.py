"""An evaluation for people."""

from collections.abc import Sequence

from edge_agent.console import table
from edge_agent.evaluation.evaluation import Evaluation
from edge_agent.evaluation.figures import Figures, Share
from edge_agent.evaluation.intervals import Interval

_COLUMNS = ("LOCATIONS", "MEAN m", "P95 m", "IN R95")


def report_lines(evaluation: Evaluation) -> list[str]:
    """Return everything, as lines of text."""
    figures, visits = evaluation.figures, list(dict.fromkeys(evaluation.judged.visits))
    kind = "re-visits" if evaluation.is_revisit else "the visits that calibrated it"
    lines = [
        f"site {evaluation.site}, {evaluation.calibration}: {figures.n} locations of "
        f"{evaluation.n_captures} captures at {len(evaluation.by_point)} points, "
        f"{kind}: {_some(visits)}",
        "",
        *_summary(figures),
    ]
    if (same := evaluation.same_visit_figures) is not None:
        lines += [
            "",
            f"on the visits that calibrated it, not counted above: {same.n} "
            f"locations, {_headline(same)}",
        ]
    if evaluation.by_room:
        lines += ["", *_room_table(evaluation)]
    return [*lines, "", *_point_table(evaluation)]


def _room_table(evaluation: Evaluation) -> list[str]:
    rows = [
        [
            name,
            *_cells(figures),
            _percent(figures.room),
            ", ".join(f"{room} {n}" for room, n in evaluation.taken_for(name).items()),
        ]
        for name, figures in evaluation.by_room.items()
    ]
    header = ["ROOM", *_COLUMNS, "RIGHT", "TAKEN FOR"]
    return table(header, rows, right={1, 2, 3, 4, 5})


def _point_table(evaluation: Evaluation) -> list[str]:
    rows = [
        [point.name, point.room or "", *_cells(figures), _percent(figures.point)]
        for point, figures in evaluation.by_point.items()
    ]
    header = ["POINT, WORST FIRST", "ROOM", *_COLUMNS, "NEAREST"]
    return table(header, rows, right={2, 3, 4, 5, 6})


def _summary(figures: Figures) -> list[str]:
    rows: list[list[str]] = []
    if (errors := figures.errors) is not None:
        rows += [
            ["mean error", f"{errors.mean:.2f} m", _metres(errors.mean_interval)],
            ["median (CEP)", f"{errors.median:.2f} m", ""],
            ["75 %", f"{errors.p75:.2f} m", ""],
            ["90 %", f"{errors.p90:.2f} m", ""],
            ["95 % (CE95)", f"{errors.p95:.2f} m", ""],
            ["RMSE", f"{errors.rmse:.2f} m", ""],
            ["always the middle", f"{errors.centre:.2f} m", ""],
            ["a random point", f"{errors.random_point:.2f} m", ""],
        ]
    for name, share in (
        ("right room", figures.room),
        ("nearest point right", figures.point),
        ("right floor", figures.floor),
        ("not unknown", figures.known),
        ("within r68", figures.within_r68),
        ("within r95", figures.within_r95),
    ):
        if share.n:
            rows.append([name, _percent(share), _percents(share.interval)])
    if figures.errors is not None:
        rows.append(["mean r95", f"{figures.errors.r95:.2f} m", ""])
    for quality, n in figures.quality.items():
        rows.append([f"quality {quality}", f"{n / figures.n:.0%}", ""])
    return table(["", "", "95 % INTERVAL"], rows, right={1})


def _cells(figures: Figures) -> list[str]:
    errors = figures.errors
    return [
        str(figures.n),
        f"{errors.mean:.2f}" if errors else "-",
        f"{errors.p95:.2f}" if errors else "-",
        _percent(figures.within_r95),
    ]


def _headline(figures: Figures) -> str:
    if figures.errors is not None:
        return f"mean error {figures.errors.mean:.2f} m"
    return f"right room {_percent(figures.room)}"


def _percent(share: Share) -> str:
    return f"{share.value:.0%}" if share.n else "-"


def _percents(interval: Interval) -> str:
    return "" if interval is None else f"{interval[0]:.0%} .. {interval[1]:.0%}"


def _metres(interval: Interval) -> str:
    return "" if interval is None else f"{interval[0]:.2f} .. {interval[1]:.2f} m"


def _some(names: Sequence[str], most: int = 6) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
