"""Fig. 9: distribution of errors against the number of reference points R."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from trainer.figures.contract import Results, Seeds, stacked
from trainer.figures.panels import (
    Fact,
    Line,
    Panel,
    Report,
    compared,
    measured,
)
from trainer.figures.reconstruction import TABLE_ONE
from trainer.figures.reference_numbers import ReferenceNumbers
from trainer.figures.statistics import (
    Floats,
    over_seeds,
    share_within,
)
from trainer.figures.units import Unit

_CENTRE: Final = "centre"
_METHODS: Final = {
    "meta": "MetaLoc (124 samples)",
    "wknn": "WKNN (reference points)",
    "knn": "KNN (reference points)",
    "wknn_same": "WKNN (reference points, same 124 samples)",
    _CENTRE: "middle of the room",
}
_LIMIT_M: Final = 5.0
"""The paper's."""

_GRID_M: Final = np.linspace(0, 12, 49)


@dataclass(frozen=True, slots=True)
class Fig9:
    """The figure."""

    unit: ReferenceNumbers
    n_seeds: int
    name: str = "fig9"
    title: str = "Fig. 9: error distributions against the number of reference points"
    missing: str = ""
    about: str = (
        "Which share of positions is found within 5 m, with how many reference points "
        "R (spots of the test place with signal strengths on record)? KNN answers the "
        "mean of the nearest reference points, WKNN weights them. MetaLoc is a network "
        "meta-trained on four other places, then adapted here with 124 samples: signal "
        "strengths whose positions are known. One WKNN is given these as well, as "
        "further reference points."
    )
    paper: str = (
        "CDF of the error of 1000 test samples for R = 10, 20, 30, 40, 54. At R = 54 "
        "KNN, WKNN and MetaLoc are nearly the same; with fewer points MetaLoc loses "
        "least. At R = 10, P(error < 5 m) is 0.89 for MetaLoc, 0.65 for WKNN, 0.51 for "
        "KNN."
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
            f"MetaLoc is adapted in {self.unit.n_steps} gradient steps on 124 labelled "
            "samples that KNN and WKNN are not given in the paper. WKNN with the same "
            "124 samples in its database is drawn as well.",
            "The middle of the room is drawn: what needs no radio.",
        )

    def report(self, results: Results) -> Report:
        """See `Figure`."""
        seeds = results[self.unit.name]
        every = self.unit.n_references
        return Report(
            panels=(*(_distribution(seeds, n) for n in every), _within(seeds, every)),
            facts=tuple(
                Fact(
                    f"share within 5 m, {label}",
                    f"R = {n}",
                    "",
                    measured(_share(seeds, key, n), most=1.0),
                )
                for key, label in _METHODS.items()
                for n in every
            ),
            comparisons=tuple(
                compared(
                    f"share of positions found within 5 m at R = {n}",
                    "",
                    (_METHODS["meta"], _share(seeds, "meta", n)),
                    (label, _share(seeds, key, n)),
                    in_summary=n in (every[0], every[-1]),
                )
                for n in every
                for key, label in _METHODS.items()
                if key in ("wknn", "knn", "wknn_same")
            ),
            n_columns=3,
        )


def _distribution(seeds: Seeds, n: int) -> Panel:
    lines = []
    for key, label in _METHODS.items():
        shares = [share_within(e, _GRID_M) for e in stacked(seeds, f"{key}-{n}")]
        band = over_seeds(np.stack(shares), least=0.0, most=1.0)
        lines.append(Line(label, _GRID_M, band, is_floor=key == _CENTRE))
    return Panel(
        f"R = {n}",
        "error [m]",
        "share of samples within",
        lines=tuple(lines),
        x_limits=(0, float(_GRID_M[-1])),
        y_limits=(0, 1),
    )


def _within(seeds: Seeds, every: tuple[int, ...]) -> Panel:
    x = np.array(every, np.float64)
    lines = []
    for key, label in _METHODS.items():
        shares = np.stack([_share(seeds, key, n) for n in every], axis=1)
        lines.append(
            Line(
                label,
                x,
                over_seeds(shares, least=0.0, most=1.0),
                is_floor=key == _CENTRE,
            )
        )
    return Panel(
        "within 5 m, against R",
        "reference points R",
        "share of samples within 5 m",
        lines=tuple(lines),
        y_limits=(0, 1),
    )


def _share(seeds: Seeds, key: str, n: int) -> Floats:
    """Return the share of errors below 5 m of each seed, shape (n_seeds,)."""
    return np.asarray((stacked(seeds, f"{key}-{n}") < _LIMIT_M).mean(axis=1))
