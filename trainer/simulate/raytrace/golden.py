"""An empty room, traced once and for all: what the built-in simulator is held against.

The file has ``receivers`` (n, 3) and ``access_points`` (3, 3) float64 [m], ``tones``
(52,), ``response`` complex64 (n, 3, 52), ``n_paths`` int32 (n, 3), and a JSON header
with the settings and versions it was made with. ``trainer raytrace golden`` makes it.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from edge_agent.arrays import Arrays, pack_arrays, write_atomically
from trainer.simulate.image_sources import Wall
from trainer.simulate.materials import MATERIALS
from trainer.simulate.raytrace.errors import TableError
from trainer.simulate.raytrace.layouts import Layout
from trainer.simulate.raytrace.places import free_grid
from trainer.simulate.raytrace.process import Settings
from trainer.simulate.raytrace.trace import Trace
from trainer.simulate.tones import TONES

SCHEMA: Final = "metaloc/raytrace-golden/1"
GOLDEN_TONES: Final = TONES[np.abs(TONES) <= 26]
"""Those of a legacy frame."""

GOLDEN_SETTINGS: Final = Settings(max_depth=3, samples=100_000)
"""With more rays than usual, lest a path be missing."""


def golden_room() -> Layout:
    """Return 10 m x 8 m x 3 m with 3 access points and 80 receivers at 5.18 GHz."""
    concrete = Wall(MATERIALS["concrete"], 0.2)
    plasterboard = Wall(MATERIALS["plasterboard"], 0.1)
    size = np.array([10.0, 8.0, 3.0])
    return Layout(
        "empty room",
        size,
        (
            concrete,
            concrete,
            plasterboard,
            plasterboard,
            concrete,
            Wall(MATERIALS["ceiling board"], 0.03),
        ),
        boxes=(),
        panels=(),
        # Nowhere in the middle, nor opposite of each other: no two images alike.
        access_points=np.array([[0.5, 0.63, 2.5], [9.37, 3.1, 2.4], [4.29, 7.5, 2.6]]),
        receivers=free_grid(size, (), spacing_m=1.0, height_m=1.2),
        carrier_hz=5.18e9,
    )


def write_golden(path: Path, layout: Layout, traced: Trace) -> None:
    """Write the traced room, whole or not at all.

    Raises:
        TableError: It cannot be written.
    """
    header = {
        "schema": SCHEMA,
        "carrier_hz": layout.carrier_hz,
        "size_m": layout.size_m.tolist(),
        "walls": [[wall.material.name, wall.thickness_m] for wall in layout.walls],
        "settings": asdict(GOLDEN_SETTINGS),
        "versions": traced.versions,
    }
    arrays: Arrays = {
        "receivers": layout.receivers,
        "access_points": layout.access_points,
        "tones": GOLDEN_TONES,
        "response": traced.response,
        "n_paths": traced.n_paths,
    }
    try:
        write_atomically(path, pack_arrays(header, arrays))
    except OSError as error:
        raise TableError(f"cannot write {path}: {error.strerror}") from error
