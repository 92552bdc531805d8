"""Sites that are walked again and again, drawn from the model of their changes.

Images are made backwards from fingerprints, so that what is expected is known: tones of
an amplitude each, and a level.
"""

import numpy as np

from edge_agent.csi.image import ImageSpec
from edge_agent.environment import Environment
from edge_agent.neighbours.estimator import Kernel, Neighbours
from edge_agent.neighbours.whitening import Whitening
from edge_agent.survey import Point
from tests.edge_agent.sites import REAL, channel

WALKED_SPEC = ImageSpec(n_packets=4, n_tones=6, n_channels=2)
D = WALKED_SPEC.n_tones + 1


def plain_neighbours():
    """Neighbours to whom a tenth of an amplitude or 1 dB is one unit."""
    return Neighbours(
        Whitening(np.r_[np.full(D - 1, 0.1), 1.0], np.eye(D)),
        Kernel(freedom=0.5, temperature=0.25, unheard=2.5),
    )


def grid_points(n, columns=4):
    """Points half a metre apart, in two rooms."""
    return tuple(
        Point(
            f"p{k:02}",
            0.5 * (k % columns),
            0.5 * (k // columns),
            "west" if k % columns < columns / 2 else "east",
        )
        for k in range(n)
    )


def walked(
    rng,
    points,
    n_walks=4,
    *,
    n_laps=3,
    persistent=0.2,
    common=0.05,
    local=0.05,
    visit=0.02,
    gone=(),
):
    """Return an environment of several walks.

    Args:
        rng: Draws.
        points: Of the site.
        n_walks: How often it is walked.
        n_laps: Of a walk; one image per point and lap.
        persistent: Spread of log amplitudes between points.
        common: What a walk adds to all points.
        local: What a walk adds to each point.
        visit: What a visit adds.
        gone: Channels that the last walk does not hear.
    """
    n, spec = len(points), WALKED_SPEC
    shape = (n, spec.n_channels, spec.n_tones)

    def draw(spread, *, axes=shape):
        # The level is a common factor, and varies as tones do, threefold.
        tones = rng.normal(0, spread, axes)
        return tones + rng.normal(0, 3 * spread, (*axes[:-1], 1))

    usual = draw(persistent)
    images, heard, point_of, visit_of = [], [], [], []
    for walk in range(n_walks):
        today = usual + draw(common, axes=shape[1:]) + draw(local)
        for lap in range(n_laps):
            seen = today + draw(visit)
            dbm = -60 + 20 / np.log(10) * seen
            pixels = np.rint(
                (dbm - spec.floor_dbm) * 255 / (spec.ceiling_dbm - spec.floor_dbm)
            )
            there = np.ones((n, spec.n_channels), np.bool_)
            if walk == n_walks - 1:
                there[:, list(gone)] = False
            image = np.repeat(pixels[:, :, None], spec.n_packets, axis=2)
            images.append(image * there[:, :, None, None])
            heard.append(there)
            point_of.append(np.arange(n))
            visit_of += [f"2026{walk + 1:04}T080000Z/{lap + 1}"] * n
    return Environment(
        "home",
        spec,
        tuple(channel(mac) for mac in REAL),
        points,
        np.clip(np.concatenate(images), 0, 255).astype(np.uint8),
        np.concatenate(heard),
        np.concatenate(point_of).astype(np.intp),
        np.array(visit_of, np.str_),
        is_simulated=True,
    )


def last_walk(shots):
    """Return history, all laps of the newest walk but the last, and that one."""
    newest = max(visit.split("/")[0] for visit in shots.visit_of.tolist())
    laps = sorted(v for v in set(shots.visit_of.tolist()) if v.startswith(newest))
    is_new = np.char.startswith(shots.visit_of, newest)
    is_last = shots.visit_of == laps[-1]
    parts = (~is_new, is_new & ~is_last, is_last)
    return tuple(shots.select(np.flatnonzero(rows)) for rows in parts)


def at_points(shots, points):
    """Return the shots at some points."""
    return shots.select(np.flatnonzero(np.isin(shots.point_of, points)))


def mean_error(predictor, queries):
    """Return the mean error of images whose points are known [m]."""
    posterior = predictor.predict(queries.images, queries.heard)
    where = queries.locations
    return float(np.hypot(*(posterior @ where - where[queries.point_of]).T).mean())
