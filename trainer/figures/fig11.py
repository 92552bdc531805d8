"""Fig. 11: ray-traced rooms, learnt with and without path-loss models before."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from trainer.figures.contract import Results, Seeds, stacked
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
from trainer.figures.reconstruction import TABLE_TWO
from trainer.figures.scenarios import Scenarios
from trainer.figures.statistics import Floats, over_seeds
from trainer.figures.traced import why_missing
from trainer.figures.units import Unit

_TITLES: Final = {
    "both": "path-loss models + traced rooms",
    "traced": "traced rooms",
    "longer": "traced rooms (as many iterations as both)",
    "models": "path-loss models alone",
}
_FLOORS: Final = {
    "centre": "middle of the room",
    "wknn_same": "WKNN (reference points, same 124 samples)",
}
_COMPARED_AT: Final = (0, 10)
"""Gradient steps."""


@dataclass(frozen=True, slots=True)
class Fig11:
    """The figure."""

    unit: Scenarios
    n_seeds: int
    name: str = "fig11"
    title: str = "Fig. 11: RMSE in ray-traced rooms, with and without path-loss models"
    about: str = (
        "Does it help a network that is to work in rooms whose signals were traced "
        "by rays, if it is meta-trained on formulas of path loss before? S3 and S4 "
        "are rooms that it has not seen; there it is adapted in gradient steps with "
        "124 samples, signal strengths whose positions are known. RMSE is the root of "
        "the mean squared error. WKNN needs no training: it answers the weighted mean "
        "of the nearest reference points (spots with signal strengths on record) and "
        "of the same 124 samples."
    )
    paper: str = (
        "RMSE against gradient steps in scenarios S3 and S4 of a commercial ray tracer "
        "(WI), from parameters trained on S1, S2, S5, S6 and from those trained on "
        "path-loss models as well (WI&PLM). All converge within 50 steps; WI&PLM "
        "sooner. No numbers are given."
    )

    @property
    def missing(self) -> str:
        """See `Figure`."""
        return why_missing()

    @property
    def units(self) -> tuple[Unit, ...]:
        """See `Figure`."""
        return (self.unit,)

    @property
    def differs(self) -> tuple[str, ...]:
        """See `Figure`."""
        unit = self.unit
        return (
            "The paper's scenarios are not published. Ours are six rooms of our own "
            "design, traced with sionna-rt (trainer/simulate/raytrace).",
            "Samples are at points of a grid that are no reference points, and queries "
            "at those that are left; each has noise of "
            f"{unit.noise_db:g} dB that a ray tracer does not have. The rooms are the "
            "same for all seeds; points, noise and training differ: intervals say "
            "nothing about other rooms.",
            *TABLE_TWO,
            f"Both: {unit.models.learning.n_iterations} iterations on path-loss models "
            f"and {unit.learning.n_iterations} on traced rooms. So that more training "
            "is not taken for better knowledge, traced rooms alone are drawn with as "
            "many iterations as well.",
            "Floors are drawn: what needs no training.",
        )

    def report(self, results: Results) -> Report:
        """See `Figure`."""
        seeds = results[self.unit.name]
        rooms = self.unit.test
        return Report(
            panels=tuple(_panel(seeds, room) for room in rooms),
            facts=tuple(
                Fact(label, f"{room}, RMSE {when}", "m", measured(values))
                for key, label in (*_TITLES.items(), *_FLOORS.items())
                for room in rooms
                for when, values in _moments(seeds, room, key)
            ),
            comparisons=tuple(c for room in rooms for c in _comparisons(seeds, room)),
        )


def _panel(seeds: Seeds, room: str) -> Panel:
    steps = seeds[0]["steps"].astype(np.float64)
    return Panel(
        room,
        "gradient steps",
        "RMSE [m]",
        lines=tuple(
            Line(label, steps, over_seeds(stacked(seeds, f"{room}-{key}"), least=0.0))
            for key, label in _TITLES.items()
        ),
        floors=tuple(
            Level(label, measured(stacked(seeds, f"{room}-{key}")))
            for key, label in _FLOORS.items()
        ),
        x_scale="symlog",
    )


def _comparisons(seeds: Seeds, room: str) -> list[Comparison]:
    both = _moments(seeds, room, "both")
    others = {key: _TITLES[key] for key in ("traced", "longer", "models")}
    others["wknn_same"] = _FLOORS["wknn_same"]
    return [
        compared(
            f"RMSE in {room} {when}",
            "m",
            (_TITLES["both"], mine),
            (label, _moments(seeds, room, key)[i][1]),
            in_summary=True,
        )
        for i, (when, mine) in enumerate(both)
        for key, label in others.items()
    ]


def _moments(seeds: Seeds, room: str, key: str) -> list[tuple[str, Floats]]:
    """Return the RMSE of each seed after some numbers of steps [m].

    Floors take none, and are the same after any number.
    """
    steps, values = seeds[0]["steps"], stacked(seeds, f"{room}-{key}")
    if values.ndim == 1:
        values = np.repeat(values[:, None], len(steps), axis=1)
    at = [int(np.searchsorted(steps, step, side="right")) - 1 for step in _COMPARED_AT]
    return [(f"after {int(steps[i])} steps", values[:, i]) for i in at]
