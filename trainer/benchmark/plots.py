"""Plots of the benchmark, made without a display and without global state.

`plot_errors` draws error CDFs, `plot_curves` anything else: error against calibration
effort, against gradient steps (the paper's Fig. 14), against meta-iterations (Fig. 13).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from trainer.benchmark.errors import BenchmarkError

_N_COLOURS = 10
_LINES = ("-", "--", ":", "-.")


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A line, with an interval around it where one is known."""

    label: str
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64] | None = None
    high: npt.NDArray[np.float64] | None = None


def plot_errors(
    path: Path, title: str, errors: Mapping[str, npt.NDArray[np.float64]]
) -> None:
    """Draw the cumulative distribution of errors, one step line per method.

    Args:
        path: A .png file.
        title: Of the plot.
        errors: Per-query errors [m] by label.

    Raises:
        BenchmarkError: The file cannot be written.
    """
    figure, axes = _figure(title, "error [m]", "share of fixes")
    longest = max((float(np.quantile(e, 0.99)) for e in errors.values()), default=1.0)
    for i, (label, error) in enumerate(errors.items()):
        x, share = cumulative(error)
        colour, line = _style(i)
        axes.step(x, share, where="post", label=label, color=colour, linestyle=line)
    axes.set_xlim(0, max(longest, 0.1))
    axes.set_ylim(0, 1)
    _save(figure, path)


def plot_curves(
    path: Path,
    title: str,
    x_label: str,
    curves: Sequence[Curve],
    *,
    y_label: str = "mean error [m]",
    log_x: bool = False,
) -> None:
    """Draw lines with their intervals.

    Args:
        path: A .png file.
        title: Of the plot.
        x_label: For example ``gradient steps`` or ``meta-iterations``.
        curves: One per method.
        y_label: What is drawn.
        log_x: Whether x is logarithmic above 1 and linear below.

    Raises:
        BenchmarkError: The file cannot be written.
    """
    figure, axes = _figure(title, x_label, y_label)
    for i, curve in enumerate(curves):
        colour, line = _style(i)
        axes.plot(curve.x, curve.y, line, label=curve.label, marker=".", color=colour)
        if curve.low is not None and curve.high is not None:
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.12)
    if log_x:
        axes.set_xscale("symlog", linthresh=1)
    axes.set_ylim(bottom=0)
    _save(figure, path)


def cumulative(
    errors: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the points of a distribution function, from (0, 0) on.

    Args:
        errors: Shape (n,), n > 0.

    Returns:
        Errors in order of size, and the share that is not larger; shape (n + 1,).
    """
    x = np.concatenate([[0.0], np.sort(errors)])
    return x, np.arange(len(errors) + 1) / len(errors)


def _figure(title: str, x_label: str, y_label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9, 5))
    FigureCanvasAgg(figure)
    # Fixed margins, the legend on the right: laying out takes longer than drawing.
    axes = figure.add_axes((0.08, 0.11, 0.63, 0.82))
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(alpha=0.3)
    return figure, axes


def _style(i: int) -> tuple[str, str]:
    """Return colour and line of the i-th method."""
    return f"C{i % _N_COLOURS}", _LINES[i // _N_COLOURS % len(_LINES)]


def _save(figure: Figure, path: Path) -> None:
    figure.legend(loc="center left", bbox_to_anchor=(0.72, 0.5), fontsize="small")
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise BenchmarkError(f"cannot write {path}: {error.strerror}") from error
