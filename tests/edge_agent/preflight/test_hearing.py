"""Who is on the air, from real packets."""

import pytest

from edge_agent.csi.frame import Generation
from edge_agent.csi.image import Channel
from edge_agent.errors import CaptureError
from edge_agent.preflight.clock import Clock
from edge_agent.preflight.hearing import MAX_PACKETS, chanspecs_in, in_words, listen
from tests.builders import (
    CHANSPECS,
    csi_payload,
    datagram,
    ethernet,
    ipv4,
    raw_frames,
    udp,
)
from tests.edge_agent.sites import (
    LEGACY_20_MHZ,
    REAL,
    START_US,
    packets_at,
    raw_frames_of,
)

SECOND = 1_000_000_000
FIRST, SECOND_MAC = (mac.hex(":") for mac in REAL)


class Time:
    """A clock that moves by a step whenever it is read."""

    def __init__(self, step_s):
        self.now_ns, self.step_ns = 0, round(step_s * SECOND)

    def read(self):
        self.now_ns += self.step_ns
        return self.now_ns

    @property
    def clock(self):
        return Clock(lambda: 0, self.read)


def heard(parts, *, listen_s=3.0, is_paced=False, step_s=0.0, **options):
    return listen(
        iter(parts),
        listen_s=listen_s,
        is_paced=is_paced,
        clock=Time(step_s).clock,
        **options,
    )


def test_frames_are_counted_by_transmitter_and_channel():
    raw = raw_frames_of(packets_at(0, n=24))

    found = heard([raw])

    first = Channel(FIRST, 0, LEGACY_20_MHZ, has_rssi=True)
    assert found.frames == {
        first: 24,
        Channel(SECOND_MAC, 0, LEGACY_20_MHZ, has_rssi=True): 24,
    }
    assert found.n_frames == found.n_packets == 48
    assert found.chanspecs == {CHANSPECS[64]: 48}
    assert found.tuned_to == "36/20"
    assert list(found.best_channels) == [FIRST, SECOND_MAC]
    assert found.frames_ns == (START_US * 1000, START_US * 1000 + 921_000_000)
    assert found.has_ended


def test_the_rate_of_a_recording_is_by_the_time_it_covers():
    found = heard([raw_frames_of(packets_at(0, n=100))])  # 25 a second

    rates = [found.rate(channel) for channel in found.best_channels.values()]
    assert rates == pytest.approx([25, 25], rel=0.03)
    assert found.listened_s == pytest.approx(3)


def test_of_a_recording_no_more_is_listened_to_than_asked_for():
    parts = [
        raw_frames_of(packets_at(0, n=20, start_us=START_US + 800_000 * k))
        for k in range(10)
    ]

    found = heard(parts, listen_s=2.0)

    assert found.n_packets == pytest.approx(2 * 25 * 2, abs=2)
    assert not found.has_ended


def test_a_live_source_is_listened_to_by_the_clock():
    raw = raw_frames_of(packets_at(0, n=1))

    found = heard([raw] * 100, is_paced=True, step_s=0.1, listen_s=1.0)

    assert found.listened_s == pytest.approx(1.0, abs=0.11)
    assert found.n_packets == pytest.approx(2 * 10, abs=2)


def test_the_time_that_opening_takes_is_not_listened():
    raw = raw_frames_of(packets_at(0, n=1))
    time = Time(0.1)

    def packets():
        time.now_ns += 5 * SECOND
        yield raw  # came while it was opened
        yield from [raw] * 100

    found = listen(packets(), listen_s=1.0, is_paced=True, clock=time.clock)

    assert found.listened_s == pytest.approx(1.0, abs=0.11)
    assert found.n_packets == pytest.approx(2 * 10, abs=2)


def test_a_jump_of_the_wall_clock_neither_ends_nor_stretches_a_live_look():
    late = raw_frames_of(packets_at(0, n=1, start_us=START_US + 3_600_000_000))
    parts = [None, raw_frames_of(packets_at(0, n=1)), late, *[None] * 50]

    found = heard(parts, is_paced=True, step_s=0.1, listen_s=1.0)

    assert found.n_packets == 4
    assert found.listened_s == pytest.approx(1.0, abs=0.11)


def test_silence_ends_by_the_clock_and_is_nothing():
    found = heard([None] * 100, step_s=0.1, listen_s=0.5)

    assert found.n_packets == found.n_frames == 0
    assert found.frames_ns is None
    assert found.tuned_to == ""
    assert found.listened_s == pytest.approx(0.5, abs=0.11)
    assert not found.has_ended


def test_frames_without_times_have_the_rate_of_the_clock():
    packets = [datagram()] * 10

    found = heard([raw_frames(packets), *[None] * 50], step_s=0.1, listen_s=1.0)

    assert found.frames_ns is None
    [channel] = found.frames
    assert found.rate(channel) == pytest.approx(10, rel=0.2)


def test_nothing_in_no_time_has_no_rate():
    found = heard([raw_frames([datagram()])])

    [channel] = found.frames
    assert found.rate(channel) == 0


def test_other_packets_are_counted_by_reason():
    other = ethernet(ipv4(udp(csi_payload(), port=53)))

    found = heard([raw_frames([datagram(), other, other])])

    assert found.n_packets == 3
    assert found.refused == {"UDP, but not to port 5500": 2}


def test_later_streams_and_unknown_channels_do_not_count():
    packets = [
        datagram(csi_payload(core_stream=0b001000)),
        datagram(csi_payload(Generation.MOBISYS_2018)),
    ]

    found = heard([raw_frames(packets)])

    assert found.chanspecs == {}
    assert found.n_frames == 1


def test_of_one_transmitter_the_most_frequent_channel_is_best():
    cores = [datagram(csi_payload(core_stream=core)) for core in (1, 1, 0)]

    found = heard([raw_frames(cores)])

    assert [channel.core for channel in found.best_channels.values()] == [1]


def test_a_flood_ends_the_look():
    raw = raw_frames([b"x"] * 50_000)

    found = heard([raw] * 10)

    assert found.n_packets == MAX_PACKETS


def test_progress_is_told():
    times = []

    heard([None] * 5, step_s=0.1, listen_s=9, on_progress=times.append)

    assert times == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


def test_earlier_captures_tell_the_channel(tmp_path, write):
    from tests.edge_agent.sites import pcapng_bytes

    path = write(pcapng_bytes(packets_at(0, n=4)))

    assert chanspecs_in([path, path]) == {CHANSPECS[64]}
    assert chanspecs_in([]) == frozenset()
    with pytest.raises(CaptureError, match="No such file"):
        chanspecs_in([tmp_path / "none.pcap"])


def test_channels_in_words_leave_out_what_is_not_told():
    assert in_words([0, CHANSPECS[64], CHANSPECS[256], CHANSPECS[64]]) == "36/20, 36/80"
    assert in_words([0xFFFF]) == "0xffff"
