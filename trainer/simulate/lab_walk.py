"""The walk of the demonstration: a survey of the laboratory, and two minutes in it.

Sixteen of the laboratory's 90 points are surveyed in three laps. An hour later
on the same day somebody with the device rests at some of them and goes from one to the
next around the furniture.
"""

import csv
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from edge_agent.survey import Point, SurveyedCapture, write_survey
from trainer.simulate.captures import write_capture
from trainer.simulate.folder_settings import check_folder, claim_folder
from trainer.simulate.listening import HEIGHT_M
from trainer.simulate.materials import Floats
from trainer.simulate.room import Room
from trainer.simulate.scenes import SCENES, Scene
from trainer.simulate.survey import START_US, capture_at
from trainer.simulate.ways import find_way, walk_along

_SITE: Final = 255
_ROWS: Final = 15
"""Points of a column of the laboratory's grid."""

_STOPS: Final = {
    ("door", "entrance"): (0, 1),
    ("coat rack", "entrance"): (0, 4),
    ("whiteboard", "entrance"): (2, 1),
    ("printer", "entrance"): (2, 4),
    ("vise", "workbench"): (0, 9),
    ("shelf", "workbench"): (0, 13),
    ("soldering iron", "workbench"): (2, 9),
    ("oscilloscope", "workbench"): (2, 13),
    ("desk 1", "desks"): (3, 1),
    ("desk 2", "desks"): (3, 4),
    ("desk 3", "desks"): (5, 1),
    ("desk 4", "desks"): (5, 4),
    ("table", "meeting corner"): (3, 9),
    ("sofa", "meeting corner"): (3, 13),
    ("screen", "meeting corner"): (5, 9),
    ("window", "meeting corner"): (5, 13),
}
"""Name and room; column and row of the grid."""

_ROUTE: Final = (
    "door",
    "printer",
    "desk 2",
    "desk 3",
    "screen",
    "window",
    "sofa",
    "oscilloscope",
    "vise",
    "coat rack",
)
_N_LAPS: Final = 3
_N_PACKETS: Final = 60
"""Of a capture and access point."""

_INTERVAL_S: Final = 0.05
_WALK_S: Final = 120.0
_SPEED_M_S: Final = 1.0
_STREAM: Final = 2
"""Of chance, for this alone."""


@dataclass(frozen=True, slots=True)
class Rest:
    """One stop of the walk."""

    point: Point
    start_s: float
    """Since the walk began."""

    end_s: float


def simulate_lab_walk(folder: Path, *, seed: int) -> tuple[Path, Path]:
    """Write a survey of the laboratory in three laps, and a walk the same day.

    Args:
        folder: Where to write; created if need be.
        seed: Of everything but the laboratory; the same seed gives the same bytes.

    Returns:
        The survey's list, and the capture of the walk; beside it ``walk.csv`` with the
        places where it rests, on the map that the survey is of.

    Raises:
        FolderError: It holds another simulation, or something else.
        OSError: It cannot be written.
    """
    settings = {"walk": "lab", "seed": seed}
    check_folder(folder, settings)
    claim_folder(folder, settings)
    scene = SCENES["lab"]
    rng = np.random.default_rng([scene.seed, _STREAM, seed])
    (room,) = scene.days(1)
    survey, walk = folder / "survey.csv", folder / "walk.pcapng"
    write_survey(survey, _survey(rng, scene, room, folder))
    rests = _record_walk(rng, scene, room, walk)
    _write_rests(folder / "walk.csv", rests)
    return survey, walk


def lab_points(scene: Scene) -> dict[str, tuple[Point, int]]:
    """Return the points of the survey by name, each with its number in the scene."""
    points = {}
    for (name, room), (column, row) in _STOPS.items():
        number = _ROWS * column + row
        x, y = scene.points[number].tolist()
        points[name] = Point(name, round(x, 2), round(y, 2), room), number
    return points


def _survey(
    rng: np.random.Generator, scene: Scene, room: Room, folder: Path
) -> list[SurveyedCapture]:
    rows = []
    start_us = START_US
    for lap in range(1, _N_LAPS + 1):
        for name, (point, number) in lab_points(scene).items():
            path = folder / f"{name.replace(' ', '-')}-lap{lap}.pcapng"
            packets = capture_at(
                rng,
                room,
                scene.place(rng, number),
                site=_SITE,
                n_packets=_N_PACKETS,
                interval_s=_INTERVAL_S,
                start_us=start_us,
            )
            write_capture(path, packets)
            rows.append(SurveyedCapture(path, point, str(lap), "demo"))
            start_us += int(_N_PACKETS * _INTERVAL_S * 1e6) + 5_000_000
    return rows


def _record_walk(
    rng: np.random.Generator, scene: Scene, room: Room, path: Path
) -> list[Rest]:
    points = lab_points(scene)
    stops = [(points[name][0], scene.place(rng, points[name][1])) for name in _ROUTE]
    ways = [
        walk_along(
            find_way(room, here[0, :2], there[0, :2]),
            speed_m_s=_SPEED_M_S,
            interval_s=_INTERVAL_S,
        )
        for (_, here), (_, there) in pairwise(stops)
    ]
    # What the ways leave of the two minutes is for the rests; the first has the rest.
    n_packets = round(_WALK_S / _INTERVAL_S)
    n_rest, n_more = divmod(n_packets - sum(map(len, ways)), len(stops))
    places: list[Floats] = []
    rests: list[Rest] = []
    n_so_far = 0
    for number, (point, here) in enumerate(stops):
        n_here = n_rest + (n_more if number == 0 else 0)
        end = n_so_far + n_here
        rests.append(Rest(point, n_so_far * _INTERVAL_S, end * _INTERVAL_S))
        places.append(np.repeat(here, n_here, axis=0))
        n_so_far = end
        if number < len(ways):
            way = ways[number]
            places.append(np.column_stack([way, np.full(len(way), HEIGHT_M)]))
            n_so_far += len(way)
    packets = capture_at(
        rng,
        room,
        np.concatenate(places),
        site=_SITE,
        n_packets=n_packets,
        interval_s=_INTERVAL_S,
        start_us=START_US + 3_600_000_000,
    )
    write_capture(path, packets)
    return rests


def _write_rests(path: Path, rests: list[Rest]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["start_s", "end_s", "x_m", "y_m", "point", "room"])
        for rest in rests:
            point = rest.point
            writer.writerow(
                [
                    f"{rest.start_s:.2f}",
                    f"{rest.end_s:.2f}",
                    f"{point.x:g}",
                    f"{point.y:g}",
                    point.name,
                    point.room,
                ]
            )
