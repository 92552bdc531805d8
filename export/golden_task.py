"""Draw a small task: some shots to adapt to, and images to locate then.

Images are of few brightnesses, so that the file is small, and of enough of them that
hardly two neighbourhoods are the same.
"""

import numpy as np

from edge_agent.bundles.bundle import AdaptationDefaults
from edge_agent.bundles.golden_file import Task
from edge_agent.learning.network import Architecture
from edge_agent.learning.support import Support

_N_POINTS = 3
_N_SHOTS = 2
_N_QUERIES = 3
_MAX_STEPS = 20
"""An adaptation of more steps shows no more, and parts further in single precision."""

_PATTERN_LEVELS, _NOISE_LEVELS = 4, 4


def draw_task(
    architecture: Architecture,
    adaptation: AdaptationDefaults,
    rng: np.random.Generator,
) -> Task:
    """Return two shots of three points each, one row of padding, and a query of each.

    Points differ by a pattern over channels and tones. One channel of some shots is not
    heard, where there are several. ``alpha`` is left at 1.
    """
    n_channels, n_packets, n_tones = architecture.image_shape
    patterns = rng.integers(0, _PATTERN_LEVELS, (_N_POINTS, n_channels, 1, n_tones))

    def images(points: np.ndarray) -> np.ndarray:
        shape = (len(points), n_channels, n_packets, n_tones)
        levels = patterns[points] + rng.integers(0, _NOISE_LEVELS, shape)
        return _brightness(architecture, levels)

    points = np.tile(np.arange(_N_POINTS), _N_SHOTS)
    shots = images(points)
    heard = np.ones((len(points), n_channels), np.bool_)
    if n_channels > 1:
        heard[:_N_POINTS, -1] = False
    n_features = architecture.n_features
    spread = 2.0 ** round(np.log2(5 * np.sqrt(n_features)))  # logits of about 1
    return Task(
        # The padding is a shot with another's label: it shows where it is not left out.
        Support(
            np.concatenate([shots, shots[-1:]]),
            np.concatenate([heard, heard[-1:]]),
            np.append(points, 0),
            _N_POINTS,
            np.append(np.full(len(points), 1 / _N_SHOTS), 0.0),
        ),
        images(np.arange(_N_QUERIES) % _N_POINTS),
        np.ones((_N_QUERIES, n_channels), np.bool_),
        {
            "head.weight": rng.integers(-8, 9, (_N_POINTS, n_features)) / spread,
            "head.bias": rng.integers(-8, 9, _N_POINTS) / 16,
        },
        alpha=1.0,
        adapt_alpha=adaptation.alpha,
        n_steps=min(adaptation.n_steps, _MAX_STEPS),
    )


def _brightness(architecture: Architecture, levels: np.ndarray) -> np.ndarray:
    """Return pixels about the architecture's mean, a third of its deviation apart."""
    n_levels = _PATTERN_LEVELS + _NOISE_LEVELS - 1
    apart = min(max(round(255 * architecture.pixel_std / 3), 1), 255 // n_levels)
    lowest = round(255 * architecture.pixel_mean - apart * n_levels / 2)
    lowest = min(max(lowest, 0), 255 - apart * n_levels)
    return (lowest + apart * levels).astype(np.uint8)
