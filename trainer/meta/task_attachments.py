"""What the tasks of an environment were like, in its checkpoint, for export.

tasks/vectors      of `edge_agent.task_similarity.features`, float16 (n, n_features)
tasks/task_of      number of each vector's task, uint16 (n,)
tasks/has_level    whether the received power was known

The tasks are the environment's visits. Of many visits some are kept, and of many
channels of many images some, so that a bundle of many sets stays small.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.arrays import Arrays
from edge_agent.environment import Environment
from edge_agent.task_similarity.features import n_features, task_features
from edge_agent.task_similarity.history import MAX_TASKS, MAX_VECTORS
from edge_agent.task_similarity.mmd import Sample
from trainer.checkpoint import Checkpoint
from trainer.errors import CheckpointError

_PREFIX = "tasks/"


@dataclass(frozen=True, slots=True, eq=False)
class EnvironmentTasks:
    """The tasks of one environment."""

    tasks: tuple[Sample, ...]
    """Features of each, shape (n, n_features)."""

    has_level: bool
    """Whether the received power was known."""


def tasks_of(environment: Environment, rng: np.random.Generator) -> EnvironmentTasks:
    """Return the visits of an environment as tasks to compare with.

    Args:
        environment: That parameters are learnt on.
        rng: Which vectors stand for many, and in which order: a single task is halved
            by whoever compares, and its points must be in both halves.
    """
    visits = np.unique(environment.visit_of)
    if len(visits) > MAX_TASKS:
        even = np.linspace(0, len(visits) - 1, MAX_TASKS).round().astype(np.intp)
        visits = visits[even]
    most = MAX_VECTORS // max(1, len(visits))
    tasks = []
    for visit in visits:
        rows = environment.visit_of == visit
        vectors = task_features(
            environment.images[rows], environment.heard[rows], environment.spec
        )
        tasks.append(vectors[rng.permutation(len(vectors))[:most]])
    return EnvironmentTasks(tuple(tasks), environment.has_level)


def task_attachments(found: EnvironmentTasks) -> Arrays:
    """Return the arrays that `attached_tasks` reads."""
    lengths = [len(vectors) for vectors in found.tasks]
    return {
        f"{_PREFIX}vectors": np.concatenate(found.tasks).astype(np.float16),
        f"{_PREFIX}task_of": np.repeat(
            np.arange(len(lengths), dtype=np.uint16), lengths
        ),
        f"{_PREFIX}has_level": np.array(found.has_level),
    }


def attached_tasks(checkpoint: Checkpoint) -> EnvironmentTasks:
    """Return the tasks that a checkpoint was trained on.

    Raises:
        CheckpointError: It does not say, or in arrays that make no sense.
    """
    try:
        vectors, task_of, has_level = (
            checkpoint.attachments[_PREFIX + name]
            for name in ("vectors", "task_of", "has_level")
        )
    except KeyError as error:
        raise CheckpointError(
            f"the checkpoint lacks {error.args[0]}: it is not of one environment, or "
            "was trained by an earlier version; train again with --method maml-ts"
        ) from None
    expected = (task_of.size, n_features(checkpoint.spec))
    if (
        task_of.ndim != 1
        or vectors.shape != expected
        or vectors.dtype.kind != "f"
        or has_level.shape != ()
    ):
        raise CheckpointError(
            f"the checkpoint's tasks are {vectors.dtype} {vectors.shape}, of "
            f"{task_of.shape} tasks; not real numbers {expected}"
        )
    return EnvironmentTasks(
        tuple(
            vectors[task_of == number].astype(np.float64)
            for number in np.unique(task_of)
        ),
        bool(has_level),
    )
