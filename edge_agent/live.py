"""Capture frames from an interface. The only module that imports scapy (GPL-2.0-only).

    kernel filter  ->  socket buffer (4 MB)  ->  capture thread
                   ->  receive_ring.py       ->  `LiveCapture.read`

The filter passes CSI, which is UDP to port 5500; on an interface in monitor mode,
beacons and probe responses, whose radiotap headers tell their power.

scapy opens the packet socket and finds the interface. Packets are then taken from it
raw, many per wake-up, with the kernel's time stamps: dissecting each would cost a
hundred times the CPU. The default socket buffer of 64 KiB holds 103 frames, a tenth of
a second at a thousand per second; that is what loses frames elsewhere.
"""

import ctypes
import errno
import logging
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from edge_agent.csi.link import CSI_PORT
from edge_agent.csi.raw import (
    CSI_LINK_TYPES,
    LINK_ETHERNET,
    LINK_RADIOTAP,
    RawFrames,
)
from edge_agent.errors import CaptureError
from edge_agent.interface import interface_names, read_interface
from edge_agent.pacer import Pacer
from edge_agent.preflight.finding import Severity
from edge_agent.preflight.interface import check_interface, no_permission
from edge_agent.receive_ring import ReceiveRing

_SOCKET_BUFFER = 4 << 20
_LONGEST_WAIT_MS = 200
_BATCH = 256
"""Packets taken from the kernel between two looks at the reader."""

_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_PACKET_AUXDATA = 8

# Classic BPF, as `tcpdump -ddd "ip and udp dst port 5500"` compiles it for Ethernet; a
# test compares the two. Fixed, so that no libpcap is needed on the device.
_CSI_FILTER = (
    (0x28, 0, 0, 12),  # ldh [12]: EtherType
    (0x15, 0, 8, 0x0800),  # IPv4, else reject
    (0x30, 0, 0, 23),  # ldb [23]: protocol
    (0x15, 0, 6, 17),  # UDP, else reject
    (0x28, 0, 0, 20),  # ldh [20]: fragment offset
    (0x45, 4, 0, 0x1FFF),  # reject later fragments
    (0xB1, 0, 0, 14),  # ldxb 4*([14]&0xf): IP header length
    (0x48, 0, 0, 16),  # ldh [x + 16]: destination port
    (0x15, 0, 1, CSI_PORT),  # else reject
    (0x06, 0, 0, 262144),  # accept
    (0x06, 0, 0, 0),  # reject
)

# The same for "type mgt subtype beacon or type mgt subtype probe-resp" behind a
# radiotap header, whose length varies.
_BEACON_FILTER = (
    (0x30, 0, 0, 3),  # ldb [3]: length of the header, high byte
    (0x64, 0, 0, 8),  # lsh #8
    (0x07, 0, 0, 0),  # tax
    (0x30, 0, 0, 2),  # ldb [2]: low byte
    (0x4C, 0, 0, 0),  # or x
    (0x07, 0, 0, 0),  # tax
    (0x50, 0, 0, 0),  # ldb [x + 0]: frame control
    (0x15, 1, 0, 0x80),  # beacon
    (0x15, 0, 1, 0x50),  # probe response, else reject
    (0x06, 0, 0, 262144),  # accept
    (0x06, 0, 0, 0),  # reject
)


@dataclass(slots=True)
class CaptureCounters:
    """What was lost on the way, since the capture began."""

    received: int = 0
    """Packets taken from the kernel."""

    dropped_by_kernel: int = 0
    """Packets for which the socket buffer had no room."""

    dropped_by_agent: int = 0
    """Oldest packets that were overwritten because the agent was busy."""


