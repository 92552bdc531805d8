"""Fig. 12: distribution of localization errors in the simulated hall and laboratory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainer.figures.contract import Results, Seeds
from trainer.figures.panels import Comparison, Fact, Line, Panel, Report
from trainer.figures.point_bootstrap import PointBootstrap
from trainer.figures.statistics import Floats
from trainer.figures.surveyed import CENTRE, POINT, SurveyedErrors
from trainer.figures.units import Unit

OURS: Final = "ours"
_CENTRE_TITLE: Final = "middle of the room"
_PAPER_M: Final = (
    "mean errors in hall and lab (Table III): MAML 2.11 and 3.10 m, MAML-DG 2.07 and "
    "3.04, MAML-TS 2.09 and 3.09, TL 2.27 and 3.97, RI 2.59 and 4.19, ConFi 2.89 and "
    "3.53, ILCL 3.61 and 3.48, KNN 2.73 and 3.35"
)


@dataclass(frozen=True, slots=True)
class Fig12:
    """The figure."""

    places: Mapping[str, SurveyedErrors]
    """By what people call them."""

    titles: Mapping[str, str]
    """Of the methods, by name, in order."""

    n_iterations: int
    n_seeds: int
    name: str = "fig12"
    title: str = "Fig. 12: error distributions in the simulated hall and laboratory"
    missing: str = ""
    about: str = (
        "How far off are the positions that each method finds in a hall and a "
        "laboratory, on a day that it has not seen? Images are of the channel between "
        "access points and the device (CSI). MAML is a network meta-trained on earlier "
        "days and adapted with three images per point of the new one; MAML-DG uses two "
        "domains per iteration, MAML-TS the most similar day. TL goes on from ordinary "
        "training on earlier days, RI from random parameters. ConFi is trained like TL "
        "and not adapted, ILCL mixes a network with a broad learning system, KNN "
        "answers the mean of the nearest images, WCCN of the nearest signals after "
        "whitening by earlier days, and ours is what this product does."
    )
    paper: str = (
        f"CDF of the errors of eight methods on the last of five days; {_PAPER_M}. "
        "MAML-DG is lowest in both places. On the authors' grids, always answering the "
        "middle gives 2.54 m in the hall and 3.26 m in the lab."
    )

    @property
    def units(self) -> tuple[Unit, ...]:
        """See `Figure`."""
        return tuple(self.places.values())

    @property
    def differs(self) -> tuple[str, ...]:
        """See `Figure`."""
        return (
            "The places are simulated (trainer/surveys/simulated.py), the paper's were "
            "recorded: errors in metres do not compare, orders of methods hardly.",
            "All methods have the same three images of one visit at all 90 points, and "
            "locate images of a later visit of the same day. In the paper an image is "
            "located among ten points that its own histogram selects.",
            f"Networks are trained for {self.n_iterations} iterations; the paper says "
            "2500 to 7500.",
            "Ours and WCCN are not in the paper.",
            "One day of each place is located. Intervals are over its points and over "
            "seeds (shots, initial parameters); they say nothing about other days.",
        )

    def report(self, results: Results) -> Report:
        """See `Figure`."""
        parts = [
            self._place(place, results[unit.name])
            for place, unit in self.places.items()
        ]
        return Report(
            panels=tuple(panel for panel, _, _ in parts),
            facts=tuple(fact for _, facts, _ in parts for fact in facts),
            comparisons=tuple(c for _, _, some in parts for c in some),
            intervals_over=", over points and seeds of one day",
        )

    def _place(
        self, place: str, seeds: Seeds
    ) -> tuple[Panel, list[Fact], list[Comparison]]:
        bootstrap = PointBootstrap.of(
            [arrays[POINT].astype(np.intp) for arrays in seeds]
        )
        titles = {**self.titles, CENTRE: _CENTRE_TITLE}
        errors: dict[str, list[Floats]] = {
            name: [arrays[name] for arrays in seeds] for name in titles
        }
        every = np.concatenate([e for of in errors.values() for e in of])
        grid = np.linspace(0, float(np.quantile(every, 0.995)), 61)
        lines = tuple(
            Line(
                title,
                grid,
                bootstrap.shares(errors[name], grid),
                is_floor=name == CENTRE,
            )
            for name, title in titles.items()
        )
        facts = [
            Fact(title, f"{place}, mean error", "m", bootstrap.mean(errors[name]))
            for name, title in titles.items()
        ]
        means = {name: bootstrap.mean(some).mean for name, some in errors.items()}
        comparisons = [
            Comparison(
                f"mean error in the {place}",
                "m",
                titles[a],
                titles[b],
                (means[a], means[b]),
                bootstrap.mean(
                    [x - y for x, y in zip(errors[a], errors[b], strict=True)]
                ),
                in_summary=a in (OURS, "maml"),
            )
            for a, b in _pairs(list(self.titles))
        ]
        panel = Panel(
            place,
            "error [m]",
            "share of images within",
            lines=lines,
            x_limits=(0, float(grid[-1])),
            y_limits=(0, 1),
        )
        return panel, facts, comparisons


def _pairs(names: list[str]) -> list[tuple[str, str]]:
    """Return what is held against what: the paper's claims, ours against all."""
    claims = [
        ("maml", "maml_dg"),
        ("maml", "maml_ts"),
        ("maml", "tl"),
        ("maml", "ri"),
        ("maml", "knn"),
        ("maml", CENTRE),
        ("knn", CENTRE),
    ]
    ours = [(OURS, name) for name in names if name != OURS]
    known = {*names, CENTRE}
    return [(a, b) for a, b in (*claims, *ours) if {a, b} <= known]
