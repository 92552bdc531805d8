"""Simulated surveys: captures of many rooms, and the list that names their places."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_agent.csi.raw import RawFrames
from edge_agent.survey import Point, SurveyedCapture, write_survey
from trainer.errors import TrainerError
from trainer.simulate.captures import write_capture
from trainer.simulate.firmware import Firmware
from trainer.simulate.folder_settings import check_folder, claim_folder
from trainer.simulate.listening import listen, place_device
from trainer.simulate.recording import beacons, record, with_spares
from trainer.simulate.room import Room, draw_room, next_day
from trainer.simulate.tones import TONES

RASPBERRY_PI = Firmware()

START_US = 1_767_225_600_000_000
"""1 January 2026: the clock of simulated captures."""

_MOST_VISITS = 5_000
"""Of all rooms: they have up to 20 points, and a list up to 100 000 captures."""

_MOST_PACKETS = 100_000
"""A capture is simulated in one piece: a gigabyte."""


class SurveyPlanError(TrainerError):
    """An amount that cannot be simulated."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class SurveyPlan:
    """How much is simulated."""

    n_rooms: int = 40
    n_visits: int = 4
    packets_per_capture: int = 100
    """Per access point."""

    interval_s: float = 0.05
    """Between packets of one access point [s]."""

    def __post_init__(self) -> None:
        for name, value, most in (
            ("--rooms", self.n_rooms, _MOST_VISITS),
            ("--visits", self.n_visits, _MOST_VISITS),
            ("--packets", self.packets_per_capture, _MOST_PACKETS),
            ("--rooms times --visits", self.n_rooms * self.n_visits, _MOST_VISITS),
        ):
            if not 1 <= value <= most:
                raise SurveyPlanError(f"{name} is {value}, not 1 to {most}")


def simulate_survey(
    folder: Path,
    plan: SurveyPlan,
    *,
    seed: int,
    on_room: Callable[[int], None] = lambda _room: None,
) -> Path:
    """Write captures and ``survey.csv`` of random rooms.

    Args:
        folder: Where to write; created if need be.
        plan: How much.
        seed: The same seed gives the same bytes.
        on_room: Called with the number of rooms written so far.

    Returns:
        The list.

    Raises:
        FolderError: It holds another simulation, or something else.
        OSError: It cannot be written.
    """
    settings = {"rooms": asdict(plan), "seed": seed}
    check_folder(folder, settings)
    claim_folder(folder, settings)
    rows: list[SurveyedCapture] = []
    for number in range(plan.n_rooms):
        on_room(number)
        rng = np.random.default_rng([seed, number])
        size = (rng.uniform(5, 12), rng.uniform(4, 9), rng.uniform(2.4, 3.2))
        points = _grid_points(rng, size)
        free = [point.location for point in points]
        room = next_day(draw_room(rng, size=size, free=free), rng)
        name = f"room{number:03d}"
        rows += survey_room(
            rng, room, points, folder / name, site=number, plan=plan, environment=name
        )
    path = folder / "survey.csv"
    write_survey(path, rows)
    return path


def survey_room(
    rng: np.random.Generator,
    room: Room,
    points: list[Point],
    folder: Path,
    *,
    site: int,
    plan: SurveyPlan,
    environment: str,
) -> list[SurveyedCapture]:
    """Write one capture per point and visit; the device is put down anew each time."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    start_us = START_US
    for visit in range(1, plan.n_visits + 1):
        for point in points:
            path = folder / f"{point.name}-visit{visit}.pcapng"
            place = place_device(rng, *point.location)
            packets = capture_at(
                rng,
                room,
                place,
                site=site,
                n_packets=plan.packets_per_capture,
                interval_s=plan.interval_s,
                start_us=start_us,
            )
            write_capture(path, packets)
            rows.append(SurveyedCapture(path, point, str(visit), environment))
            start_us += (
                int(plan.packets_per_capture * plan.interval_s * 1e6) + 5_000_000
            )
    return rows


def capture_at(
    rng: np.random.Generator,
    room: Room,
    places: npt.NDArray[np.float64],
    *,
    site: int,
    n_packets: int,
    interval_s: float,
    start_us: int,
) -> RawFrames:
    """Return the packets of all access points in order of time.

    Args:
        rng: Source of noise, motion and jitter.
        room: The room on its day.
        places: Where the receiver is at each packet, shape (n_packets, 3), or (1, 3).
        site: Goes into the transmitter addresses.
        n_packets: Per access point; at rest so many are heard, else sent.
        interval_s: Between packets of one access point [s].
        start_us: Time of the first packet [µs since the UNIX epoch].
    """
    n_sent = n_packets if len(places) > 1 else with_spares(n_packets)
    receptions = listen(rng, room, places, n_packets=n_sent, interval_s=interval_s)
    heard = beacons(
        rng,
        receptions,
        site=site,
        start_us=start_us,
        interval_s=interval_s,
        n_kept=n_packets,
    )
    return record(RASPBERRY_PI, heard, TONES, rng)


def _grid_points(
    rng: np.random.Generator, size: tuple[float, float, float]
) -> list[Point]:
    """Return about a dozen points on a slightly irregular grid."""
    length, width, _ = size
    xs = np.linspace(0.8, length - 0.8, int(rng.integers(3, 6)))
    ys = np.linspace(0.8, width - 0.8, int(rng.integers(2, 5)))
    places = [(x, y) for y in ys for x in xs] + rng.normal(
        0, 0.15, (xs.size * ys.size, 2)
    )
    return [
        Point(f"p{number}", round(float(x), 2), round(float(y), 2))
        for number, (x, y) in enumerate(places, 1)
    ]
