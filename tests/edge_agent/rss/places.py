"""A site of eight points and three access points, as a path-loss law has it."""

import csv

import numpy as np

from edge_agent.bundles.bundle import AdaptationDefaults
from edge_agent.csi.simulated import SIMULATED_PREFIX
from edge_agent.rss.network import RssArchitecture
from edge_agent.rss.shots import RssShots
from edge_agent.rss.window import RssSpec
from edge_agent.survey import Point
from tests.builders import pcap_header, pcap_record
from tests.edge_agent.rss.air import heard
from trainer.rss_checkpoint import RssCheckpoint

SPEC = RssSpec(window_s=1.0, hop_s=0.5, max_transmitters=8)
ARCHITECTURE = RssArchitecture(k=3, hidden=(8, 8))
ADDRESSES = tuple(bytes([0xDC, 0xA6, 0x32, 0, 0, n]) for n in (7, 2, 5))
SIMULATED = tuple(SIMULATED_PREFIX + bytes([9, n]) for n in (7, 2, 5))
MASTS = np.array([[0.0, 0.0], [12.0, 0.0], [6.0, 8.0]])
POINTS = tuple(
    Point(f"p{n}", 3.0 * (n % 4), 6.0 * (n // 4), "hall" if n < 4 else "attic")
    for n in range(8)
)
START_S = 1_767_225_600


def levels_at(x, y):
    """Received power of each access point, free space and a bit [dBm]."""
    apart = np.hypot(*(MASTS - (x, y)).T) + 1
    return -40 - 25 * np.log10(apart)


def theta(rng, *, scale=0.3, silent=True):
    """Random parameters; a silent last layer makes it the nearest points' mean."""
    parameters = {
        name: rng.normal(0, scale, shape).astype(np.float32)
        for name, shape in ARCHITECTURE.parameter_shapes().items()
    }
    if silent:
        for name in list(parameters)[-2:]:
            parameters[name] = np.zeros_like(parameters[name])
    return parameters


def checkpoint(rng, *, n_steps=3, **options):
    return RssCheckpoint(
        SPEC,
        ARCHITECTURE,
        theta(rng, **options),
        AdaptationDefaults(alpha=0.02, n_steps=n_steps),
        {"data": "none: random parameters"},
    )


def shots(rng, *, n_per_point=3, noise_db=1.0, points=POINTS, **overrides):
    """Windows at all points, every one of a visit of its own."""
    n = n_per_point * len(points)
    point_of = np.repeat(np.arange(len(points)), n_per_point)
    clean = np.array([levels_at(p.x, p.y) for p in points])[point_of]
    values = {
        "name": "home",
        "spec": SPEC,
        "transmitters": tuple(a.hex(":") for a in ADDRESSES),
        "points": points,
        "rss": (clean + rng.normal(0, noise_db, clean.shape)).astype(np.float32),
        "point_of": point_of,
        "visit_of": np.array([str(i % n_per_point) for i in range(n)], np.str_),
        "is_simulated": False,
        "is_monitor": True,
    }
    return RssShots(**(values | overrides))


def beacons(x, y, rng, *, seconds=1.2, addresses=ADDRESSES, start_s=START_S):
    """A capture of beacons, ten a second of each access point, as bytes."""
    data = pcap_header(link_type=127)
    for tick in range(round(10 * seconds)):
        for address, level in zip(addresses, levels_at(x, y), strict=False):
            packet = heard(address, round(level + rng.normal()))
            second, tenth = divmod(tick, 10)
            data += pcap_record(
                packet, seconds=start_s + second, fraction=tenth * 100_000
            )
    return data


def write_site(folder, rng, *, n_visits=2, addresses=ADDRESSES, points=POINTS):
    """Write captures of beacons at all points, and the survey that lists them."""
    folder.mkdir(parents=True, exist_ok=True)
    survey = folder / "survey.csv"
    with survey.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["capture", "x_m", "y_m", "point", "room", "visit", "environment"]
        )
        for visit in range(n_visits):
            for point in points:
                name = f"{point.name}-{visit}.pcap"
                (folder / name).write_bytes(
                    beacons(point.x, point.y, rng, addresses=addresses)
                )
                rows.writerow(
                    [name, point.x, point.y, point.name, point.room, visit, "home"]
                )
    return survey
