"""Two network namespaces joined by a pair of virtual interfaces; and a sender."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest


@contextmanager
def two_namespaces():
    """Yield the names of two namespaces; each has its end of the pair as ``wlan0``."""
    if os.geteuid() != 0:
        pytest.skip("needs root to make network namespaces")
    if shutil.which("ip") is None:
        pytest.skip("ip is not installed (apt install iproute2)")
    sender, receiver = f"metaloc-s{os.getpid()}", f"metaloc-r{os.getpid()}"
    try:
        for name in (sender, receiver):
            done = _ip("netns", "add", name, check=False)
            if done.returncode != 0:
                pytest.skip(f"cannot make a network namespace: {done.stderr.strip()}")
        _ip(
            *("link", "add", "wlan0", "netns", sender, "type", "veth"),
            *("peer", "name", "wlan0", "netns", receiver),
        )
        for name in (sender, receiver):
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "link", "set", "wlan0", "up")
        yield sender, receiver
    finally:
        for name in (sender, receiver):
            _ip("netns", "delete", name, check=False)


def _ip(*arguments, check=True):
    return subprocess.run(
        ["ip", *arguments], check=check, capture_output=True, text=True
    )


def send_frames(frames, *, interface="wlan0", rate):
    """Send Ethernet frames at a steady rate; run this inside a namespace."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((interface, 0))
        started = time.monotonic()
        for number, frame in enumerate(frames):
            wait = started + number / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            sock.send(frame)


if __name__ == "__main__":  # python -m tests.end_to_end.veth CAPTURE COUNT RATE
    import itertools
    import sys
    from pathlib import Path

    from edge_agent.csi import CaptureReader

    [packets] = CaptureReader().feed(Path(sys.argv[1]).read_bytes())
    recorded = [
        packets.data[offset : offset + length].tobytes()
        for offset, length in zip(packets.offsets, packets.lengths, strict=True)
    ]
    count, rate = int(sys.argv[2]), float(sys.argv[3])
    send_frames(itertools.islice(itertools.cycle(recorded), count), rate=rate)
