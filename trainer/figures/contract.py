"""What a figure is to the run: units, and a report of what they left."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from trainer.figures.panels import Report
from trainer.figures.statistics import Floats
from trainer.figures.units import Unit

Seeds: TypeAlias = Sequence[Mapping[str, npt.NDArray[Any]]]
"""What one unit left, one entry per seed."""

Results: TypeAlias = Mapping[str, Seeds]
"""The same of several units, by their names."""


def stacked(seeds: Seeds, key: str) -> Floats:
    """Return one array of all seeds, shape (n_seeds, ...)."""
    return np.stack([arrays[key] for arrays in seeds]).astype(np.float64)


class Figure(Protocol):
    """One figure of the paper; a frozen dataclass."""

    @property
    def name(self) -> str:
        """``fig8`` for example; of its files, and of ``--only``."""

    @property
    def title(self) -> str:
        """Above the plot."""

    @property
    def about(self) -> str:
        """What is compared, each term of the note explained; before all numbers."""

    @property
    def units(self) -> tuple[Unit, ...]:
        """What it is made of."""

    @property
    def n_seeds(self) -> int:
        """Seeds that it takes unless told otherwise."""

    @property
    def paper(self) -> str:
        """What the paper shows, with its numbers."""

    @property
    def differs(self) -> tuple[str, ...]:
        """What is not as in the paper, each a sentence or two about the set-up."""

    @property
    def missing(self) -> str:
        """What has to be got first and how; empty where nothing is missing."""

    def report(self, results: Results) -> Report:
        """Return what to draw and to say."""
