"""A site and the models whose cost on a device is measured."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.fresh_process import SITE
from edge_agent.bundles.bundle import AdaptationDefaults, Bundle
from edge_agent.csi.image import Channel, ImageSpec
from edge_agent.csi.subcarriers import FrameFormat, Phy
from edge_agent.environment import Environment
from edge_agent.learning.network import Architecture
from edge_agent.survey import Point
from export.write_bundle import write_bundle
from trainer.checkpoint import Checkpoint
from trainer.network import initial_parameters

SPEC = ImageSpec(n_packets=50, n_tones=52, n_channels=3)
CHANNELS = tuple(
    Channel(f"02:00:00:00:00:0{i}", 0, FrameFormat(64, Phy.LEGACY, 1, False), False)
    for i in range(SPEC.n_channels)
)
N_POINTS, N_SHOTS = 10, 3
ADAPTATION = AdaptationDefaults(alpha=0.001, n_steps=10)


@dataclass(frozen=True)
class Network:
    """A network, and what a process may take that adapts it."""

    filters: tuple[int, ...]
    limit_s: float
    limit_mb: float

    @property
    def name(self) -> str:
        """Return its filters."""
        return "-".join(map(str, self.filters))


NETWORKS = (
    Network((10, 20, 20, 32), limit_s=0.6, limit_mb=140),
    Network((32, 32, 32, 32), limit_s=1.2, limit_mb=190),
)


def random_shots(rng: np.random.Generator) -> Environment:
    """Return shots of points that each have a smooth pattern of their own."""
    pattern = rng.normal(0, 12, (N_POINTS, *SPEC.shape)).cumsum(axis=3)
    pattern -= pattern.mean(axis=(2, 3), keepdims=True)
    points = np.repeat(np.arange(N_POINTS), N_SHOTS)
    noise = rng.normal(128, 15, (len(points), *SPEC.shape))
    return Environment(
        SITE,
        SPEC,
        CHANNELS,
        tuple(Point(f"p{i}", float(i), 0.0) for i in range(N_POINTS)),
        np.clip(pattern[points] + noise, 0, 255).astype(np.uint8),
        np.ones((len(points), SPEC.n_channels), np.bool_),
        points,
        np.tile([f"{visit}" for visit in range(N_SHOTS)], N_POINTS),
        True,
    )


def export(network: Network, directory: Path) -> Bundle:
    """Write a bundle with random parameters, as the exporter does."""
    architecture = Architecture(SPEC.shape, network.filters)
    theta = initial_parameters(architecture, torch.Generator().manual_seed(0))
    parameters = {name: tensor.numpy() for name, tensor in theta.items()}
    about = {"data": "none: random parameters"}
    checkpoint = Checkpoint(SPEC, architecture, parameters, ADAPTATION, about)
    return write_bundle(checkpoint, directory, name=f"random-{network.name}")
