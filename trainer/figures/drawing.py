"""Figures on paper, made without a display and without global state.

Colours are those of Okabe and Ito, which people with any colour vision tell apart;
lines differ in their dashes and markers as well. Bands are 95 % intervals.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trainer.figures.errors import FigureError
from trainer.figures.panels import Level, Line, Panel, Report

_COLOURS: Final = (
    "#0072B2",  # blue
    "#D55E00",  # vermilion
    "#009E73",  # green
    "#CC79A7",  # purple
    "#E69F00",  # orange
    "#56B4E9",  # sky
    "#000000",
)
_DASHES: Final = ("-", "--", "-.", ":")
_MARKERS: Final = "os^DvPX*<>"
_POINT_COLOUR: Final = "#000000"
_FLOOR_COLOUR: Final = "#666666"
_FLOOR_DASHES: Final = (
    (0, (1, 1)),
    (0, (5, 2)),
    (0, (5, 1, 1, 1)),
    (0, (8, 2, 1, 2, 1, 2)),
)
_PANEL_INCHES: Final = (4.6, 3.5)
_LEAST_INCHES: Final = 8.0
_DPI: Final = 120
_N_MARKERS: Final = 8
_BAND_ALPHA: Final = 0.12
_LEGEND_ROW_INCHES: Final = 0.24
_LEGEND_COLUMN_INCHES: Final = 2.6


def draw(path: Path, title: str, report: Report) -> None:
    """Draw a figure.

    Args:
        path: A .png file.
        title: Above all panels.
        report: What to show.

    Raises:
        FigureError: The file cannot be written.
    """
    n = len(report.panels)
    columns = min(n, report.n_columns)
    rows = math.ceil(n / columns)
    lines = _numbered(line.label for p in report.panels for line in p.lines)
    floors = _numbered(floor.label for p in report.panels for floor in p.floors)
    width = max(_LEAST_INCHES, columns * _PANEL_INCHES[0])
    in_legend = max(1, int(width / _LEGEND_COLUMN_INCHES))
    legend = math.ceil((len(lines) + len(floors)) / in_legend) * _LEGEND_ROW_INCHES
    height = rows * _PANEL_INCHES[1] + 0.6 + legend
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize="medium")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for number, panel in enumerate(report.panels):
        _draw_panel(axes[number], panel, lines, floors)
    for spare in axes[n:]:
        spare.set_visible(False)
    handles = {
        label: handle
        for axis in axes[:n]
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    if handles:
        order = [label for label in (*lines, *floors) if label in handles]
        figure.legend(
            [handles[label] for label in order],
            order,
            loc="outside lower center",
            ncols=min(in_legend, len(order)),
            fontsize="small",
            frameon=False,
        )
    part = path.with_suffix(".part")
    try:
        figure.savefig(part, dpi=_DPI, format="png", metadata={"Software": None})
        part.replace(path)
    except OSError as error:
        raise FigureError(f"cannot write {path}: {error.strerror}") from error


def _draw_panel(
    axes: Axes, panel: Panel, lines: Mapping[str, int], floors: Mapping[str, int]
) -> None:
    axes.set_title(panel.title, fontsize="medium")
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    axes.grid(alpha=0.3)
    if panel.x_scale == "symlog":
        axes.set_xscale("symlog", linthresh=1)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _at: f"{x:g}"))
    elif all((line.x == np.rint(line.x)).all() for line in panel.lines):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_yscale(panel.y_scale)
    for line in panel.lines:
        _draw_line(axes, line, lines[line.label])
    for floor in panel.floors:
        _draw_floor(axes, floor, floors[floor.label])
    if panel.points:
        _draw_points(axes, panel.points)
    if panel.x_limits is not None:
        axes.set_xlim(*panel.x_limits)
    if panel.y_limits is not None:
        axes.set_ylim(*panel.y_limits)
    elif panel.y_scale == "linear":
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))


def _draw_line(axes: Axes, line: Line, i: int) -> None:
    colour = _FLOOR_COLOUR if line.is_floor else _COLOURS[i % len(_COLOURS)]
    axes.plot(
        line.x,
        line.band.mean,
        linestyle=_FLOOR_DASHES[0] if line.is_floor else _DASHES[i % len(_DASHES)],
        marker="" if line.is_floor else _MARKERS[i % len(_MARKERS)],
        markersize=4,
        # Each line's markers begin elsewhere, so that they do not hide each other.
        markevery=_marked(len(line.x), i),
        color=colour,
        label=line.label,
    )
    axes.fill_between(
        line.x,
        line.band.low,
        line.band.high,
        color=colour,
        alpha=_BAND_ALPHA,
        linewidth=0,
    )


def _draw_floor(axes: Axes, floor: Level, i: int) -> None:
    axes.axhline(
        floor.value.mean,
        color=_FLOOR_COLOUR,
        linestyle=_FLOOR_DASHES[i % len(_FLOOR_DASHES)],
        linewidth=1.4,
        label=floor.label,
    )
    if floor.value.has_interval:
        axes.axhspan(
            floor.value.low,
            floor.value.high,
            color=_FLOOR_COLOUR,
            alpha=0.08,
            linewidth=0,
        )


def _draw_points(axes: Axes, points: tuple[Level, ...]) -> None:
    # All alike: their names are below them, and colours are those of lines, which in
    # panels beside this one are of other things.
    for i, point in enumerate(points):
        axes.plot([i], [point.value.mean], _MARKERS[0], color=_POINT_COLOUR)
        if point.value.has_interval:
            ends = [point.value.low, point.value.high]
            axes.plot([i, i], ends, color=_POINT_COLOUR)
    axes.set_xticks(range(len(points)), [point.label for point in points])
    axes.set_xlim(-0.5, len(points) - 0.5)
    # From zero on, and with room above: few points leave no margin of their own.
    axes.set_ylim(0, 1.08 * axes.get_ylim()[1])


def _marked(n: int, i: int) -> list[int]:
    """Return which points of a line carry a marker."""
    if n <= _N_MARKERS:
        return list(range(n))
    step = n / _N_MARKERS
    starts = np.arange(_N_MARKERS) * step + (i % 4) * step / 4
    return sorted({min(n - 1, int(at)) for at in starts})


def _numbered(labels: Iterable[str]) -> dict[str, int]:
    """Return a number per label, so that it looks the same in every panel."""
    return {label: i for i, label in enumerate(dict.fromkeys(labels))}
