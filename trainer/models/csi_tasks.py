"""Classification tasks of surveyed amplitudes: N points, k shots, by visits.

As `trainer.tasks`, of `trainer.surveys.environment.Environment` instead of the device's
8-bit images. Samples at points that are surveyed only to test take no part.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

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
from trainer.network import Batch
from trainer.surveys.environment import Environment, Signals
from trainer.tasks import Task

PAPER_FILTERS = (10, 16, 24, 32, 32)
"""Of five convolutions, as `learning.network.Architecture` has them by default."""

AUTHORS_FILTERS = (10, 10, 10, 10)
"""Of the four in the authors' published code."""


class CsiTaskSampler:
    """P(τ) over the tasks of some environments."""

    def __init__(
        self,
        environments: Sequence[Environment],
        architecture: Architecture,
        config: TaskConfig,
        *,
        site_labels: bool = False,
        device: torch.device | None = None,
    ) -> None:
        """Check the environments.

        Args:
            environments: Tasks are of a random one.
            architecture: Network whose inputs are made (`amplitude_architecture`).
            config: Sizes of a task.
            site_labels: Label images with the points of the place instead of those of
                the task, for a head that θ includes; one place only.
            device: Where the network computes; the processor by default.

        Raises:
            TaskError: The environments cannot serve such tasks.
        """
        if not environments:
            raise TaskError("no environment to draw tasks from")
        places = {environment.place.name for environment in environments}
        if site_labels and len(places) > 1:
            raise TaskError(f"labels of a site, but several: {sorted(places)}")
        self._environments = []
        for environment in environments:
            _check_images(environment.name, environment.signals, architecture)
            shots = environment.select(np.flatnonzero(~environment.is_test))
            if len(usable_points(shots.point_of, shots.visit_of)) < 2:
                raise TaskError(
                    f"{environment.name} has fewer than two points with two images, "
                    "one to adapt on and one to test"
                )
            self._environments.append(shots)
        self._architecture, self._config = architecture, config
        self._site_labels = site_labels
        self._device = device or torch.device("cpu")

    def draw(self, rng: np.random.Generator) -> Task:
        """Return a task of a random environment."""
        environment = self._environments[rng.integers(len(self._environments))]
        episode = draw_episode(
            environment.point_of, environment.visit_of, self._config, rng
        )
        n_channels = len(environment.place.channels)
        kept = kept_channels(n_channels, n_channels, self._config.channel_dropout, rng)
        labels = episode.points if self._site_labels else np.arange(len(episode.points))
        n_points = environment.n_points if self._site_labels else len(labels)
        locations = environment.place.locations
        return Task(
            self._batch(environment, kept, episode.support, labels, n_points),
            self._batch(environment, kept, episode.query, labels, n_points),
            locations if self._site_labels else locations[episode.points],
        )

    def _batch(
        self,
        environment: Environment,
        kept: npt.NDArray[np.bool_],
        rows_per_point: list[Rows],
        labels: npt.NDArray[np.intp],
        n_points: int,
    ) -> Batch:
        signals = environment.signals.select(np.concatenate(rows_per_point))
        inputs = amplitude_inputs(
            self._architecture, signals, heard=mask_channels(_heard(signals), kept)
        )
        points = np.repeat(labels, list(map(len, rows_per_point)))
        batch = Batch(torch.from_numpy(inputs), torch.from_numpy(points), n_points)
        return batch.to(self._device)


def amplitude_architecture(
    environments: Sequence[Environment], filters: tuple[int, ...] = PAPER_FILTERS
) -> Architecture:
    """Return the network for surveyed amplitudes, its input scaled to history's.

    Args:
        environments: History, all with images of one shape.
        filters: Of each convolution; the paper's five by default.

    Raises:
        TaskError: No environment, one without images, nothing heard at all, or more
            layers than the images can be halved.
    """
    amplitudes = []
    for environment in environments:
        images = _images(environment.name, environment.signals)
        by_channel = images.transpose(0, 3, 1, 2)
        amplitudes.append(by_channel[_heard(environment.signals)].reshape(-1))
    heard = np.concatenate(amplitudes or [np.empty(0, np.float32)])
    if not len(heard):
        raise TaskError("the environments hold no image to scale the network to")
    _, n_packets, n_tones, n_channels = images.shape
    try:
        return Architecture(
            (n_channels, n_packets, n_tones),
            filters,
            # Of amplitudes here, of pixels / 255 on the device.
            pixel_mean=float(heard.mean(dtype=np.float64)),
            pixel_std=max(float(heard.std(dtype=np.float64)), 1e-6),
        )
    except ValueError as error:
        raise TaskError(f"{error}; choose fewer filters") from error


def amplitude_inputs(
    architecture: Architecture,
    signals: Signals,
    *,
    heard: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.float32]:
    """Return the network's input, shape (n, n_channels, n_packets, n_tones).

    Args:
        architecture: With the scaling.
        signals: With images.
        heard: Shape (n, n_channels); the others become the mean. What the signals hold,
            by default.

    Raises:
        TaskError: The images are not those that the network takes.
    """
    images = _check_images("signals", signals, architecture).transpose(0, 3, 1, 2)
    mask = _heard(signals) if heard is None else heard
    scaled = (images - architecture.pixel_mean) / architecture.pixel_std
    return np.ascontiguousarray(scaled * mask[:, :, None, None], np.float32)


def _heard(signals: Signals) -> npt.NDArray[np.bool_]:
    """Return which channels have an amplitude; power alone draws no image."""
    images = signals.images
    assert images is not None
    return np.asarray(images.any(axis=(1, 2)))


def _images(name: str, signals: Signals) -> npt.NDArray[np.float32]:
    if signals.images is None:
        raise TaskError(f"{name} has no CSI images; use the regression on RSS")
    return signals.images


def _check_images(
    name: str, signals: Signals, architecture: Architecture
) -> npt.NDArray[np.float32]:
    images = _images(name, signals)
    n_channels, n_packets, n_tones = architecture.image_shape
    if images.shape[1:] != (n_packets, n_tones, n_channels):
        raise TaskError(
            f"{name}: images of {images.shape[1:]}, the network takes "
            f"{(n_packets, n_tones, n_channels)}"
        )
    return images
