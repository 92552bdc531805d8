"""Access points of a small site on the air: a named pipe that somebody fills."""

import contextlib
import os
import threading
import time

from edge_agent.pcap_writer import pcap_head, pcap_records
from tests.edge_agent.sites import REAL, packets_at, raw_frames_of

_PERIOD_S = 0.01
_N = 400


class Air:
    """Frames of all transmitters as they are heard at a place, now."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        self.place = 0
        """Where the device is: any number, as of `packets_at`."""
        self.is_silent = False
        self._stop = threading.Event()
        # Both ends at once, so that opening waits for nobody.
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        os.write(self._pipe, pcap_head(1))
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def plug_in(self):
        """Begin anew for the next reader: what the one before left is gone."""
        was_silent, self.is_silent = self.is_silent, True
        time.sleep(3 * _PERIOD_S)
        with contextlib.suppress(BlockingIOError):
            while os.read(self._pipe, 1 << 16):
                pass
        os.write(self._pipe, pcap_head(1))
        self.is_silent = was_silent

    def unplug(self):
        """End, as a phone does whose cable is pulled."""
        self._stop.set()
        self._thread.join()
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    close = unplug

    def _send(self):
        packets = {}
        number = 0
        while not self._stop.wait(_PERIOD_S):
            if self.is_silent:
                continue
            if self.place not in packets:
                found = packets_at(self.place, n=_N)
                packets[self.place] = [packet for _, packet in found]
            known = packets[self.place]
            now_us = time.time_ns() // 1000
            batch = [
                (now_us + n, known[(number + n) % len(known)]) for n in range(len(REAL))
            ]
            number += len(REAL)
            try:
                os.write(self._pipe, pcap_records(raw_frames_of(batch)))
            except BlockingIOError:  # nobody reads just now
                continue
