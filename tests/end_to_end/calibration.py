"""``edge_agent calibrate --json`` as a process, and the air that it hears."""

import itertools
import json
import os
import queue
import subprocess
import sys
import threading
import time

from tests.builders import pcap_header, pcap_record
from tests.conftest import ROOT
from tests.edge_agent.sites import REAL, packets_at

_NANOSECONDS = 0xA1B23C4D
_PATIENCE_S = 30.0

SITE_TOML = """\
[[point]]
name = "kitchen"
room = "kitchen"
x = 0.0
y = 0.0

[[point]]
name = "office"
room = "office"
x = 3.0
y = 0.0
"""


def frames_at(place, *, macs=REAL, n=100):
    """Frames of the transmitters in turn, as a device at a place hears them."""
    return [packet for _, packet in packets_at(place, n=n, macs=macs)]


class Air:
    """Writes frames into a named pipe as they would be captured, until closed."""

    def __init__(self, pipe, *, rate=200.0):
        """Begin with silence.

        Args:
            pipe: Is made.
            rate: Frames per second of all transmitters together.
        """
        os.mkfifo(pipe)
        self._pipe, self._rate = pipe, rate
        self._frames = None
        self.clock_is_off_s = 0.0
        """By how much the clock of what captures is ahead [s]."""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def play(self, frames, *, rate=None):
        """From now on these frames, over and over."""
        self._rate = rate or self._rate
        self._frames = itertools.cycle(frames)

    def close(self):
        self._stopped.set()
        self._thread.join()

    def _write(self):
        try:
            while not self._stopped.is_set():
                self._write_to_one_reader()
        except FileNotFoundError:  # the test is over
            return

    def _write_to_one_reader(self):
        descriptor = self._open()
        if descriptor is None:
            return
        try:
            os.write(descriptor, pcap_header(magic=_NANOSECONDS))
            due = time.monotonic()
            while not self._stopped.wait(max(0.0, due - time.monotonic())):
                if self._frames is not None:
                    now = time.time() + self.clock_is_off_s
                    os.write(
                        descriptor,
                        pcap_record(
                            next(self._frames),
                            seconds=int(now),
                            fraction=int(now % 1 * 1e9),
                        ),
                    )
                due += 1 / self._rate
        except BrokenPipeError:
            pass
        finally:
            os.close(descriptor)

    def _open(self):
        """The pipe once somebody reads it; opening to write would block till then."""
        while not self._stopped.wait(0.01):
            try:
                descriptor = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
            except BlockingIOError:
                continue
            except OSError:  # nobody reads
                continue
            os.set_blocking(descriptor, True)
            return descriptor
        return None


class Calibration:
    """The command, as a page that drives it sees it."""

    def __init__(self, *arguments, command=(sys.executable,)):
        """Start it.

        Args:
            arguments: Behind ``edge_agent calibrate --json``.
            command: What runs Python.
        """
        self._process = subprocess.Popen(
            [*command, "-m", "edge_agent", "calibrate", "--json", *map(str, arguments)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, *kinds):
        """The next event of one of these kinds.

        Raises:
            AssertionError: It ended before, or takes too long.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                line = self._lines.get(timeout=deadline - time.monotonic())
            except (queue.Empty, ValueError):
                raise AssertionError(f"no {kinds} in {_PATIENCE_S:.0f} s") from None
            assert line is not None, f"ended: {self._process.stderr.read()}"
            event = json.loads(line)
            if event["event"] in kinds:
                return event

    def says(self, command):
        self._process.stdin.write(json.dumps({"command": command}) + "\n")
        self._process.stdin.flush()

    def shoots(self):
        """Take the shot that is asked for; how it was judged."""
        self.says("shoot")
        return self.until("judged")

    def ends(self):
        """Exit code and what it said on standard error, once it has ended."""
        self._process.stdin.close()
        self._process.wait(_PATIENCE_S)
        self._reader.join()
        self._process.stdout.close()
        with self._process.stderr as stream:
            return self._process.returncode, stream.read()

    def kill(self):
        """End it at once, unless it has ended."""
        if self._process.returncode is None:
            self._process.kill()
            self.ends()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)
