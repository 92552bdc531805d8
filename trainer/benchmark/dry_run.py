"""What a protocol comes to: targets, history, visits, shots and queries."""

from collections.abc import Sequence

import numpy as np

from edge_agent.console import table
from trainer.benchmark.errors import EpisodeError
from trainer.benchmark.plan import Extent, Survey
from trainer.benchmark.splits import Split
from trainer.surveys.environment import Environment, Integers

_HEADER = [
    "survey",
    "target",
    "regime",
    "history",
    "points known",
    "calibrated",
    "shots",
    "of visits",
    "queries",
    "of visits",
    "note",
]
_RIGHT = {4, 5, 6, 8}


def split_table(survey: Survey, extent: Extent) -> list[str]:
    """Return the splits of a survey as lines of text, those of the first seed.

    Args:
        survey: Loaded.
        extent: Which targets and regimes.
    """
    rows = []
    for target in survey.some_targets(extent.max_targets):
        for regime in extent.regimes:
            name = [survey.protocol.survey, target.name, regime.name]
            try:
                split = survey.split(target.name, regime, 0)
            except EpisodeError as error:
                rows.append([*name, *[""] * (len(_HEADER) - 4), str(error)])
                continue
            rows.append([*name, *_cells(split)])
    return table(_HEADER, rows, right=_RIGHT)


def _cells(split: Split) -> list[str]:
    return [
        _history(split.history),
        str(len(split.known)),
        str(split.n_calibrated),
        str(len(split.shots)),
        _visits(split.target, split.shots),
        str(len(split.queries)),
        _visits(split.target, split.queries),
        "same visit" if split.same_visit else "",
    ]


def _history(history: Sequence[Environment]) -> str:
    if len(history) < 2:
        return "".join(e.name for e in history) or "none"
    return f"{history[0].name} .. {history[-1].name} ({len(history)})"


def _visits(target: Environment, rows: Integers) -> str:
    """Return the visits of some samples, counted at each point as protocols do."""
    numbers: set[int] = set()
    for point in np.unique(target.point_of[rows]):
        here = rows[target.point_of[rows] == point]
        same = target.point_of == point
        same &= target.is_test == target.is_test[here[0]]
        every = np.unique(target.visit_of[same])
        numbers |= set((np.searchsorted(every, target.visit_of[here]) + 1).tolist())
    visits = sorted(numbers)
    if len(visits) > 4:
        return f"{visits[0]} .. {visits[-1]} ({len(visits)})"
    return ", ".join(map(str, visits))
