"""What a shot has: counted by hand, bounded whatever arrives."""

import numpy as np
import pytest

from edge_agent.csi.image import ImageSpec
from edge_agent.csi.raw import RawFrames
from edge_agent.walking.clock_watch import ClockWatch
from edge_agent.walking.kept_packets import LONGEST_PACKET, MAX_TRANSMITTERS
from edge_agent.walking.shot_meter import QUIET_S, SHORTEST_S, ShotMeter
from tests.builders import (
    csi_payload,
    datagram,
    int16_words,
    packets_of,
    raw_frames,
)
from tests.edge_agent.sites import REAL, START_US, STRANGER, packets_at, raw_frames_of
from tests.edge_agent.walking.walkers import MACS

SPEC = ImageSpec(n_packets=8, n_tones=16, n_channels=2)
START_NS = START_US * 1000


def meter(**options):
    return ShotMeter(SPEC, now=0.0, **options)


def fed(packets, *, every_s=0.04, now=0.0, **options):
    """A meter that was fed packet by packet, and the time then."""
    shot = meter(**options)
    for packet in packets:
        now += every_s
        shot.feed(raw_frames_of([packet]), now)
    return shot, now


def test_frames_are_counted_per_access_point():
    shot, now = fed(packets_at(1, n=10), every_s=0.02)

    report = shot.report(now)

    assert [(r.mac, r.n_frames) for r in report.readings] == [(m, 10) for m in MACS]
    assert [r.level_dbm for r in report.readings] == [-50, -50]
    assert report.readings[0].per_s == pytest.approx(25)
    assert (report.n_packets, report.n_frames) == (20, 20)
    assert report.started_ns == START_NS


def test_the_shape_is_the_root_of_the_mean_power_of_each_tone():
    amplitudes = np.ones((2, 64))
    amplitudes[1] = 3
    amplitudes[:, 1] *= (2, 3)  # the word of tone +1, which every image has
    packets = [
        (
            START_US + 40_000 * n,
            datagram(csi_payload(words=int16_words((int(a) * 100, 0) for a in row))),
        )
        for n, row in enumerate(amplitudes)
    ]
    spec = ImageSpec(n_packets=2, n_tones=51, n_channels=1)
    shot = ShotMeter(spec, now=0.0)
    shot.feed(raw_frames_of(packets), 1.0)

    (reading,) = shot.report(1.0).readings

    # All tones are 1, and 3, but the one of 2, and 9: relative to the mean power.
    first = 4 / ((50 + 4) / 51)
    second = 81 / ((50 * 9 + 81) / 51)
    assert max(reading.shape) == pytest.approx(((first + second) / 2) ** 0.5)
    assert np.mean(np.square(reading.shape)) == pytest.approx(1)


def test_a_shot_ends_when_all_access_points_have_an_image():
    shot = meter()
    packets = packets_at(1, n=40)
    is_over = []
    for packet in packets:
        now = (packet[0] - START_US) / 1e6
        shot.feed(raw_frames_of([packet]), now)
        is_over.append(shot.is_over(now))

    first = is_over.index(True)
    assert (packets[first][0] - START_US) / 1e6 >= SHORTEST_S
    assert first >= 2 * 8 - 1
    assert shot.share(now) == 1


def test_a_shot_waits_two_seconds_for_an_access_point_that_is_expected():
    shot, now = fed(packets_at(1, n=20, macs=REAL[:1]), expected=MACS)

    assert not shot.is_over(now)
    assert shot.is_over(2.1)


def test_a_guest_who_hardly_sends_is_not_waited_for():
    shot, now = fed(packets_at(1, n=20, macs=REAL[:1]))
    shot.feed(raw_frames_of(packets_at(2, n=1, macs=(STRANGER,))), now)

    assert shot.is_over(now)


def test_a_shot_ends_at_its_limit_and_after_silence():
    slow = meter(limit_s=3.0)
    slow.feed(raw_frames_of(packets_at(1, n=1)), 2.9)
    assert not slow.is_over(2.9)
    assert slow.is_over(3.0)
    assert slow.share(1.5) == pytest.approx(0.5)

    silent = meter()
    assert not silent.is_over(QUIET_S - 0.1)
    assert silent.is_over(QUIET_S)