class LiveCapture:
    """Packets of an interface, while entered."""

    def __init__(
        self,
        interface: str,
        *,
        buffer_frames: int = 8192,
        link_types: tuple[int, ...] = CSI_LINK_TYPES,
    ) -> None:
        """Choose the interface; it is opened on entry.

        Args:
            interface: For example ``wlan0``.
            buffer_frames: Packets kept while the agent is busy.
            link_types: Those that are asked for; an interface of others is refused.
        """
        self.name = interface
        self._link_types = link_types
        self.counters = CaptureCounters()
        self._ring = ReceiveRing(max(buffer_frames, 2 * _BATCH))
        # Packets written and taken (or dropped) since both were last the same. Slots
        # between the two belong to the reader, the others to the capture thread.
        self._written = self._read = 0
        self._arrival = threading.Condition()
        self._wanted = 1
        self._failure: str | None = None
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        """Open the interface and start to capture.

        Raises:
            CaptureError: No such interface, it is down, in monitor mode where CSI is
                asked for, or no permission.
        """
        self._link_type = _link_type(self.name, self._link_types)
        self._listener = _open_socket(self.name, self._link_type)
        self._socket: socket.socket = self._listener.ins
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._count_kernel_drops()
        self._listener.close()

    def read(self, *, at_least: int = 1, timeout_s: float = 0.05) -> RawFrames | None:
        """Return all packets that arrived since the last call.

        Args:
            at_least: Wait for so many, but not longer than ``timeout_s``: who needs
                several packets for the next step should not be woken for each.
            timeout_s: Longest wait [s].

        Returns:
            None when nothing arrived in time.

        Raises:
            CaptureError: The interface went away.
        """
        deadline = time.monotonic() + timeout_s
        with self._arrival:
            self._wanted = max(1, min(at_least, self._ring.n_slots // 2))
            while self._written - self._read < self._wanted and self._failure is None:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    break
                self._arrival.wait(remaining)
            if self._written == self._read:
                if self._failure is not None:
                    raise CaptureError(self._failure)
                return None
            return self._take()

    def _take(self) -> RawFrames:
        n = self._written - self._read
        raw = self._ring.copy(self._read % self._ring.n_slots, n, self._link_type)
        self._read = self._written
        return raw

    # -- capture thread ----------------------------------------------------------------

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        next_count, has_rested = 0.0, False
        pacer = Pacer(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
        while not self._stopping.is_set():
            try:
                if has_rested or poll.poll(_LONGEST_WAIT_MS):
                    n_drained = self._drain()
                    pacer.count(n_drained)
                    missing = self._wanted - (self._written - self._read)
                    # Who has what it wanted will want as much again.
                    has_rested = pacer.rest(missing if missing > 0 else self._wanted)
            except OSError as error:
                with self._arrival:
                    self._failure = _failure(self.name, error)
                    self._arrival.notify()
                return
            if time.monotonic() >= next_count:
                self._count_kernel_drops()
                next_count = time.monotonic() + 1

    def _drain(self) -> int:
        """Move what the kernel has into the ring; return how many packets."""
        n_drained, n_slots = 0, self._ring.n_slots
        while True:
            with self._arrival:
                if self._read == self._written:
                    # The first slots again: their memory is in the cache.
                    self._read = self._written = 0
                excess = self._written + _BATCH - self._read - n_slots
                if excess > 0:
                    self._read += excess
                    self.counters.dropped_by_agent += excess
            first = self._written % n_slots
            n_received = self._ring.receive(self._socket, first, _BATCH)
            n_drained += n_received
            self.counters.received += n_received
            is_empty = n_received < min(_BATCH, n_slots - first)
            with self._arrival:
                self._written += n_received
                waiting = self._written - self._read
                # In a flood, the reader would only fight for the interpreter.
                if waiting >= self._wanted and (is_empty or waiting > n_slots // 4):
                    self._arrival.notify()
            if is_empty or self._stopping.is_set():
                return n_drained

    def _count_kernel_drops(self) -> None:
        # Reading resets the kernel's counters.
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        self.counters.dropped_by_kernel += struct.unpack("II", statistics)[1]


def _failure(interface: str, error: OSError) -> str:
    """Return why a capture ended, and what to do."""
    if error.errno != errno.ENETDOWN:
        return f"interface {interface}: {error.strerror}"
    if interface in interface_names():
        return f"interface {interface}: went down: sudo ip link set {interface} up"
    return (
        f"interface {interface}: went down and is gone: was it unplugged, or its "
        "driver reloaded?"
    )


def _link_type(interface: str, link_types: tuple[int, ...]) -> int:
    """Return what an interface's packets begin with.

    Raises:
        CaptureError: There is no such interface, it is down, or it is not what is asked
            for.
    """
    names = interface_names()
    found = read_interface(interface, names=names)
    for finding in check_interface(
        interface, found, names=names, link_types=link_types
    ):
        if finding.severity is Severity.STOP:
            raise CaptureError(finding.sentence)
    is_monitor = found is not None and found.is_monitor
    return LINK_RADIOTAP if is_monitor else LINK_ETHERNET


def _open_socket(interface: str, link_type: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Return scapy's listening socket, filtered and with a large buffer."""
    # It would warn that it does not know how to dissect what it is not to dissect.
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
    from scapy.arch.linux import L2ListenSocket
    from scapy.error import Scapy_Exception

    try:
        listener = L2ListenSocket(iface=interface, promisc=False, nofilter=1)
    except PermissionError as error:
        raise CaptureError(no_permission(interface).sentence) from error
    except (OSError, Scapy_Exception) as error:
        raise CaptureError(f"cannot capture on {interface}: {error}") from error
    is_monitor = link_type == LINK_RADIOTAP
    _attach_filter(listener.ins, _BEACON_FILTER if is_monitor else _CSI_FILTER)
    _enlarge_buffer(listener.ins)
    # VLAN tags arrive stripped; without this the time stamp is the only ancillary data.
    listener.ins.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 0)
    return listener


def _attach_filter(
    sock: socket.socket, instructions: tuple[tuple[int, int, int, int], ...]
) -> None:
    """Have the kernel discard all packets but those that a filter passes."""
    program = b"".join(struct.pack("HBBI", *one) for one in instructions)
    buffer = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HL", len(instructions), ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, head)
    while True:  # what came before the filter was in place
        try:
            sock.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return


def _enlarge_buffer(sock: socket.socket) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _SOCKET_BUFFER)
    except PermissionError:  # without CAP_NET_ADMIN the system's limit holds
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER)
