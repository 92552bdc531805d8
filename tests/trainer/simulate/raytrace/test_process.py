"""The tracer's process: what goes in, what comes back, and how it can end.

sionna-rt is replaced by modules of ours; the process is a real one.
"""

import os
import time

import numpy as np
import pytest

from trainer.errors import RoomError
from trainer.simulate.raytrace.errors import Failure, RayTracerError
from trainer.simulate.raytrace.process import Settings, run_worker

TONES_HZ = np.array([-1e6, 0.0, 2e6])
LIGHT = 299_792_458.0


def run(layout, **options):
    return run_worker(layout, TONES_HZ, Settings(), **({"timeout_s": 60} | options))


def friis(layout, tones_hz=TONES_HZ):
    """Field between isotropic antennas in free space, (n_receivers, n_aps, n_tones)."""
    away = layout.receivers[:, None] - layout.access_points
    distance = np.sqrt((away**2).sum(axis=2))[..., None]
    gain = LIGHT / layout.carrier_hz / (4 * np.pi * distance)
    turns = (layout.carrier_hz + tones_hz) * distance / LIGHT
    return gain * np.exp(-2j * np.pi * turns)


def test_every_link_comes_back_in_its_place(stand_in, make_layout, rng):
    stand_in()
    layout = make_layout(
        receivers=rng.uniform(0.5, 2.5, (63, 3)),
        access_points=rng.uniform(0.5, 2.5, (21, 3)),
    )
    batches = []

    answer = run(layout, on_batch=lambda *progress: batches.append(progress))

    assert np.allclose(answer.response, friis(layout), rtol=1e-4)
    assert answer.response.dtype == np.complex64
    assert (answer.n_paths == 1).all()
    # 63 receivers by 25, 21 access points by 8: 3 x 3 batches.
    assert batches == [(number, 9) for number in range(9)]


def test_the_answer_says_what_it_was_made_with(stand_in, make_layout):
    stand_in(version="2.9.1")

    answer = run(make_layout())

    assert answer.versions == {
        "sionna-rt": "2.9.1",
        "mitsuba": "3.9.1",
        "drjit": "1.5.0",
        "llvm": "19.1.7",
    }
    assert 0 < answer.seconds < 60


def test_the_settings_and_the_room_reach_the_tracer(stand_in, make_layout, tmp_path):
    said = tmp_path / "said"
    stand_in(
        rt=f"""
real = PathSolver.__call__
def call(self, scene, **settings):
    with open({str(said)!r}, "a") as file:
        print(sorted(settings.items()), scene.frequency, file=file)
    return real(self, scene, **settings)
PathSolver.__call__ = call
def material(name, itu_type, thickness):
    with open({str(said)!r}, "a") as file:
        print(name, itu_type, thickness, file=file)
ITURadioMaterial = material
"""
    )

    settings = Settings(max_depth=2, samples=30, refraction=False, seed=7)
    run_worker(make_layout(), TONES_HZ, settings, timeout_s=60)

    assert said.read_text().splitlines() == [
        "material-0 concrete 0.2",
        "[('max_depth', 2), ('max_num_paths_per_src', 1000000), ('refraction', False), "
        "('samples_per_src', 30), ('seed', 7)] 5180000000.0",
    ]


BREAKAGES = {
    "mitsuba cannot be imported": (
        {"drjit": "import no_such_module"},
        Failure.NOT_INSTALLED,
        "No module named 'no_such_module'",
    ),
    "sionna-rt is too old": (
        {"version": "1.2.1"},
        Failure.WRONG_VERSION,
        "sionna-rt 1.2.1 is installed",
    ),
    "sionna-rt is too new": (
        {"version": "3.0.0"},
        Failure.WRONG_VERSION,
        "sionna-rt 3.0.0 is installed",
    ),
    "there is no LLVM": (
        {"mitsuba": "def set_variant(name):\n    raise ImportError('no libLLVM.so')"},
        Failure.NO_LLVM,
        "there is no LLVM that Dr.Jit can use",
    ),
    "LLVM is too old": (
        {"drjit": "detail.llvm_version = lambda: (16, 0, 6)"},
        Failure.OLD_LLVM,
        "LLVM 16.0.6 was found",
    ),
    "LLVM aborts": (
        {
            "rt": "def load_scene():\n"
            "    import os, sys\n"
            "    words = 'LLVM ERROR: Cannot select' + chr(10) + 'In function: f'\n"
            "    print(words, file=sys.stderr, flush=True)\n"
            "    os.abort()"
        },
        Failure.ABORTED,
        "the ray tracer's process was ended by SIGABRT (LLVM ERROR: Cannot select)",
    ),
    "memory runs out": (
        {"rt": "def load_scene():\n    import os\n    os.kill(os.getpid(), 9)"},
        Failure.KILLED,
        "the ray tracer's process was ended by SIGKILL",
    ),
    "the process fails before it begins": (
        {"mitsuba": "raise SystemError('wrong machine')"},
        Failure.RAISED,
        "SystemError: wrong machine",
    ),
    "the result cannot be written": (
        {"rt": "import pathlib\npathlib.Path.write_bytes = lambda *_: 1 / 0"},
        Failure.ABORTED,
        "the ray tracer's process ended with code 1 (ZeroDivisionError: division by "
        "zero)",
    ),
    "the process gives up": (
        {"rt": "def load_scene():\n    import os\n    os._exit(3)"},
        Failure.ABORTED,
        "the ray tracer's process ended with code 3",
    ),
    "the process leaves no result": (
        {"rt": "def load_scene():\n    import os\n    os._exit(0)"},
        Failure.ABORTED,
        "the ray tracer's process ended without a result",
    ),
    "sionna raises": (
        {"rt": "def load_scene():\n    raise RuntimeError('no scene today')"},
        Failure.RAISED,
        "RuntimeError: no scene today",
    ),
}


