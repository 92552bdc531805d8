"""The ring that the kernel fills, on an ordinary socket."""

import socket
import time

import pytest

from edge_agent.receive_ring import SLOT_BYTES, ReceiveRing
from tests.builders import packets_of

_SO_TIMESTAMPNS = 35


@pytest.fixture
def wire():
    """Two sockets; what is sent on the first arrives at the second, with its time."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        receiver.bind(("127.0.0.1", 0))
        sender.connect(receiver.getsockname())
        yield sender, receiver


def taken(ring, first, n=1):
    """(bytes, time [ns]) of the packets in ``n`` slots."""
    raw = ring.copy(first, n, 1)
    return [(data, time_ns) for data, time_ns, _ in packets_of([raw])]


def test_packets_are_received_many_at_a_time_with_their_times(wire):
    sender, receiver = wire
    ring = ReceiveRing(8)
    before = time.time_ns()
    for data in (b"one", b"", b"three"):
        sender.send(data)

    n_received = ring.receive(receiver, 0, 8)

    packets = taken(ring, 0, 3)
    assert n_received == 3
    assert [data for data, _ in packets] == [b"one", b"", b"three"]
    times = [time_ns for _, time_ns in packets]
    assert before <= times[0] <= times[1] <= times[2] <= time.time_ns()


def test_without_packets_it_does_not_wait(wire):
    assert ReceiveRing(8).receive(wire[1], 0, 8) == 0


def test_no_more_are_taken_than_asked_for(wire):
    sender, receiver = wire
    ring = ReceiveRing(8)
    for number in range(5):
        sender.send(bytes([number]))

    assert ring.receive(receiver, 2, 3) == 3
    assert ring.receive(receiver, 5, 3) == 2
    assert [data for data, _ in taken(ring, 2, 5)] == [
        bytes([number]) for number in range(5)
    ]


def test_the_end_of_the_ring_is_not_crossed(wire):
    sender, receiver = wire
    ring = ReceiveRing(4)
    for number in range(3):
        sender.send(bytes([number]))

    assert ring.receive(receiver, 3, 4) == 1
    assert ring.receive(receiver, 0, 4) == 2
    assert [data for data, _ in taken(ring, 3, 3)] == [b"\0", b"\1", b"\2"]


def test_a_slot_is_as_good_as_new_the_second_time(wire):
    sender, receiver = wire
    ring = ReceiveRing(1)
    sender.send(b"a long first packet")
    ring.receive(receiver, 0, 1)
    ((_, first_ns),) = taken(ring, 0)
    sender.send(b"short")
    ring.receive(receiver, 0, 1)

    ((data, second_ns),) = taken(ring, 0)

    assert data == b"short"
    assert second_ns > first_ns


def test_a_copy_stays_when_the_slot_is_used_again(wire):
    sender, receiver = wire
    ring = ReceiveRing(1)
    sender.send(b"first")
    ring.receive(receiver, 0, 1)
    copy = ring.copy(0, 1, 1)
    sender.send(b"second")
    ring.receive(receiver, 0, 1)

    assert [data for data, _, _ in packets_of([copy])] == [b"first"]


def test_a_copy_of_packets_that_fill_their_slots_stays_too(wire):
    sender, receiver = wire
    ring = ReceiveRing(1)
    sender.send(b"1" * SLOT_BYTES)
    ring.receive(receiver, 0, 1)
    copy = ring.copy(0, 1, 1)
    sender.send(b"2" * SLOT_BYTES)
    ring.receive(receiver, 0, 1)

    assert [data for data, _, _ in packets_of([copy])] == [b"1" * SLOT_BYTES]


@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("outgoing", [[], [1], [0, 2]])
def test_outgoing_packets_are_left_out_wherever_they_lie(wire, first, outgoing):
    sender, receiver = wire
    ring = ReceiveRing(4)
    for number in range(3):
        slot = (first + number) % 4
        sender.send(bytes([number]))
        assert ring.receive(receiver, slot, 1) == 1
        # struct sockaddr_ll: sll_pkttype is its eleventh byte, PACKET_OUTGOING is 4.
        ring._addresses[slot, 10] = 4 if number in outgoing else 0

    expected = [bytes([number]) for number in range(3) if number not in outgoing]
    assert [data for data, _ in taken(ring, first, 3)] == expected


def test_a_packet_longer_than_a_slot_is_cut(wire):
    sender, receiver = wire
    ring = ReceiveRing(2)
    sender.send(bytes(SLOT_BYTES - 1) + b"abc")
    sender.send(b"next")
    ring.receive(receiver, 0, 2)

    (long, _), (following, _) = taken(ring, 0, 2)

    assert long == bytes(SLOT_BYTES - 1) + b"a"
    assert following == b"next"


def test_packets_of_one_length_are_evenly_spaced(wire):
    sender, receiver = wire
    ring = ReceiveRing(4)
    for data in (b"one", b"two", b"three"):
        sender.send(data)
    ring.receive(receiver, 0, 4)

    equal, mixed = ring.copy(0, 2, 1), ring.copy(0, 3, 127)

    assert equal.stride == equal.offsets[1] - equal.offsets[0]
    assert mixed.stride is None
    assert (equal.link_type, mixed.link_type) == (1, 127)


def test_no_slots_are_no_packets():
    assert taken(ReceiveRing(2), 1, 0) == []


def test_a_socket_that_failed_says_why(wire):
    _, receiver = wire
    ring = ReceiveRing(2)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as unconnected,
        pytest.raises(OSError, match="Transport endpoint is not connected"),
    ):
        ring.receive(unconnected, 0, 2)

    assert ring.receive(receiver, 0, 2) == 0
