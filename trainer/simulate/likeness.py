"""Record a simulated room as public recordings were made, to compare like with like.

PolyU (CSI_IPS_2020-21)   eight spots, two squares of 0.2 m 1.2 m apart, 3 m from the
                          transmitter; three antennas of one receiver; 30 subcarrier
                          groups over 40 MHz; some minutes per visit
EPIC-CSU                  a bcm43455c0 hears beacons of 20 MHz every 102.4 ms, 52 tones

PolyU's figures depend on all of that: of one antenna and 20 MHz alone, the same
recordings give less than half as much (docs/simulation.md).
"""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from trainer.simulate.channel import observe
from trainer.simulate.filters import filter_gains
from trainer.simulate.listening import HEIGHT_M, WALKING, listen
from trainer.simulate.materials import Floats
from trainer.simulate.people import draw_people
from trainer.simulate.receiver import MEASURED
from trainer.simulate.room import Room
from trainer.simulate.scenes import Scene
from trainer.simulate.statistics import (
    CaptureFigures,
    Visit,
    VisitFigures,
    describe_capture,
    median_figures,
)
from trainer.simulate.tones import TONES

_SQUARE = np.array([(0.0, 0.0), (0.0, 0.2), (0.2, 0.2), (0.2, 0.0)])
_SPOTS = np.concatenate([_SQUARE, _SQUARE + np.array([0.0, 1.2])])
_ANTENNAS = np.array([(0.0, 0.0), (0.06, 0.0), (0.12, 0.0)])
"""A wavelength apart [m]."""

_AWAY_M = 3.0
_GROUPS = np.arange(-58, 60, 4)
_HALF = 15
"""Of the groups: 20 MHz."""

_N_PACKETS, _INTERVAL_S = 60, 3.0
_SNR_DB = 33.0
_BEACON_S = 0.1024
_LAST_LEGACY_TONE = 26
_PLACED, _VISITED, _HEARD = 11, 12, 13
"""What streams of chance are for."""


def visits_like_polyu(
    scene: Scene, place: int, *, n_days: int = 4, n_visits: int = 2
) -> list[Visit]:
    """Return visits of eight spots beside one access point.

    Args:
        scene: What room it is, and how days differ.
        place: Which furniture there is; the access point is one after the other.
        n_days: Days.
        n_visits: A day.
    """
    access_point = place % len(scene.access_points)
    spots = _spots(scene, access_point)
    antennas = (spots[:, None] + _ANTENNAS).reshape(-1, 2)
    seeded = replace(
        scene, points=antennas - scene.corner, seed=scene.seed + _PLACED * place
    )
    visits = []
    for day, room in enumerate(seeded.days(n_days)):
        for visit, spot in np.ndindex(n_visits, len(spots)):
            rng = np.random.default_rng([seeded.seed, _VISITED, day, visit, spot])
            offset = rng.normal(0, scene.placement_m, 2)
            there = spots[spot] + _ANTENNAS + offset
            amplitude, level_db = _hear(rng, scene, room, access_point, there)
            visits.append(Visit(day, visit, spot, amplitude, level_db))
    return visits


def one_antenna(visits: Sequence[Visit]) -> list[Visit]:
    """Return the first antenna of visits like PolyU's, and the lower 20 MHz."""
    return [
        replace(visit, amplitude=visit.amplitude[:, :_HALF, :1]) for visit in visits
    ]


def mean_figures(figures: Sequence[VisitFigures]) -> VisitFigures:
    """Return the mean of each figure over places."""
    names = [field.name for field in fields(VisitFigures)]
    return VisitFigures(
        **{name: float(np.mean([getattr(f, name) for f in figures])) for name in names}
    )


def figures_like_csu(
    scene: Scene, *, n_points: int = 15, n_packets: int = 1000
) -> tuple[CaptureFigures, float]:
    """Return the figures of a receiver in a room, and the share of packets missing.

    Args:
        scene: What room.
        n_points: How many points of its grid; every access point gives one capture.
        n_packets: In a capture.
    """
    (room,) = scene.days(1)
    captures, heard = [], []
    used = np.abs(TONES) <= _LAST_LEGACY_TONE
    for point in np.linspace(0, len(scene.points) - 1, n_points).astype(int):
        rng = np.random.default_rng([scene.seed, _HEARD, point])
        for reception in listen(
            rng,
            room,
            scene.place(rng, int(point)),
            n_packets=n_packets,
            interval_s=_BEACON_S,
            n_people=scene.n_people,
        ):
            csi = reception.csi[np.ix_(reception.heard, used)]
            captures.append(describe_capture(np.abs(csi)))
            heard.append(float(reception.heard.mean()))
    return median_figures(captures), 1 - float(np.mean(heard))


def _spots(scene: Scene, access_point: int) -> Floats:
    """Return where the spots are in the room: from the access point to the middle."""
    start = scene.access_points[access_point, :2]
    way = np.array(scene.size[:2]) / 2 - start
    centre = start + _AWAY_M * way / np.linalg.norm(way)
    return np.asarray(centre + _SPOTS - _SPOTS.mean(axis=0))


def _hear(
    rng: np.random.Generator, scene: Scene, room: Room, access_point: int, there: Floats
) -> tuple[Floats, Floats]:
    """Return what three antennas of a receiver hear, and the level [dB]."""
    people = draw_people(
        rng,
        room.size,
        n_people=scene.n_people,
        walking=WALKING,
        n_packets=_N_PACKETS,
        interval_s=_INTERVAL_S,
    )
    channels = [
        observe(
            rng,
            room,
            access_point,
            np.array([[x, y, HEIGHT_M]]),
            n_packets=_N_PACKETS,
            interval_s=_INTERVAL_S,
            people=people,
            tones=_GROUPS,
        )
        for x, y in there
    ]
    field = np.stack(channels, axis=-1).astype(np.complex128)
    last = int(np.abs(_GROUPS).max())
    field *= filter_gains(room.filters[access_point], _GROUPS, last)[:, None]
    level = np.sqrt(np.square(np.abs(field)).mean(axis=(1, 2)))
    parts = rng.normal(0, np.sqrt(0.5) * 10 ** (-_SNR_DB / 20), (2, *field.shape))
    heard = field / level[:, None, None] + parts[0] + 1j * parts[1]
    reported = 20 * np.log10(level) + rng.normal(0, MEASURED.rssi_spread_db, len(level))
    return np.abs(heard), np.rint(reported)
