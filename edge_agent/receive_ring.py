"""A ring of packet buffers that the kernel fills many at a time: recvmmsg(2).

One call takes up to a few hundred packets with their kernel time stamps and touches no
Python object per packet. Every slot has its own message header for good, pointing at
its own bytes; lengths and times are read out of those headers, vectorised, by whoever
takes the packets.
"""

import ctypes
import os
import socket

import numpy as np
import numpy.typing as npt

from edge_agent.csi.raw import RawFrames

SLOT_BYTES = 1536
"""More than any CSI datagram (1184 bytes with VLAN tags and IP options); of a beacon
only the first bytes count."""

_ADDRESS_BYTES = 20  # struct sockaddr_ll
_PACKET_TYPE_AT = 10
_OUTGOING = 4
_CONTROL_BYTES = 64
_LONG = np.dtype(ctypes.c_long)


class _IoVector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """struct msghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("n_vectors", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("header", _Header), ("length", ctypes.c_uint))


class _TimeStamp(ctypes.Structure):
    """The one control message: struct cmsghdr, then struct timespec."""

    _fields_ = (
        ("length", ctypes.c_size_t),
        ("level", ctypes.c_int),
        ("kind", ctypes.c_int),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


class ReceiveRing:
    """Slots for packets; which of them are in use is the caller's business."""

    def __init__(self, n_slots: int) -> None:
        self.n_slots = n_slots
        self._packets = np.zeros((n_slots, SLOT_BYTES), np.uint8)
        self._addresses = np.zeros((n_slots, _ADDRESS_BYTES), np.uint8)
        self._controls = np.zeros((n_slots, _CONTROL_BYTES), np.uint8)
        self._vectors = (_IoVector * n_slots)()
        self._messages = (_Message * n_slots)()
        for slot in range(n_slots):
            vector, header = self._vectors[slot], self._messages[slot].header
            vector.base = self._packets.ctypes.data + slot * SLOT_BYTES
            vector.length = SLOT_BYTES
            header.name = self._addresses.ctypes.data + slot * _ADDRESS_BYTES
            header.vectors = ctypes.addressof(vector)
            header.n_vectors = 1
            header.control = self._controls.ctypes.data + slot * _CONTROL_BYTES
        self._name_lengths = self._column(_Header.name_length.offset, np.uint32)
        self._control_lengths = self._column(_Header.control_length.offset, np.uintp)
        self._lengths = self._column(_Message.length.offset, np.uint32)
        self._seconds = self._time_column(_TimeStamp.seconds.offset)
        self._nanoseconds = self._time_column(_TimeStamp.nanoseconds.offset)
        self._recvmmsg = ctypes.CDLL(None, use_errno=True).recvmmsg

    def _column(
        self, offset: int, dtype: npt.DTypeLike
    ) -> npt.NDArray[np.unsignedinteger]:
        """Return one field of all message headers, as a view."""
        headers = np.frombuffer(memoryview(self._messages).cast("B"), np.uint8)
        size = ctypes.sizeof(_Message)
        return np.ndarray((self.n_slots,), dtype, headers, offset, (size,))

    def _time_column(self, offset: int) -> npt.NDArray[np.signedinteger]:
        """Return one field of all time stamps, as a view."""
        return np.ndarray(
            (self.n_slots,), _LONG, self._controls, offset, (_CONTROL_BYTES,)
        )

    def receive(self, sock: socket.socket, first: int, limit: int) -> int:
        """Fill slots with what the kernel has, without waiting; return how many.

        Args:
            sock: A packet socket with SO_TIMESTAMPNS and no other ancillary data.
            first: The first slot to fill; the ring's end is not crossed.
            limit: Slots that may be filled.

        Raises:
            OSError: The socket failed, e.g. because the interface went down.
        """
        n = min(limit, self.n_slots - first)
        slots = slice(first, first + n)
        self._name_lengths[slots] = _ADDRESS_BYTES
        self._control_lengths[slots] = _CONTROL_BYTES
        n_received: int = self._recvmmsg(
            sock.fileno(),
            ctypes.byref(self._messages, first * ctypes.sizeof(_Message)),
            n,
            socket.MSG_DONTWAIT,
            None,
        )
        if n_received >= 0:
            return n_received
        error = ctypes.get_errno()
        if error == socket.EAGAIN:
            return 0
        raise OSError(error, os.strerror(error))

    def copy(self, first: int, n: int, link_type: int) -> RawFrames:
        """Return copies of packets; outgoing ones are left out.

        Args:
            first: Slot of the first.
            n: Slots, on beyond the ring's end from its start.
            link_type: What packets of the interface begin with.
        """
        slots: slice | npt.NDArray[np.intp] = slice(first, first + n)
        if first + n > self.n_slots:
            slots = np.arange(first, first + n) % self.n_slots
        incoming = self._addresses[slots, _PACKET_TYPE_AT] != _OUTGOING
        if not incoming.all():
            slots = (first + np.flatnonzero(incoming)) % self.n_slots
        # A longer packet is cut, and its length says so: then it is no CSI frame, and
        # of a beacon it is enough.
        lengths = np.minimum(self._lengths[slots], SLOT_BYTES).astype(np.int64)
        times = self._seconds[slots].astype(np.int64) * 1_000_000_000
        times += self._nanoseconds[slots]
        longest = int(lengths.max(initial=0))
        uniform = len(lengths) > 0 and longest == int(lengths.min())
        return RawFrames(
            self._packets[slots, :longest].flatten(),
            np.arange(len(lengths), dtype=np.int64) * longest,
            lengths,
            times,
            link_type,
            longest if uniform else None,
        )
