"""find_udp_payload against packets put together by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi.link import find_udp_payload
from edge_agent.csi.raw import (
    CSI_LINK_TYPES,
    LINK_80211,
    LINK_ETHERNET,
    LINK_RAW_IP,
    LINK_SLL,
    LINK_SLL2,
)
from edge_agent.csi.refusal import Refusal
from tests.builders import ethernet, ipv4, linux_cooked, linux_cooked_2, udp

PAYLOAD = b"the payload, 24 bytes..."
VLAN, PROVIDER_VLAN, OLD_QINQ = 0x8100, 0x88A8, 0x9100
FRAMINGS = {LINK_ETHERNET: ethernet, LINK_SLL: linux_cooked, LINK_SLL2: linux_cooked_2}


def framed(packet, link_type):
    return FRAMINGS.get(link_type, bytes)(packet)


def located(packet, link_type=LINK_ETHERNET):
    """The payload that is found."""
    verdict = find_udp_payload(packet, link_type)
    assert verdict.refusal is None, verdict
    return packet[verdict.examined : verdict.examined + verdict.length]


def refusal(packet, link_type=LINK_ETHERNET):
    return find_udp_payload(packet, link_type).refusal


@pytest.mark.parametrize("link_type", CSI_LINK_TYPES)
def test_the_payload_is_found_behind_every_link_header(link_type):
    packet = framed(ipv4(udp(PAYLOAD)), link_type)

    verdict = find_udp_payload(packet, link_type)

    assert verdict == (packet.index(PAYLOAD), len(PAYLOAD), None)


@pytest.mark.parametrize("trailer", [b"\0\0\0\0", b"\xff", b"NEXMON" * 9])
@pytest.mark.parametrize("link_type", CSI_LINK_TYPES)
def test_bytes_behind_the_ip_packet_do_not_count(link_type, trailer):
    packet = framed(ipv4(udp(PAYLOAD)), link_type) + trailer

    assert located(packet, link_type) == PAYLOAD


@pytest.mark.parametrize(
    "tags",
    [(VLAN,), (PROVIDER_VLAN,), (OLD_QINQ,), (VLAN, VLAN), (PROVIDER_VLAN, VLAN)],
)
def test_up_to_two_vlan_tags_are_skipped(tags):
    assert located(ethernet(ipv4(udp(PAYLOAD)), tags=tags)) == PAYLOAD


@pytest.mark.parametrize("n_tags", [3, 60])
def test_more_than_two_vlan_tags_are_not_followed(n_tags):
    packet = ethernet(ipv4(udp(PAYLOAD)), tags=(VLAN,) * n_tags)

    assert refusal(packet) is Refusal.NOT_IPV4


@pytest.mark.parametrize("n_options", [1, 2, 10])
def test_ip_options_shift_the_payload(n_options):
    packet = ethernet(ipv4(udp(PAYLOAD), options=b"\x01\x01\x01\0" * n_options))

    assert located(packet) == PAYLOAD


def test_do_not_fragment_is_no_fragment():
    assert located(ethernet(ipv4(udp(PAYLOAD), fragment=0x4000))) == PAYLOAD


def test_the_source_port_does_not_matter():
    assert located(ethernet(ipv4(udp(PAYLOAD, source_port=1)))) == PAYLOAD


@pytest.mark.parametrize(("length", "n_bytes"), [(8, 0), (9, 1), (31, 23)])
def test_the_udp_length_decides_where_the_ip_packet_is_longer(length, n_bytes):
    packet = ethernet(ipv4(udp(PAYLOAD, length=length)))

    assert located(packet) == PAYLOAD[:n_bytes]


def test_an_empty_payload_is_a_payload():
    assert located(ethernet(ipv4(udp(b"")))) == b""


LIES = {
    "nothing": (b"", Refusal.EMPTY),
    "IPv6": (ethernet(ipv4(udp(PAYLOAD)), protocol=0x86DD), Refusal.NOT_IPV4),
    "ARP": (ethernet(bytes(28), protocol=0x0806), Refusal.NOT_IPV4),
    "802.3 length": (ethernet(bytes(38), protocol=38), Refusal.NOT_IPV4),
    "VLAN, then IPv6": (
        ethernet(ipv4(udp(PAYLOAD)), tags=(VLAN,), protocol=0x86DD),
        Refusal.NOT_IPV4,
    ),
    "VLAN, then ARP": (
        ethernet(b"", tags=(VLAN,), protocol=0x0806),
        Refusal.NOT_IPV4,
    ),
    "IP version 5": (ethernet(ipv4(udp(PAYLOAD), version=5)), Refusal.NOT_IPV4),
    "IP version 0": (ethernet(ipv4(udp(PAYLOAD), version=0)), Refusal.NOT_IPV4),
    "IP header of 16 bytes": (
        ethernet(ipv4(udp(PAYLOAD), header_words=4)),
        Refusal.BAD_IP_HEADER,
    ),
    "IP header longer than the packet": (
        ethernet(ipv4(udp(PAYLOAD), header_words=15)),
        Refusal.BAD_IP_HEADER,
    ),
    "IP length 0": (
        ethernet(ipv4(udp(PAYLOAD), total_length=0)),
        Refusal.BAD_IP_HEADER,
    ),
    "IP length below the header": (
        ethernet(ipv4(udp(PAYLOAD), total_length=19)),
        Refusal.BAD_IP_HEADER,
    ),
    "IP length without room for UDP": (
        ethernet(ipv4(udp(PAYLOAD), total_length=27)),
        Refusal.BAD_IP_HEADER,
    ),
    "IP length beyond the capture": (
        ethernet(ipv4(udp(PAYLOAD), total_length=53)),
        Refusal.TRUNCATED,
    ),
    "first fragment": (
        ethernet(ipv4(udp(PAYLOAD), fragment=0x2000)),
        Refusal.FRAGMENT,
    ),
    "second fragment": (
        ethernet(ipv4(udp(PAYLOAD), fragment=0x2001)),
        Refusal.FRAGMENT,
    ),
    "last fragment": (
        ethernet(ipv4(udp(PAYLOAD), fragment=0x1FFF)),
        Refusal.FRAGMENT,
    ),
    "TCP": (ethernet(ipv4(udp(PAYLOAD), protocol=6)), Refusal.NOT_UDP),
    "ICMP": (ethernet(ipv4(bytes(4), protocol=1)), Refusal.NOT_UDP),
    "IP header and nothing else": (ethernet(ipv4(b"", protocol=1)), Refusal.NOT_UDP),
    "port 5501": (ethernet(ipv4(udp(PAYLOAD, port=5501))), Refusal.OTHER_PORT),
    "only the source port": (
        ethernet(ipv4(udp(PAYLOAD, port=53))),
        Refusal.OTHER_PORT,
    ),
    "foreign MAC": (
        ethernet(ipv4(udp(PAYLOAD)), source=b"NEXMOM"),
        Refusal.SPOOFED,
    ),
    "foreign address": (
        ethernet(ipv4(udp(PAYLOAD), source=bytes([10, 10, 10, 11]))),
        Refusal.SPOOFED,
    ),
    "UDP length 0": (ethernet(ipv4(udp(PAYLOAD, length=0))), Refusal.BAD_UDP_LENGTH),
    "UDP length 7": (ethernet(ipv4(udp(PAYLOAD, length=7))), Refusal.BAD_UDP_LENGTH),
    "UDP length 1 too much": (
        ethernet(ipv4(udp(PAYLOAD, length=33))),
        Refusal.BAD_UDP_LENGTH,
    ),
    "UDP length into the trailer": (
        ethernet(ipv4(udp(PAYLOAD, length=36))) + bytes(4),
        Refusal.BAD_UDP_LENGTH,
    ),
    "UDP length 65535": (
        ethernet(ipv4(udp(PAYLOAD, length=0xFFFF))),
        Refusal.BAD_UDP_LENGTH,
    ),
}


@pytest.mark.parametrize(("packet", "reason"), LIES.values(), ids=LIES)
def test_every_lie_is_called_by_its_name(packet, reason):
    assert refusal(packet) is reason


@pytest.mark.parametrize("reason", [Refusal.OTHER_PORT, Refusal.SPOOFED])
def test_foreign_datagrams_are_judged_by_their_headers_alone(reason):
    """So that one verdict serves all packets of a stream, whatever they carry."""
    packets = [packet for packet, why in LIES.values() if why is reason]

    assert {find_udp_payload(packet, LINK_ETHERNET).examined for packet in packets} == {
        14 + 20 + 8
    }


@pytest.mark.parametrize("link_type", [LINK_SLL, LINK_SLL2])
def test_the_sender_is_checked_on_cooked_links(link_type):
    packet = FRAMINGS[link_type](ipv4(udp(PAYLOAD)), source=b"\x02\0\0\0\0\1")

    assert refusal(packet, link_type) is Refusal.SPOOFED


@pytest.mark.parametrize("link_type", LINK_RAW_IP)
def test_the_sender_address_is_checked_without_a_link_header(link_type):
    assert refusal(ipv4(udp(PAYLOAD), source=bytes(4)), link_type) is Refusal.SPOOFED


@pytest.mark.parametrize("link_type", [*LINK_80211, 0, 147, 65535])
def test_other_link_types_are_refused_without_looking(link_type):
    verdict = find_udp_payload(ethernet(ipv4(udp(PAYLOAD))), link_type)

    assert verdict == (0, 0, Refusal.LINK_TYPE)


@pytest.mark.parametrize("link_type", CSI_LINK_TYPES)
def test_a_packet_cut_anywhere_is_refused(link_type):
    packet = framed(ipv4(udp(PAYLOAD), options=bytes(4)), link_type)

    refusals = [refusal(packet[:n], link_type) for n in range(len(packet))]

    assert refusals == [Refusal.EMPTY] + [Refusal.TRUNCATED] * (len(packet) - 1)


@pytest.mark.parametrize("n_tags", [1, 2])
def test_a_packet_cut_inside_its_vlan_tags_is_refused(n_tags):
    packet = ethernet(ipv4(udp(PAYLOAD)), tags=(VLAN,) * n_tags)

    for size in range(14, 14 + 4 * n_tags):
        assert refusal(packet[:size]) is Refusal.TRUNCATED


# -- whatever the bytes are ------------------------------------------------------------

DAMAGE = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 255)), max_size=3)


@st.composite
def damaged_datagrams(draw):
    """A good datagram, a few bytes changed, cut or with a trailer."""
    link_type = draw(st.sampled_from(CSI_LINK_TYPES))
    tags = draw(st.lists(st.sampled_from([VLAN, PROVIDER_VLAN]), max_size=3))
    inner = ipv4(udp(PAYLOAD), options=bytes(4 * draw(st.integers(0, 2))))
    if link_type == LINK_ETHERNET:
        packet = bytearray(ethernet(inner, tags=tags))
    else:
        packet = bytearray(framed(inner, link_type))
    for position, value in draw(DAMAGE):
        packet[position % len(packet)] = value
    size = draw(st.integers(0, len(packet)) | st.just(len(packet)))
    return bytes(packet[:size]) + draw(st.binary(max_size=6)), link_type


ANYTHING = st.tuples(st.binary(max_size=90), st.integers(0, 300)) | damaged_datagrams()


@settings(max_examples=500, deadline=None)
@given(ANYTHING)
def test_no_bytes_make_it_raise_or_point_beyond_the_packet(captured):
    packet, link_type = captured

    verdict = find_udp_payload(packet, link_type)

    assert 0 <= verdict.examined <= len(packet)
    assert 0 <= verdict.length <= len(packet) - verdict.examined
    assert verdict.refusal is None or verdict.length == 0


@settings(max_examples=500, deadline=None)
@given(ANYTHING, st.data())
def test_bytes_that_were_not_examined_do_not_matter(captured, data):
    packet, link_type = captured
    verdict = find_udp_payload(packet, link_type)
    n_rest = len(packet) - verdict.examined

    rest = data.draw(st.binary(min_size=n_rest, max_size=n_rest))

    assert find_udp_payload(packet[: verdict.examined] + rest, link_type) == verdict
