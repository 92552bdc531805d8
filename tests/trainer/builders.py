"""Small networks, surveyed images and empty rooms; what a test is not about, defaults.

Environments have coordinates, images and masks that a test can recognise again.
"""

import numpy as np
import openpyxl
import torch

from edge_agent.bundles.bundle import AdaptationDefaults
from edge_agent.csi import CaptureReader, Decoder, FrameBatch
from edge_agent.csi.image import Channel, ImageSpec
from edge_agent.csi.simulated import says_simulated
from edge_agent.csi.subcarriers import FrameFormat, Phy
from edge_agent.environment import Environment
from edge_agent.learning.network import Architecture
from edge_agent.survey import Point
from trainer.checkpoint import Checkpoint
from trainer.network import make_batch
from trainer.simulate.diffuse import Waves
from trainer.simulate.furniture import NO_FURNITURE, NO_SCATTERERS
from trainer.simulate.image_sources import room_walls
from trainer.simulate.room import Room

SMALL = ImageSpec(n_packets=7, n_tones=9, n_channels=2)
"""Odd sizes, so that every 2x2 maximum drops an edge."""

SMALL_NETWORK = Architecture(SMALL.shape, filters=(3, 4), pixel_mean=0.4, pixel_std=0.2)
PAPER_NETWORK = Architecture(ImageSpec().shape)


def channels(n):
    frame_format = FrameFormat(64, Phy.LEGACY, 1, overwritten=True)
    return tuple(
        Channel(f"02:00:00:00:00:{i:02x}", 0, frame_format, True) for i in range(n)
    )


# -- networks --------------------------------------------------------------------------


def random_parameters(architecture, rng, *, n_points=0, dtype=np.float64):
    """Parameters of ordinary size: no symmetry, no zero, no dead layer."""
    parameters = {}
    for name, shape in architecture.parameter_shapes(n_points).items():
        values = rng.normal(size=shape)
        if name.startswith("conv") and name.endswith("weight"):
            values *= (2 / np.prod(shape[1:])) ** 0.5
        elif name.endswith(".scale"):
            values = rng.uniform(0.5, 1.5, shape)
        else:
            values *= 0.1
        parameters[name] = values.astype(dtype)
    return parameters


def as_tensors(parameters, *, requires_grad=False):
    return {
        name: torch.from_numpy(value.copy()).requires_grad_(requires_grad)
        for name, value in parameters.items()
    }


def checkpoint(architecture=SMALL_NETWORK, *, parameters=None, spec=None, **fields):
    """A checkpoint of random parameters."""
    if parameters is None:
        rng = np.random.default_rng(0)
        parameters = random_parameters(architecture, rng, dtype=np.float32)
    if spec is None:
        n_channels, n_packets, n_tones = architecture.image_shape
        spec = ImageSpec(n_packets, n_tones, n_channels)
    defaults = {
        "adaptation": AdaptationDefaults(alpha=0.01, n_steps=3),
        "training": {"seed": 0},
    }
    return Checkpoint(spec, architecture, parameters, **defaults | fields)


def random_images(architecture, rng, n):
    """Images, and a mask that hides every second channel but never a whole image."""
    images = rng.integers(0, 256, (n, *architecture.image_shape), dtype=np.uint8)
    heard = rng.random((n, architecture.image_shape[0])) < 0.5
    heard[np.arange(n), rng.integers(0, heard.shape[1], n)] = True
    return images, heard


def random_batch(architecture, rng, points, *, n_points, dtype=torch.float64):
    images, heard = random_images(architecture, rng, len(points))
    labels = np.array(points, np.intp)
    return make_batch(architecture, images, heard, labels, n_points, dtype=dtype)


# -- surveyed images -------------------------------------------------------------------


def environment(
    rows, *, name="home", spec=SMALL, images=None, heard=None, n_channels=2
):
    """Images at (point, visit) of each row, by default random ones that hear it all.

    Point i stands at (i, 10 i).
    """
    point_of = np.array([point for point, _ in rows], np.intp)
    n = len(rows)
    if images is None:
        images = np.random.default_rng(n).integers(0, 256, (n, *spec.shape), np.uint8)
    if heard is None:
        heard = np.tile(np.arange(spec.n_channels) < n_channels, (n, 1))
    n_points = int(point_of.max(initial=-1)) + 1
    return Environment(
        name,
        spec,
        channels(n_channels),
        tuple(Point(f"p{i}", float(i), 10.0 * i) for i in range(n_points)),
        images,
        heard,
        point_of,
        np.array([visit for _, visit in rows], np.str_),
        is_simulated=True,
    )


# -- rooms -----------------------------------------------------------------------------


def empty_room(
    size=(6.0, 4.0, 3.0),
    access_points=((1.0, 1.0, 2.0),),
    *,
    power_dbm=17.0,
    **fields,
):
    """Bare walls: no furniture, no scatterer, no diffuse wave, flat filters."""
    n_aps = len(access_points)
    bare = {
        "walls": room_walls(),
        "partitions": np.empty((0, 2)),
        "filters": np.zeros((n_aps, 3), np.complex128),
        "furniture": NO_FURNITURE,
        "scatterers": NO_SCATTERERS,
        "waves": Waves(
            np.empty((n_aps, 0, 3)),
            np.empty((n_aps, 0), np.complex128),
            np.empty((n_aps, 0)),
        ),
        "k_db": 0.0,
        "tail_delay_s": 30e-9,
        "motion_share": 0.25,
        "free": np.empty((0, 2)),
    }
    return Room(
        size=np.array(size),
        access_points=np.array(access_points, np.float64),
        power_dbm=np.full(n_aps, power_dbm, np.float64),
        **bare | fields,
    )


# -- captures --------------------------------------------------------------------------


def frames_of(path):
    """All CSI frames of a capture in order of arrival; nothing may be refused."""
    reader, decoder = CaptureReader(), Decoder()
    results = [decoder.decode(raw) for raw in reader.feed(path.read_bytes())]
    reader.finish()
    assert reader.damage is None
    assert says_simulated(reader.comments)
    assert not any(result.refused for result in results)
    return FrameBatch.concatenate([b for result in results for b in result.batches])


def bytes_below(folder):
    """Contents of all files, by path relative to the folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# -- a public survey -------------------------------------------------------------------


def add_csu_capture(root, role, stem):
    folder = root / "data" / role
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.pcap").touch()


def csu_spreadsheet(root):
    return root / "locations" / "location_coords.xlsx"


def write_csu_sheets(root, **sheets):
    """A spreadsheet with these rows on each sheet."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    csu_spreadsheet(root).parent.mkdir(exist_ok=True)
    workbook.save(csu_spreadsheet(root))
