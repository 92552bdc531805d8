"""Triangles: their areas, planes and materials are those of the layout."""

import numpy as np

from trainer.simulate.image_sources import Wall
from trainer.simulate.materials import MATERIALS
from trainer.simulate.raytrace.layouts import Box, Panel
from trainer.simulate.raytrace.scene import meshes_of

BRICK, GLASS, WOOD = (
    Wall(MATERIALS[name], thickness)
    for name, thickness in (("brick", 0.2), ("glass", 0.01), ("wood", 0.02))
)


def triangles(mesh):
    return mesh.vertices[mesh.faces].astype(float)


def area(mesh):
    a, b, c = np.moveaxis(triangles(mesh), 1, 0)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def test_each_material_is_one_mesh_with_all_its_area(make_layout):
    layout = make_layout(
        walls=(BRICK, BRICK, BRICK, GLASS, BRICK, BRICK),
        boxes=(Box("chest", (1.0, 1.5, 0.5), (2.0, 3.5, 2.0), WOOD),),
        panels=(Panel("screen", 1, 4.0, (0.5, 2.5), (0.0, 2.0), GLASS),),
    )

    areas = {mesh.material: area(mesh) for mesh in meshes_of(layout)}

    # 6 x 5 x 3 m: one front of 6 x 3 is glass. Chest: 1 x 2 x 1.5 m.
    assert areas.keys() == {BRICK, GLASS, WOOD}
    assert np.isclose(areas[BRICK], 2 * 5 * 3 + 6 * 3 + 2 * 6 * 5)
    assert np.isclose(areas[GLASS], 6 * 3 + 2 * 2)
    assert np.isclose(areas[WOOD], 2 * (1 * 2 + 1 * 1.5 + 2 * 1.5))


def test_walls_of_one_material_but_other_thickness_are_told_apart(make_layout):
    thick = Wall(BRICK.material, 0.5)

    meshes = meshes_of(make_layout(walls=(BRICK,) * 5 + (thick,)))

    ceiling = next(mesh for mesh in meshes if mesh.material == thick)
    assert (ceiling.vertices[:, 2] == 3).all()
    assert np.isclose(area(ceiling), 6 * 5)


def test_walls_enclose_the_room(make_layout):
    six = tuple(Wall(BRICK.material, 0.1 * number) for number in range(1, 7))

    meshes = meshes_of(make_layout(walls=six))

    for mesh, (axis, at) in zip(
        meshes, [(0, 0), (0, 6), (1, 0), (1, 5), (2, 0), (2, 3)], strict=True
    ):
        assert mesh.material == six[2 * axis + (at > 0)]
        assert (mesh.vertices[:, axis] == at).all()


def test_a_panel_stands_where_it_is_said_to(make_layout):
    screen = Panel("screen", 0, 4.0, (0.5, 2.5), (0.1, 2.0), GLASS)

    mesh = next(
        mesh
        for mesh in meshes_of(make_layout(panels=(screen,)))
        if mesh.material == GLASS
    )

    assert mesh.vertices.min(axis=0).tolist() == np.float32([4.0, 0.5, 0.1]).tolist()
    assert mesh.vertices.max(axis=0).tolist() == [4.0, 2.5, 2.0]


def test_the_two_triangles_of_a_face_lie_side_by_side(make_layout):
    (mesh,) = meshes_of(make_layout())

    halves = triangles(mesh).reshape(6, 2, 3, 3)

    # Both turn the same way, so they do not lie upon each other.
    normals = np.cross(
        halves[:, :, 1] - halves[:, :, 0], halves[:, :, 2] - halves[:, :, 0]
    )
    assert np.allclose(normals[:, 0], normals[:, 1])
    assert (np.linalg.norm(normals, axis=2) > 1).all()
