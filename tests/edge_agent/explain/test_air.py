"""Who was on the air, and why frames are not in the image."""

import numpy as np
import pytest

from edge_agent.csi.decode import Decoder
from edge_agent.csi.image import CsiImage, ImageBuilder
from edge_agent.csi.subcarriers import FrameFormat, Phy
from edge_agent.explain.air import on_air
from tests.edge_agent.sites import (
    INTERVAL_US,
    REAL,
    SPEC,
    START_US,
    STRANGER,
    channel,
    packets_at,
    raw_frames_of,
)

CHANNELS = tuple(channel(mac) for mac in REAL)
WIDE = FrameFormat(128, Phy.LEGACY, 1, True)


def air_of(packets, channels=CHANNELS):
    """All that was on the air while the last image of packets was recorded."""
    decoded = Decoder().decode(raw_frames_of(sorted(packets)))
    builder = ImageBuilder(SPEC, channels, hop=SPEC.n_packets)
    image = (builder.feed(decoded) + builder.finish())[-1]
    return on_air([decoded], image, channels, SPEC)


def test_frames_of_an_image_are_counted_and_used():
    first, second = air_of(packets_at(0, n=12, rssi_dbm=lambda n: -50 - n))

    assert (first.mac, second.mac) == tuple(mac.hex(":") for mac in REAL)
    assert (first.channel, second.channel) == (0, 1)
    assert first.n_received == second.n_received == 8  # those after are of the next
    assert first.n_used == SPEC.n_packets
    assert first.level_dbm == -53.5
    assert first.why == ""


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ([], "not heard"),
        (packets_at(0, n=5, macs=REAL[1:]), "too few: 5 of 8 frames"),
    ],
)
def test_a_channel_that_is_not_in_the_image_says_why(others, why):
    _, second = air_of(packets_at(0, n=8, macs=REAL[:1]) + others)

    assert (second.n_used, second.why) == (0, why)


def test_one_that_fell_silent_says_for_how_long():
    early = packets_at(0, n=10, macs=REAL[1:])
    later = packets_at(0, n=100, macs=REAL[:1])

    _, second = air_of(early + later)

    # Heard at 0.36 s last; the last image is of packets 89 to 96, the last at 3.80 s.
    assert second.why == "silent for 3.4 s"
    assert second.n_received == 10


def test_one_that_changed_its_format_says_so():
    channels = (CHANNELS[0], channel(REAL[1], frame_format=WIDE))

    found = air_of(packets_at(0, n=8), channels)

    assert found[1].why.startswith("sends ")
    assert found[1].why.endswith(" now, not as calibrated")
    assert (found[2].channel, found[2].why) == (
        None,
        "other frame format than calibrated",
    )


def test_a_window_that_was_filled_too_late_says_so():
    packets = packets_at(0, n=8)
    decoded = Decoder().decode(raw_frames_of(packets))
    end_ns = (START_US + 7 * INTERVAL_US + 1000) * 1000
    image = CsiImage(
        np.zeros(SPEC.shape, np.uint8), np.array([True, False]), end_ns - 1, end_ns
    )

    _, second = on_air([decoded], image, CHANNELS, SPEC)

    assert second.why == "its window was not full in time"


def test_strangers_come_last_the_busiest_first():
    other = bytes.fromhex("dca632010298")
    packets = packets_at(0, n=8)
    packets += packets_at(1, n=3, macs=(other,)) + packets_at(2, n=6, macs=(STRANGER,))

    strangers = air_of(packets)[2:]

    assert [(one.mac, one.n_received, one.why) for one in strangers] == [
        (STRANGER.hex(":"), 6, "not calibrated"),
        (other.hex(":"), 3, "not calibrated"),
    ]


def test_frames_long_before_do_not_count():
    long_ago = packets_at(0, n=3, start_us=START_US - 60_000_000)

    first, _ = air_of(packets_at(0, n=8) + long_ago)

    assert first.n_received == 8


def test_firmware_without_received_power_has_no_level():
    channels = tuple(channel(mac, has_rssi=True) for mac in REAL)
    heard_nothing = air_of(packets_at(0, n=8, macs=REAL[:1]), channels)[1]

    assert heard_nothing.level_dbm is None
    assert heard_nothing.to_json()["level_dbm"] is None
