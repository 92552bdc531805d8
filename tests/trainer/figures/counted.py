"""A figure of random numbers, which takes no time; importable from other processes."""

import time
from dataclasses import dataclass

import numpy as np

from trainer.errors import TaskError
from trainer.figures.panels import Fact, Line, Panel, Report, compared
from trainer.figures.statistics import estimate, over_seeds


@dataclass(frozen=True)
class Shift:
    """Needed by `Numbers`: leaves one number."""

    by: float = 0.0
    name: str = "shift"
    needs: tuple = ()
    weight: float = 1.0

    def run(self, seed, needed, tell):
        tell("thinking")
        return {"by": np.array(self.by)}


@dataclass(frozen=True)
class Numbers:
    """Leaves a line, after its own time, or refuses, or fails."""

    shift: Shift = Shift()
    seconds: float = 0.0
    refuses: bool = False
    fails: bool = False
    name: str = "numbers"
    weight: float = 2.0

    @property
    def needs(self):
        return (self.shift,)

    def run(self, seed, needed, tell):
        tell("counting")
        time.sleep(self.seconds)
        if self.refuses:
            raise TaskError("nothing to count")
        if self.fails:
            raise ZeroDivisionError("a bug")
        rng = np.random.default_rng(seed)
        return {"y": rng.normal(size=3) + needed["shift"]["by"]}


@dataclass(frozen=True)
class Drawn:
    """A figure of `Numbers`."""

    unit: Numbers = Numbers()
    n_seeds: int = 3
    name: str = "drawn"
    title: str = "Numbers that are drawn"
    about: str = "Are numbers alike?"
    paper: str = "The paper shows others."
    differs: tuple = ("Everything.",)
    missing: str = ""

    @property
    def units(self):
        return (self.unit,)

    def report(self, results):
        y = np.stack([arrays["y"] for arrays in results["numbers"]])
        line = Line("numbers", np.arange(3.0), over_seeds(y))
        return Report(
            panels=(Panel("all", "number", "value [m]", lines=(line,)),),
            facts=(Fact("the first", "value", "m", estimate(y[:, 0])),),
            comparisons=(
                compared(
                    "value", "m", ("first", y[:, 0]), ("last", y[:, 2]), in_summary=True
                ),
            ),
        )
