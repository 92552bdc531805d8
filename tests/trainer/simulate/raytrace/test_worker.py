"""The real ray tracer; skipped where the extra ``raytrace`` is not installed.

Run with: pytest -m raytrace tests/trainer
"""

import importlib.metadata
import os
from pathlib import Path

import numpy as np
import pytest

from edge_agent.arrays import unpack_arrays
from trainer.simulate.image_sources import Wall
from trainer.simulate.materials import MATERIALS
from trainer.simulate.raytrace.errors import Failure, NoPathsError
from trainer.simulate.raytrace.golden import GOLDEN_TONES, SCHEMA, golden_room
from trainer.simulate.raytrace.layouts import Box
from trainer.simulate.raytrace.probe import probe
from trainer.simulate.raytrace.process import Settings
from trainer.simulate.raytrace.trace import trace

pytestmark = [pytest.mark.raytrace, pytest.mark.usefixtures("ray_tracer")]

GOLDEN = Path(__file__).with_name("golden_empty_room.npz")
QUICK = Settings(max_depth=2, samples=5000)
CHEST = ((3.0, 2.0, 0.5), (5.0, 4.0, 2.0))


def rss(layout, settings=QUICK):
    return trace(layout, GOLDEN_TONES, settings).rss_dbm(0.0)


def test_the_probe_says_that_it_works():
    found = probe()

    assert found.usable
    assert found.versions["sionna-rt"] == importlib.metadata.version("sionna-rt")
    assert int(found.versions["llvm"].split(".")[0]) >= 17


def test_the_same_seed_gives_the_same_bits(make_layout, rng):
    # More than one batch.
    layout = make_layout(receivers=rng.uniform(0.5, 2.5, (30, 3)))

    first, again = (trace(layout, GOLDEN_TONES, QUICK).response for _ in range(2))

    assert np.array_equal(first, again)


def test_the_golden_room_is_traced_as_it_was():
    arrays = unpack_arrays(GOLDEN.read_bytes(), schema=SCHEMA, max_bytes=1 << 20)[1]

    traced = trace(golden_room(), GOLDEN_TONES, Settings(samples=20_000))

    # With a fifth of the rays; a path or two of each link are missing.
    error = np.linalg.norm(traced.response - arrays["response"])
    assert error < 0.03 * np.linalg.norm(arrays["response"])
    assert 60 < traced.n_paths.mean() <= arrays["n_paths"].mean()


def test_metal_in_the_way_costs_more_than_wood(make_layout):
    layouts = [
        make_layout(
            access_points=np.array([[2.0, 3.0, 1.2]]),
            receivers=np.array([[5.5, 3.0, 1.2]]),
            walls=(Wall(MATERIALS["plasterboard"], 0.1),) * 6,
            boxes=boxes,
        )
        for boxes in (
            (),
            (Box("chest", *CHEST, Wall(MATERIALS["wood"], 0.02)),),
            (Box("safe", *CHEST, Wall(MATERIALS["metal"], 0.002)),),
        )
    ]

    free, wood, metal = (rss(layout)[0, 0] for layout in layouts)

    assert free - 6 < wood < free + 3
    assert metal < free - 6


def test_walls_of_metal_keep_the_power_in(make_layout, rng):
    receivers = rng.uniform((1, 1, 1), (5, 4, 2), (24, 3))
    absorbing, reflecting = (
        make_layout(walls=(Wall(MATERIALS[name], 0.03),) * 6, receivers=receivers)
        for name in ("ceiling board", "metal")
    )

    # Single links fade; their mean power does not.
    leaking, kept = (
        np.mean(10 ** (rss(room) / 10)) for room in (absorbing, reflecting)
    )
    assert kept > 4 * leaking


def test_a_receiver_shut_in_by_metal_is_refused(make_layout):
    # Five slabs around it, for a layout does not let anyone into a box.
    safe = Wall(MATERIALS["metal"], 0.01)
    shut_in = make_layout(
        boxes=(
            Box("west", (3.0, 2.0, 0.0), (3.1, 4.0, 2.1), safe),
            Box("east", (4.9, 2.0, 0.0), (5.0, 4.0, 2.1), safe),
            Box("south", (3.0, 2.0, 0.0), (5.0, 2.1, 2.1), safe),
            Box("north", (3.0, 3.9, 0.0), (5.0, 4.0, 2.1), safe),
            Box("lid", (3.0, 2.0, 2.0), (5.0, 4.0, 2.1), safe),
        ),
    )

    with pytest.raises(NoPathsError, match=r"to receiver 0 at .* closed in by metal"):
        trace(shut_in, GOLDEN_TONES, QUICK)


def test_a_path_of_llvm_that_leads_nowhere_is_told(monkeypatch):
    monkeypatch.setenv("DRJIT_LIBLLVM_PATH", "/nowhere/libLLVM.so")

    found = probe()

    assert found.failure is Failure.NO_LLVM
    assert "/nowhere/libLLVM.so" in found.detail


def old_llvm(monkeypatch, version):
    library = Path(f"/usr/lib/x86_64-linux-gnu/libLLVM-{version}.so.1")
    if not library.exists():
        pytest.skip(f"needs {library} (apt-get install libllvm{version})")
    monkeypatch.setenv("DRJIT_LIBLLVM_PATH", str(library))


@pytest.mark.parametrize("version", ["15", "16"])
def test_an_llvm_that_would_abort_is_refused_before_it_does(monkeypatch, version):
    old_llvm(monkeypatch, version)

    found = probe()

    assert found.failure is Failure.OLD_LLVM
    assert f"LLVM {version}." in found.detail


@pytest.mark.parametrize("version", ["15", "16"])
def test_it_would_abort_indeed(monkeypatch, tmp_path, version):
    old_llvm(monkeypatch, version)
    (tmp_path / "lenient.py").write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from trainer.simulate.raytrace import worker\n"
        "worker.MIN_LLVM = (15, 0, 0)\n"
        "worker.main(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *paths]))
    monkeypatch.setattr("trainer.simulate.raytrace.process._WORKER", "lenient")

    found = probe()

    assert found.failure is Failure.ABORTED
    assert "was ended by SIGABRT (LLVM ERROR: Cannot select" in found.detail
