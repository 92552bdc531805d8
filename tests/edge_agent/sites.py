"""A site small enough for unit tests: two transmitters, three points, no training.

The network is random, so locations mean nothing; that they are the same on every path
through the agent does.
"""

import csv
from dataclasses import replace

import numpy as np

from edge_agent.bundles.bundle import AdaptationDefaults
from edge_agent.calibration import Calibration
from edge_agent.csi.image import Channel, ImageSpec
from edge_agent.csi.raw import RawFrames
from edge_agent.csi.simulated import SIMULATED_PREFIX
from edge_agent.csi.subcarriers import FrameFormat, Phy
from edge_agent.environment import Environment
from edge_agent.learning.network import Architecture, Statistics
from edge_agent.survey import Point
from tests.builders import (
    packets_of,
    pcapng_interface,
    pcapng_option,
    pcapng_packet,
    pcapng_section,
)
from trainer.checkpoint import Checkpoint
from trainer.simulate.firmware import Firmware
from trainer.simulate.nexmon import Measurements, encode_frames
from trainer.simulate.tones import TONES

SPEC = ImageSpec(n_packets=8, n_tones=16, n_channels=2)
ARCHITECTURE = Architecture(SPEC.shape, filters=(3, 4))
POINTS = (
    Point("p1", 0.0, 0.0, "kitchen"),
    Point("p2", 2.0, 0.0, "kitchen"),
    Point("p3", 0.0, 4.0, "office"),
)

SIMULATED = tuple(SIMULATED_PREFIX + bytes([7, number]) for number in range(2))
"""Transmitters below the prefix that is reserved for simulations."""

REAL = (bytes.fromhex("dca632010203"), bytes.fromhex("dca632010204"))
STRANGER = bytes.fromhex("dca632010299")
LEGACY_20_MHZ = FrameFormat(64, Phy.LEGACY, 1, True)
START_US = 1_767_225_600_000_000
INTERVAL_US = 40_000


def channel(mac=REAL[0], **overrides):
    """What an image channel is, for frames as `packets_at` makes them."""
    return replace(Channel(mac.hex(":"), 0, LEGACY_20_MHZ, has_rssi=True), **overrides)


def random_parameters(rng, architecture=ARCHITECTURE, *, n_points=0, dtype=np.float32):
    """Parameters without any structure, such that no signal dies or saturates."""
    parameters = {}
    for name, shape in architecture.parameter_shapes(n_points).items():
        spread = 0.05 if name == "head.weight" else 0.3
        centre = 1.0 if name.endswith(".scale") else 0.0
        parameters[name] = rng.normal(centre, spread, shape).astype(dtype)
    return parameters


def checkpoint(rng):
    return Checkpoint(
        SPEC,
        ARCHITECTURE,
        random_parameters(rng),
        AdaptationDefaults(alpha=0.02, n_steps=3),
        {"data": "none: random parameters"},
    )


def environment(rng, *, n_per_point=3, points=POINTS, spec=SPEC, **overrides):
    """Random images, several per point, every one recorded in a visit of its own."""
    n = n_per_point * len(points)
    values = {
        "name": "home",
        "spec": spec,
        "channels": tuple(channel(mac) for mac in REAL),
        "points": points,
        "images": rng.integers(0, 256, (n, *spec.shape), np.uint8),
        "heard": np.ones((n, spec.n_channels), np.bool_),
        "point_of": np.repeat(np.arange(len(points)), n_per_point),
        "visit_of": np.array([str(i % n_per_point + 1) for i in range(n)], np.str_),
        "is_simulated": False,
    }
    return Environment(**(values | overrides))


def random_calibration(rng, bundle, *, points=POINTS, macs=REAL):
    """A calibration of a bundle with random parameters and statistics."""
    architecture = bundle.manifest.architecture
    return Calibration(
        bundle.digest,
        "2026-11-22T23:59:00Z",
        points,
        tuple(channel(mac) for mac in macs),
        random_parameters(rng, architecture, n_points=len(points)),
        [
            Statistics(
                rng.normal(0, 0.5, n).astype(np.float32),
                rng.uniform(0.5, 2, n).astype(np.float32),
            )
            for n in architecture.filters
        ],
        (1.1, 0.4),
        9,
        is_simulated=False,
    )


# -- captures --------------------------------------------------------------------------


def packets_at(
    place, *, n=24, macs=REAL, start_us=START_US, seed=0, rssi_dbm=lambda _n: -50
):
    """Packets of all transmitters in turn, as (time [µs], bytes).

    Args:
        place: Any number; the same one gives the same channels, apart from noise.
        n: Packets per transmitter.
        macs: Transmitters.
        start_us: Time of the first packet.
        seed: Of the noise.
        rssi_dbm: Received power of the n-th packet of each transmitter.
    """
    shapes = np.random.default_rng([place, 1]).normal(0, 400, (len(macs), 2, 56))
    noise = np.random.default_rng([place, seed, 2])
    sequence, number = (axis.ravel() for axis in np.indices((n, len(macs))))
    time_us = start_us + sequence * INTERVAL_US + number * 1000
    parts = np.rint(shapes[number] + noise.normal(0, 20, (n * len(macs), 2, 56)))
    raw = encode_frames(
        Firmware(),
        Measurements(
            time_us * 1000,
            (parts[:, 0] + 1j * parts[:, 1]).astype(np.complex64),
            TONES,
            np.array([list(mac) for mac in macs], np.uint8).reshape(-1, 6)[number],
            np.array([rssi_dbm(which) for which in sequence.tolist()], np.int64),
            sequence,
        ),
        noise,
    )
    packets = [packet for packet, _, _ in packets_of([raw])]
    return list(zip(time_us.tolist(), packets, strict=True))


def raw_frames_of(packets):
    """The packets as a source hands them on."""
    lengths = np.array([len(packet) for _, packet in packets], np.int64)
    return RawFrames(
        np.frombuffer(b"".join(packet for _, packet in packets), np.uint8),
        np.cumsum(lengths) - lengths,
        lengths,
        np.array([time_us * 1000 for time_us, _ in packets], np.int64),
        1,
    )


def pcapng_bytes(packets, *, comment=None):
    """A capture with microseconds and, maybe, a comment on the whole."""
    options = b"" if comment is None else pcapng_option(1, comment.encode())
    blocks = [pcapng_section(options=options), pcapng_interface()]
    blocks += [pcapng_packet(packet, ticks=time_us) for time_us, packet in packets]
    return b"".join(blocks)


def write_site(folder, *, macs=REAL, n_visits=3, points=POINTS, environment="home"):
    """Write captures of all points and the survey that lists them."""
    folder.mkdir(parents=True, exist_ok=True)
    survey = folder / "survey.csv"
    with survey.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["capture", "x_m", "y_m", "point", "room", "visit", "environment"]
        )
        for visit in range(1, n_visits + 1):
            for place, point in enumerate(points):
                name = f"{point.name}-{visit}.pcapng"
                packets = packets_at(place, macs=macs, seed=visit)
                (folder / name).write_bytes(pcapng_bytes(packets))
                rows.writerow(
                    [name, point.x, point.y, point.name, point.room, visit, environment]
                )
    return survey
