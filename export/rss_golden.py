"""Write golden.npz of ``kind: rss``: a task, and what autograd makes of it."""

import numpy as np
import torch

from edge_agent.bundles.bundle import AdaptationDefaults
from edge_agent.bundles.golden_file import digest
from edge_agent.rss.fingerprints import LENGTH_M, Fingerprints, RadioMap
from edge_agent.rss.golden import RssGolden
from edge_agent.rss.network import Examples, Parameters, RssArchitecture
from trainer.meta.inner_loop import adapt, as_leaves, inner_step
from trainer.models.rss_regression import (
    RssBatch,
    RssRegressionModel,
    RssTask,
    regress,
)

_N_POINTS, _N_EXAMPLES, _N_TRANSMITTERS = 12, 24, 6
_MAX_STEPS = 20
"""An adaptation of more steps shows no more."""


def make_rss_golden(
    architecture: RssArchitecture,
    parameters: Parameters,
    adaptation: AdaptationDefaults,
) -> RssGolden:
    """Return a random site's task and what the network must make of it.

    Args:
        architecture: Of the network.
        parameters: θ*.
        adaptation: Step size, and number of steps.
    """
    rng = np.random.default_rng(0)
    examples, origins = _task(rng, architecture.k)
    inputs, targets = (
        torch.from_numpy(array.astype(np.float64))
        for array in (examples.inputs, examples.targets)
    )
    batch = RssBatch(inputs, targets)
    task = RssTask(batch, batch)
    model = RssRegressionModel(architecture.k, architecture.hidden)
    theta = as_leaves(
        {name: torch.from_numpy(a.astype(np.float64)) for name, a in parameters.items()}
    )
    losses = []
    for n_steps in range(min(adaptation.n_steps, _MAX_STEPS) + 1):
        adapted = adapt(
            model.support_loss, theta, task, alpha=adaptation.alpha, n_steps=n_steps
        )
        losses.append(float(model.support_loss(adapted, task).detach()))
    after = inner_step(model.support_loss, theta, task, adaptation.alpha)
    with torch.no_grad():
        answers = regress(adapted, inputs).numpy()
    return RssGolden(
        examples,
        origins,
        losses[0],
        {name: digest(value.detach().numpy()) for name, value in after.items()},
        np.array(losses),
        origins + LENGTH_M * answers,
    )


def _task(
    rng: np.random.Generator, k: int
) -> tuple[Examples, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Return samples near the points of a random radio map, and their origins [m]."""
    n_points = max(_N_POINTS, k + 2)
    locations = rng.uniform(0, 20, (n_points, 2))
    radio_map = RadioMap(
        rng.uniform(-90, -40, (n_points, _N_TRANSMITTERS)),
        locations,
        np.arange(n_points),
    )
    own = rng.integers(0, n_points, _N_EXAMPLES)
    heard = radio_map.rss[own] + rng.normal(0, 3, (_N_EXAMPLES, _N_TRANSMITTERS))
    fingerprints = Fingerprints.of(heard, radio_map, k, own_points=own)
    examples = Examples.of(fingerprints.inputs, fingerprints.targets(locations[own]))
    return examples, fingerprints.origins
