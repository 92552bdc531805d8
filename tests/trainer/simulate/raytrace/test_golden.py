"""The built-in image source against the ray tracer, in an empty room.

golden_empty_room.npz was traced with sionna-rt: ``trainer raytrace golden FILE``.
"""

from pathlib import Path

import numpy as np
import pytest

from edge_agent.arrays import unpack_arrays
from trainer.simulate.image_sources import Wall, image_paths
from trainer.simulate.materials import MATERIALS
from trainer.simulate.raytrace.errors import TableError
from trainer.simulate.raytrace.golden import (
    GOLDEN_SETTINGS,
    GOLDEN_TONES,
    SCHEMA,
    golden_room,
    write_golden,
)
from trainer.simulate.raytrace.trace import Trace
from trainer.simulate.tones import SPACING_HZ

GOLDEN = Path(__file__).with_name("golden_empty_room.npz")


@pytest.fixture(scope="module")
def golden():
    return unpack_arrays(GOLDEN.read_bytes(), schema=SCHEMA, max_bytes=1 << 20)


@pytest.fixture(scope="module")
def built_in(golden):
    """The same room by the image-source method, (n_receivers, n_aps, n_tones)."""
    header, arrays = golden
    walls = tuple(Wall(MATERIALS[name], thick) for name, thick in header["walls"])
    frequency = header["carrier_hz"] + arrays["tones"] * SPACING_HZ
    responses = []
    for place in arrays["access_points"]:
        delays, gains = image_paths(
            place,
            arrays["receivers"],
            header["size_m"],
            walls,
            header["carrier_hz"],
            order=header["settings"]["max_depth"],
        )
        turns = np.exp(-2j * np.pi * frequency * delays[..., None])
        responses.append((gains[..., None] * turns).sum(axis=1))
    return np.stack(responses, axis=1)


def power_db(response):
    return 10 * np.log10((np.abs(response) ** 2).mean(axis=2))


def test_the_golden_room_is_the_one_that_was_traced(golden):
    header, arrays = golden
    layout = golden_room()

    assert np.array_equal(arrays["receivers"], layout.receivers)
    assert np.array_equal(arrays["access_points"], layout.access_points)
    assert np.array_equal(arrays["tones"], GOLDEN_TONES)
    assert arrays["response"].shape == (80, 3, 52)
    assert header["size_m"] == layout.size_m.tolist()
    assert header["settings"]["samples"] == GOLDEN_SETTINGS.samples
    assert GOLDEN.stat().st_size < 200_000


def test_the_ray_tracer_found_nearly_all_images(golden):
    _, arrays = golden

    # Octahedral numbers: 1 + 6 + 18 + 38 images of at most three bounces.
    assert 61 < arrays["n_paths"].mean() <= 63


def is_overhead(arrays):
    """Whether an access point hangs less than 1 m aside of a receiver, per link.

    There the built-in simulator's vertical antennas see each other end on, and neither
    TE nor TM is right for what the walls reflect (image_sources.py says so).
    """
    away = arrays["receivers"][:, None] - arrays["access_points"]
    return np.linalg.norm(away[..., :2], axis=2) < 1.0


def test_the_power_of_links_agrees(golden, built_in):
    _, arrays = golden
    ours, theirs = (power_db(each) for each in (built_in, arrays["response"]))

    difference = (ours - theirs)[~is_overhead(arrays)]

    assert difference.size == 233
    assert abs(difference.mean()) < 0.1
    assert difference.std() < 0.5
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99


def test_right_below_an_access_point_power_agrees_less(golden, built_in):
    """Seven links of 240; no worse than this, and of no use to judge the others by."""
    _, arrays = golden

    difference = power_db(built_in) - power_db(arrays["response"])

    assert abs(difference.mean()) < 0.1
    assert difference.std() < 0.6
    assert np.abs(difference[is_overhead(arrays)]).max() < 7


def test_the_shape_over_tones_agrees(golden, built_in):
    _, arrays = golden
    ours, theirs = (
        20 * np.log10(np.abs(response)) for response in (built_in, arrays["response"])
    )
    ours, theirs = (each - each.mean(axis=2, keepdims=True) for each in (ours, theirs))

    correlation = (ours * theirs).sum(axis=2)
    correlation /= np.sqrt((ours**2).sum(axis=2) * (theirs**2).sum(axis=2))

    assert np.median(correlation) > 0.99
    assert correlation.mean() > 0.98
    # The error is a fraction of the shape itself.
    assert (ours - theirs).std() < 0.25 * theirs.std()


def test_the_phases_agree(golden, built_in):
    """Same directions of rotation, same signs at every wall."""
    _, arrays = golden
    theirs = arrays["response"].astype(complex)

    inner = np.abs((built_in * theirs.conj()).sum(axis=2))
    inner /= np.linalg.norm(built_in, axis=2) * np.linalg.norm(theirs, axis=2)

    assert np.median(inner) > 0.99
    # Not only up to a common factor.
    assert np.linalg.norm(built_in - theirs) < 0.15 * np.linalg.norm(theirs)


def test_a_traced_room_is_written_as_the_golden_one_is(tmp_path, golden):
    header, arrays = golden
    traced = Trace(arrays["response"], arrays["n_paths"], header["versions"], 1.0)

    write_golden(tmp_path / "golden.npz", golden_room(), traced)

    assert (tmp_path / "golden.npz").read_bytes() == GOLDEN.read_bytes()


def test_a_file_that_cannot_be_written_is_refused(tmp_path, golden):
    _, arrays = golden
    traced = Trace(arrays["response"], arrays["n_paths"], {}, 1.0)
    (tmp_path / "file").touch()

    with pytest.raises(TableError, match="cannot write"):
        write_golden(tmp_path / "file" / "golden.npz", golden_room(), traced)
