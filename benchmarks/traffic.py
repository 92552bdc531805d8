"""Send frames into a virtual link faster than Python's own sockets can: sendmmsg(2).

    python benchmarks/traffic.py INTERFACE COUNT RATE      (inside a network namespace)

Frames are those of a simulated 20 MHz capture, 316 bytes each. Prints the rate reached.
"""

import ctypes
import socket
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from trainer.simulate.firmware import Firmware
from trainer.simulate.nexmon import Measurements, encode_frames, simulated_mac
from trainer.simulate.tones import TONES

N_DISTINCT = 256


class _IoVector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_IoVector)),
        ("n_vectors", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("sent", ctypes.c_uint),
    )


def frames() -> list[bytes]:
    """Return distinct frames of three transmitters."""
    rng = np.random.default_rng(0)
    number = np.arange(N_DISTINCT)
    parts = rng.integers(-1000, 1000, (2, N_DISTINCT, len(TONES)))
    raw = encode_frames(
        Firmware(),
        Measurements(
            number,
            (parts[0] + 1j * parts[1]).astype(np.complex64),
            TONES,
            np.array([list(simulated_mac(0, i % 3)) for i in number], np.uint8),
            -50,
            number // 3,
        ),
        rng,
    )
    return [row.tobytes() for row in raw.data.reshape(N_DISTINCT, -1)]


def send(interface: str, count: int, rate: float) -> float:
    """Send ``count`` frames at ``rate`` per second; return the rate reached."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffers = [ctypes.create_string_buffer(f, len(f)) for f in frames()]
    vectors = (_IoVector * N_DISTINCT)()
    messages = (_Message * N_DISTINCT)()
    for i, buffer in enumerate(buffers):
        vectors[i] = _IoVector(ctypes.addressof(buffer), len(buffer))
        messages[i].vectors = ctypes.pointer(vectors[i])
        messages[i].n_vectors = 1
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.setsockopt(socket.SOL_SOCKET, 32, 1 << 22)  # SO_SNDBUFFORCE
        sock.bind((interface, 0))
        started, sent = time.perf_counter(), 0
        while sent < count:
            due = min(count, int((time.perf_counter() - started) * rate) + 1) - sent
            if due <= 0:
                time.sleep(min(1e-3, 1 / rate))
                continue
            first = sent % N_DISTINCT
            n = min(due, N_DISTINCT - first, 64)
            done = libc.sendmmsg(sock.fileno(), ctypes.byref(messages[first]), n, 0)
            if done < 0:
                raise OSError(ctypes.get_errno(), "sendmmsg")
            sent += done
        return count / (time.perf_counter() - started)


if __name__ == "__main__":
    print(send(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
