"""Surveyed captures to labelled images."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.csi.simulated import SIMULATED_COMMENT
from edge_agent.csi.subcarriers import FrameFormat, Phy
from edge_agent.errors import CaptureError, SurveyError
from edge_agent.recording import find_channels, record_environment
from edge_agent.survey import Point, SurveyedCapture
from tests.builders import pcap
from tests.edge_agent.sites import (
    LEGACY_20_MHZ,
    REAL,
    SIMULATED,
    SPEC,
    channel,
    packets_at,
    pcapng_bytes,
)

KITCHEN, OFFICE = Point("p1", 0, 0, "kitchen"), Point("p2", 2, 0, "office")
HT_20_MHZ = replace(LEGACY_20_MHZ, phy=Phy.HT)
PATIENT = replace(SPEC, max_span_s=0.4)
"""No packet older than eight packet intervals enters an image."""

A, B, C = (channel(bytes.fromhex(f"dca6320102{n:02x}")) for n in (0xA, 0xB, 0xC))


@pytest.fixture
def record(tmp_path):
    """Write captures and record them; each is (point, packets or bytes[, visit])."""

    def record(*captures, spec=SPEC, **options):
        surveyed = []
        for number, (point, content, *visit) in enumerate(captures):
            path = tmp_path / f"capture-{number}.pcapng"
            is_raw = isinstance(content, bytes)
            path.write_bytes(content if is_raw else pcapng_bytes(content))
            surveyed.append(SurveyedCapture(path, point, *(visit or ["1"]), "home"))
        return record_environment(surveyed, spec, **options)

    return record


def sequences(environment, channel_number=0):
    """Which packets each image holds, by the power that counts them."""
    scale = (SPEC.ceiling_dbm - SPEC.floor_dbm) / 255
    tone_dbm = environment.images[:, channel_number] * scale + SPEC.floor_dbm
    level_dbm = 10 * np.log10((10 ** (tone_dbm / 10)).mean(axis=2))
    return (np.rint(level_dbm).astype(int) + 95).tolist()


def counted_packets(n):
    """Packets whose received power counts them, from -95 dBm on."""
    return packets_at(3, n=n, rssi_dbm=lambda number: number - 95)


# -- which channels --------------------------------------------------------------------


def test_transmitters_heard_in_most_captures_win():
    counts = [
        Counter({A: 1000, B: 8}),
        Counter({A: 1000, B: 8, C: 8}),
        Counter({B: 8, C: 8}),
        Counter({C: 8, B: 8}),
    ]

    assert find_channels(counts, SPEC) == (B, C)


def test_of_those_the_ones_with_most_frames_win():
    counts = [Counter({A: 10, B: 11, C: 12})]

    assert find_channels(counts, SPEC) == (C, B)


def test_of_equals_the_lower_address_wins():
    counts = [Counter({C: 10, A: 10, B: 10})]

    assert find_channels(counts, SPEC) == (A, B)


def test_fewer_frames_than_an_image_needs_do_not_count_as_heard():
    counts = [Counter({A: 8}), Counter({B: 7}), Counter({B: 7})]

    assert find_channels(counts, SPEC) == (A,)


def test_of_one_transmitter_the_commonest_format_is_taken_and_no_other():
    other = replace(A, frame_format=HT_20_MHZ)
    counts = [Counter({A: 10, other: 9, B: 8}), Counter({A: 10, other: 9})]

    assert find_channels(counts, SPEC) == (A, B)


def test_two_cores_of_one_transmitter_are_two_channels():
    other = replace(A, core=1)
    counts = [Counter({A: 9, other: 10})]

    assert find_channels(counts, SPEC) == (other, A)


def test_no_more_channels_are_taken_than_images_have():
    counts = [Counter({A: 9, B: 9, C: 9})]

    assert find_channels(counts, replace(SPEC, n_channels=1)) == (A,)
    assert find_channels(counts, replace(SPEC, n_channels=5)) == (A, B, C)


def test_a_format_with_too_few_subcarriers_is_passed_over():
    wide = replace(B, frame_format=FrameFormat(128, Phy.HT, 0b11, False))
    counts = [Counter({A: 100, wide: 8})]

    assert find_channels(counts, replace(SPEC, n_tones=100)) == (wide,)


def test_too_few_frames_are_named_with_the_best_there_is():
    counts = [Counter({A: 3, B: 7})]
    reason = (
        f"the 8 frames of an image; found {B.mac} (at most 7 in one capture), "
        f"{A.mac} (at most 3 in one capture)"
    )

    with pytest.raises(SurveyError) as caught:
        find_channels(counts, SPEC)

    assert reason in str(caught.value)


@pytest.mark.parametrize("counts", [[], [Counter()]])
def test_no_frame_at_all_is_named_so(counts):
    with pytest.raises(SurveyError, match="found no CSI frame at all"):
        find_channels(counts, SPEC)


# -- images ----------------------------------------------------------------------------


def test_every_image_has_its_point_its_visit_and_both_transmitters(record):
    environment = record(
        (OFFICE, packets_at(1, n=16), "morning"),
        (KITCHEN, packets_at(0, n=8), "evening"),
    )

    assert environment.name == "home"
    assert environment.spec == SPEC
    assert environment.channels == tuple(channel(mac) for mac in REAL)
    assert environment.points == (KITCHEN, OFFICE)
    assert environment.point_of.tolist() == [1, 1, 0]
    assert environment.visit_of.tolist() == ["morning", "morning", "evening"]
    assert environment.heard.all()
    assert not environment.is_simulated


def test_images_of_one_capture_never_share_a_packet(record):
    environment = record((KITCHEN, counted_packets(26)))

    for number in range(2):
        assert sequences(environment, number) == [
            list(range(0, 8)),
            list(range(8, 16)),
            list(range(16, 24)),
        ]


def test_of_a_long_capture_images_are_taken_evenly(record):
    environment = record((KITCHEN, counted_packets(40)), max_images_per_capture=3)

    assert [rows[0] for rows in sequences(environment)] == [0, 16, 32]


def test_a_single_image_is_the_first(record):
    environment = record((KITCHEN, counted_packets(40)), max_images_per_capture=1)

    assert [rows[0] for rows in sequences(environment)] == [0]


def test_an_image_lacks_a_transmitter_that_fell_silent(record):
    constant = packets_at(0, n=24, macs=REAL[:1])
    brief = packets_at(0, n=8, macs=REAL[1:])

    environment = record((KITCHEN, sorted(constant + brief)), spec=PATIENT)

    assert environment.heard.tolist() == [[True, True], [True, False], [True, False]]
    assert not environment.images[1, 1].any()


def test_points_are_numbered_as_people_count(record):
    points = [Point(f"p{n}", n, 0) for n in (10, 2, 1)]

    environment = record(*[(point, packets_at(0, n=8)) for point in points])

    assert [point.name for point in environment.points] == ["p1", "p2", "p10"]
    assert environment.point_of.tolist() == [2, 1, 0]


def test_points_without_numbers_are_in_order_of_the_alphabet(record):
    points = [Point(name, n, 0) for n, name in enumerate(["sofa", "bed", "desk"])]

    environment = record(*[(point, packets_at(0, n=8)) for point in points])

    assert [point.name for point in environment.points] == ["bed", "desk", "sofa"]


def test_the_channels_can_be_given(record):
    channels = (channel(REAL[1]),)

    environment = record((KITCHEN, packets_at(0, n=8)), channels=channels)

    assert environment.channels == channels
    assert environment.heard.tolist() == [[True, False]]


def test_every_capture_is_announced_before_it_is_read(record):
    announced = []

    record(
        (KITCHEN, packets_at(0, n=8)),
        (OFFICE, packets_at(1, n=8)),
        on_capture=lambda n, capture: announced.append((n, capture.point)),
    )

    assert announced == [(0, KITCHEN), (1, OFFICE)]


def test_a_capture_without_an_image_is_an_error_that_names_it(record):
    short = packets_at(1, n=7, macs=REAL[:1])
    reason = (
        r"capture-1.pcapng: no image; the site's best transmitter here, "
        r"dc:a6:32:01:02:03, has 7 of the 8 frames needed"
    )

    with pytest.raises(SurveyError, match=reason):
        record((KITCHEN, packets_at(0, n=8)), (OFFICE, short))


def test_a_capture_of_strangers_is_an_error_too(record):
    strangers = packets_at(1, n=8, macs=(bytes.fromhex("dca632010299"),))

    with pytest.raises(SurveyError, match=r"capture-1.pcapng: no image; .* has 0 of"):
        record((KITCHEN, packets_at(0, n=8)), (OFFICE, strangers))


def test_nothing_usable_in_any_capture_is_an_error(record):
    with pytest.raises(SurveyError, match="in no capture has a transmitter the 8 fram"):
        record((KITCHEN, packets_at(0, n=7)))


def test_frames_are_counted_per_capture_as_they_are_needed(record):
    """A sum over captures may be above what is called too few."""
    few, more = packets_at(0, n=3), packets_at(1, n=5)

    with pytest.raises(SurveyError) as raised:
        record((KITCHEN, more), (OFFICE, few))

    assert str(raised.value).endswith(
        "found dc:a6:32:01:02:03 (at most 5 in one capture), "
        "dc:a6:32:01:02:04 (at most 5 in one capture)"
    )


def test_a_list_of_captures_without_a_frame_is_an_error(record):
    with pytest.raises(SurveyError, match=r"found no CSI frame at all"):
        record((KITCHEN, pcapng_bytes([])))


def test_what_is_no_capture_is_an_error(record):
    with pytest.raises(CaptureError, match=r"capture-0.pcapng is text"):
        record((KITCHEN, b"capture,x_m,y_m and so on, a list"))


def test_more_tones_than_frames_have_are_an_error(record):
    spec = ImageSpec(n_packets=8, n_tones=53, n_channels=2)

    with pytest.raises(SurveyError, match=r"with the 53 tones .* heard enough: \w\w:"):
        record((KITCHEN, packets_at(0, n=8)), spec=spec)


# -- simulated or not ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "is_simulated"),
    [
        (pcapng_bytes(packets_at(0)), False),
        (pcap([packet for _, packet in packets_at(0, macs=REAL[:1])]), False),
        (pcapng_bytes(packets_at(0), comment="kitchen, after lunch"), False),
        (pcapng_bytes(packets_at(0), comment=SIMULATED_COMMENT), True),
        (pcapng_bytes(packets_at(0), comment=f"x; {SIMULATED_COMMENT}"), True),
        (pcapng_bytes(packets_at(0, macs=SIMULATED)), True),
        (pcapng_bytes(packets_at(0, macs=(*REAL, SIMULATED[0]))), True),
        (pcapng_bytes(packets_at(0, macs=SIMULATED), comment=SIMULATED_COMMENT), True),
    ],
)
def test_either_mark_is_enough_for_simulated(record, content, is_simulated):
    assert record((KITCHEN, content)).is_simulated is is_simulated


def test_one_simulated_capture_makes_the_whole_simulated(record):
    marked = pcapng_bytes(packets_at(1), comment=SIMULATED_COMMENT)

    assert record((KITCHEN, packets_at(0)), (OFFICE, marked)).is_simulated
    assert record((OFFICE, marked), (KITCHEN, packets_at(0))).is_simulated


def test_stray_simulated_frames_do_not_make_a_real_site_simulated(record):
    stray = packets_at(0, n=2, macs=SIMULATED[:1])

    environment = record((KITCHEN, [*packets_at(0), *stray]))

    assert {c.mac for c in environment.channels} == {mac.hex(":") for mac in REAL}
    assert not environment.is_simulated
