"""The process that traces: ``python -m trainer.simulate.raytrace.worker JOB RESULT``.

The only module that imports sionna, mitsuba and drjit, and only when it runs. It ends
with code 0 and a file RESULT, whose header says either ``"state": "done"`` or which
`Failure` it met; or it is ended by the system, when LLVM cannot compile a kernel.
"""

import importlib.metadata
import sys
import time
import traceback
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edge_agent.arrays import Arrays, pack_arrays, unpack_arrays

if TYPE_CHECKING:
    import mitsuba
    from sionna import rt

JOB_SCHEMA = "metaloc/raytrace-job/1"
RESULT_SCHEMA = "metaloc/raytrace-result/1"
MAX_BYTES = 1 << 31
PROGRESS = "batch"

MIN_LLVM = (17, 0, 0)
"""Version 15 and 16 abort on the first kernel with a minimum or maximum in it (Dr.Jit
1.5 itself asks for 15); 19.1 is tested."""

MIN_SIONNA = (2, 2)
MAX_SIONNA = (3, 0)
"""The first that is too new."""

_VARIANT = "llvm_ad_mono_polarized"

_MOST_CANDIDATES = 1_000_000
"""Per access point and batch. Also the size of the table in which sionna looks up what
it has seen already: candidates that collide in it are lost without a word."""

_BATCH_RECEIVERS = 25
"""In room S1, to depth 4, that loses 1 % of the paths against 5 at once, and signal
strengths differ by 0.2 dB; all 332 at once would lose 16 %, and differ by 1.1 dB."""

_BATCH_LANES = 12_000_000
"""Rays times depth times links; takes about a gigabyte."""


