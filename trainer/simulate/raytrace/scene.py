"""A layout as triangles, which is all that a ray tracer sees.

Walls and panels are rectangles without thickness: how thick they are enters through the
slab coefficients of ITU-R P.2040, once per crossing. Furniture has six faces, so that
a ray through it crosses two slabs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.simulate.image_sources import Wall
from trainer.simulate.materials import Floats
from trainer.simulate.raytrace.layouts import Layout


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """All faces of one material."""

    material: Wall

    vertices: npt.NDArray[np.float32]
    """[m], shape (n_vertices, 3)."""

    faces: npt.NDArray[np.uint32]
    """Triangles as numbers of vertices, shape (n_faces, 3)."""


def meshes_of(layout: Layout) -> tuple[Mesh, ...]:
    """Return walls, panels and furniture, one mesh per material and thickness."""
    rectangles: dict[Wall, list[Floats]] = {}
    outer = _faces(np.zeros(3), layout.size_m)
    for wall, corners in zip(layout.walls, outer, strict=True):
        rectangles.setdefault(wall, []).append(corners)
    for panel in layout.panels:
        corners = np.empty((4, 3))
        corners[:, panel.axis] = panel.at_m
        corners[:, 1 - panel.axis] = np.array(panel.span_m)[[0, 1, 1, 0]]
        corners[:, 2] = np.array(panel.height_m)[[0, 0, 1, 1]]
        rectangles.setdefault(panel.material, []).append(corners)
    for box in layout.boxes:
        faces = _faces(np.array(box.low), np.array(box.high))
        rectangles.setdefault(box.shell, []).extend(faces)
    return tuple(_mesh(wall, corners) for wall, corners in rectangles.items())


def _faces(low: Floats, high: Floats) -> list[Floats]:
    """Return the faces of a box, each (4, 3): x, y and z, low before high."""
    faces = []
    for axis in range(3):
        first, second = (other for other in range(3) if other != axis)
        for at in (low, high):
            corners = np.empty((4, 3))
            corners[:, axis] = at[axis]
            corners[:, first] = np.array([low, high, high, low])[:, first]
            corners[:, second] = np.array([low, low, high, high])[:, second]
            faces.append(corners)
    return faces


def _mesh(material: Wall, rectangles: list[Floats]) -> Mesh:
    corners = 4 * np.arange(len(rectangles))[:, None] + np.array([0, 1, 2, 0, 2, 3])
    return Mesh(
        material,
        np.concatenate(rectangles).astype(np.float32),
        corners.reshape(-1, 3).astype(np.uint32),
    )
