"""Estimates that are written down, beside their truths."""

import numpy as np

from edge_agent.estimate import Estimate, Position, Quality
from edge_agent.evaluation.judged import Judged
from edge_agent.survey import Point

REFERENCE = (
    Point("p1", 0.0, 0.0, "kitchen"),
    Point("p2", 2.0, 0.0, "kitchen"),
    Point("p3", 0.0, 4.0, "office"),
)
OUT = Point("outside", None, None)


def estimate(
    where=(0.0, 0.0),
    *,
    r68=0.5,
    r95=1.0,
    rooms=(("kitchen", 0.8), ("office", 0.2)),
    outside=0.0,
    floor=0,
    quality=Quality.OK,
):
    """A location; where it says nothing is a default."""
    position = None if where is None else Position(*where, (0.1, 0.0, 0.1), r68, r95)
    return Estimate(
        0, position, floor, rooms, (1.0,), 8, 1.0, 2, 2, outside, quality, 0.5
    )


def judged(*locations, visits=None, reference=REFERENCE):
    """Judge (truth, estimate) pairs."""
    truths, estimates = zip(*locations, strict=True) if locations else ((), ())
    visits = visits or ["2"] * len(locations)
    return Judged(reference, tuple(estimates), tuple(truths), tuple(visits))


def scattered(rng, n=60, reference=REFERENCE):
    """Locations around the reference points, in three visits."""
    points = [reference[k] for k in rng.integers(len(reference), size=n)]
    found = [
        estimate(tuple(np.array(p.location) + rng.normal(0, 1, 2)), r95=1.5)
        for p in points
    ]
    visits = [str(v) for v in rng.integers(2, 5, n)]
    return judged(*zip(points, found, strict=True), visits=visits, reference=reference)