class _Unusable(Exception):  # noqa: N818  (an answer, not a fault of this program)
    """Something is missing or too old."""

    def __init__(self, failure: str, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


def main(job: Path, result: Path) -> None:
    """Trace one job and write what came of it."""
    began = time.perf_counter()
    header, arrays = unpack_arrays(
        job.read_bytes(), schema=JOB_SCHEMA, max_bytes=MAX_BYTES
    )
    answer: dict[str, Any] = {"schema": RESULT_SCHEMA, "state": "done"}
    traced: Arrays = {}
    try:
        answer["versions"] = _start(header["threads"])
        traced = _trace(header, arrays)
    except _Unusable as unusable:
        answer |= {"state": unusable.failure, "detail": str(unusable)}
    except Exception as error:  # noqa: BLE001  (to be told in the other process)
        traceback.print_exc()
        answer |= {"state": "RAISED", "detail": f"{type(error).__name__}: {error}"}
    answer["seconds"] = time.perf_counter() - began
    result.write_bytes(pack_arrays(answer, traced))


def _start(threads: int) -> dict[str, str]:
    """Start the compiler; return versions of what it is made of."""
    try:
        found = importlib.metadata.version("sionna-rt")
    except importlib.metadata.PackageNotFoundError:
        raise _Unusable("NOT_INSTALLED", "sionna-rt is not installed") from None
    version = tuple(int(part) for part in found.split(".")[:2])
    if not MIN_SIONNA <= version < MAX_SIONNA:
        raise _Unusable("WRONG_VERSION", f"sionna-rt {found} is installed")
    try:
        import drjit
        import mitsuba
    except ModuleNotFoundError as error:
        raise _Unusable("NOT_INSTALLED", str(error)) from error
    try:
        mitsuba.set_variant(_VARIANT)
    except ImportError as error:
        raise _Unusable("NO_LLVM", "there is no LLVM that Dr.Jit can use") from error
    llvm = drjit.detail.llvm_version()
    if llvm < MIN_LLVM:
        raise _Unusable("OLD_LLVM", f"LLVM {'.'.join(map(str, llvm))} was found")
    drjit.set_thread_count(threads)
    return {
        "sionna-rt": found,
        "mitsuba": mitsuba.__version__,
        "drjit": drjit.__version__,
        "llvm": ".".join(map(str, llvm)),
    }


def _trace(header: dict[str, Any], arrays: Arrays) -> Arrays:
    """Trace all links, batch by batch; say on standard output how far it is.

    Returns:
        ``response`` complex64 (n_receivers, n_aps, n_tones), at the carrier plus each
        tone; ``n_paths`` int32 (n_receivers, n_aps).
    """
    from sionna import rt

    scene = _scene(header, arrays)
    solver = rt.PathSolver(deterministic=True)
    tones = arrays["tones_hz"].astype(np.float32)
    receivers, access_points = arrays["receivers"], arrays["access_points"]
    shape = len(receivers), len(access_points)
    response = np.empty((*shape, len(tones)), np.complex64)
    n_paths = np.empty(shape, np.int32)
    lanes = header["max_depth"] * header["samples"] * _BATCH_RECEIVERS
    batches = list(
        product(
            _slices(shape[0], _BATCH_RECEIVERS),
            _slices(shape[1], max(1, _BATCH_LANES // lanes)),
        )
    )
    for number, (some, senders) in enumerate(batches):
        print(f"{PROGRESS} {number} {len(batches)}", flush=True)  # noqa: T201
        _place_radios(scene, access_points[senders], receivers[some])
        paths = solver(
            scene,
            max_depth=header["max_depth"],
            samples_per_src=header["samples"],
            max_num_paths_per_src=_MOST_CANDIDATES,
            refraction=header["refraction"],
            seed=header["seed"],
        )
        part = response[some, senders]
        traced = paths.cfr(tones, normalize_delays=False, out_type="numpy")
        part[...] = np.asarray(traced).reshape(part.shape)
        valid = paths.valid.numpy().reshape(*part.shape[:2], -1)
        n_paths[some, senders] = valid.sum(axis=2)
    return {"response": response, "n_paths": n_paths}


def _slices(count: int, step: int) -> list[slice]:
    return [slice(start, start + step) for start in range(0, count, step)]


def _place_radios(
    scene: "rt.Scene",
    access_points: npt.NDArray[np.float64],
    receivers: npt.NDArray[np.float64],
) -> None:
    """Take radios away that are there, and put others in."""
    from sionna import rt

    for name in [*scene.transmitters, *scene.receivers]:
        scene.remove(name)
    for number, place in enumerate(access_points.tolist()):
        scene.add(rt.Transmitter(name=f"transmitter-{number}", position=place))
    for number, place in enumerate(receivers.tolist()):
        scene.add(rt.Receiver(name=f"receiver-{number}", position=place))


def _scene(header: dict[str, Any], arrays: Arrays) -> "rt.Scene":
    """Build the room."""
    from sionna import rt

    scene = rt.load_scene()
    scene.frequency = header["carrier_hz"]
    objects = []
    for number, (itu_type, thickness_m) in enumerate(header["materials"]):
        material = rt.ITURadioMaterial(
            name=f"material-{number}", itu_type=itu_type, thickness=thickness_m
        )
        mesh = _mesh(
            f"mesh-{number}", arrays[f"vertices_{number}"], arrays[f"faces_{number}"]
        )
        objects.append(
            rt.SceneObject(
                mi_mesh=mesh, name=f"object-{number}", radio_material=material
            )
        )
    scene.edit(add=objects)
    # Without directivity, as in the built-in simulator.
    array = rt.PlanarArray(num_rows=1, num_cols=1, pattern="iso", polarization="V")
    scene.tx_array = scene.rx_array = array
    return scene


def _mesh(
    name: str, vertices: npt.NDArray[np.float32], faces: npt.NDArray[np.uint32]
) -> "mitsuba.Mesh":
    import mitsuba

    properties = mitsuba.Properties()
    properties["face_normals"] = True
    mesh = mitsuba.Mesh(name, len(vertices), len(faces), props=properties)
    parameters = mitsuba.traverse(mesh)
    parameters["vertex_positions"] = vertices.ravel()
    parameters["faces"] = faces.ravel()
    parameters.update()
    return mesh


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
