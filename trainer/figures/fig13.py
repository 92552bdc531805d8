"""Fig. 13 and Fig. 14: convergence in the simulated hall and laboratory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from trainer.figures.contract import Results, Seeds, stacked
from trainer.figures.convergence import CENTRE, ITERATIONS, STEPS, Convergence
from trainer.figures.panels import (
    Comparison,
    Fact,
    Level,
    Line,
    Panel,
    Report,
    compared,
    measured,
)
from trainer.figures.statistics import Floats, over_seeds
from trainer.figures.units import Unit
from trainer.methods.networks import Training

_TITLES: Final = {
    Training.MAML: "MAML",
    Training.MAML_DG: "MAML-DG",
    Training.MAML_TS: "MAML-TS",
    Training.TL: "TL",
    Training.RI: "RI",
}
_META: Final = (Training.MAML, Training.MAML_DG, Training.MAML_TS)
_SOON: Final = 5
"""Gradient steps, those of the paper's inner loop, after which Fig. 14 compares."""

_PAPER: Final = {
    "fig13": (
        "Error against iterations of the outer loop for MAML, MAML-DG and MAML-TS. "
        "MAML-TS and MAML-DG converge faster than MAML and end lower; MAML-TS "
        "sometimes overfits."
    ),
    "fig14": (
        "Error against gradient steps on the new day. The three of MetaLoc need few "
        "steps and end below TL and RI; MAML-DG needs fewer than MAML and MAML-TS."
    ),
}
_ABOUT: Final = (
    "{question} The networks find positions from images of the channel between access "
    "points and a device (CSI) in a hall and a laboratory, on a day that they have not "
    "seen. MAML is meta-trained on earlier days and adapted to the new one in gradient "
    "steps with three images per point; MAML-DG uses two domains per iteration, "
    "MAML-TS the most similar day. TL goes on from ordinary training on earlier "
    "days{ri}."
)
_QUESTION: Final = {
    "fig13": "How long has a network to be trained?",
    "fig14": "How many gradient steps does a new day take?",
}
_TITLE: Final = {
    "fig13": "Fig. 13: error against meta-iterations, simulated hall and laboratory",
    "fig14": "Fig. 14: error against gradient steps, simulated hall and laboratory",
}


@dataclass(frozen=True, slots=True)
class FigConvergence:
    """Either figure; both show the same trainings."""

    name: Literal["fig13", "fig14"]
    places: Mapping[str, Convergence]
    """By what people call them."""

    n_seeds: int
    missing: str = ""

    @property
    def title(self) -> str:
        """See `Figure`."""
        return _TITLE[self.name]

    @property
    def about(self) -> str:
        """See `Figure`."""
        ri = ", RI from random parameters" if self.name == "fig14" else ""
        return _ABOUT.format(question=_QUESTION[self.name], ri=ri)

    @property
    def paper(self) -> str:
        """See `Figure`."""
        return _PAPER[self.name]

    @property
    def units(self) -> tuple[Unit, ...]:
        """See `Figure`."""
        return tuple(self.places.values())

    @property
    def differs(self) -> tuple[str, ...]:
        """See `Figure`."""
        budget = next(iter(self.places.values())).budget
        return (
            "The places are simulated (trainer/surveys/simulated.py), the paper's were "
            "recorded.",
            f"At most {budget.max_iterations} iterations; the paper says 2500 to 7500.",
            "MAML-TS is MAML on the one day of history that MMD finds nearest to the "
            "images of the new day's first visit, for as many epochs of that day.",
            "An iteration of MAML-DG adapts to tasks of two domains.",
            "The networks and their input are the benchmark's (docs/benchmark.md), "
            "adapted once to all points, not to ten that an image selects.",
            "Intervals are over seeds (initial parameters, tasks, shots) on one day.",
        )

    def report(self, results: Results) -> Report:
        """See `Figure`."""
        key = ITERATIONS if self.name == "fig13" else STEPS
        shown = tuple(_TITLES) if key == STEPS else (*_META, Training.TL)
        panels, facts, comparisons = [], [], []
        for place, unit in self.places.items():
            seeds = results[unit.name]
            some = [t for t in shown if t in unit.trainings]
            panels.append(_panel(place, seeds, some, key))
            facts += _facts(place, seeds, some, key)
            comparisons += _comparisons(place, seeds, some, key)
        return Report(tuple(panels), tuple(facts), tuple(comparisons))


def _panel(place: str, seeds: Seeds, shown: list[Training], key: str) -> Panel:
    last = int(_curve(seeds, shown[0], STEPS)[0][-1])
    lines = []
    for training in shown:
        x, y = _curve(seeds, training, key)
        lines.append(Line(_TITLES[training], x, over_seeds(y, least=0.0)))
    return Panel(
        place,
        "gradient steps" if key == STEPS else "meta-iterations",
        "mean error [m]" if key == STEPS else f"mean error after {last} steps [m]",
        lines=tuple(lines),
        floors=(Level("middle of the room", measured(stacked(seeds, CENTRE))),),
    )


def _facts(place: str, seeds: Seeds, shown: list[Training], key: str) -> list[Fact]:
    return [
        Fact(_TITLES[training], f"{place}, {when}", "m", measured(y))
        for training in shown
        for when, y in _moments(seeds, training, key)
    ]


def _comparisons(
    place: str, seeds: Seeds, shown: list[Training], key: str
) -> list[Comparison]:
    base = Training.MAML
    early_and_late = _moments(seeds, base, key) if base in shown else []
    found = [
        compared(
            f"mean error in the {place} {when}",
            "m",
            (_TITLES[base], y),
            (_TITLES[training], _moments(seeds, training, key)[i][1]),
            in_summary=True,
        )
        for i, (when, y) in enumerate(early_and_late)
        for training in shown
        if training is not base
    ]
    if key == ITERATIONS:
        for training in shown:
            _, y = _curve(seeds, training, key)
            first, last = ("before training", y[:, 0]), ("at its end", y[:, -1])
            what = f"mean error in the {place} of {_TITLES[training]}"
            found.append(compared(what, "m", last, first))
    return found


def _moments(seeds: Seeds, training: Training, key: str) -> list[tuple[str, Floats]]:
    """Return errors of each seed early and at the end."""
    x, y = _curve(seeds, training, key)
    if key == STEPS:
        soon = min(_SOON, len(x) - 1)
        return [
            (f"after {int(x[soon])} gradient steps", y[:, soon]),
            (f"after {int(x[-1])} gradient steps", y[:, -1]),
        ]
    early = int(np.searchsorted(x, x[-1] / 4))
    return [
        (f"{moment} of training", y[:, i])
        for moment, i in (("after a quarter", early), ("at the end", -1))
    ]


def _curve(seeds: Seeds, training: Training, key: str) -> tuple[Floats, Floats]:
    """Return x, and y of shape (n_seeds, n_x)."""
    both = stacked(seeds, f"{training}-{key}")
    return both[0, 0], both[:, 1]
