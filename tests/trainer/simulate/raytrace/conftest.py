"""Tracers: the real one where it is installed, and one of free space."""

import importlib.metadata

import numpy as np
import pytest

from tests.trainer.simulate.raytrace.stand_ins import write_stand_ins
from trainer.simulate.image_sources import Wall
from trainer.simulate.materials import MATERIALS
from trainer.simulate.raytrace.layouts import Layout
from trainer.simulate.raytrace.probe import probe


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Return a function that puts a tracer of free space in place of sionna-rt."""

    def put(**more):
        folder = tmp_path / "stand_in"
        write_stand_ins(folder, **more)
        monkeypatch.setenv("PYTHONPATH", str(folder))

    return put


@pytest.fixture(scope="session")
def _probed():
    try:
        importlib.metadata.version("sionna-rt")
    except importlib.metadata.PackageNotFoundError:
        return "sionna-rt is not installed (the extra metaloc[raytrace])"
    found = probe()
    return None if found.usable else f"{found.detail}; {found.remedy}"


@pytest.fixture
def ray_tracer(_probed):
    """Skip the test where rays cannot be traced, and say why."""
    if _probed is not None:
        pytest.skip(_probed)


@pytest.fixture
def make_layout():
    """Return a function that describes a room of concrete, 6 m x 5 m x 3 m."""

    def make(**changes):
        parts = {
            "name": "cellar",
            "size_m": np.array([6.0, 5.0, 3.0]),
            "walls": (Wall(MATERIALS["concrete"], 0.2),) * 6,
            "boxes": (),
            "panels": (),
            "access_points": np.array([[1.0, 1.0, 2.5]]),
            "receivers": np.array([[4.0, 3.0, 1.2]]),
            "carrier_hz": 5.18e9,
        }
        return Layout(**(parts | changes))

    return make
