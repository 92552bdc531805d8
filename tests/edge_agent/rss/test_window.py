"""Windows counted by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.rss.receptions import Receptions, parse_address
from edge_agent.rss.refusal import RssUnused
from edge_agent.rss.window import RssSpec, WindowBuilder

A, B, STRANGER = (f"02:00:00:00:00:{number:02x}" for number in (9, 1, 5))
START_NS = 1_700_000_000_000_000_000


def receptions(*entries):
    """Of (time [s] since the start, None where unknown; address; power)."""
    times = [
        0 if time is None else START_NS + round(time * 1e9) for time, *_ in entries
    ]
    return Receptions(
        np.array(times, np.int64),
        np.array([parse_address(address) for _, address, _ in entries], np.int64),
        np.array([power for *_, power in entries], np.int16),
    )


def builder(window_s=4.0, hop_s=1.0):
    return WindowBuilder((A, B), window_s=window_s, hop_s=hop_s)


def spans(samples):
    return [
        ((s.started_ns - START_NS) / 1e9, (s.ended_ns - START_NS) / 1e9)
        for s in samples
    ]


def test_a_sample_is_the_mean_power_of_a_full_window():
    found = builder().feed(
        receptions((0, A, -40), (1, B, -70), (2, A, -50), (3.5, A, -60), (4, A, -99))
    )

    (sample,) = found
    assert sample.rss.tolist() == [-50, -70]
    assert spans(found) == [(0, 3.5)]
    assert sample.n_frames == 4
    assert sample.heard.all()


def test_what_was_not_heard_has_no_power():
    (sample,) = builder().feed(receptions((0, B, -40), (4, A, -50)))

    assert np.isnan(sample.rss[0])
    assert sample.heard.tolist() == [False, True]


def test_windows_slide_by_the_hop():
    found = builder(window_s=2.0, hop_s=0.5).feed(
        receptions(*((0.25 * n, A, -50 - n) for n in range(12)))
    )

    assert spans(found) == [(0, 1.75), (0.5, 2.25)]
    assert [s.rss[0] for s in found] == [-53.5, -55.5]


def test_of_windows_in_which_nothing_was_heard_there_is_none():
    found = builder(window_s=1.0).feed(
        receptions((0, A, -50), (60.5, A, -60), (61.5, A, -70))
    )

    assert [s.rss[0] for s in found] == [-50, -60]


def test_after_a_pause_a_window_is_full_again_before_it_counts():
    found = builder(window_s=1.0).feed(
        receptions((0, A, -50), (60.5, A, -60), (60.6, A, -61), (60.9, A, -62))
    )

    assert [s.rss[0] for s in found] == [-50]


def test_at_the_end_half_a_window_is_enough():
    windows = builder(window_s=2.0, hop_s=2.0)
    assert len(windows.feed(receptions((0, A, -50), (2, A, -60), (3.1, A, -70)))) == 1

    (last,) = windows.finish()

    assert last.rss[0] == -65
    assert windows.finish() == []


def test_less_is_not_unless_there_is_no_other():
    windows = builder(window_s=2.0, hop_s=2.0)
    windows.feed(receptions((0, A, -50), (2, A, -60), (2.5, A, -70)))
    assert windows.finish() == []

    windows.feed(receptions((10, A, -50)))
    assert len(windows.finish()) == 1


def test_receptions_of_others_and_without_time_are_counted():
    windows = builder()

    windows.feed(receptions((0, STRANGER, -50), (None, A, -50), (None, STRANGER, -50)))

    assert windows.unused == {RssUnused.OTHER_TRANSMITTER: 2, RssUnused.NO_TIME: 1}
    assert windows.finish() == []


def test_a_site_of_no_transmitters_hears_nobody():
    windows = WindowBuilder((), window_s=1, hop_s=1)

    assert windows.feed(receptions((0, A, -50))) == []
    assert windows.unused[RssUnused.OTHER_TRANSMITTER] == 1


def test_a_clock_that_jumps_back_begins_anew():
    windows = builder(window_s=2.0)

    found = windows.feed(
        receptions((100, A, -50), (101, A, -50), (0, A, -70), (2, A, -90))
    )

    assert [s.rss[0] for s in found] == [-70]
    assert windows.unused[RssUnused.CLOCK] == 2


def test_a_clock_that_stands_still_fills_no_memory():
    windows = builder(window_s=0.01, hop_s=0.01)  # 164 frames of 61 us

    windows.feed(receptions(*[(0, A, -50)] * 200))

    assert windows.unused[RssUnused.CROWDED] == 36
    (sample,) = windows.finish()
    assert sample.n_frames == 164


def test_frames_that_overtook_each_other_belong_together():
    (sample,) = builder(window_s=2.0).feed(
        receptions((0.5, A, -50), (0, A, -60), (2.5, A, -90))
    )

    # The window begins with the first frame that came.
    assert sample.rss[0] == -50


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(st.integers(-200, 900), min_size=1, max_size=40),
    cuts=st.sets(st.integers(0, 40)),
)
def test_samples_are_the_same_however_receptions_are_cut(steps, cuts):
    times = 10 + np.cumsum(steps) / 1000
    entries = [(max(t, 0.0), (A, B)[n % 2], -40 - n) for n, t in enumerate(times)]

    def run(bounds):
        windows = builder(window_s=1.0, hop_s=0.3)
        samples = []
        for start, stop in pairwise(bounds):
            samples += windows.feed(receptions(*entries[start:stop]))
        samples += windows.finish()
        return [(s.started_ns, s.ended_ns, s.n_frames, str(s.rss)) for s in samples]

    n = len(entries)
    assert run([0, n]) == run([0, *sorted(min(c, n) for c in cuts), n])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"window_s": 0.0}, r"window_s is 0.0"),
        ({"window_s": float("nan")}, r"window_s is nan"),
        ({"hop_s": 5.0}, r"hop_s is 5.0, not 0.01 to window_s, 4.0"),
        ({"max_transmitters": 0}, r"max_transmitters is 0"),
        ({"max_transmitters": 64.0}, r"max_transmitters is 64.0"),
    ],
)
def test_windows_that_cannot_be_are_refused(settings, reason):
    with pytest.raises(ValueError, match=reason):
        RssSpec(**settings)


def test_a_transmitter_is_listed_once():
    with pytest.raises(ValueError, match="listed twice"):
        WindowBuilder((A, A), window_s=1, hop_s=1)
