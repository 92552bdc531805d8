"""Fig. 8: RMSE against gradient steps, MetaLoc with 124 samples, RI with thousands."""

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
from trainer.figures.reconstruction import TABLE_ONE
from trainer.figures.statistics import over_seeds
from trainer.figures.steps_and_samples import StepsAndSamples
from trainer.figures.units import Unit

_META: Final = "MetaLoc (124 samples)"
_SAME: Final = "WKNN (reference points, same 124 samples)"
_HOW: Final = {"ri": "gradient descent", "adam": "Adam"}
"""RI's training, by key."""

_FLOORS: Final = {
    "centre": "middle of the room",
    "knn": "KNN (reference points)",
    "wknn_same": _SAME,
}
_SOON: Final = 10
"""Steps after which who is fast is compared."""


@dataclass(frozen=True, slots=True)
class Fig8:
    """The figure."""

    unit: StepsAndSamples
    n_seeds: int
    name: str = "fig8"
    title: str = "Fig. 8: RMSE against gradient steps"
    missing: str = ""
    about: str = (
        "How far off is a position at a place never seen before, after how many "
        "gradient steps of training there? RMSE is the root of the mean squared "
        "error. Samples are signal strengths whose positions are known. MetaLoc is a "
        "network that starts from meta-training on four other places and sees 124 "
        "samples of this one; RI is the same network from random parameters. KNN "
        "takes no steps: it answers the mean of the nearest reference points (spots "
        "with signal strengths on record); WKNN weights them."
    )
    paper: str = (
        "RMSE against gradient steps on a test task of the log-distance model. "
        "MetaLoc, with 124 samples, is drawn against an axis of its own and converges "
        "much faster than RI (random initialisation) with 800, 1600, 4000 or 8000 "
        "samples; RI with 8000 saturates slightly above MetaLoc. No numbers are given."
    )

    @property
    def units(self) -> tuple[Unit, ...]:
        """See `Figure`."""
        return (self.unit,)

    @property
    def differs(self) -> tuple[str, ...]:
        """See `Figure`."""
        learning = self.unit.theta.learning
        return (
            *TABLE_ONE,
            f"{self.unit.n_references} reference points at the test place; the paper "
            "does not say how many.",
            f"The gradient steps of MetaLoc do not count the {learning.n_iterations} "
            "meta-iterations before them, nor the data of four other places.",
            "The paper does not say how RI is trained. Left: with MetaLoc's own steps, "
            f"plain gradient descent with α = {learning.alpha:g}. Right: with Adam and "
            f"β = {learning.beta:g}, as anybody would train it.",
            "RI is drawn with 124 samples as well, and floors are: what needs no "
            "training is part of the comparison.",
            "One axis for all: steps cost RI with n samples n / 124 as much.",
        )

    def report(self, results: Results) -> Report:
        """See `Figure`."""
        seeds = results[self.unit.name]
        steps = seeds[0]["steps"].astype(np.float64)
        sizes = (self.unit.n_support, *self.unit.n_samples)
        floors = tuple(
            Level(label, measured(stacked(seeds, key)))
            for key, label in _FLOORS.items()
        )

        def panel(kind: str, title: str) -> Panel:
            curves = {
                _META: "meta",
                **{f"RI ({n} samples)": f"{kind}-{n}" for n in sizes},
            }
            return Panel(
                title,
                "gradient steps",
                "RMSE [m]",
                lines=tuple(
                    Line(label, steps, over_seeds(stacked(seeds, key), least=0.0))
                    for label, key in curves.items()
                ),
                floors=floors,
                x_scale="symlog",
            )

        return Report(
            panels=(
                panel("ri", "RI by plain gradient descent, as MetaLoc"),
                panel("adam", "RI by Adam"),
            ),
            facts=self._facts(seeds),
            comparisons=self._comparisons(seeds),
        )

    def _facts(self, seeds: Seeds) -> tuple[Fact, ...]:
        steps = seeds[0]["steps"]
        shown = {_META: stacked(seeds, "meta")} | {
            _ri(n, how): stacked(seeds, f"{key}-{n}")
            for n in (self.unit.n_support, self.unit.n_samples[-1])
            for key, how in _HOW.items()
        }
        return (
            *(
                Fact(label, f"RMSE after {int(steps[i])} steps", "m", measured(y[:, i]))
                for label, y in shown.items()
                for i in sorted({0, _soon(steps), len(steps) - 1})
            ),
            *(
                Fact(label, "RMSE without steps", "m", measured(stacked(seeds, key)))
                for key, label in _FLOORS.items()
            ),
        )

    def _comparisons(self, seeds: Seeds) -> tuple[Comparison, ...]:
        steps = seeds[0]["steps"]
        soon = _soon(steps)
        meta = stacked(seeds, "meta")
        found = [
            compared(
                f"RMSE after {int(steps[i])} gradient steps",
                "m",
                (_META, meta[:, i]),
                (_ri(n, how), stacked(seeds, f"{key}-{n}")[:, i]),
                in_summary=True,
            )
            for i in sorted({soon, len(steps) - 1})
            for n in (self.unit.n_support, self.unit.n_samples[-1])
            for key, how in _HOW.items()
        ]
        best = (f"{_META} after {int(steps[soon])} gradient steps", meta[:, soon])
        return (
            *found,
            *(
                compared(
                    "RMSE", "m", best, (label, stacked(seeds, key)), in_summary=True
                )
                for key, label in _FLOORS.items()
            ),
        )


def _ri(n: int, how: str) -> str:
    return f"RI ({n} samples, {how})"


def _soon(steps: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> int:
    """Return the index of the last step that is not after `_SOON`."""
    return int(np.searchsorted(steps, _SOON, side="right")) - 1
