"""The flat of the demonstration: a survey of it, and a recorded walk through it."""

import csv
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_agent.survey import Point, write_survey
from trainer.simulate.captures import write_capture
from trainer.simulate.listening import place_device
from trainer.simulate.room import Room, draw_room, next_day
from trainer.simulate.survey import START_US, SurveyPlan, capture_at, survey_room

_SIZE = (9.0, 7.0, 2.6)
_PARTITIONS = [(0, 4.6), (1, 3.4)]
_SITE = 255
_POINTS = (
    Point("stove", 1.1, 1.0, "kitchen"),
    Point("table", 3.4, 1.2, "kitchen"),
    Point("fridge", 2.2, 2.7, "kitchen"),
    Point("sofa", 5.8, 1.1, "living room"),
    Point("shelf", 8.1, 1.4, "living room"),
    Point("window", 7.0, 2.7, "living room"),
    Point("bed", 1.2, 4.6, "bedroom"),
    Point("wardrobe", 3.6, 4.3, "bedroom"),
    Point("mirror", 2.3, 6.1, "bedroom"),
    Point("desk", 5.9, 4.5, "study"),
    Point("printer", 8.0, 4.9, "study"),
    Point("bookcase", 6.9, 6.2, "study"),
)
_ROUTE = ("stove", "table", "sofa", "window", "desk", "bookcase", "wardrobe", "bed")
_REST_S = 7.0
_SPEED_M_S = 1.0
_INTERVAL_S = 0.05


@dataclass(frozen=True, slots=True)
class Rest:
    """One stop of the walk."""

    point: Point
    start_s: float
    """Since the walk began."""

    end_s: float


def simulate_flat(folder: Path, *, seed: int) -> tuple[Path, Path]:
    """Write a survey of the flat in three laps, and a walk later the same day.

    Args:
        folder: Where to write; created if need be.
        seed: The same seed gives the same bytes.

    Returns:
        The survey's list, and the capture of the walk; beside it ``walk.csv`` with the
        places where it rests.
    """
    rng = np.random.default_rng(seed)
    room = next_day(
        draw_room(
            rng,
            size=_SIZE,
            partitions=_PARTITIONS,
            free=_free_places(),
        ),
        rng,
    )
    plan = SurveyPlan(n_visits=3, packets_per_capture=60, interval_s=_INTERVAL_S)
    rows = survey_room(
        rng, room, list(_POINTS), folder, site=_SITE, plan=plan, environment="demo"
    )
    survey = folder / "survey.csv"
    write_survey(survey, rows)
    walk = folder / "walk.pcapng"
    rests = _record_walk(rng, room, walk)
    _write_rests(folder / "walk.csv", rests)
    return survey, walk


def _free_places() -> list[tuple[float, float]]:
    """Return points and ways between them, a step apart: nothing may stand there."""
    by_name = {point.name: point for point in _POINTS}
    places = [(point.x, point.y) for point in _POINTS]
    for start, end in pairwise(by_name[name] for name in _ROUTE):
        for share in np.linspace(0, 1, 30):
            x = start.x + share * (end.x - start.x)
            places.append((x, start.y + share * (end.y - start.y)))
    return places


def _record_walk(rng: np.random.Generator, room: Room, path: Path) -> list[Rest]:
    by_name = {point.name: point for point in _POINTS}
    places: list[npt.NDArray[np.float64]] = []
    rests: list[Rest] = []
    n_packets = 0
    for name in _ROUTE:
        point = by_name[name]
        here = place_device(rng, point.x, point.y)
        if places:
            places.append(_walk(places[-1][-1:], here))
            n_packets += len(places[-1])
        n_rest = round(_REST_S / _INTERVAL_S)
        rests.append(
            Rest(point, n_packets * _INTERVAL_S, (n_packets + n_rest) * _INTERVAL_S)
        )
        places.append(np.repeat(here, n_rest, axis=0))
        n_packets += n_rest
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


def _walk(
    start: npt.NDArray[np.float64], end: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return a position per packet between two rests, shape (n, 3)."""
    distance = float(np.linalg.norm(end - start))
    n_packets = max(1, round(distance / _SPEED_M_S / _INTERVAL_S))
    share = np.linspace(0, 1, n_packets + 1)[1:, None]
    between: npt.NDArray[np.float64] = start + share * (end - start)
    return between


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
