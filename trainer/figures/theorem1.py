"""Theorem 1: how far parameters are from the optimum, and what its bounds are worth."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from trainer.figures.contract import Results, Seeds, stacked
from trainer.figures.distances import Distances
from trainer.figures.panels import (
    Comparison,
    Fact,
    Level,
    Line,
    Panel,
    Report,
    compared,
    count,
    measured,
)
from trainer.figures.reconstruction import TABLE_ONE
from trainer.figures.statistics import geometric
from trainer.figures.units import Unit

_STARTS: Final = {"meta": "MetaLoc", "ri": "RI"}
_ENDS: Final = {
    "own": "where descent on 124 samples ends",
    "distance": "the best of Adam from there",
    "other": "the best of Adam from the other start",
}
_RISKS: Final = {
    "risk": "excess risk, measured",
    "bound1": "first bound of Theorem 1",
    "bound2": "second bound",
}
_LEAST_M: Final = 0.01
"""What is less, or below zero, is drawn so: the axis is logarithmic."""


@dataclass(frozen=True, slots=True)
class Theorem1:
    """The diagnostic."""

    unit: Distances
    n_seeds: int
    name: str = "theorem1"
    title: str = "Theorem 1: parameter distances, excess risk and its bounds"
    missing: str = ""
    about: str = (
        "Does meta-training bring a network's parameters θ nearer to θ_T*, the best "
        "for a new task T, and is that why few gradient steps are enough? MetaLoc "
        "starts from meta-training on four other places, RI from random parameters; "
        "distances are Euclidean. Excess risk is by how much the RMSE (root of the "
        "mean squared error of positions) after Q steps is above that of θ_T*; "
        "Theorem 1 bounds it twice."
    )
    paper: str = (
        "The distance between the starting parameters and θ_T* is 0.48 for MetaLoc and "
        "2.12 for RI on average, which the paper gives as the reason for fast "
        "adaptation, by the second bound of Theorem 1. Neither the risk nor the bounds "
        "are evaluated."
    )

    @property
    def units(self) -> tuple[Unit, ...]:
        """See `Figure`."""
        return (self.unit,)

    @property
    def differs(self) -> tuple[str, ...]:
        """See `Figure`."""
        return (
            *TABLE_ONE,
            "The paper does not say how θ_T* is found, nor whether both starts share "
            "one. Here, per start: where descent on 124 samples ends "
            f"({self.unit.n_own} steps), and the best that Adam passes on "
            f"{self.unit.n_many} samples, by {self.unit.n_chosen} others, from it and "
            "from the other start.",
            "A distance depends on where each start's own path leads: networks with "
            "permuted units are equal and far apart. It is a diagnostic of training, "
            "not of accuracy.",
            "This is no guarantee. The second bound is largest where it would have to "
            "be useful: it grows as ρ^Q, and holds at Q = 0 already, before anything "
            "is adapted. G and W are the largest values met on the way, so that the "
            "curves are lower than the bounds; the theorem's α ≤ 1/W may not hold "
            "beyond them. It also assumes a loss that is a mean over samples, which "
            "the RMSE is not.",
            f"Risks and bounds are geometric means over seeds, in metres of RMSE; less "
            f"than {_LEAST_M:g} m counts as that much. Where they are compared, means "
            "and differences are arithmetic.",
        )

    def report(self, results: Results) -> Report:
        """See `Figure`."""
        seeds = results[self.unit.name]
        return Report(
            panels=(
                *(_distances(seeds, end) for end in _ENDS),
                *(_risks(seeds, start) for start in _STARTS),
            ),
            facts=_facts(seeds),
            comparisons=_comparisons(seeds),
            n_columns=3,
        )


def _distances(seeds: Seeds, end: str) -> Panel:
    return Panel(
        f"distance to {_ENDS[end]}",
        "start",
        "‖θ - θ_T*‖",
        points=tuple(
            Level(label, measured(stacked(seeds, f"{start}-{end}")))
            for start, label in _STARTS.items()
        ),
    )


def _risks(seeds: Seeds, start: str) -> Panel:
    steps = seeds[0]["steps"].astype(np.float64)
    return Panel(
        f"{_STARTS[start]}: excess risk and bounds",
        "gradient steps Q",
        "RMSE above that of θ_T* [m]",
        lines=tuple(
            Line(
                label,
                steps,
                geometric(stacked(seeds, f"{start}-{key}"), least=_LEAST_M),
            )
            for key, label in _RISKS.items()
        ),
        y_scale="log",
    )


def _facts(seeds: Seeds) -> tuple[Fact, ...]:
    last = int(seeds[0]["steps"][-1])
    n = len(seeds)
    found = [
        Fact(f"distance to {text}", label, "", measured(stacked(seeds, f"{s}-{end}")))
        for end, text in _ENDS.items()
        for s, label in _STARTS.items()
    ]
    for s, label in _STARTS.items():
        for key, what in _RISKS.items():
            band = geometric(stacked(seeds, f"{s}-{key}"), least=_LEAST_M)
            for q in (0, last):
                found.append(Fact(f"{what}, Q = {q}", label, "m", band.at(q)))
        within = stacked(seeds, f"{s}-alpha_w") <= 1
        found.append(count("α W at most 1 on the way", label, int(within.sum()), n))
    return tuple(found)


def _comparisons(seeds: Seeds) -> tuple[Comparison, ...]:
    last = int(seeds[0]["steps"][-1])
    risks = {start: stacked(seeds, f"{start}-risk") for start in _STARTS}
    quantities = [
        (f"distance to {text}", "", {s: stacked(seeds, f"{s}-{end}") for s in _STARTS})
        for end, text in _ENDS.items()
    ] + [
        (f"mean excess risk at Q = {q}", "m", {s: risks[s][:, q] for s in _STARTS})
        for q in (0, last)
    ]
    return (
        *(
            compared(
                what,
                unit,
                (_STARTS["meta"], of["meta"]),
                (_STARTS["ri"], of["ri"]),
                in_summary=True,
            )
            for what, unit, of in quantities
        ),
        compared(
            "mean excess risk of MetaLoc",
            "m",
            (f"Q = {last}", risks["meta"][:, last]),
            ("Q = 0", risks["meta"][:, 0]),
        ),
    )
