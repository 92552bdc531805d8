"""CaptureReader: what is a capture, what is none, and why."""

import pytest

from edge_agent.csi import CaptureFormatError, CaptureReader, Refusal
from tests.builders import (
    packets_of,
    pcap,
    pcap_header,
    pcap_record,
    pcapng_interface,
    pcapng_packet,
    pcapng_section,
)


def error(data):
    """What is said about data that is no capture."""
    reader = CaptureReader()
    with pytest.raises(CaptureFormatError) as caught:
        read(reader, data)
    return str(caught.value)


def read(reader, *chunks):
    raws = [raw for chunk in chunks for raw in reader.feed(chunk)]
    reader.finish()
    return packets_of(raws)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty: not even a capture header"),
        (b"\x1f\x8b" + bytes(30), "is gzip data: decompress it first (gunzip)"),
        (b"\x1f\x8b", "is gzip data: decompress it first (gunzip)"),
        (b"BZh91AY&SY" + bytes(30), "is bzip2 data: decompress it first (bunzip2)"),
        (b"\xfd7zXZ" + bytes(30), "is xz data: decompress it first (unxz)"),
        (b"\x28\xb5\x2f\xfd" + bytes(30), "is zstd data: decompress it first (unzstd)"),
        (b"PK\x03\x04" + bytes(30), "is a ZIP archive: unpack it first"),
        (
            pcap_header(magic=0xA1B2CD34),
            "is a modified pcap (Kuznetsov's format, no longer written)",
        ),
        (
            pcap_header(magic=0xA1B2CD34, order=">"),
            "is a modified pcap (Kuznetsov's format, no longer written)",
        ),
        (b"timestamp,x,y\r\n1,2.5,3.5\r\n", "is text ('timestamp,x,y"),
        (b"short", "is text ('short')"),
        (b"\x00" * 30, "starts with 00 00 00 00"),
        (b"\xd4\xc3", "starts with d4 c3"),
        (b"text, then \xff" + bytes(30), "starts with 74 65 78 74"),
    ],
    ids=repr,
)
def test_what_is_no_capture_is_called_what_it_is(data, message):
    assert error(data).startswith(message)


@pytest.mark.parametrize("size", [4, 23])
@pytest.mark.parametrize(
    "header", [pcap_header(), pcap_header(order=">"), pcapng_section()]
)
def test_a_header_that_ends_early_is_not_a_capture(header, size):
    assert error(header[:size]) == f"ends inside its header, after {size} bytes"


@pytest.mark.parametrize("link_type", [1, 12, 101, 113, 228, 276])
def test_link_types_that_can_carry_csi_are_read(link_type):
    assert read(CaptureReader(), pcap([b"one"], link_type=link_type)) == [
        (b"one", 0, link_type)
    ]


def test_bits_above_the_link_type_are_not_part_of_it():
    """They tell the length of a frame check sequence (pcap-savefile)."""
    header = pcap_header(link_type=0x2400_0001)

    ((_, _, link_type),) = read(CaptureReader(), header + pcap_record(b"one"))

    assert link_type == 1


@pytest.mark.parametrize("link_type", [105, 119, 127, 163])
def test_a_capture_of_a_monitor_interface_is_told_where_to_capture(link_type):
    assert error(pcap([], link_type=link_type)) == (
        f"link type {link_type} holds 802.11 frames, made on a monitor interface "
        "such as mon0; CSI arrives as UDP on wlan0: capture there"
    )


@pytest.mark.parametrize("link_type", [0, 147, 0xFFFF])
def test_other_link_types_are_refused_by_number(link_type):
    assert error(pcap([], link_type=link_type)).startswith(
        f"link type {link_type} cannot carry CSI; expected Ethernet (1)"
    )


@pytest.mark.parametrize(
    ("link_type", "message"), [(127, "802.11 frames"), (9, "link type 9 cannot carry")]
)
def test_pcapng_of_nothing_but_foreign_interfaces_is_refused_at_the_end(
    link_type, message
):
    data = pcapng_section() + pcapng_interface(link_type=link_type)
    reader = CaptureReader()

    assert reader.feed(data + pcapng_packet(b"beacon")) == []
    with pytest.raises(CaptureFormatError, match=message):
        reader.finish()
    assert reader.refused == {Refusal.LINK_TYPE: 1}


def test_pcapng_with_one_usable_packet_is_no_error():
    data = pcapng_section() + pcapng_interface(link_type=127) + pcapng_interface()
    data += pcapng_packet(b"beacon") + pcapng_packet(b"one", interface=1)

    assert read(CaptureReader(), data) == [(b"one", 0, 1)]


def test_who_asks_for_frames_with_radiotap_headers_gets_them_beside_csi():
    mixed = pcapng_section() + pcapng_interface(link_type=127) + pcapng_interface()
    mixed += pcapng_packet(b"beacon") + pcapng_packet(b"one", interface=1)

    assert read(CaptureReader((1, 127)), pcap([b"beacon"], link_type=127)) == [
        (b"beacon", 0, 127)
    ]
    assert read(CaptureReader((1, 127)), mixed) == [(b"beacon", 0, 127), (b"one", 0, 1)]


@pytest.mark.parametrize("link_type", [105, 9])
def test_they_are_told_what_says_nothing_of_received_power(link_type):
    with pytest.raises(
        CaptureFormatError,
        match=rf"link type {link_type} says nothing of received power; .* \(127, ",
    ):
        CaptureReader((1, 127)).feed(pcap([], link_type=link_type))


def test_before_the_header_is_complete_nothing_is_known():
    reader = CaptureReader()

    assert reader.feed(pcap_header()[:23]) == []
    assert reader.damage is None
    assert reader.comments == []
    assert not reader.refused


def test_a_capture_without_damage_says_so():
    reader = CaptureReader()

    packets = read(reader, pcap([b"one"])[:30], pcap([b"one"])[30:])

    assert packets == [(b"one", 0, 1)]
    assert reader.damage is None
    assert reader.comments == []


def test_bytes_left_over_at_the_end_are_damage():
    reader = CaptureReader()

    packets = read(reader, pcap([b"one", b"two"])[:-1])

    assert packets == [(b"one", 0, 1)]
    assert reader.damage == "ends in the middle of a packet (18 bytes of it)"


def test_nothing_is_read_behind_damage():
    reader = CaptureReader()
    damaged = pcap([b"one"]) + pcap_record(b"", length=0x7FFFFFFF)

    packets = read(reader, damaged, pcap_record(b"two"))

    assert packets == [(b"one", 0, 1)]
    assert reader.damage.startswith("a record claims 2147483647 bytes")


def test_nothing_is_read_after_the_end():
    reader = CaptureReader()
    read(reader, pcap([b"one"]))

    assert reader.feed(pcap_record(b"two")) == []
    reader.finish()
    assert reader.damage is None
