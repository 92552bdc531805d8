"""Sites that are walked: every point has a look of its own, every visit changes it."""

from dataclasses import replace

import numpy as np

from tests.edge_agent.sites import POINTS, SPEC, environment


def walked(rng, walks, *, points=POINTS, change=8.0, n_laps=3):
    """One image per point and lap of each walk; the same looks on all of them."""
    looks = rng.uniform(60, 200, (len(points), SPEC.n_channels, 1, SPEC.n_tones))
    return [
        visited(
            rng, looks, [f"{walk}/{lap + 1}" for lap in range(n_laps)], points, change
        )
        for walk in walks
    ]


def visited(rng, looks, visits, points, change):
    """One image per point and visit."""
    n = len(visits) * len(points)
    blank = environment(rng, n_per_point=len(visits), points=points)
    point_of = np.tile(np.arange(len(points)), len(visits))
    shapes = rng.normal(0, change, (n, SPEC.n_channels, 1, SPEC.n_tones))
    noise = rng.normal(0, 1, (n, *SPEC.shape))
    pixels = np.clip(np.rint(looks[point_of] + shapes + noise), 1, 255)
    return replace(
        blank,
        images=pixels.astype(np.uint8),
        point_of=point_of,
        visit_of=np.repeat(np.array(visits, np.str_), len(points)),
    )
