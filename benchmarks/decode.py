"""How fast captures decode: against nexcsi, CSIKit and the memory limit.

    python benchmarks/decode.py

From a file in the page cache to complex CSI with header fields, on one core. Methods take
turns within one run; what is printed is the median of the ratios of neighbouring turns,
of CPU time. The limit is reading the file and copying it once. Captures: EPIC-CSU where
METALOC_DATA has it, else simulated ones.
"""

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

from edge_agent.capture_file import CaptureFile
from edge_agent.csi.decode import Decoder
from edge_agent.csi.frame import FrameBatch

DATA = Path(os.environ.get("METALOC_DATA", ROOT.parent / "shared" / "data"))
CSU = DATA / "raw" / "csu" / "data" / "ref"
ROUNDS = 60
CSIKIT_ROUNDS = 3


def ours(path: Path) -> FrameBatch:
    """Decode a file to complex CSI and header fields."""
    decoder = Decoder()
    with CaptureFile(path) as capture:
        batches = [b for raw in capture for b in decoder.decode(raw).batches]
    return FrameBatch.concatenate(batches)


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
    import contextlib
    import io

    from CSIKit.reader.readers.read_pcap import NEXBeamformReader

    with contextlib.redirect_stdout(io.StringIO()):
        return NEXBeamformReader().read_file(str(path), scaled=False)


def measure(methods: dict[str, Callable[[Path], object]], path: Path, rounds: int):
    """Return CPU seconds per method and round, shape (rounds,) each."""
    times = {name: np.empty(rounds) for name in methods}
    for method in methods.values():
        method(path)
    for turn in range(rounds):
        for name, method in methods.items():
            started = time.process_time()
            method(path)
            times[name][turn] = time.process_time() - started
    return times


def report(title: str, path: Path) -> None:
    """Print the ratios for one capture."""
    n_frames = len(ours(path))
    methods = {"ours": ours, "limit": limit, "nexcsi": nexcsi}
    times = measure(methods, path, ROUNDS)
    slow = measure({"ours": ours, "CSIKit": csikit}, path, CSIKIT_ROUNDS)
    mine = np.median(times["ours"])
    print(f"{title}: {n_frames} frames, {mine / n_frames * 1e9:.0f} ns per frame")
    for name, wanted in (("nexcsi", ""), ("limit", "")):
        ratio = np.median(times[name] / times["ours"])
        print(f"  {name} / ours = {ratio:.2f}{wanted}")
    print(f"  CSIKit / ours = {np.median(slow['CSIKit'] / slow['ours']):.0f}")


def simulated(folder: Path) -> Path:
    """Write a plain pcap of simulated frames."""
    import struct

    from trainer.simulate.nexmon import encode_frame, simulated_mac

    rng = np.random.default_rng(0)
    path = folder / "simulated.pcap"
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number in range(3500):
            words = rng.integers(0, 1 << 32, 64, dtype=np.uint32)
            frame = encode_frame(
                words, mac=simulated_mac(0, 0), rssi_dbm=-50, sequence=number
            )
            file.write(struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame)
    return path


def main() -> None:
    """Measure every capture there is."""
    if CSU.is_dir():
        report("uniform records, old header (Q,I)", CSU / "ref_204_1_3500.pcap")
        report("records of 316 and 320 bytes", CSU / "ref_207_1_3500.pcap")
    with tempfile.TemporaryDirectory() as folder:
        report("uniform records, new header (I,Q)", simulated(Path(folder)))


if __name__ == "__main__":
    main()
