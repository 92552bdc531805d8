"""Few-shot tasks drawn from surveyed environments of the device's 8-bit images.

A task is N points of one environment: k_support images of each to adapt on (D^s), and
k_query others to score the adaptation (D^q), chosen by `trainer.episodes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from edge_agent.environment import Environment
from edge_agent.learning.network import Architecture
from trainer.episodes import (
    Rows,
    TaskConfig,
    draw_episode,
    kept_channels,
    mask_channels,
    usable_points,
)
from trainer.errors import TaskError
from trainer.network import Batch, make_batch

__all__ = ["Task", "TaskConfig", "TaskSampler", "with_images_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One few-shot localization problem."""

    support: Batch
    """D^s."""

    query: Batch
    """D^q: the same points, other images."""

    locations: npt.NDArray[np.float64]
    """Coordinates of the points that labels number [m], shape (n_points, 2)."""


def with_images_of(other: Task, task: Task) -> Task:
    """Return a task whose support images are those of another, under its own labels.

    For `trainer.meta.maml_dg.Variant.AUTHORS` alone. The longer one loses its end.
    """
    n = min(len(other.support.points), len(task.support.points))
    mixed = Batch(
        other.support.inputs[:n], task.support.points[:n], task.support.n_points
    )
    return replace(task, support=mixed)


class TaskSampler:
    """P(τ); checks first that the environments can serve tasks."""

    def __init__(
        self,
        environments: Sequence[Environment],
        architecture: Architecture,
        config: TaskConfig,
        *,
        device: torch.device | None = None,
    ) -> None:
        """Check the environments.

        Args:
            environments: Tasks are of a random one.
            architecture: Network whose inputs are made.
            config: Sizes of a task.
            device: Where the network computes; the processor by default.

        Raises:
            TaskError: No environment, images of another shape, or fewer than two points
                that have both support and query images.
        """
        if not environments:
            raise TaskError("no environment to draw tasks from")
        for environment in environments:
            if environment.spec.shape != architecture.image_shape:
                raise TaskError(
                    f"{environment.name} has images of {environment.spec.shape}, the "
                    f"network takes {architecture.image_shape}"
                )
            if len(usable_points(environment.point_of, environment.visit_of)) < 2:
                raise TaskError(
                    f"{environment.name} has fewer than two points with two images, "
                    "one to adapt on and one to test"
                )
        self._environments = list(environments)
        self._architecture, self._config = architecture, config
        self._device = device or torch.device("cpu")

    def draw(self, rng: np.random.Generator) -> Task:
        """Return a task of a random environment."""
        environment = self._environments[rng.integers(len(self._environments))]
        episode = draw_episode(
            environment.point_of, environment.visit_of, self._config, rng
        )
        kept = kept_channels(
            environment.spec.n_channels,
            len(environment.channels),
            self._config.channel_dropout,
            rng,
        )
        heard = mask_channels(environment.heard, kept)
        return Task(
            self._batch(environment, heard, episode.support),
            self._batch(environment, heard, episode.query),
            environment.locations[episode.points],
        )

    def _batch(
        self,
        environment: Environment,
        heard: npt.NDArray[np.bool_],
        rows_per_point: list[Rows],
    ) -> Batch:
        rows = np.concatenate(rows_per_point)
        labels = np.repeat(
            np.arange(len(rows_per_point)), list(map(len, rows_per_point))
        )
        return make_batch(
            self._architecture,
            environment.images[rows],
            heard[rows],
            labels,
            len(rows_per_point),
        ).to(self._device)
