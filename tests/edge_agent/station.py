"""A process inside a network namespace that captures and sends as it is told.

    python -m tests.edge_agent.station    one JSON request per line, one answer each

Interfaces of the machine stay untouched: whatever is created lives in the namespace.
"""

import contextlib
import fcntl
import itertools
import json
import os
import secrets
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edge_agent.csi.image import Channel, ImageSpec
from edge_agent.csi.subcarriers import FrameFormat, Phy
from edge_agent.errors import CaptureError
from edge_agent.live import LiveCapture
from edge_agent.preflight.air import Expectation
from edge_agent.preflight.run import run_preflight
from edge_agent.sources import LiveSource
from tests.brokers import find_program
from tests.conftest import ROOT

_PATIENCE_S = 10.0
NOBODY = 65534

# linux/if_tun.h
_TUNSETIFF, _TUNSETLINK = 0x400454CA, 0x400454CD
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000


class Station:
    """The process, as seen from a test."""

    def __init__(self, namespace, folder, *, without=""):
        """Start the process.

        Args:
            namespace: Where; must exist.
            folder: Root of the repository.
            without: Capability that the process shall not have, e.g. ``net_admin``.
        """
        self.namespace = namespace
        less = ["setpriv", "--bounding-set", f"-{without}"] if without else []
        ours = ["-m", "tests.edge_agent.station"]
        self._process = subprocess.Popen(
            [*self._enter, *less, sys.executable, *ours],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def command(self, *arguments):
        """A command line that runs Python inside the namespace."""
        return [*self._enter, sys.executable, *arguments]

    @property
    def _enter(self):
        return ["ip", "netns", "exec", self.namespace]

    def ip(self, *arguments):
        """Run ip(8) inside the namespace."""
        subprocess.run(["ip", "-n", self.namespace, *arguments], check=True)

    @contextlib.contextmanager
    def capture(
        self, interface, *, buffer_frames=1024, as_nobody=False, link_types=(1,)
    ):
        """Capture while the block runs.

        Raises:
            CaptureError: As `LiveCapture`.
        """
        self._ask("open", interface, buffer_frames, as_nobody, link_types)
        try:
            yield
        finally:
            self._ask("close")

    def send(self, interface, frames):
        self._ask("send", interface, [frame.hex() for frame in frames])

    def make_monitor(self, name, kind=803):
        """Make an interface of this type, with ourselves in the place of its driver.

        Args:
            name: Of the interface.
            kind: Its type as of linux/if_arp.h; 803: monitor mode with radiotap.
        """
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            pytest.skip("needs /dev/net/tun for an interface in monitor mode")
        self._ask("make_monitor", name, kind)
        self.ip("link", "set", name, "addrgenmode", "none", "up")

    def send_on_monitor(self, frames):
        self._ask("send_on_monitor", [frame.hex() for frame in frames])

    def remove_monitor(self):
        self._ask("remove_monitor")

    def link_type(self):
        """Of the packets that were read last."""
        return self._ask("link_type")

    def read(self, *, at_least=1, timeout_s=0.5):
        """What one call of `LiveCapture.read` returns: (bytes, time [ns]) each."""
        packets = self._ask("read", at_least, timeout_s)
        if packets is None:
            return None
        return [(bytes.fromhex(text), time_ns) for text, time_ns in packets]

    def read_all(self, n):
        """Read until there are ``n`` packets."""
        packets, deadline = [], time.monotonic() + _PATIENCE_S
        while len(packets) < n:
            assert time.monotonic() < deadline, f"{len(packets)} packets of {n}"
            packets += self.read() or []
        return packets

    def counters(self):
        return self._ask("counters")

    def play(self, interface, frames, rate):
        """Send these frames over and over, in place of those played so far.

        Args:
            interface: To send on.
            frames: In turn; none: silence.
            rate: Of them all [1/s].
        """
        self._ask("play", interface, [frame.hex() for frame in frames], rate)

    def look(self, interface, *, send=None, **options):
        """What a look before a walk says, as JSON, and the codes of its findings.

        Args:
            interface: To look at.
            send: Meanwhile on another: pairs of a frame and how often per second.
            options: Of `_Desk.look`.
        """
        hexed = {
            name: [(frame.hex(), rate) for frame, rate in frames]
            for name, frames in (send or {}).items()
        }
        report = self._ask("look", interface, hexed, options)
        return report | {"codes": [f["code"] for f in report["findings"]]}

    def stop(self):
        self._process.stdin.close()
        self._process.wait(_PATIENCE_S)
        self._process.stdout.close()

    def _ask(self, *request):
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise CaptureError(answer["error"])
        return answer["result"]


def make_cable(station, one, other):
    """Wire two new interfaces of the namespace to each other."""
    station.ip("link", "add", one, "type", "veth", "peer", "name", other)
    for name in (one, other):
        # Without IPv6, nobody but the test sends anything.
        station.ip("link", "set", name, "addrgenmode", "none", "mtu", "3000", "up")


@contextlib.contextmanager
def in_a_namespace():
    """A process in a network namespace in which ``throw0`` is wired to ``catch0``."""
    if os.geteuid() != 0:
        pytest.skip("needs root for a network namespace")
    find_program("ip")
    namespace = f"metaloc-{os.getpid()}-{secrets.token_hex(2)}"
    made = subprocess.run(["ip", "netns", "add", namespace], capture_output=True)
    if made.returncode:
        pytest.skip(f"needs network namespaces: {made.stderr.decode().strip()}")
    try:
        station = Station(namespace, ROOT)
        make_cable(station, "catch0", "throw0")
        yield station
        station.stop()
    finally:
        subprocess.run(["ip", "netns", "delete", namespace], check=True)


class _Desk:
    """Carries requests out."""

    def __init__(self):
        self._capture = self._monitor = self._link_type = self._player = None

    def open(self, interface, buffer_frames, as_nobody, link_types):
        self._capture = LiveCapture(
            interface, buffer_frames=buffer_frames, link_types=tuple(link_types)
        )
        if as_nobody:
            os.seteuid(NOBODY)
        try:
            self._capture.__enter__()
        finally:
            os.seteuid(0)

    def close(self):
        self._capture.__exit__(None, None, None)

    def read(self, at_least, timeout_s):
        raw = self._capture.read(at_least=at_least, timeout_s=timeout_s)
        if raw is None:
            return None
        self._link_type = raw.link_type
        ends = np.asarray(raw.offsets) + raw.lengths
        return [
            (raw.data[start:end].tobytes().hex(), time_ns)
            for start, end, time_ns in zip(
                raw.offsets.tolist(), ends.tolist(), raw.time_ns.tolist(), strict=True
            )
        ]

    def link_type(self):
        return self._link_type

    def make_monitor(self, name, kind):
        self._monitor = os.open("/dev/net/tun", os.O_RDWR)
        request = struct.pack("16sH14x", name.encode(), _IFF_TAP | _IFF_NO_PI)
        fcntl.ioctl(self._monitor, _TUNSETIFF, request)
        fcntl.ioctl(self._monitor, _TUNSETLINK, kind)

    def send_on_monitor(self, frames):
        for frame in frames:
            os.write(self._monitor, bytes.fromhex(frame))

    def remove_monitor(self):
        os.close(self._monitor)

    def counters(self):
        counters = self._capture.counters
        return {
            "received": counters.received,
            "dropped_by_kernel": counters.dropped_by_kernel,
            "dropped_by_agent": counters.dropped_by_agent,
        }

    def play(self, interface, frames, rate):
        if self._player is not None:
            thread, stopped = self._player
            stopped.set()
            thread.join()
            self._player = None
        if frames:
            stopped = threading.Event()
            playing = (interface, frames, rate, stopped)
            thread = threading.Thread(target=_keep_sending, args=playing, daemon=True)
            thread.start()
            self._player = thread, stopped

    def look(self, interface, send, options):
        stopped = threading.Event()
        threads = [
            threading.Thread(target=_keep_sending, args=(name, [frame], rate, stopped))
            for name, frames in send.items()
            for frame, rate in frames
        ]
        if delay := options.pop("set_down_after_s", 0):
            down = ["ip", "link", "set", interface, "down"]
            threads.append(threading.Timer(delay, subprocess.run, [down]))
        for thread in threads:
            thread.start()
        try:
            return _look(interface, **options)
        finally:
            stopped.set()
            for thread in threads:
                thread.join()

    def send(self, interface, frames):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((interface, 0))
            for frame in frames:
                sock.send(bytes.fromhex(frame))


def _keep_sending(interface, frames, rate, stopped):
    parts = itertools.cycle(bytes.fromhex(frame) for frame in frames)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((interface, 0))
        due = time.monotonic()
        while not stopped.wait(due - time.monotonic()):
            with contextlib.suppress(OSError):  # the interface is down
                sock.send(next(parts))
            due += 1 / rate


def _look(
    interface, *, n_packets=10, expect=(), chanspecs=(), listen_s=0.3, as_nobody=False
):
    channels = tuple(
        Channel(mac, 0, FrameFormat(64, Phy.LEGACY, 1, overwritten=True), has_rssi=True)
        for mac in expect
    )
    spec = ImageSpec(n_packets=n_packets, n_tones=16, n_channels=2)
    if as_nobody:
        os.seteuid(NOBODY)
    try:
        report = run_preflight(
            LiveSource(interface, 1024),
            Expectation(spec, channels, frozenset(chanspecs)),
            folder=Path("/var/tmp"),
            listen_s=listen_s,
        )
    finally:
        os.seteuid(0)
    return report.to_json()


def _serve():
    desk = _Desk()
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            answer = {"result": getattr(desk, name)(*arguments)}
        except CaptureError as error:
            answer = {"error": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
