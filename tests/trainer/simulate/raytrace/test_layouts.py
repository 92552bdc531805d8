"""Rooms that cannot be are refused, with what is wrong."""

import numpy as np
import pytest

from trainer.errors import RoomError
from trainer.simulate.image_sources import Wall
from trainer.simulate.materials import MATERIALS
from trainer.simulate.raytrace.layouts import Box, Panel

WOOD = Wall(MATERIALS["wood"], 0.02)


def box(low=(2.0, 2.0, 0.0), high=(3.0, 3.0, 1.5)):
    return Box("chest", low, high, WOOD)


def panel(**changes):
    parts = {"axis": 0, "at_m": 3.0, "span_m": (0.0, 2.0), "height_m": (0.0, 3.0)}
    return Panel("screen", **(parts | changes), material=WOOD)


def test_a_furnished_room_is_accepted(make_layout):
    layout = make_layout(boxes=(box(),), panels=(panel(),))

    assert [obstacle.name for obstacle in layout.obstacles()] == ["chest", "screen"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"size_m": np.array([6.0, 0.0, 3.0])}, "three sides from 1 m to 200 m"),
        ({"size_m": np.array([6.0, np.nan, 3.0])}, "three sides"),
        ({"size_m": np.array([6.0, 500.0, 3.0])}, "three sides"),
        ({"size_m": np.array([6.0, 5.0])}, "three sides"),
        ({"walls": (WOOD,) * 5}, "has 5 walls; six are needed: x=0, x=length"),
        ({"walls": (Wall(WOOD.material, 1.5),) * 6}, "wall x=0 is 1.5 m thick"),
        ({"carrier_hz": 9e8}, "wall x=0 is of concrete, which is known from 1e+09"),
        (
            {"carrier_hz": 6e10, "walls": (Wall(MATERIALS["brick"], 0.2),) * 6},
            "brick, which is known from 1e+09 to 4e+10 Hz",
        ),
        ({"boxes": (box(high=(3.0, 2.0, 1.5)),)}, "each coordinate must grow"),
        ({"boxes": (box(high=(3.0, 5.1, 1.5)),)}, "chest, .* is not within the room"),
        ({"boxes": (box(low=(-0.1, 2.0, 0.0)),)}, "chest, .* is not within the room"),
        ({"panels": (panel(axis=2),)}, "screen stands across axis 2, not 0 or 1"),
        ({"panels": (panel(at_m=6.0),)}, "screen stands at 6.0 m, not between"),
        ({"panels": (panel(span_m=(0.0, 5.2)),)}, "screen reaches from 0.0 to 5.2 m"),
        ({"panels": (panel(span_m=(2.0, 1.0)),)}, "screen reaches from 2.0 to 1.0 m"),
        ({"panels": (panel(height_m=(0.0, 3.1)),)}, "reaches from 0.0 to 3.1 m"),
        ({"receivers": np.zeros((0, 3))}, "has 0 receivers, not 1 to 4096"),
        ({"receivers": np.ones((4097, 3))}, "has 4097 receivers"),
        ({"receivers": np.ones(3)}, r"receivers have shape \(3,\), not \(n, 3\)"),
        (
            {"access_points": np.array([[1, 1, 2], [1, 1, 3.2]])},
            r"access point 1 at \[1.  1.  3.2\] m is not inside the room",
        ),
        (
            {"receivers": np.array([[1, 1, np.nan]])},
            "receiver 0 .* is not inside the room",
        ),
    ],
)
def test_a_room_that_cannot_be_is_refused(make_layout, changes, complaint):
    with pytest.raises(RoomError, match=complaint.replace("+", r"\+")):
        make_layout(**changes)


@pytest.mark.parametrize("kind", ["receivers", "access_points"])
def test_a_radio_inside_of_furniture_is_refused_by_number(make_layout, kind):
    places = np.array([[1.0, 1.0, 1.0], [2.5, 2.5, 1.0]])

    with pytest.raises(
        RoomError, match=r"1 at .* is inside chest, from .* move either"
    ):
        make_layout(boxes=(box(),), **{kind: places})


def test_a_radio_above_furniture_is_not_inside(make_layout):
    make_layout(boxes=(box(),), receivers=np.array([[2.5, 2.5, 1.6]]))


def test_a_radio_inside_of_a_panel_is_refused(make_layout):
    # 2 cm thick: from 2.99 m to 3.01 m.
    make_layout(panels=(panel(),), receivers=np.array([[3.02, 1.0, 1.2]]))
    with pytest.raises(RoomError, match=r"receiver 0 at .* is inside screen"):
        make_layout(panels=(panel(),), receivers=np.array([[3.005, 1.0, 1.2]]))


def test_a_box_holds_what_is_within_and_near(rng):
    places = rng.uniform(0, 5, (500, 3))

    held = box().holds(places, clearance_m=0.3)

    for place, is_held in zip(places, held, strict=True):
        nearest = [
            min(max(value, low), high)
            for value, low, high in zip(place, (2, 2, 0), (3, 3, 1.5), strict=True)
        ]
        assert is_held == (np.linalg.norm(place - nearest) < 0.3)
    assert 10 < held.sum() < 200


def test_without_clearance_a_box_holds_its_faces():
    assert box().holds(np.array([[2.0, 2.5, 1.0], [1.999, 2.5, 1.0]])).tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("axis", "low", "high"),
    [(0, (2.99, 0.0, 0.0), (3.01, 2.0, 3.0)), (1, (0.0, 2.99, 0.0), (2.0, 3.01, 3.0))],
)
def test_a_panel_is_as_thick_as_its_material(axis, low, high):
    body = panel(axis=axis).body()

    assert body.low == pytest.approx(low)
    assert body.high == pytest.approx(high)
