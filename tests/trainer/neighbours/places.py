"""Places in which neighbouring tones move together from visit to visit.

Every channel of a point has a fine shape of its own. A placement changes it a little,
and adds something smooth over the tones, the same kind of thing everywhere: what a
whitening can learn in one place and use in another. Plain distances drown in it.
"""

import numpy as np

from tests.edge_agent.sites import POINTS, SPEC, environment


def place(rng, *, n_visits=4, disturbance=0.35):
    """Three points that differ by fine structure, visited several times."""
    n_points, n_tones = len(POINTS), SPEC.n_tones
    fine = rng.normal(0, 0.12, (n_points, SPEC.n_channels, n_tones))
    phase = np.arange(n_tones) / n_tones * np.pi
    images = []
    for point in range(n_points):
        for _ in range(n_visits):
            bend = rng.normal(0, disturbance, (SPEC.n_channels, 2, 1))
            smooth = bend[:, 0] * np.cos(phase) + bend[:, 1] * np.cos(2 * phase)
            own = fine[point] + rng.normal(0, 0.1, fine[point].shape)
            amplitude = np.exp(own + smooth)
            noise = rng.normal(1, 0.02, (SPEC.n_channels, SPEC.n_packets, n_tones))
            power_dbm = -50 + 20 * np.log10(amplitude[:, None] * noise)
            scale = 255 / (SPEC.ceiling_dbm - SPEC.floor_dbm)
            pixels = np.rint((power_dbm - SPEC.floor_dbm) * scale)
            images.append(np.clip(pixels, 0, 255).astype(np.uint8))
    return environment(rng, n_per_point=n_visits, images=np.array(images))
