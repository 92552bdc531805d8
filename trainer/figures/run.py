"""Everything from units to files: compute what is not there, draw, write, link.

<out>/figN.png, figN.json, figN.md      per figure
<out>/README.md                         links them
<out>/units/                            what has been computed; a run goes on from it
"""

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_agent.version import version
from trainer.figures.contract import Figure
from trainer.figures.drawing import draw
from trainer.figures.errors import FigureError
from trainer.figures.notes import index, note
from trainer.figures.settings import settings_json
from trainer.figures.store import UnitStore
from trainer.figures.units import Unit
from trainer.figures.workers import Order, run_orders

_SCHEMA: Final = 2
_QUICK_MARK: Final = "QUICK RUN, not a result: "


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands."""

    what: str
    """What has just happened."""

    n_done: int
    n_units: int
    seconds_left: float | None
    """None where nothing is left to do."""

    running: tuple[str, ...] = ()
    """Units that are being computed, and where they stand."""

    def __str__(self) -> str:
        """Return for example ``3/20 done, 4 min left; running: steps, seed 2``."""
        left = ""
        if self.seconds_left is not None:
            minutes = round(self.seconds_left / 60)
            left = f", {minutes} min left" if minutes else ", less than a minute left"
        now = f"running: {'; '.join(self.running)}" if self.running else self.what
        return f"{self.n_done}/{self.n_units} done{left}; {now}"


OnProgress = Callable[[Progress], None]


def run_figures(
    out: Path,
    figures: Sequence[Figure],
    *,
    quick: bool = False,
    n_seeds: int | None = None,
    n_processes: int = 1,
    on_progress: OnProgress = lambda _progress: None,
) -> tuple[list[Path], dict[str, str]]:
    """Make figures; what was computed before is not computed again.

    Args:
        out: Folder for everything; made.
        figures: Which.
        quick: Whether plots, numbers and notes say that they are of a quick run.
        n_seeds: Instead of what each figure takes.
        n_processes: Processes; results do not depend on it.
        on_progress: Told of every unit.

    Returns:
        What was written, and why what is missing is missing, by title of the figure.

    Raises:
        TrainerError: A unit cannot be computed, or a file cannot be written.
    """
    store = UnitStore(out / "units")
    missing = {f.title: f.missing for f in figures if f.missing}
    able = [figure for figure in figures if not figure.missing]
    orders = _orders(able, n_seeds, store)
    waiting = [order for order in orders if not order.path.is_file()]
    count = _Counter(orders, waiting, n_processes, on_progress)
    run_orders(
        waiting,
        n_processes=n_processes,
        on_done=count.done,
        on_told=count.told,
        on_started=count.started,
    )
    written: list[Path] = []
    documents = []
    for figure in able:
        document = _make(out, figure, _seeds(figure, n_seeds), store, quick, written)
        documents.append(document)
    path = out / "README.md"
    _write(path, index(documents, missing))
    return [*written, path], missing


def _seeds(figure: Figure, n_seeds: int | None) -> range:
    return range(figure.n_seeds if n_seeds is None else n_seeds)


def _orders(
    figures: Sequence[Figure], n_seeds: int | None, store: UnitStore
) -> list[Order]:
    """Return every unit once, whichever figures share it."""
    orders: dict[Path, Order] = {}

    def add(unit: Unit, seed: int) -> Path:
        path = store.path(unit, seed)
        if path not in orders:
            needed = tuple(add(other, seed) for other in unit.needs)
            orders[path] = Order(unit, seed, path, needed)
        return path

    for figure in figures:
        for seed in _seeds(figure, n_seeds):
            for unit in figure.units:
                add(unit, seed)
    return list(orders.values())


class _Counter:
    """Turns units into progress, by the time that their like are said to take."""

    def __init__(
        self,
        every: Sequence[Order],
        waiting: Sequence[Order],
        n_processes: int,
        on_progress: OnProgress,
    ) -> None:
        self._n, self._done = len(every), len(every) - len(waiting)
        self._left = sum(order.unit.weight for order in waiting)
        self._got = 0.0
        self._n_processes = n_processes
        self._running: dict[Path, str] = {}
        self._started = time.monotonic()
        self._on_progress = on_progress
        self._report(f"{self._done} of {self._n} units done before")

    def started(self, order: Order) -> None:
        self.told(order, "")

    def done(self, order: Order) -> None:
        self._running.pop(order.path, None)
        self._done += 1
        self._got += order.unit.weight
        self._left -= order.unit.weight
        self._report(f"{order.title}: done")

    def told(self, order: Order, text: str) -> None:
        self._running[order.path] = f"{order.title}: {text}".removesuffix(": ")
        self._report(self._running[order.path])

    def _report(self, what: str) -> None:
        # Before anything is done, weights are as good as seconds.
        seconds = time.monotonic() - self._started
        rate = self._got / seconds if self._got and seconds else self._n_processes
        left = self._left / rate if self._done < self._n else None
        running = tuple(self._running.values())
        self._on_progress(Progress(what, self._done, self._n, left, running))


def _make(
    out: Path,
    figure: Figure,
    seeds: range,
    store: UnitStore,
    quick: bool,
    written: list[Path],
) -> Mapping[str, Any]:
    stored = {
        unit.name: [store.load(unit, seed) for seed in seeds] for unit in figure.units
    }
    report = figure.report(
        {name: [s.arrays for s in found] for name, found in stored.items()}
    )
    needed = {unit for of in figure.units for unit in of.needs}
    elapsed = sum(s.seconds for found in stored.values() for s in found)
    elapsed += sum(store.load(unit, seed).seconds for unit in needed for seed in seeds)
    document = {
        "schema": _SCHEMA,
        "figure": figure.name,
        "title": figure.title,
        "quick": quick,
        "seeds": list(seeds),
        "intervals_over": report.intervals_over,
        "settings": {unit.name: settings_json(unit) for unit in figure.units},
        "versions": _versions(),
        "about": figure.about,
        "paper": figure.paper,
        "differs": list(figure.differs),
        "panels": [panel.as_json() for panel in report.panels],
        "facts": [fact.as_json() for fact in report.facts],
        "comparisons": [c.as_json() for c in report.comparisons],
        "details": dict(report.details),
        "elapsed_s": round(elapsed, 1),
    }
    stem = out / figure.name
    mark = _QUICK_MARK if quick else ""
    draw(stem.with_suffix(".png"), f"{mark}{figure.title}", report)
    _write(
        stem.with_suffix(".json"),
        json.dumps(document, indent=1, allow_nan=False) + "\n",
    )
    _write(stem.with_suffix(".md"), note(document))
    written += [stem.with_suffix(suffix) for suffix in (".png", ".json", ".md")]
    return document


def _versions() -> dict[str, str]:
    from importlib.metadata import version as of_package

    return {
        "metaloc": version(),
        "numpy": np.__version__,
        "torch": of_package("torch"),
        "python": platform.python_version(),
    }


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise FigureError(f"cannot write {path}: {error.strerror}") from error
