"""Which environment a new task is most like: Algorithm 2, lines 10-11, by Eq. (16).

    MMD_i between the new task and the tasks of environment i          line 10
    i* = argmin_i MMD_i                                                line 11

The paper leaves open how the tasks of an environment are aggregated; by default they
are pooled. The mean over tasks prefers environments whose tasks are alike to those that
contain one like the new task.

Environments and tasks with too few samples to compare take no part.

The nearest of unlike environments is still unlike. None is chosen, and the caller uses
θ_total, trained on all, where both hold:

    MMD_i* > 2 W      W: the 95th percentile of the MMD between a task and the other
                      tasks of its own environment, over all environments
    p <= 0.05         permutation test between the new task and environment i*
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from edge_agent.errors import SimilarityError
from edge_agent.task_similarity.mmd import (
    Sample,
    median_bandwidth,
    permutation_test,
    squared_mmd,
    standardize,
)

_FAR = 2.0
_WITHIN_PERCENTILE = 95
_SIGNIFICANCE = 0.05
_MOST_VECTORS = 500
"""Of a task or an environment; more cost time and change little."""


class Aggregate(StrEnum):
    """What the distance to an environment of several tasks is."""

    POOLED = "pooled"
    """That to all vectors of all its tasks."""

    MIN = "min"
    """That to its nearest task."""

    MEAN = "mean"
    """The mean over its tasks."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The environment whose meta-parameters a new task starts with."""

    environment: str | None
    """None where no environment is similar: use the parameters trained on all."""

    nearest: str
    """The nearest, similar or not."""

    squared_mmd: dict[str, float]
    """Distance to every environment that could be compared, all under one kernel; may
    be negative."""

    within: float
    """W², the level within environments."""

    p_value: float
    """Of the permutation test against the nearest."""

    def __str__(self) -> str:
        """Return one line for people."""
        value = self.squared_mmd[self.nearest]
        facts = f"MMD² {value:.4f}, within {self.within:.4f}, p {self.p_value:.3f}"
        if self.environment is None:
            return f"no similar environment; nearest is {self.nearest} ({facts})"
        return f"{self.environment} ({facts})"


def choose_environment(
    task: Sample,
    history: Mapping[str, Sequence[Sample]],
    rng: np.random.Generator,
    *,
    aggregate: Aggregate = Aggregate.POOLED,
    n_permutations: int = 200,
) -> Choice:
    """Return the environment that is most like a new task, lines 10-11.

    Features are standardised, and the bandwidth chosen, over all samples together.

    Args:
        task: Features of the new task's support set, shape (n, n_features).
        history: Features of each environment's tasks (visits, for example). Tasks of a
            single sample do not count. An environment of a single task is halved, so
            that it has a level within; if that has fewer than four samples, or there is
            none, it is passed over.
        rng: Which vectors stand for many, and permutations.
        aggregate: Over the tasks of an environment.
        n_permutations: B.

    Raises:
        SimilarityError: No environment, or too few vectors in all of them, or in the
            task.
    """
    if not history:
        raise SimilarityError("no environment to choose from")
    if len(task) < 2:
        raise SimilarityError(
            "a task of fewer than two samples cannot be compared; take two"
        )
    named = [
        (name, part) for name, parts in history.items() for part in _comparable(parts)
    ]
    if not named:
        raise SimilarityError(
            f"none of {len(history)} environments can be compared with: it takes two "
            "tasks of two samples, or one of four"
        )
    fewer = [_some(sample, rng) for sample in (task, *(part for _, part in named))]
    new, *scaled = standardize(fewer)
    bandwidth = median_bandwidth([new, *scaled])
    parts: dict[str, list[Sample]] = {}
    for (name, _), part in zip(named, scaled, strict=True):
        parts.setdefault(name, []).append(part)
    distances = {
        name: _distance(new, of_environment, bandwidth, aggregate, rng)  # Eq. (16)
        for name, of_environment in parts.items()
    }
    nearest = min(distances, key=lambda name: distances[name])  # line 11
    within = _within(parts, bandwidth, aggregate, rng)
    test = permutation_test(
        new,
        _some(np.concatenate(parts[nearest]), rng),
        bandwidth,
        rng,
        n_permutations=n_permutations,
    )
    is_far = distances[nearest] > _FAR**2 * max(within, 0.0)
    is_far &= test.p_value <= _SIGNIFICANCE
    return Choice(None if is_far else nearest, nearest, distances, within, test.p_value)


def _distance(
    task: Sample,
    parts: Sequence[Sample],
    bandwidth: float,
    aggregate: Aggregate,
    rng: np.random.Generator,
) -> float:
    if aggregate is Aggregate.POOLED:
        return squared_mmd(task, _some(np.concatenate(parts), rng), bandwidth)
    each = [squared_mmd(task, part, bandwidth) for part in parts]
    return min(each) if aggregate is Aggregate.MIN else float(np.mean(each))


def _within(
    parts: Mapping[str, Sequence[Sample]],
    bandwidth: float,
    aggregate: Aggregate,
    rng: np.random.Generator,
) -> float:
    """Return W²: how far tasks are from the others of their own environment."""
    distances = [
        _distance(
            part,
            [other for other in of_environment if other is not part],
            bandwidth,
            aggregate,
            rng,
        )
        for of_environment in parts.values()
        for part in of_environment
    ]
    return float(np.percentile(distances, _WITHIN_PERCENTILE))


def _comparable(parts: Sequence[Sample]) -> list[Sample]:
    """Return an environment's tasks, or the halves of a single one; or nothing."""
    several = [part for part in parts if len(part) >= 2]
    if len(several) > 1:
        return several
    if several and (n := len(several[0])) >= 4:
        return [several[0][: n // 2], several[0][n // 2 :]]
    return []


def _some(sample: Sample, rng: np.random.Generator) -> Sample:
    """Return a sample, or a random part of a large one."""
    if len(sample) <= _MOST_VECTORS:
        return sample
    return sample[np.sort(rng.choice(len(sample), _MOST_VECTORS, replace=False))]
