"""Write decoded frames as numpy arrays, for people who go on in a notebook."""

import io
from pathlib import Path

import numpy as np

from edge_agent.arrays import write_atomically
from edge_agent.csi.frame import FrameBatch
from edge_agent.errors import CaptureError


def write_frames(path: Path, batches: list[FrameBatch]) -> list[Path]:
    """Write one file per number of subcarriers.

    Arrays, with n frames of N subcarriers each: ``csi`` complex64 (n, N), I+jQ in FFT
    order as stored; ``rssi`` int16 (n,) [dBm], -32768 where absent; ``mac`` uint8
    (n, 6); ``seq_ctl``, ``chanspec``, ``chip`` uint16, ``core``, ``stream`` uint8,
    ``ts_sec`` int64, ``ts_usec`` int32, each (n,).

    Args:
        path: Where; with frames of several sizes ``_64``, ``_128``, ``_256`` is put in
            front of the suffix.
        batches: Decoded frames, in order of arrival.

    Returns:
        The files written.

    Raises:
        CaptureError: A file cannot be written.
    """
    if not path.name or path.name == "-" or not path.parent.is_dir():
        raise CaptureError(f"cannot write {path}: name a file in a folder that exists")
    sizes = sorted({batch.n_subcarriers for batch in batches})
    written = []
    for size in sizes:
        target = path
        if len(sizes) > 1:
            target = path.with_name(f"{path.stem}_{size}{path.suffix}")
        frames = FrameBatch.concatenate([b for b in batches if b.n_subcarriers == size])
        try:
            write_atomically(target, _pack(frames))
        except OSError as error:
            raise CaptureError(f"cannot write {target}: {error.strerror}") from error
        written.append(target)
    return written


def _pack(frames: FrameBatch) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        csi=frames.csi,
        rssi=frames.rssi,
        mac=frames.mac,
        seq_ctl=frames.seq_ctl,
        core=frames.core,
        stream=frames.stream,
        chanspec=frames.chanspec,
        chip=frames.chip,
        ts_sec=frames.time_ns // 1_000_000_000,
        ts_usec=(frames.time_ns // 1000 % 1_000_000).astype(np.int32),
    )
    return buffer.getvalue()
