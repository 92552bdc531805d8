"""The environment-specific parameters θ_i* of a bundle, and which a site starts from.

    i* = argmin_i MMD(the site's shots, tasks of environment i)        Algorithm 2
    θ_i* where that is near enough, else θ_total                       lines 10-11

The manifest lists name and file of each set; ``theta.npz`` is θ_total. The same shots
choose the same set, in whatever order the sets are listed.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

import numpy as np

from edge_agent.environment import Environment
from edge_agent.errors import SimilarityError
from edge_agent.task_similarity.choice import Choice, choose_environment
from edge_agent.task_similarity.features import task_features
from edge_agent.task_similarity.history import TaskHistory

TOTAL: Final = "total"
"""What θ_total is called; no set is."""

MAX_SETS: Final = 100

_FILE_NAME: Final = re.compile(r"theta\.[0-9]{1,3}\.npz")
_SEED: Final = 0
"""Of the permutation test."""


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """What was learnt on one environment."""

    name: str
    """Of the environment."""

    file: str
    """Of the bundle, like `edge_agent.bundles.bundle.THETA`."""

    def __post_init__(self) -> None:
        for value in (self.name, self.file):
            if not isinstance(value, str):
                raise TypeError(f"a set's name or file is {value!r}, not text")
        if not 1 <= len(self.name) <= 100 or not self.name.isprintable():
            raise ValueError(
                f"a set is called {self.name!r}, not by 1 to 100 printable characters"
            )
        if self.name == TOTAL:
            raise ValueError(f"a set is called {TOTAL!r}, which is that of all")
        if not _FILE_NAME.fullmatch(self.file):
            raise ValueError(
                f"the set {self.name} is in {self.file!r}, which is no theta.NUMBER.npz"
            )


def check_sets(sets: tuple[ParameterSet, ...]) -> tuple[ParameterSet, ...]:
    """Return the sets of a bundle.

    Raises:
        ValueError: They are more than `MAX_SETS`, or two share a name or a file.
    """
    if len(sets) > MAX_SETS:
        raise ValueError(f"{len(sets)} parameter sets, more than {MAX_SETS}")
    parts: dict[str, Callable[[ParameterSet], str]] = {
        "name": lambda each: each.name,
        "file": lambda each: each.file,
    }
    for part, of in parts.items():
        values = [of(each) for each in sets]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise ValueError(f"two parameter sets have the {part} {twice[0]!r}")
    return sets


class Reason(StrEnum):
    """Why a site starts from the parameters that it starts from."""

    SIMILAR = "similar"
    """Its shots are like that environment."""

    NONE_SIMILAR = "none similar"
    """Its shots are like no environment: θ_total."""

    TOO_FEW = "too few"
    """There is too little to compare: θ_total."""

    ASKED = "asked for"
    """Somebody said so."""

    ONLY = "only"
    """The bundle has no others than θ*."""


_WHY: Final = {
    Reason.SIMILAR: "which are like it",
    Reason.NONE_SIMILAR: "none being similar",
    Reason.TOO_FEW: "too few shots to compare",
    Reason.ASKED: "as asked for",
    Reason.ONLY: "the bundle has no others",
}


@dataclass(frozen=True, slots=True)
class SetChoice:
    """What a site starts from, and why."""

    name: str
    """Of the set; `TOTAL` for θ_total."""

    reason: Reason
    choice: Choice | None = None
    """What was compared; None where nothing was."""

    def __str__(self) -> str:
        """Return half a sentence for people."""
        if self.choice is not None and self.reason is Reason.SIMILAR:
            return f"from the parameters of {self.choice}"
        if self.choice is not None:
            return f"from the parameters of all: {self.choice}"
        whose = "all" if self.name == TOTAL else self.name
        return f"from the parameters of {whose}, {_WHY[self.reason]}"

    def to_json(self) -> dict[str, Any]:
        """Return the choice as JSON values."""
        facts: dict[str, Any] = {"set": self.name, "reason": str(self.reason)}
        if self.choice is not None:
            facts |= {
                "nearest": self.choice.nearest,
                "squared_mmd": self.choice.squared_mmd,
                "within": self.choice.within,
                "p_value": self.choice.p_value,
            }
        return facts

    @classmethod
    def from_json(cls, facts: Any) -> Self:  # noqa: ANN401  (JSON)
        """Return the choice that `to_json` described.

        Raises:
            KeyError, TypeError, ValueError: It did not describe this.
        """
        name, reason = str(facts["set"]), Reason(facts["reason"])
        if "nearest" not in facts:
            return cls(name, reason)
        choice = Choice(
            name if reason is Reason.SIMILAR else None,
            str(facts["nearest"]),
            {str(k): _number(v) for k, v in dict(facts["squared_mmd"]).items()},
            _number(facts["within"]),
            _number(facts["p_value"]),
        )
        if choice.nearest not in choice.squared_mmd:
            raise ValueError(f"nearest is {choice.nearest!r}, which was not compared")
        return cls(name, reason, choice)


NO_CHOICE: Final = SetChoice(TOTAL, Reason.ONLY)


@dataclass(frozen=True, slots=True, eq=False)
class ParameterSets:
    """All sets of a bundle, and what tells which a site is like."""

    sets: tuple[ParameterSet, ...]
    history: TaskHistory

    def choose(self, shots: Environment) -> SetChoice:
        """Return what a site starts from, by MMD.

        Args:
            shots: The site's.
        """
        task = task_features(shots.images, shots.heard, shots.spec)
        # A level that is nominal on one side would be the largest difference of all.
        kept = slice(0 if shots.has_level and self.history.has_level else 1, None)
        by_name = {
            each.name: [vectors[:, kept] for vectors in tasks]
            for each, tasks in zip(self.sets, self.history.tasks, strict=True)
        }
        try:
            choice = choose_environment(
                task[:, kept],
                dict(sorted(by_name.items())),
                np.random.default_rng(_SEED),
            )
        except SimilarityError:
            return SetChoice(TOTAL, Reason.TOO_FEW)
        if choice.environment is None:
            return SetChoice(TOTAL, Reason.NONE_SIMILAR, choice)
        return SetChoice(choice.environment, Reason.SIMILAR, choice)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is not finite")
    return float(value)
