"""How fast captures decode: against nexcsi, CSIKit and the memory limit.

    python benchmarks/decode.py

From a file in the page cache to complex CSI with header fields, on one core. The limit
is reading the file and copying it once. A method and its peer take turns in one run;
what is printed is the median of the ratios of neighbouring turns, of CPU time.
Captures: EPIC-CSU where METALOC_DATA has it, and simulated ones; an hour is ten times
3,500 beacons in a row.
"""

import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.command_line import only_help  # noqa: E402
from edge_agent.capture_file import CaptureFile  # noqa: E402
from edge_agent.csi import kernel  # noqa: E402
from edge_agent.csi.decode import Decoder  # noqa: E402
from edge_agent.csi.frame import FrameBatch  # noqa: E402

DATA = Path(os.environ.get("METALOC_DATA", ROOT.parent / "shared" / "data"))
CSU = DATA / "raw" / "csu" / "data" / "ref"
ROUNDS = 100
GLOBAL_HEADER = 24


def ours(path: Path) -> list[FrameBatch]:
    """Decode a file to complex CSI and header fields."""
    decoder = Decoder()
    with CaptureFile(path) as capture:
        return [batch for raw in capture for batch in decoder.decode(raw).batches]


def limit(path: Path) -> np.ndarray:
    """Read the file and copy it once."""
    with path.open("rb", buffering=0) as file:
        data = file.read()
    return np.frombuffer(data, np.uint8).copy()


def nexcsi(path: Path) -> np.ndarray:
    """Decode with nexcsi, as its README says."""
    from nexcsi import interleaved

    samples = interleaved.read_pcap(str(path))
    return interleaved.unpack(samples["csi"], device="raspberrypi", fftshift=False)


def csikit(path: Path) -> object:
    """Decode with CSIKit, as its README says."""
    from CSIKit.reader.readers.read_pcap import NEXBeamformReader

    with contextlib.redirect_stdout(io.StringIO()):
        return NEXBeamformReader().read_file(str(path), scaled=False)


def ratio(peer: Callable[[Path], object], path: Path, rounds: int) -> float:
    """Return the peer's CPU time in units of ours."""
    return float(
        np.median([cost(peer, path) / cost(ours, path) for _ in range(rounds)])
    )


def cost(method: Callable[[Path], object], path: Path) -> float:
    """Return the CPU seconds of one call.

    The call before it is not counted: it finds the caches, and the garbage, of others.
    """
    method(path)
    started = time.thread_time()
    method(path)
    return time.thread_time() - started


def report(title: str, path: Path) -> None:
    """Print the ratios for one capture."""
    n_frames = sum(map(len, ours(path)))
    each_ns = np.median([cost(ours, path) for _ in range(ROUNDS)]) / n_frames * 1e9
    print(f"{title}: {n_frames} frames, {each_ns:.0f} ns each")
    print(f"  nexcsi / ours = {ratio(nexcsi, path, ROUNDS // 2):.1f}")
    print(f"  CSIKit / ours = {ratio(csikit, path, 3):.0f}")
    print(f"  limit  / ours = {ratio(limit, path, ROUNDS):.2f}")


def simulated(path: Path) -> Path:
    """Write a plain pcap of simulated frames."""
    from trainer.simulate.captures import Container, write_capture
    from trainer.simulate.firmware import Firmware
    from trainer.simulate.nexmon import Measurements, encode_frames, simulated_mac
    from trainer.simulate.tones import TONES

    rng = np.random.default_rng(0)
    number = np.arange(3500)
    parts = rng.integers(-1000, 1000, (2, len(number), len(TONES)))
    measured = Measurements(
        number * 1_000_000_000,
        (parts[0] + 1j * parts[1]).astype(np.complex64),
        TONES,
        np.frombuffer(simulated_mac(0, 0), np.uint8),
        -50,
        number,
    )
    write_capture(path, encode_frames(Firmware(), measured, rng), Container.PCAP)
    return path


def hour(path: Path, folder: Path) -> Path:
    """Write a capture ten times in a row."""
    data = path.read_bytes()
    target = folder / f"hour-{path.name}"
    target.write_bytes(data[:GLOBAL_HEADER] + 10 * data[GLOBAL_HEADER:])
    return target


def main() -> None:
    """Measure every capture there is."""
    only_help(__doc__)
    print(f"C kernel: {'yes' if kernel.AVAILABLE else 'no (built without a compiler)'}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new = simulated(folder / "simulated.pcap")
        report("uniform records, new header (I,Q), simulated", new)
        if CSU.is_dir():
            old, mixed = CSU / "ref_204_1_3500.pcap", CSU / "ref_207_1_3500.pcap"
            report("uniform records, old header (Q,I)", old)
            report("uniform records, old header, an hour", hour(old, folder))
            report("records of 316 and 320 bytes", mixed)
            report("records of 316 and 320 bytes, an hour", hour(mixed, folder))


if __name__ == "__main__":
    main()
