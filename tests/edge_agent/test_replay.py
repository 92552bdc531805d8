"""Replay against a clock that only moves when somebody waits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.replay import paced
from tests.builders import packets_of, raw_frames

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


class Clock:
    """Time [s] that passes while somebody sleeps, and not otherwise."""

    def __init__(self):
        self.now, self.sleeps = 100.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.now += seconds


def recording(times_ns):
    """Packets with these capture times; the n-th one says n."""
    packets = [bytes([number]) for number in range(len(times_ns))]
    return raw_frames(packets, times_ns=np.array(times_ns, np.int64))


def arrivals(recordings, **options):
    """When each packet is handed on, as (packet number, seconds since the start)."""
    clock = Clock()
    arrived = []
    for part in paced(recordings, now=clock, sleep=clock.sleep, **options):
        arrived += [(data[0], clock.now - 100.0) for data, _, _ in packets_of([part])]
    return arrived


def seconds(*values):
    return [START + round(value * SECOND) for value in values]


def due(times_ns, **options):
    return [when for _, when in arrivals([recording(times_ns)], **options)]


def test_packets_arrive_at_the_pace_of_the_recording():
    assert due(seconds(0, 0.5, 0.75, 2)) == pytest.approx([0, 0.5, 0.75, 2])


def test_a_faster_replay_takes_proportionally_less_time():
    assert due(seconds(0, 0.5, 2), speed=10) == pytest.approx([0, 0.05, 0.2])


def test_a_slower_one_takes_more():
    assert due(seconds(0, 0.5), speed=0.5) == pytest.approx([0, 1])


def test_packets_of_one_20_ms_slice_arrive_together():
    times = [START, START + 19_999_999, START + 20_000_000]

    assert due(times) == pytest.approx([0, 0, 0.02])


def test_the_pace_continues_from_one_part_of_the_recording_to_the_next():
    parts = [recording(seconds(0, 1)), recording(seconds(3))]

    assert arrivals(parts) == [
        (0, pytest.approx(0)),
        (1, pytest.approx(1)),
        (0, pytest.approx(3)),
    ]


def test_a_long_pause_lasts_five_seconds():
    assert due(seconds(0, 3600, 3601)) == pytest.approx([0, 5, 6])


def test_a_long_pause_is_shortened_before_it_is_sped_up():
    assert due(seconds(0, 3600), speed=10) == pytest.approx([0, 0.5])


def test_packets_without_time_stamps_are_due_at_once():
    assert due([0, 0, 0]) == [0, 0, 0]


def test_a_recording_that_begins_without_time_stamps_does_not_wait_for_them():
    assert due([0, *seconds(0, 1)]) == pytest.approx([0, 0, 1])


def test_a_clock_that_was_set_back_does_not_stop_the_replay():
    assert due(seconds(10, 4, 5)) == pytest.approx([0, 0, 1])


def test_time_that_the_agent_took_itself_is_not_waited_for_again():
    clock = Clock()
    arrived = []
    for _ in paced([recording(seconds(0, 1, 2))], now=clock, sleep=clock.sleep):
        arrived.append(clock.now - 100.0)
        clock.now += 1.4  # the agent is busy

    assert arrived == pytest.approx([0, 1.4, 2.8])
    assert clock.sleeps == []


def test_an_agent_that_falls_behind_catches_up():
    clock = Clock()
    arrived = []
    for number, _ in enumerate(
        paced([recording(seconds(0, 1, 2, 3))], now=clock, sleep=clock.sleep)
    ):
        arrived.append(clock.now - 100.0)
        clock.now += 2.5 if number == 0 else 0  # busy once

    assert arrived == pytest.approx([0, 2.5, 2.5, 3])


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_must_be_positive(speed):
    with pytest.raises(ValueError, match="not positive"):
        next(paced([recording([0])], speed=speed))


def test_an_empty_recording_gives_nothing():
    assert arrivals([recording([]), recording([])]) == []


@given(st.lists(st.integers(0, 10 * SECOND), max_size=40), st.integers(0, 40))
def test_every_packet_arrives_once_and_in_order(times_ns, cut):
    first, second = recording(times_ns[:cut]), recording(times_ns[cut:])

    numbers = [number for number, _ in arrivals([first, second])]

    assert numbers == [*range(len(first)), *range(len(second))]