@pytest.mark.parametrize(
    ("broken", "failure", "detail"), BREAKAGES.values(), ids=BREAKAGES.keys()
)
def test_failures_are_told_apart(stand_in, make_layout, broken, failure, detail):
    stand_in(**broken)

    with pytest.raises(RayTracerError) as caught:
        run(make_layout())

    assert caught.value.failure is failure
    assert caught.value.detail == detail
    assert str(caught.value) == f"{detail}; {failure.value}"


def test_what_sionna_raises_can_be_traced_to_its_line(stand_in, make_layout):
    stand_in(rt="def load_scene():\n    raise RuntimeError('no scene today')")

    with pytest.raises(RayTracerError) as caught:
        run(make_layout())

    (note,) = caught.value.__notes__
    assert "in load_scene\n" in note
    assert note.endswith("RuntimeError: no scene today\n")


def test_sionna_that_is_not_installed_is_its_own_failure(
    make_layout, tmp_path, monkeypatch
):
    # Where it is installed, it is hidden.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata\n"
        "def version(name):\n"
        "    raise importlib.metadata.PackageNotFoundError(name)\n"
        "importlib.metadata.version = version\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with pytest.raises(RayTracerError) as caught:
        run(make_layout())

    assert caught.value.failure is Failure.NOT_INSTALLED
    assert str(caught.value) == (
        "sionna-rt is not installed; in the clone of MetaLoc: pip install "
        "'.[raytrace]', and install LLVM 17 or newer (Debian, Ubuntu: apt-get install "
        "libllvm19), or set DRJIT_LIBLLVM_PATH to its libLLVM.so"
    )


def test_a_tracer_that_does_not_finish_is_ended(stand_in, make_layout, tmp_path):
    mark = tmp_path / "pid"
    stand_in(
        rt="def load_scene():\n"
        "    import os, time\n"
        f"    open({str(mark)!r}, 'w').write(str(os.getpid()))\n"
        "    time.sleep(60)"
    )
    began = time.monotonic()

    with pytest.raises(
        RayTracerError, match=r"did not finish within 1\.5 s; "
    ) as caught:
        run(make_layout(), timeout_s=1.5)

    assert caught.value.failure is Failure.TIMED_OUT
    assert time.monotonic() - began < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_who_waits_for_ever_may(stand_in, make_layout):
    """An exception in the thread that counts would be a warning, hence an error."""
    stand_in()

    assert run(make_layout(), timeout_s=1e30).response.shape[0] == 1


def test_a_tracer_ends_with_the_one_who_waits_for_it(stand_in, make_layout, tmp_path):
    mark = tmp_path / "pid"
    stand_in(
        rt="def load_scene():\n"
        "    import os, time\n"
        f"    open({str(mark)!r}, 'w').write(str(os.getpid()))\n"
        "    print('batch 0 1', flush=True)\n"
        "    time.sleep(60)"
    )

    def interrupt(_done, _all):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(make_layout(), on_batch=interrupt)

    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_chatter_is_not_progress(stand_in, make_layout):
    stand_in(rt="print('batch of cookies')\nprint('batch 1 2 3')")
    seen = []

    run(make_layout(), on_batch=lambda *progress: seen.append(progress))

    assert seen == [(0, 1)]


def test_modules_in_the_current_folder_are_not_taken_for_sionna(
    stand_in, make_layout, tmp_path, monkeypatch
):
    stand_in()
    (tmp_path / "drjit.py").write_text("raise RuntimeError('wrong one')")
    monkeypatch.chdir(tmp_path)

    assert run(make_layout()).n_paths.tolist() == [[1]]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"max_depth": 0}, "max_depth is 0, not 1 to 20"),
        ({"max_depth": 10**9}, "max_depth is 1000000000, not 1 to 20"),
        ({"samples": -1}, "samples is -1, not 1 to 10000000"),
        ({"samples": 10**12}, "samples is 1000000000000, not 1 to"),
        ({"threads": 0}, "threads is 0, not 1 to 256"),
        ({"seed": -1}, "the seed is -1, not 0 to"),
        ({"seed": 1 << 32}, "the seed is 4294967296, not 0 to"),
    ],
)
def test_settings_that_mean_nothing_are_refused(changes, complaint):
    with pytest.raises(RoomError, match=complaint):
        Settings(**changes)
