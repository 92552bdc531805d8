"""What history and fresh shots of one site have in common: points and channels."""

import numpy as np

from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment
from edge_agent.neighbours.changes import field_kernel
from edge_agent.neighbours.whitening import Matrix


def check_aligned(spec: ImageSpec, history: Environment, fresh: Environment) -> None:
    """Refuse shots that do not go together.

    Raises:
        ValueError: Their points, channels or images differ.
    """
    if (history.points, history.channels) != (fresh.points, fresh.channels):
        raise ValueError(
            "history and fresh shots have other points or channels: align them first"
        )
    for shots in (history, fresh):
        if shots.spec != spec:
            raise ValueError(
                f"shots of {shots.name} are images of {shots.spec}, not {spec}"
            )


def kernel_of(shots: Environment) -> Matrix:
    """Return k of the points of a site."""
    floors = np.array([point.floor for point in shots.points], np.intp)
    return field_kernel(shots.locations, floors)


def channel_names(shots: Environment) -> list[str]:
    """Return the transmitter of each channel, or its number where it is not known."""
    names = [channel.mac for channel in shots.channels]
    return names + [f"channel {n}" for n in range(len(names), shots.spec.n_channels)]