def test_packets_that_are_no_csi_are_counted_and_not_kept():
    shot = meter()
    shot.feed(raw_frames([b"noise" * 20, b""], times_ns=[START_NS] * 2), 0.1)

    report = shot.report(0.1)
    assert (report.n_packets, report.n_frames, report.readings) == (2, 0, ())
    assert len(shot.packets()) == 0


def test_at_most_four_images_of_a_transmitter_are_kept():
    shot, _ = fed(packets_at(1, n=60, macs=REAL[:1]))

    assert shot.report(3.0).readings[0].n_frames == 60
    kept = shot.packets()
    assert packets_of([kept]) == [
        (packet, time_us * 1000, 1)
        for time_us, packet in packets_at(1, n=60, macs=REAL[:1])[:32]
    ]


def test_a_flood_of_transmitters_leaves_room_for_those_that_are_expected():
    flood = [bytes([2, 0, 0, 0, n // 256, n % 256]) for n in range(300)]
    shot, now = fed(packets_at(1, n=1, macs=tuple(flood)), expected=MACS)
    shot.feed(raw_frames_of(packets_at(1, n=8)), now)

    readings = shot.report(now).readings
    assert [r.mac for r in readings[:2]] == list(MACS)
    assert [r.n_frames for r in readings[:2]] == [8, 8]
    assert len(readings) == MAX_TRANSMITTERS
    assert len(shot.packets()) == MAX_TRANSMITTERS - 2 + 16


def test_packets_longer_than_any_firmware_sends_are_neither_measured_nor_kept():
    time_us, packet = packets_at(1, n=1)[0]
    shot = meter()
    shot.feed(raw_frames_of([(time_us, packet + bytes(LONGEST_PACKET))]), 0.1)

    assert shot.report(0.1).readings == ()
    assert len(shot.packets()) == 0


def test_packets_of_another_link_type_are_passed_over():
    shot, now = fed(packets_at(1, n=4))
    raw = raw_frames_of(packets_at(1, n=4))
    shot.feed(RawFrames(raw.data, raw.offsets, raw.lengths, raw.time_ns, 113), now)

    assert shot.report(now).n_packets == 8


def test_frames_with_too_few_tones_for_an_image_do_not_count():
    shot = ShotMeter(ImageSpec(n_packets=8, n_tones=120, n_channels=2), now=0.0)
    shot.feed(raw_frames_of(packets_at(1)), 1.0)

    report = shot.report(1.0)
    assert report.n_frames == 48
    assert report.readings == ()


def test_of_several_cores_the_one_with_most_frames_speaks_for_a_transmitter():
    packets = [
        datagram(csi_payload(core_stream=core)) for core in (0, 1, 1, 1, 0 | 1 << 3)
    ]
    shot = meter()
    shot.feed(raw_frames(packets, times_ns=START_NS + np.arange(5)), 0.1)

    (reading,) = shot.report(0.1).readings
    assert reading.n_frames == 3  # not the second stream of core 0


@pytest.mark.parametrize(
    ("times_s", "nows", "change_s"),
    [
        ([0, 1, 2], [0, 1, 2], 0),
        ([0, 0.5, -0.4], [0, 1, 2], 0),  # out of order by less than a second
        ([0, 1, -10], [0, 1, 2], -11),
        ([0, 1, 10], [0, 1, 2], 8),
        ([0, 1, 10], [0, 1, 10], 0),  # a pause
        ([0, 1, 3.5], [0, 1, 2], 0),  # packets that were late
        ([0, 50, 10], [0, 1, 2], 49),  # the larger one
    ],
)
def test_the_clock_is_watched(times_s, nows, change_s):
    watch = ClockWatch(0.0)
    for time_s, now in zip(times_s, nows, strict=True):
        watch.feed(np.array([START_NS + round(time_s * 1e9)]), float(now))

    assert watch.change_s == pytest.approx(change_s)


def test_times_that_are_unknown_are_no_jump():
    watch = ClockWatch(0.0)
    for time_ns in (START_NS, 0, START_NS + 1):
        watch.feed(np.array([time_ns]), 0.0)

    assert watch.change_s == 0
