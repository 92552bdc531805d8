"""Simulated surveys: captures of many rooms, and the list that names their places."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_agent.survey import Point, SurveyedCapture, write_survey
from trainer.simulate.captures import write_capture
from trainer.simulate.nexmon import encode_frame, pack_words, simulated_mac
from trainer.simulate.receiver import place_device, receive
from trainer.simulate.room import TONES, Room, draw_room, next_day

START_US = 1_767_225_600_000_000
"""1 January 2026: the clock of simulated captures."""


@dataclass(frozen=True, slots=True)
class SurveyPlan:
    """How much is simulated."""

    n_rooms: int = 40
    n_visits: int = 4
    packets_per_capture: int = 100
    """Per access point."""

    interval_s: float = 0.05
    """Between packets of one access point [s]."""


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
    """
    rows: list[SurveyedCapture] = []
    for number in range(plan.n_rooms):
        on_room(number)
        rng = np.random.default_rng([seed, number])
        size = (rng.uniform(5, 12), rng.uniform(4, 9), rng.uniform(2.4, 3.2))
        room = next_day(draw_room(rng, size=size), rng)
        points = _grid_points(rng, room)
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
            place = place_device(rng, point.x, point.y)
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
) -> Iterator[tuple[int, bytes]]:
    """Yield the packets of all access points in order of time.

    Args:
        rng: Source of noise, motion and jitter.
        room: The room on its day.
        places: Where the receiver is at each packet, shape (n_packets, 3), or (1, 3).
        site: Goes into the transmitter addresses.
        n_packets: Per access point.
        interval_s: Between packets of one access point [s].
        start_us: Time of the first packet [µs since the UNIX epoch].
    """
    arrivals: list[tuple[int, bytes]] = []
    n_aps = len(room.access_points)
    for access_point in range(n_aps):
        reception = receive(
            rng, room, access_point, places, n_packets=n_packets, interval_s=interval_s
        )
        words = pack_words(reception.csi, TONES)
        mac = simulated_mac(site, access_point)
        offset = access_point / n_aps * interval_s
        jitter = rng.uniform(0, 0.2 * interval_s, n_packets)
        times = start_us + (offset + np.arange(n_packets) * interval_s + jitter) * 1e6
        for packet in range(n_packets):
            frame = encode_frame(
                words[packet],
                mac=mac,
                rssi_dbm=int(reception.rssi_dbm[packet]),
                sequence=packet,
            )
            arrivals.append((int(times[packet]), frame))
    arrivals.sort(key=lambda arrival: arrival[0])
    yield from arrivals


def _grid_points(rng: np.random.Generator, room: Room) -> list[Point]:
    """Return about a dozen points on a slightly irregular grid."""
    length, width, _ = room.size
    xs = np.linspace(0.8, length - 0.8, int(rng.integers(3, 6)))
    ys = np.linspace(0.8, width - 0.8, int(rng.integers(2, 5)))
    places = [(x, y) for y in ys for x in xs] + rng.normal(
        0, 0.15, (xs.size * ys.size, 2)
    )
    return [
        Point(f"p{number}", round(float(x), 2), round(float(y), 2))
        for number, (x, y) in enumerate(places, 1)
    ]
