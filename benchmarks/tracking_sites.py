"""The places that `benchmarks/tracking.py` follows somebody in.

lab     the shipped site: 16 points in 4 areas of one laboratory, nothing between them
flat    4 rooms of 20 m² with 4 points each, plasterboard between them, 4 doors; three
        shots of each point
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_agent.bundles.bundle import Bundle
from edge_agent.calibration import Calibration
from edge_agent.config import SHIPPED_BUNDLE
from edge_agent.csi.iq_order import IqOrder
from edge_agent.csi_model import CsiModel
from edge_agent.environment import Environment
from edge_agent.learning.backends import Backend
from edge_agent.site_file import Wall
from edge_agent.survey import Point, read_survey, write_survey
from trainer.errors import RoomError
from trainer.simulate.room import Room, draw_room, next_day
from trainer.simulate.scenes import SCENES
from trainer.simulate.survey import SurveyPlan, survey_room
from trainer.simulate.ways import find_way

Places = npt.NDArray[np.float64]

_FLAT_SEED = 77
_FLAT_M, _WALL_X_M, _WALL_Y_M = (10.0, 8.0, 2.7), 5.0, 4.0
_DOOR_M = 0.9
_APART_M, _FROM_WALL_M = 0.7, 0.3


@dataclass(frozen=True, slots=True)
class Site:
    """Somewhere to be followed, as it is on the day of its calibration."""

    name: str
    bundle: Bundle
    calibration: Calibration
    """With trust, as `edge_agent adapt` makes it."""

    address: int
    """Of its access points."""

    room: Room
    corner: Places
    """Where in the room the map's origin is [m], shape (2,)."""

    places: Places
    """On the map, most of them never surveyed [m], shape (n, 2)."""

    areas: tuple[tuple[str, str], tuple[str, str]]
    """Names, by x and then y."""

    border: tuple[float, float]
    """Between the areas: x, y [m]."""

    walls: tuple[Wall, ...] = ()
    doors: tuple[tuple[float, float], ...] = ()
    """[m]; none: one may walk anywhere."""

    def area(self, where: Places) -> str:
        """Return the area that a place on the map is in."""
        return self.areas[int(where[0] > self.border[0])][
            int(where[1] > self.border[1])
        ]

    def way(self, here: Places, there: Places) -> Places:
        """Return the corners of a way in the room.

        Args:
            here: Where it begins, on the map [m], shape (2,).
            there: Where it ends, on the map [m], shape (2,).
        """
        stops = [here, *self._doors_between(here, there), there]
        legs = [
            find_way(self.room, a + self.corner, b + self.corner)
            for a, b in pairwise(stops)
        ]
        return np.concatenate([legs[0], *(leg[1:] for leg in legs[1:])])

    def _doors_between(self, here: Places, there: Places) -> list[Places]:
        """Return the doors to go through: along x first, then along y."""
        if not self.doors:
            return []
        found = []
        x, y = self.border
        if (here[0] > x) != (there[0] > x):
            found.append(self._door(x, is_across_x=True, like=here))
        if (here[1] > y) != (there[1] > y):
            found.append(self._door(y, is_across_x=False, like=there))
        return found

    def _door(self, wall_m: float, *, is_across_x: bool, like: Places) -> Places:
        axis = 0 if is_across_x else 1
        on_wall = [np.array(d) for d in self.doors if d[axis] == wall_m]
        return min(on_wall, key=lambda d: abs(float(d[1 - axis] - like[1 - axis])))


def make_lab(bundle: Bundle) -> Site:
    """Return the shipped site."""
    scene = SCENES["lab"]
    (room,) = scene.days(1)
    return Site(
        "lab",
        bundle,
        _adapt(bundle, Environment.load(SHIPPED_BUNDLE.parent / "shots.npz")),
        255,
        room,
        np.array(scene.corner),
        scene.points,
        (("entrance", "workbench"), ("desks", "meeting corner")),
        (3.6, 3.9),
    )


def make_flat(bundle: Bundle) -> Site:
    """Return a flat that was surveyed just now."""
    rng = np.random.default_rng(_FLAT_SEED)
    areas = (("kitchen", "living room"), ("bedroom", "study"))
    doors = ((5.0, 2.0), (5.0, 6.0), (2.5, 4.0), (7.5, 4.0))
    points = [
        Point(f"{areas[i][j]} {x} {y}", x + 5 * i, y + 4 * j, areas[i][j])
        for i in (0, 1)
        for j in (0, 1)
        for x in (1.2, 3.8)
        for y in (1.2, 2.8)
    ]
    usual = draw_room(
        rng,
        size=_FLAT_M,
        partitions=[(0, _WALL_X_M), (1, _WALL_Y_M)],
        access_points=[[0.4, 0.4, 2.3], [9.6, 2.0, 2.3], [5.4, 7.6, 2.3]],
        n_furniture=14,
        k_db=1.0,
        tail_delay_s=20e-9,
        free=[*(point.location for point in points), *doors],
    )
    room = next_day(usual, rng)
    address = 254
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "survey.csv"
        plan = SurveyPlan(n_rooms=1, n_visits=3)
        rows = survey_room(
            rng, room, points, Path(name), site=address, plan=plan, environment="flat"
        )
        write_survey(path, rows)
        shots = CsiModel(bundle).record(
            read_survey(path),
            n_per_point=3,
            iq_order=IqOrder.AUTO,
            on_capture=lambda _number, _capture: None,
        )
    return Site(
        "flat",
        bundle,
        _adapt(bundle, shots),
        address,
        room,
        np.zeros(2),
        _free_places(room, np.array(points[0].location)),
        areas,
        (_WALL_X_M, _WALL_Y_M),
        (
            *_walls((_WALL_X_M, 0), (_WALL_X_M, _FLAT_M[1]), (2.0, 6.0)),
            *_walls((0, _WALL_Y_M), (_FLAT_M[0], _WALL_Y_M), (2.5, 7.5)),
        ),
        doors,
    )


def _adapt(bundle: Bundle, shots: Environment) -> Calibration:
    return CsiModel(bundle).adapt(
        shots,
        now=datetime.now(UTC),
        backend=Backend.AUTO,
        on_step=lambda _step, _loss: None,
        on_caution=lambda _caution: None,
    )


def _walls(
    start: tuple[float, float], end: tuple[float, float], doors_m: Sequence[float]
) -> list[Wall]:
    """Return what is left of a straight wall, with doors so far along it."""
    axis = int(start[0] == end[0])
    ends = [start[axis]]
    for door in doors_m:
        ends += [door - _DOOR_M / 2, door + _DOOR_M / 2]
    ends.append(end[axis])

    def at(along: float) -> tuple[float, float]:
        return (start[0], along) if axis else (along, start[1])

    return [Wall(at(a), at(b)) for a, b in zip(ends[::2], ends[1::2], strict=True)]


def _free_places(room: Room, start: Places) -> Places:
    """Return places on a grid that no furniture stands at."""
    length, width, _ = _FLAT_M
    places = []
    for x in np.arange(_APART_M, length - _FROM_WALL_M, _APART_M):
        for y in np.arange(_APART_M, width - _FROM_WALL_M, _APART_M):
            if min(abs(x - _WALL_X_M), abs(y - _WALL_Y_M)) < _FROM_WALL_M:
                continue
            try:
                find_way(room, start, (x, y))
            except RoomError:
                continue
            places.append((float(x), float(y)))
    return np.array(places)
