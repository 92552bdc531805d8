"""The six rooms S1 ... S6: each of another size, of other materials, divided otherwise.

They stand in for the six scenarios that the paper made with a commercial ray tracer
(section V-A), "in which the layout of the scenarios is designed quite differently"; it
does not print them. S1, S2, S5 and S6 are there to train on, S3 and S4 to test on.
The seed decides where the twenty access points hang and, within a quarter of a metre,
where furniture stands.
"""

from typing import Final

import numpy as np

from trainer.errors import RoomError
from trainer.simulate.raytrace.blueprints import BLUEPRINTS, Blueprint
from trainer.simulate.raytrace.layouts import Box, Layout
from trainer.simulate.raytrace.places import draw_places, free_grid

NAMES: Final = tuple(BLUEPRINTS)
TRAINING: Final = ("S1", "S2", "S5", "S6")
TEST: Final = ("S3", "S4")

N_ACCESS_POINTS: Final = 20
"""Section V-A."""

CARRIER_HZ: Final = 2.44e9
"""That of the path-loss environments, which S1 ... S6 are compared with; the paper does
not give its own."""

RECEIVER_HEIGHT_M: Final = 1.2


def scenario(name: str, *, seed: int = 0) -> Layout:
    """Return one of the six rooms.

    Args:
        name: ``S1`` to ``S6``.
        seed: Decides on access points, and where furniture stands.

    Raises:
        RoomError: There is no such scenario.
    """
    if name not in BLUEPRINTS:
        raise RoomError(
            f"there is no scenario {name!r}; there are {', '.join(BLUEPRINTS)}"
        )
    plan = BLUEPRINTS[name]()
    rng = np.random.default_rng([seed, int(name[1:])])
    size = np.array(plan.size_m)
    boxes = plan.fixed + tuple(_shifted(rng, box, plan) for box in plan.movable)
    obstacles = boxes + tuple(panel.body() for panel in plan.panels)
    return Layout(
        name,
        size,
        plan.walls,
        boxes,
        plan.panels,
        access_points=draw_places(
            rng,
            size,
            obstacles,
            count=N_ACCESS_POINTS,
            heights_m=(1.5, plan.size_m[2] - 0.3),
        ),
        receivers=free_grid(
            size, obstacles, spacing_m=plan.spacing_m, height_m=RECEIVER_HEIGHT_M
        ),
        carrier_hz=CARRIER_HZ,
    )


def _shifted(rng: np.random.Generator, box: Box, plan: Blueprint) -> Box:
    """Return furniture pushed a quarter of a metre at most, never out of the room."""
    low, high = np.array(box.low), np.array(box.high)
    by = np.append(rng.uniform(-0.25, 0.25, 2), 0.0)
    # Nor onto its walls: of two faces in one plane, a ray meets either.
    by = np.clip(by, 0.05 - low, np.array(plan.size_m) - 0.05 - high)
    by[2] = 0.0
    (x0, y0, z0), (x1, y1, z1) = (low + by).tolist(), (high + by).tolist()
    return Box(box.name, (x0, y0, z0), (x1, y1, z1), box.shell)
