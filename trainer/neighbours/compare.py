"""Which of the two locates better where it was not taught: network or neighbours?

Both are replayed at the same places. The neighbours whiten by other places; the network
was trained on all of them, these among them, so that the comparison favours it. Where
the neighbours are better all the same they are recommended, and
``model.estimator = "auto"`` follows on the device.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_agent.learning.adaptation import adapt
from edge_agent.learning.layer_kernel import AVAILABLE, NativeLayer
from edge_agent.learning.layer_step import LayerStep
from edge_agent.learning.network import forward, probabilities, scale_input
from edge_agent.learning.support import Support
from edge_agent.metrics import localization_errors
from edge_agent.neighbours.whitening import Matrix
from trainer.checkpoint import Checkpoint
from trainer.neighbours.learn import Learnt
from trainer.neighbours.replays import Replay

_MOST_REPLAYS: Final = 8
"""The network takes its gradient steps in each: up to seconds."""

_IMAGES_PER_PASS: Final = 64


@dataclass(frozen=True, slots=True)
class Comparison:
    """Mean errors at the same replayed places."""

    n_replays: int
    network_m: float
    """[m]."""

    neighbours_m: float
    """[m]."""

    @property
    def favours_neighbours(self) -> bool:
        """Whether the neighbours are recommended."""
        return self.neighbours_m < self.network_m


def compare(checkpoint: Checkpoint, learnt: Learnt) -> Comparison:
    """Replay the past with the network, beside what the neighbours did.

    Args:
        checkpoint: Of the network.
        learnt: Up to eight of its replays are taken, evenly.
    """
    n = min(_MOST_REPLAYS, len(learnt.replays))
    chosen = np.linspace(0, len(learnt.replays) - 1, n).round().astype(int).tolist()
    return Comparison(
        n,
        float(np.mean([network_error(checkpoint, learnt.replays[k]) for k in chosen])),
        float(np.mean([learnt.errors_m[k] for k in chosen])),
    )


def network_error(checkpoint: Checkpoint, replay: Replay) -> float:
    """Return the mean error of the network, adapted as the device adapts it [m]."""
    where = replay.queries.locations
    posterior = network_posterior(checkpoint, replay)
    truth = where[replay.queries.point_of]
    return float(localization_errors(posterior @ where, truth).mean())


def network_posterior(checkpoint: Checkpoint, replay: Replay) -> Matrix:
    """Return the probability of every point for every query, shape (n, n_points)."""
    architecture, shots = checkpoint.architecture, replay.shots
    layer = NativeLayer() if AVAILABLE else None
    # A number for each point that has a shot, as at a site.
    present, numbers = np.unique(shots.point_of, return_inverse=True)
    support = Support.of(shots.images, shots.heard, numbers, len(present))
    posterior = np.zeros((len(replay.queries.images), len(shots.points)))
    try:
        adapted = adapt(
            checkpoint.parameters,
            LayerStep(architecture, support, layer),
            support,
            architecture=architecture,
            alpha=checkpoint.adaptation.alpha,
            n_steps=checkpoint.adaptation.n_steps,
        )
    except ValueError:  # it does not adapt: it knows nothing
        posterior[:, present] = 1 / len(present)
        return posterior
    for start in range(0, len(posterior), _IMAGES_PER_PASS):
        rows = slice(start, start + _IMAGES_PER_PASS)
        inputs = scale_input(
            architecture, replay.queries.images[rows], replay.queries.heard[rows]
        )
        trace = forward(adapted.parameters, inputs, adapted.statistics, layer=layer)
        posterior[rows, present] = probabilities(trace.logits)
    return posterior
