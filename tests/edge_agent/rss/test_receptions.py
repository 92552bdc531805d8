"""Received power from both kinds of packets."""

import numpy as np
import pytest

from edge_agent.csi.refusal import Refusal
from edge_agent.rss.receptions import (
    ReceptionDecoder,
    Receptions,
    format_address,
    parse_address,
)
from edge_agent.rss.refusal import RssRefusal
from tests.builders import Generation, csi_payload, datagram, raw_frames
from tests.edge_agent.rss.air import (
    AP,
    OTHER_AP,
    PROBE_REQUEST,
    PROBE_RESPONSE,
    RTS,
    dot11,
    heard,
    radiotap,
)


def decode(packets, *, link_type=127):
    times = 1_000 + np.arange(len(packets))
    raw = raw_frames(packets, times_ns=times, link_type=link_type)
    return ReceptionDecoder().decode(raw)


def rows(receptions):
    return [
        (time, format_address(address), power)
        for time, address, power in zip(
            receptions.time_ns.tolist(),
            receptions.address.tolist(),
            receptions.rssi_dbm.tolist(),
            strict=True,
        )
    ]


def test_access_points_are_heard_in_beacons_and_probe_responses():
    found = decode([heard(AP, -50), heard(OTHER_AP, -71, kind=PROBE_RESPONSE)])

    assert rows(found.receptions) == [
        (1000, AP.hex(":"), -50),
        (1001, OTHER_AP.hex(":"), -71),
    ]
    assert (found.refused, found.n_packets) == ({}, 2)


def test_what_says_nothing_of_an_access_points_power_is_counted_by_reason():
    found = decode(
        [
            heard(),
            b"",
            radiotap([(5, -50)], version=1) + dot11(),
            radiotap([(2, 12)]) + dot11(),
            heard(flags=0x40),
            heard(dbm=3),
            heard(dbm=-128),
            heard(kind=PROBE_REQUEST),
            heard(kind=RTS),
            heard()[:30],
        ]
    )

    assert len(found.receptions) == 1
    assert found.n_packets == 10
    assert found.refused == {
        RssRefusal.TRUNCATED: 2,
        RssRefusal.BAD_RADIOTAP: 1,
        RssRefusal.NO_SIGNAL: 1,
        RssRefusal.BAD_CHECKSUM: 1,
        RssRefusal.IMPOSSIBLE_SIGNAL: 2,
        RssRefusal.NOT_ACCESS_POINT: 1,
        RssRefusal.NO_TRANSMITTER: 1,
    }


def test_csi_frames_tell_their_power_in_order_of_arrival():
    packets = [
        datagram(csi_payload(words=[1] * n, mac=mac, rssi=-40 - number))
        for number, (n, mac) in enumerate([(64, AP), (128, OTHER_AP), (64, AP)])
    ]

    found = decode(packets, link_type=1)

    assert rows(found.receptions) == [
        (1000, AP.hex(":"), -40),
        (1001, OTHER_AP.hex(":"), -41),
        (1002, AP.hex(":"), -42),
    ]
    assert found.refused == {}


def test_csi_frames_without_power_are_counted_by_reason():
    packets = [
        datagram(csi_payload(Generation.OLD)),
        datagram(csi_payload(core_stream=1 << 3)),
        datagram(csi_payload(rssi=5)),
        datagram(b"hello"),
    ]

    found = decode(packets, link_type=1)

    assert len(found.receptions) == 0
    assert found.refused == {
        RssRefusal.CSI_WITHOUT_RSSI: 1,
        RssRefusal.LATER_STREAM: 1,
        RssRefusal.IMPOSSIBLE_SIGNAL: 1,
        Refusal.NOT_CSI: 1,
    }


def test_nothing_together_is_nothing():
    assert len(Receptions.concatenate([])) == 0


@pytest.mark.parametrize("address", ["00:00:00:00:00:00", "ff:fe:00:a1:b2:c3"])
def test_addresses_go_through_numbers_unchanged(address):
    assert format_address(parse_address(address)) == address


@pytest.mark.parametrize("text", ["", "dc:a6:32", "DC:A6:32:01:02:03", "dca632010203"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match=r"no address such as"):
        parse_address(text)
