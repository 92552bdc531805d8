"""Sites that `benchmarks/drift.py` watches: recorded days, and a laboratory changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edge_agent.csi.decode import Decoder
from edge_agent.csi.image import Channel, CsiImage, ImageBuilder, ImageSpec
from edge_agent.csi.image import channel_counts as counts_of
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.subcarriers import FrameFormat, Phy
from edge_agent.drift.baseline import site_revisits
from edge_agent.drift.watch import DriftWatch
from edge_agent.environment import Environment
from edge_agent.evidence import Examiner
from edge_agent.history import joined, pooled
from edge_agent.neighbours.estimator import Neighbours
from edge_agent.survey import Point
from trainer.simulate.lab_walk import lab_points
from trainer.simulate.listening import HEIGHT_M, listen, place_device
from trainer.simulate.materials import Floats
from trainer.simulate.recording import beacons, record, with_spares
from trainer.simulate.room import Room, next_day
from trainer.simulate.scenes import SCENES
from trainer.simulate.survey import RASPBERRY_PI
from trainer.simulate.tones import TONES
from trainer.simulate.ways import find_way, walk_along

N_LAPS = 3
INTERVAL_S = 0.05
_SHOT, _STOP = 60, 150
"""Packets of an access point in a shot, and in a stop."""

_HOP = 25
START_S = 1_767_225_600
STOP_EVERY_S = 60
_SITE = 250

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Watched:
    """What became of a monitor."""

    right: float
    """Share of images whose nearest shot is of the right point; NaN where the device
    was at none."""

    alarm_at: int | None
    """Stops before it, this one included."""

    n_stops: int
    score: float
    says: str
    """Causes at the end."""


def watch_of(
    neighbours: Neighbours,
    fresh: Environment,
    history: Environment | None,
    *,
    calibrated_ns: int = 0,
) -> DriftWatch:
    """Return what watches a site that was calibrated with these shots."""
    shots = fresh if history is None else pooled(fresh, history)
    fingerprints = neighbours.fingerprints(
        shots.spec, shots.images, shots.heard, shots.point_of, len(shots.points)
    )
    return DriftWatch.of(
        Examiner.of(neighbours, fresh.spec, fingerprints),
        site_revisits(neighbours, fresh, history),
        fresh.points,
        [channel.mac for channel in fresh.channels],
        calibrated_ns=calibrated_ns,
    )


def watched(watch: DriftWatch, stops: Iterator[tuple[int, list[CsiImage]]]) -> Watched:
    """Return what becomes of a monitor at these stops.

    Args:
        watch: Of the site.
        stops: Number of the point, -1 where it is none, and the images.
    """
    n_right = n_images = 0
    alarm_at = None
    for point, images in stops:
        for image in images:
            state = watch.see(image)
            assert watch.evidence is not None
            nearest = watch.examiner.fingerprints.point_of[watch.evidence.nearest]
            n_right += int(nearest == point)
            n_images += int(point >= 0)
            if state.is_alarm and alarm_at is None:
                alarm_at = state.n_stops
    state = watch.finish()
    if state.is_alarm and alarm_at is None:
        alarm_at = state.n_stops
    return Watched(
        n_right / n_images if n_images else np.nan,
        alarm_at,
        state.n_stops,
        state.score,
        "; ".join(f"{cause.kind} {cause.name}".strip() for cause in state.causes),
    )


# -- PolyU -----------------------------------------------------------------------------


def visits_of(day: Environment) -> list[str]:
    """Return the visits of a recorded day, in order of time."""
    return sorted(set(day.visit_of.tolist()), key=int)


def shots_of(day: Environment) -> Environment:
    """Return one image per point of each of the first three visits, as of a walk."""
    rows = [
        int(of_point[len(of_point) // 2])
        for visit in visits_of(day)[:N_LAPS]
        for point in range(len(day.points))
        for of_point in [
            np.flatnonzero((day.visit_of == visit) & (day.point_of == point))
        ]
        if len(of_point)
    ]
    shots = day.select(np.array(rows, np.intp))
    named = np.array([f"{day.name}/{visit}" for visit in shots.visit_of], np.str_)
    channels = tuple(_antenna(number) for number in range(day.spec.n_channels))
    return replace(shots, visit_of=named, channels=channels)


def past_of(days: list[Environment]) -> Environment | None:
    """Return the walks of earlier days together."""
    past: Environment | None = None
    for day in days:
        if len(visits_of(day)) > 1:
            shots = replace(shots_of(day), name="past")
            past = shots if past is None else joined(past, shots)
    return past


def day_stops(
    day: Environment, visits: list[str]
) -> Iterator[tuple[int, list[CsiImage]]]:
    """Yield the stops of a day: each point, once a visit, image by image."""
    time_s = START_S
    for visit in visits:
        for point in range(len(day.points)):
            rows = np.flatnonzero((day.visit_of == visit) & (day.point_of == point))
            images = []
            for row in rows.tolist():
                time_s += 3
                images.append(
                    CsiImage(
                        day.images[row],
                        day.heard[row],
                        (time_s - 2) * 10**9,
                        time_s * 10**9,
                    )
                )
            time_s += STOP_EVERY_S
            yield point, images


def _antenna(number: int) -> Channel:
    form = FrameFormat(64, Phy.LEGACY, 1, overwritten=False)
    return Channel("00:16:ea:12:34:56", number, form, has_rssi=True)


# -- the laboratory --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Laboratory:
    """Sixteen points of it, surveyed in three laps."""

    room: Room
    points: tuple[Point, ...]
    places: tuple[int, ...]
    """Number of each point in the scene."""

    shots: Environment

    @classmethod
    def surveyed(cls, seed: int) -> "Laboratory":
        """Return it after a calibration on its first day."""
        scene = SCENES["lab"]
        rng = np.random.default_rng([scene.seed, seed])
        (room,) = scene.days(1)
        found = lab_points(scene)
        points = tuple(point for point, _ in found.values())
        places = tuple(number for _, number in found.values())
        recordings = [
            (lap, point, heard_at(rng, room, scene.place(rng, place), _SHOT))
            for lap in range(1, N_LAPS + 1)
            for point, place in enumerate(places)
        ]
        decoded = [Decoder().decode(raw) for _, _, raw in recordings]
        counts = [counts_of(part) for part in decoded]
        channels = tuple(sorted({channel for count in counts for channel in count}))
        builder = ImageBuilder(ImageSpec(), channels, hop=50)
        images = [(builder.feed(part) + builder.finish())[0] for part in decoded]
        shots = Environment(
            "lab",
            ImageSpec(),
            channels,
            points,
            np.stack([image.pixels for image in images]),
            np.stack([image.heard for image in images]),
            np.array([point for _, point, _ in recordings], np.intp),
            np.array([f"w/{lap}" for lap, _, _ in recordings], np.str_),
            is_simulated=True,
        )
        return cls(room, points, places, shots)

    def stops(
        self,
        rng: np.random.Generator,
        room: Room,
        n_stops: int,
        *,
        n_people: int = 2,
        off_grid: bool = False,
        start_s: float = START_S + 86_400,
    ) -> Iterator[tuple[int, list[CsiImage]]]:
        """Yield stops of the device.

        Args:
            rng: Of places, people, noise.
            room: As it is then.
            n_stops: How many.
            n_people: Who are about.
            off_grid: Put down anywhere, not at the points.
            start_s: When [s since the UNIX epoch].
        """
        scene = SCENES["lab"]
        for number in range(n_stops):
            point = int(rng.integers(len(self.points)))
            place = (
                self._anywhere(rng, room)
                if off_grid
                else scene.place(rng, self.places[point])
            )
            raw = heard_at(
                rng,
                room,
                place,
                _STOP,
                n_people=n_people,
                start_s=start_s + STOP_EVERY_S * number,
            )
            yield -1 if off_grid else point, self.images(raw)

    def images(self, raw: RawFrames) -> list[CsiImage]:
        """Return the images that packets make, as while locating."""
        builder = ImageBuilder(ImageSpec(), self.shots.channels, hop=_HOP)
        return builder.feed(Decoder().decode(raw))

    def _anywhere(self, rng: np.random.Generator, room: Room) -> Floats:
        while True:
            x, y = rng.uniform(0.5, room.size[:2] - 0.5)
            place = place_device(rng, x, y)
            if not room.furniture.holds(place).any():
                return place


def heard_at(
    rng: np.random.Generator,
    room: Room,
    places: Floats,
    n_packets: int,
    *,
    n_people: int = 2,
    start_s: float = START_S,
) -> RawFrames:
    """Return the packets of a device; access points without power send none."""
    n_sent = n_packets if len(places) > 1 else with_spares(n_packets)
    receptions = listen(
        rng,
        room,
        places,
        n_packets=n_sent,
        interval_s=INTERVAL_S,
        n_people=n_people,
    )
    heard = beacons(
        rng,
        receptions,
        site=_SITE,
        start_us=int(start_s * 1e6),
        interval_s=INTERVAL_S,
        n_kept=n_packets,
    )
    on_air = [one for one, dbm in zip(heard, room.power_dbm, strict=True) if dbm > OFF]
    return record(RASPBERRY_PI, on_air, TONES, rng)


OFF = -100.0
"""Power of an access point that is switched off [dBm]."""

Change = Callable[[Room, np.random.Generator], Room]


def unchanged(room: Room, _rng: np.random.Generator) -> Room:
    """Return the room as it was calibrated."""
    return room


def power_changed(by_db: float) -> Change:
    """Return what changes the power of the first access point."""

    def change(room: Room, _rng: np.random.Generator) -> Room:
        power = room.power_dbm.copy()
        power[0] += by_db
        return replace(room, power_dbm=power)

    return change


def switched_off(room: Room, _rng: np.random.Generator) -> Room:
    """Return the room with its first access point off."""
    power = room.power_dbm.copy()
    power[0] = OFF - 1
    return replace(room, power_dbm=power)


def moved(room: Room, _rng: np.random.Generator) -> Room:
    """Return the room with its first access point two metres further along a wall."""
    positions = room.access_points.copy()
    positions[0, 1] += 2.0
    return replace(room, access_points=positions)


def refurnished(share: float) -> Change:
    """Return what moves a share of the furniture and of what scatters."""

    def change(room: Room, rng: np.random.Generator) -> Room:
        return next_day(room, rng, moved=share, power_db=0.0)

    return change


def walk_through(
    room: Room, rng: np.random.Generator, *, speed_m_s: float = 1.0
) -> Floats:
    """Return where a device is that is carried about, shape (n, 3) [m]."""
    scene = SCENES["lab"]
    corner = np.array(scene.corner)
    ways = []
    here = scene.points[int(rng.integers(len(scene.points)))] + corner
    for _ in range(8):
        there = scene.points[int(rng.integers(len(scene.points)))] + corner
        ways.append(
            walk_along(
                find_way(room, here, there), speed_m_s=speed_m_s, interval_s=INTERVAL_S
            )
        )
        here = there
    way = np.concatenate(ways)
    return np.column_stack([way, np.full(len(way), HEIGHT_M)])
