"""CSI images: the pixel formula by hand, and which packets meet in which image."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.csi import NO_RSSI, Channel, FrameBatch, Generation, ImageBuilder
from edge_agent.csi.image import (
    ImageSpec,
    Unused,
    channel_counts,
    channels_of,
    tone_pixels,
)
from edge_agent.csi.subcarriers import FrameFormat, Phy
from tests.builders import decoded, frame_batch

A, B, C, D = (bytes([0x02, 0, 0, 0, 0, i]) for i in range(4))
LEGACY_20 = FrameFormat(64, Phy.LEGACY, 0b1, overwritten=True)
SECOND = 1_000_000_000


def channel(mac=A, *, core=0, frame_format=LEGACY_20, has_rssi=True):
    return Channel(mac.hex(":"), core, frame_format, has_rssi)


def packets(n, *, mac=A, first=0, start_s=0.0, rate=100.0, **columns):
    """Frames of one transmitter at a steady rate; the RSSI numbers them."""
    number = first + np.arange(n)
    return frame_batch(
        np.ones((n, 64)),
        time_ns=np.round((start_s + np.arange(n) / rate) * SECOND),
        mac=list(mac),
        **{"rssi": numbered_rssi(number)} | columns,
    )


def one_per_decibel(n_packets=50, **fields):
    """A scale on which a flat frame of -127 dBm is pixel 1, one of 127 dBm 255."""
    return ImageSpec(n_packets, floor_dbm=-128, ceiling_dbm=127, **fields)


def numbered_rssi(number):
    return number % 255 - 127


def numbered_rows(first, n=50):
    """The pixels of numbered packets on that scale."""
    return [number % 255 + 1 for number in range(first, first + n)]


def interleaved(*batches):
    """Frames of several transmitters in order of time."""
    batch = FrameBatch.concatenate(list(batches))
    batch = batch[np.argsort(batch.time_ns, kind="stable")]
    return replace(batch, index=np.arange(len(batch)))


def feed(builder, batch):
    """All images of frames, the waiting one included."""
    return builder.feed(decoded(batch)) + builder.finish()


def rows(image, number=0):
    """The first pixel of each row of a channel."""
    return image.pixels[number, :, 0].tolist()


# -- pixels ----------------------------------------------------------------------------


def pixel(amplitude, *, rms, level, floor=-110.0, ceiling=-10.0):
    """The formula of the module, for one tone."""
    tone_dbm = level + 20 * math.log10(amplitude / rms)
    scaled = round(255 * (tone_dbm - floor) / (ceiling - floor))
    return min(255, max(0, scaled))


def test_pixels_follow_the_formula(rng):
    """The tones of a 20 MHz frame, k = -26..-1, 1..26, are words 38..63 and 1..26."""
    gains = rng.normal(size=(3, 64)) + 1j * rng.normal(size=(3, 64))
    powers = [-60, -81, -35]

    found = tone_pixels(frame_batch(gains, rssi=powers), channel(), ImageSpec())

    words = [*range(38, 64), *range(1, 27)]
    amplitudes = np.abs(gains.astype(np.complex64)).astype(float)[:, words].tolist()
    for row, level, amplitude in zip(found.tolist(), powers, amplitudes, strict=True):
        rms = math.sqrt(sum(a * a for a in amplitude) / 52)
        assert row == [pixel(a, rms=rms, level=level) for a in amplitude]
    assert found.dtype == np.uint8


def test_one_strong_tone_by_hand():
    """51 tones of amplitude 1 and one of 10: mean power 151/52, so -4.63 dB and 15.37.

    At -60 dBm: (50 - 4.63) * 2.55 = 115.7 and (50 + 15.37) * 2.55 = 166.7.
    """
    gains = np.ones((1, 64))
    gains[0, 5] = 10

    (row,) = tone_pixels(frame_batch(gains), channel(), ImageSpec()).tolist()

    assert row == [116] * 30 + [167] + [116] * 21


@pytest.mark.parametrize(
    ("rssi", "value"),
    [(-128, 0), (-111, 0), (-110, 0), (-61, 125), (-10, 255), (5, 255)],
)
def test_pixels_are_clipped_to_the_scale(rssi, value):
    found = tone_pixels(frame_batch(rssi=rssi), channel(), ImageSpec())

    assert found.tolist() == [[value] * 52]


def test_the_scale_is_the_specification_s():
    spec = ImageSpec(n_tones=2, floor_dbm=-100, ceiling_dbm=0)

    found = tone_pixels(frame_batch(rssi=-80), channel(), spec)

    assert found.tolist() == [[51, 51]]


def test_gain_control_is_undone_by_the_received_power():
    """Whatever the amplitude, the level is the RSSI."""
    flat = np.ones((4, 64)) * np.array([[1], [30], [1000], [0.001]])

    found = tone_pixels(frame_batch(flat, rssi=-70), channel(), ImageSpec())

    assert set(found.ravel().tolist()) == {102}


def test_firmware_without_rssi_gets_the_nominal_level():
    spec = ImageSpec(nominal_level_dbm=-90)
    without = frame_batch(rssi=NO_RSSI)

    found = tone_pixels(without, channel(has_rssi=False), spec)

    assert set(found.ravel().tolist()) == {51}


def test_a_tone_without_power_is_far_below_the_floor():
    gains = np.ones((1, 64))
    gains[0, 1] = 0

    (row,) = tone_pixels(frame_batch(gains), channel(), ImageSpec()).tolist()

    assert row[26] == 0
    assert min(row[:26] + row[27:]) > 0


def test_a_frame_without_signal_is_a_row_of_zeros():
    gains = np.stack([np.zeros(64), np.ones(64)])

    found = tone_pixels(frame_batch(gains), channel(), ImageSpec())

    assert found[0].tolist() == [0] * 52
    assert found[1].all()


@pytest.mark.parametrize("gain", [2047 * 2.0**31 * (1 + 1j), 2.0**-32])
def test_the_largest_and_smallest_packed_floats_are_no_problem(gain):
    batch = frame_batch(np.full((1, 64), gain), rssi=-70)

    found = tone_pixels(batch, channel(), ImageSpec())

    assert set(found.ravel().tolist()) == {102}


def test_guard_dc_and_overwritten_words_do_not_show():
    gains = np.ones((1, 64), complex)
    gains[0, 0] = gains[0, 27:38] = 30_000

    found = tone_pixels(frame_batch(gains, rssi=-70), channel(), ImageSpec())

    assert set(found.ravel().tolist()) == {102}


def test_a_format_with_too_few_tones_is_refused():
    with pytest.raises(ValueError, match="fewer than the 53 usable subcarriers"):
        tone_pixels(frame_batch(), channel(), ImageSpec(n_tones=53))


# -- specification ---------------------------------------------------------------------


def test_by_default_an_image_is_that_of_the_paper():
    """A changed default would change what recorded shots mean."""
    assert ImageSpec().shape == (3, 50, 52)
    assert ImageSpec() == ImageSpec(
        n_packets=50,
        n_tones=52,
        n_channels=3,
        floor_dbm=-110,
        ceiling_dbm=-10,
        nominal_level_dbm=-50,
        max_span_s=30,
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_packets": 0}, "n_packets is 0, not 1..4096"),
        ({"n_packets": 4097}, "n_packets is 4097, not 1..4096"),
        ({"n_tones": 0}, "n_tones is 0, not 1..242"),
        ({"n_tones": 243}, "n_tones is 243, not 1..242"),
        ({"n_channels": 0}, "n_channels is 0, not 1..16"),
        ({"n_channels": 17}, "n_channels is 17, not 1..16"),
        ({"floor_dbm": -10}, r"ceiling_dbm \(-10.0\) must exceed floor_dbm \(-10\)"),
        ({"ceiling_dbm": math.nan}, r"\(-110.0, nan, -50.0\): not finite"),
        ({"max_span_s": 0}, "max_span_s is 0, not 0 to 86400"),
        ({"max_span_s": -1}, "max_span_s is -1, not 0 to 86400"),
        ({"max_span_s": math.nan}, "max_span_s is nan, not 0 to 86400"),
    ],
    ids=str,
)
def test_impossible_specifications_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        ImageSpec(**fields)


def test_the_limits_of_a_specification_are_possible():
    ImageSpec(n_packets=1, n_tones=1, n_channels=1, max_span_s=0.1)
    ImageSpec(n_packets=4096, n_tones=242, n_channels=16)


@pytest.mark.parametrize("hop", [-1, 0, 51])
def test_impossible_hops_are_refused(hop):
    with pytest.raises(ValueError, match=f"hop is {hop}, not 1..50"):
        ImageBuilder(ImageSpec(), (channel(),), hop=hop)


@pytest.mark.parametrize("channels", [(A, B, C, D), (A, A)])
def test_too_many_or_equal_channels_are_refused(channels):
    with pytest.raises(ValueError, match=f"{len(channels)} channels, or two alike"):
        ImageBuilder(ImageSpec(), tuple(channel(mac) for mac in channels))


# -- window and hop --------------------------------------------------------------------


def test_a_window_of_50_moves_by_25():
    builder = ImageBuilder(one_per_decibel(n_channels=1), (channel(),), hop=25)

    images = feed(builder, packets(100))

    assert [rows(image) for image in images] == [
        numbered_rows(0),
        numbered_rows(25),
        numbered_rows(50),
    ]
    assert not builder.unused.total()


@pytest.mark.parametrize(("hop", "n_images"), [(1, 51), (10, 6), (49, 2), (50, 2)])
def test_any_hop(hop, n_images):
    builder = ImageBuilder(one_per_decibel(n_channels=1), (channel(),), hop=hop)

    images = feed(builder, packets(100))

    assert [rows(image) for image in images] == [
        numbered_rows(hop * i) for i in range(n_images)
    ]


@pytest.mark.parametrize(("n_packets", "hop"), [(1, 1), (2, 1), (3, 1), (4, 2), (9, 4)])
def test_by_default_half_a_window_is_new(n_packets, hop):
    builder = ImageBuilder(one_per_decibel(n_packets, n_channels=1), (channel(),))

    images = feed(builder, packets(17))

    assert [rows(image) for image in images] == [
        numbered_rows(first, n_packets) for first in range(0, 18 - n_packets, hop)
    ]


def test_long_runs_forget_old_packets_and_no_new_ones():
    builder = ImageBuilder(one_per_decibel(n_channels=1), (channel(),), hop=50)

    images = feed(builder, packets(5000))

    assert [rows(image) for image in images] == [
        numbered_rows(50 * i) for i in range(100)
    ]


def test_an_image_tells_when_it_was_taken():
    builder = ImageBuilder(one_per_decibel(n_channels=1), (channel(),), hop=25)

    first, second = feed(builder, packets(75, start_s=7))

    assert (first.started_ns, first.ended_ns) == (7 * SECOND, 7_490_000_000)
    assert (second.started_ns, second.ended_ns) == (7_250_000_000, 7_740_000_000)


def test_one_packet_too_few_is_no_image():
    assert feed(ImageBuilder(one_per_decibel(), (channel(),)), packets(49)) == []


def test_images_do_not_share_memory():
    builder = ImageBuilder(one_per_decibel(n_channels=1), (channel(),), hop=1)

    first, second = feed(builder, packets(51))
    second.pixels[:] = 0

    assert rows(first) == numbered_rows(0)


def test_channels_that_the_site_lacks_stay_masked():
    builder = ImageBuilder(one_per_decibel(n_channels=3), (channel(A), channel(B)))

    (image,) = feed(builder, interleaved(packets(50, mac=A), packets(50, mac=B)))

    assert image.heard.tolist() == [True, True, False]
    assert image.pixels.shape == (3, 50, 52)
    assert not image.pixels[2].any()
    assert image.n_frames == 100


def test_a_builder_without_channels_makes_no_images():
    builder = ImageBuilder(one_per_decibel(), ())

    assert feed(builder, packets(100)) == []
    assert +builder.unused == {Unused.OTHER_TRANSMITTER: 100}


# -- several channels ------------------------------------------------------------------


def three(hop=25):
    return ImageBuilder(
        one_per_decibel(), (channel(A), channel(B), channel(C)), hop=hop
    )


@pytest.mark.parametrize("offset_s", [0.0, 0.001, 0.004])
def test_three_equal_channels_give_complete_images(offset_s):
    batch = interleaved(
        packets(150, mac=A),
        packets(150, mac=B, start_s=offset_s, first=7),
        packets(150, mac=C, start_s=2 * offset_s, first=31),
    )

    images = feed(three(), batch)

    assert len(images) == 5
    for i, image in enumerate(images):
        assert image.heard.all()
        assert image.n_frames == 150
        # All three windows end with the same packet number.
        assert rows(image, 0) == numbered_rows(25 * i)
        assert rows(image, 1) == numbered_rows(25 * i + 7)
        assert rows(image, 2) == numbered_rows(25 * i + 31)


def test_cores_of_one_transmitter_are_channels_of_their_own():
    builder = ImageBuilder(one_per_decibel(n_channels=2), (channel(), channel(core=3)))
    batch = interleaved(packets(50), packets(50, core=3, first=9), packets(50, core=1))

    (image,) = feed(builder, batch)

    assert rows(image, 0) == numbered_rows(0)
    assert rows(image, 1) == numbered_rows(9)
    assert +builder.unused == {Unused.OTHER_TRANSMITTER: 50}


@pytest.mark.parametrize(
    ("hop", "n_before", "n_waits"),
    [
        (25, 212, 0),  # 12 packets into a hop it is not nearly due
        (25, 213, 1),
        (25, 220, 1),
        (25, 225, 0),
        (24, 205, 0),
        (24, 206, 1),  # half a hop is nearly due
    ],
)
def test_a_channel_that_vanishes_is_masked_and_waited_for_once_at_most(
    hop, n_before, n_waits
):
    batch = interleaved(
        packets(1000, mac=A), packets(n_before, mac=B), packets(1000, mac=C)
    )

    images = feed(three(hop=hop), batch)

    ended_ns = np.array([image.ended_ns for image in images])
    fresh = ended_ns <= (n_before - 1) * SECOND // 100 + 2 * SECOND
    assert [image.heard.tolist() for image in images] == [
        [True, is_fresh, True] for is_fresh in fresh.tolist()
    ]
    assert not any(image.pixels[1].any() for image in images[fresh.sum() :])
    gaps = np.diff(ended_ns) * 100 // SECOND  # in packets
    assert sorted(gaps.tolist()) == [hop] * (len(gaps) - n_waits) + [2 * hop] * n_waits


def test_a_vanished_channel_returns_when_it_has_a_whole_window_again():
    batch = interleaved(
        packets(6000, mac=A),
        packets(100, mac=B),
        packets(1000, mac=B, start_s=50, first=1),
    )
    builder = ImageBuilder(one_per_decibel(), (channel(A), channel(B)))

    images = feed(builder, batch)

    first = next(i for i in images if i.heard[1] and i.ended_ns > 40 * SECOND)
    assert 50.49 <= first.ended_ns / SECOND <= 50.74
    assert rows(first, 1)[0] in numbered_rows(1, 26)
    # While it fills its window it is not waited for.
    ended = np.array([i.ended_ns for i in images if i.ended_ns > 40 * SECOND])
    assert (np.diff(ended[ended <= first.ended_ns]) == SECOND // 4).all()


def test_a_slow_channel_is_in_every_image_and_sets_no_pace():
    batch = interleaved(packets(2000, mac=A), packets(400, mac=B, rate=20))
    builder = ImageBuilder(one_per_decibel(), (channel(A), channel(B)))

    images = feed(builder, batch)

    ended = [image.ended_ns / SECOND for image in images]
    assert np.diff(ended) == pytest.approx(0.25)  # a hop of the fast one
    for end, image in zip(ended, images, strict=True):
        assert image.heard.tolist() == [True, end >= 49 / 20, False]
    # The newest 50 of it, although they are older than those of the other.
    late = images[-1]
    n_heard = math.floor(ended[-1] * 20 + 1e-6) + 1
    assert rows(late, 1) == numbered_rows(n_heard - 50)
    assert late.started_ns == round((n_heard - 50) / 20 * SECOND)


def test_a_channel_too_slow_for_the_span_is_never_in_an_image():
    """50 packets at one a second take 49 s, and 30 s is the limit."""
    batch = interleaved(packets(6000, mac=A, rate=60), packets(100, mac=B, rate=1))
    builder = ImageBuilder(one_per_decibel(), (channel(A), channel(B)))

    images = feed(builder, batch)

    assert len(images) == 239
    assert all(image.heard.tolist() == [True, False, False] for image in images)


def test_the_first_is_waited_for_until_it_has_two_hops():
    """B is half due when A is, and then comes no more."""
    batch = interleaved(packets(200, mac=A), packets(88, mac=B, rate=100))
    builder = ImageBuilder(one_per_decibel(), (channel(A), channel(B)))

    images = builder.feed(decoded(batch))

    # 50 and 75 of both; then A alone: 100 waits, 125 does not wait any longer.
    ended = [image.ended_ns // 10_000_000 + 1 for image in images]
    assert ended == [50, 75, 125, 150, 175, 200]
    assert [image.heard[1] for image in images] == [True] * 6  # fresh for 2 s


def test_the_end_does_not_wait():
    batch = interleaved(packets(75, mac=A), packets(65, mac=B, start_s=0.001))
    builder = ImageBuilder(one_per_decibel(), (channel(A), channel(B)))

    (complete,) = builder.feed(decoded(batch))
    (waiting,) = builder.finish()

    assert complete.ended_ns == 491_000_000
    assert waiting.ended_ns == 740_000_000
    assert rows(waiting, 0) == numbered_rows(25)
    assert rows(waiting, 1) == numbered_rows(15)
    assert builder.finish() == []


def test_nothing_waits_at_the_end_of_a_single_channel():
    builder = ImageBuilder(one_per_decibel(), (channel(A),))
    builder.feed(decoded(packets(99)))

    assert builder.finish() == []


def test_what_went_stale_while_it_waited_is_no_image():
    """A was due and waited for B; then only C, who is not due, for five seconds."""
    batch = interleaved(
        packets(75, mac=A),
        packets(65, mac=B, start_s=0.001),
        packets(12, mac=C, start_s=1, rate=2),
    )
    builder = three()
    builder.feed(decoded(batch))

    assert builder.finish() == []


# -- time ------------------------------------------------------------------------------


def test_a_clock_that_jumps_back_starts_anew():
    batch = FrameBatch.concatenate(
        [packets(40, start_s=100), packets(50, first=40, start_s=90)]
    )
    batch = replace(batch, index=np.arange(90))
    builder = ImageBuilder(one_per_decibel(n_channels=1), (channel(),))

    (image,) = feed(builder, batch)

    assert rows(image) == numbered_rows(40)
    assert image.started_ns == 90 * SECOND
    assert +builder.unused == {Unused.CLOCK: 40}


def test_a_clock_that_jumps_back_discards_the_packets_of_all_channels():
    before = interleaved(packets(40, mac=A), packets(30, mac=B))
    after = packets(50, mac=A, start_s=-10)
    batch = FrameBatch.concatenate([before, after])
    batch = replace(batch, index=np.arange(120), time_ns=batch.time_ns + 20 * SECOND)
    builder = ImageBuilder(one_per_decibel(), (channel(A), channel(B)))

    (image,) = feed(builder, batch)

    assert image.heard.tolist() == [True, False, False]
    assert +builder.unused == {Unused.CLOCK: 70}


def test_a_recording_after_the_end_of_another_may_be_older():
    """The demonstration's walk begins anew every time."""
    builder = ImageBuilder(one_per_decibel(n_channels=1), (channel(),))

    first, second = (
        [(image.started_ns, rows(image)) for image in feed(builder, packets(140))]
        for _ in range(2)
    )

    assert len(first) > 1
    assert first == second
    assert +builder.unused == {}


@pytest.mark.parametrize(("back_ns", "n_images"), [(SECOND, 1), (SECOND + 1, 0)])
def test_a_packet_up_to_a_second_late_is_no_jump(back_ns, n_images):
    batch = packets(50, start_s=5)
    batch.time_ns[10] = batch.time_ns[9] - back_ns
    builder = ImageBuilder(one_per_decibel(n_channels=1), (channel(),))

    images = feed(builder, batch)

    assert [rows(image) for image in images] == [numbered_rows(0)] * n_images


@pytest.mark.parametrize(("gap_s", "n_images"), [(29, 2), (31, 1)])
def test_packets_of_before_a_long_gap_meet_none_of_after(gap_s, n_images):
    start_s = 39 / 100 + gap_s
    batch = FrameBatch.concatenate(
        [packets(40), packets(50, first=40, start_s=start_s)]
    )
    batch = replace(batch, index=np.arange(90))
    builder = ImageBuilder(one_per_decibel(n_channels=1), (channel(),))

    images = feed(builder, batch)

    assert len(images) == n_images
    if gap_s > 30:
        assert rows(images[0]) == numbered_rows(40)


def test_the_longest_span_is_the_specification_s():
    spec = one_per_decibel(n_packets=5, n_channels=1, max_span_s=4)

    exactly = feed(ImageBuilder(spec, (channel(),)), packets(5, rate=1))
    longer = feed(ImageBuilder(spec, (channel(),)), packets(5, rate=0.99))

    assert (len(exactly), len(longer)) == (1, 0)


def test_packets_grow_too_old_one_by_one():
    spec = one_per_decibel(5, n_channels=1, max_span_s=4)
    batch = packets(6)
    batch.time_ns[:] = np.array([0, 2, 3, 4, 5, 6]) * SECOND

    (image,) = feed(ImageBuilder(spec, (channel(),)), batch)

    assert rows(image) == numbered_rows(1, 5)


def test_frames_without_times_give_images_all_the_same():
    batch = packets(100)
    batch.time_ns[:] = 0
    builder = ImageBuilder(one_per_decibel(n_channels=1), (channel(),))

    images = feed(builder, batch)

    assert [rows(image) for image in images] == [numbered_rows(i) for i in (0, 25, 50)]
    assert {(image.started_ns, image.ended_ns) for image in images} == {(0, 0)}


# -- frames that do not enter ----------------------------------------------------------


def test_frames_that_enter_no_image_are_counted_by_reason():
    vht = [0x1003, 0, 0, 0, 0, 0]
    batch = FrameBatch.concatenate(
        [
            replace(packets(7), csi=np.zeros((7, 64), np.complex64)),
            packets(50),
            packets(2, mac=B),
            packets(3, core=1),
            packets(4, stream=1),
            packets(5, phystatus=vht),
            packets(6, rssi=NO_RSSI),
        ]
    )
    batch = replace(batch, index=np.arange(77), time_ns=np.zeros(77, np.int64))
    builder = ImageBuilder(one_per_decibel(), (channel(),))

    (image,) = feed(builder, batch)

    assert rows(image) == numbered_rows(0)
    assert +builder.unused == {
        Unused.OTHER_TRANSMITTER: 2 + 3,
        Unused.OTHER_STREAM: 4,
        Unused.OTHER_FORMAT: 5 + 6,
        Unused.NO_SIGNAL: 7,
    }


def test_formats_of_one_transmitter_never_mix():
    """Beacons and data frames alternate; the site is calibrated for both."""
    vht = FrameFormat(64, Phy.VHT, 0b1, overwritten=True)
    batch = interleaved(
        packets(50), packets(50, first=11, phystatus=[0x1003, 0, 0, 0, 0, 0])
    )
    builder = ImageBuilder(one_per_decibel(), (channel(), channel(frame_format=vht)))

    (image,) = feed(builder, batch)

    assert rows(image, 0) == numbered_rows(0)
    assert rows(image, 1) == numbered_rows(11)


def test_bandwidths_of_one_transmitter_never_mix():
    wide = FrameFormat(128, Phy.LEGACY, 0b01, overwritten=True)
    narrow_frames = packets(50)
    index = 2 * np.arange(50)
    gains = np.zeros((50, 128))
    gains[:, 128 - 58 : 128 - 6] = 1  # k = -32 -+ 26
    wide_frames = replace(
        frame_batch(gains, mac=list(A), time_ns=narrow_frames.time_ns + 1, rssi=-70),
        index=index + 1,
    )
    narrow_frames = replace(narrow_frames, index=index)
    builder = ImageBuilder(one_per_decibel(), (channel(), channel(frame_format=wide)))

    images = builder.feed(decoded(narrow_frames, wide_frames))

    (image,) = images
    assert rows(image, 0) == numbered_rows(0)
    assert set(rows(image, 1)) == {58}
    assert image.ended_ns == 490_000_001  # arrival order is that across bandwidths


def test_channels_of_a_recording_are_counted():
    plus = [0x1003, 0, 0, 0, 0, 0]
    batch = FrameBatch.concatenate(
        [
            packets(5, mac=A),
            packets(3, mac=B),
            packets(2, mac=B, core=1),
            packets(9, mac=B, stream=1),
            packets(4, mac=A, phystatus=plus),
            packets(1, mac=A, generation=Generation.OLD, rssi=NO_RSSI),
        ]
    )

    counts = channel_counts(decoded(batch))

    vht = FrameFormat(64, Phy.VHT, 1, overwritten=True)
    unknown = FrameFormat(64, Phy.UNKNOWN, 1, overwritten=False)
    assert counts == {
        channel(A): 5,
        channel(B): 3,
        channel(B, core=1): 2,
        channel(A, frame_format=vht): 4,
        channel(A, frame_format=unknown, has_rssi=False): 1,
    }


def test_each_frame_belongs_to_one_channel():
    batch = FrameBatch.concatenate(
        [
            packets(2, mac=B),
            packets(1, mac=A),
            packets(1, mac=B, core=3),
            packets(1, mac=B),
        ]
    )

    which, channels = channels_of(batch)

    assert [channels[i] for i in which.tolist()] == [
        channel(B),
        channel(B),
        channel(A),
        channel(B, core=3),
        channel(B),
    ]
    assert len(channels) == 3


def test_addresses_that_differ_in_one_bit_are_two_channels():
    macs = [(1 << bit).to_bytes(6, "big") for bit in range(48)] + [b"\xff" * 6]
    batch = frame_batch(np.ones((49, 64)), mac=np.array([list(mac) for mac in macs]))

    which, channels = channels_of(batch)

    assert [channels[i].mac for i in which.tolist()] == [mac.hex(":") for mac in macs]


def test_nothing_recorded_has_no_channels():
    assert not channel_counts(decoded())


# -- however the frames are cut --------------------------------------------------------

GAPS_S = st.sampled_from([0.0, 0.001, 0.1, 0.9, 1.9, 2.1, 5.0, 31.0, -0.5, -1.5, -40.0])


@st.composite
def recordings(draw):
    """Frames of three transmitters, one of them foreign, at uneven times."""
    n = draw(st.integers(0, 60))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    usual = rng.choice([0.001, 0.05, 0.3], n)
    for position, gap in draw(
        st.lists(st.tuples(st.integers(0, 59), GAPS_S), max_size=4)
    ):
        usual[position : position + 1] = gap
    times_ns = 100 * SECOND + np.round(np.cumsum(usual) * SECOND)
    return frame_batch(
        np.ones((n, 64)),
        time_ns=times_ns,
        mac=np.array([list(mac) for mac in (A, B, C)])[
            rng.choice(3, n, p=[0.5, 0.4, 0.1])
        ],
        rssi=numbered_rssi(np.arange(n)),
        stream=rng.random(n) < 0.1,
    )


@settings(max_examples=150, deadline=None)
@given(
    batch=recordings(),
    n_packets=st.integers(1, 6),
    hop=st.floats(0, 1),
    cuts=st.lists(st.floats(0, 1), max_size=8),
)
def test_the_same_images_however_the_frames_are_cut(batch, n_packets, hop, cuts):
    spec = one_per_decibel(n_packets, n_tones=2, n_channels=2)
    channels = (channel(A), channel(B))
    hop = 1 + round(hop * (n_packets - 1))
    whole = ImageBuilder(spec, channels, hop=hop)
    pieces = ImageBuilder(spec, channels, hop=hop)
    borders = [0, *sorted(round(cut * len(batch)) for cut in cuts), len(batch)]

    expected = feed(whole, batch)
    found = []
    for start, end in itertools.pairwise(borders):
        piece = batch[start:end]
        found += pieces.feed(decoded(replace(piece, index=np.arange(len(piece)))))
    found += pieces.finish()

    def contents(images):
        return [
            (i.pixels.tolist(), i.heard.tolist(), i.started_ns, i.ended_ns)
            for i in images
        ]

    assert contents(found) == contents(expected)
    assert pieces.unused == whole.unused


@settings(max_examples=50, deadline=None)
@given(batch=recordings(), n_packets=st.integers(1, 6))
def test_no_image_comes_earlier_than_announced(batch, n_packets):
    spec = one_per_decibel(n_packets, n_tones=1, n_channels=2)
    builder = ImageBuilder(spec, (channel(A), channel(B)))
    not_before = 0

    for i in range(len(batch)):
        assert builder.frames_until_due >= 1
        not_before = max(not_before, i + builder.frames_until_due)

        images = builder.feed(decoded(batch[i : i + 1]))

        assert not images or i + 1 >= not_before


def test_a_single_channel_is_due_when_announced():
    builder = ImageBuilder(one_per_decibel(), (channel(),))
    announced = [builder.frames_until_due]

    for i in range(75):
        builder.feed(decoded(packets(1, first=i, start_s=i / 100)))
        announced.append(builder.frames_until_due)

    assert announced == [*range(50, 0, -1), *range(25, 0, -1), 25]


@settings(max_examples=100, deadline=None)
@given(batch=recordings(), n_packets=st.integers(1, 6))
def test_no_image_ever_ever_holds_what_it_must_not(batch, n_packets):
    """Each row is a real packet of its channel, in order, once, and young enough."""
    spec = one_per_decibel(n_packets, n_tones=1, n_channels=2)
    builder = ImageBuilder(spec, (channel(A), channel(B)))

    images = feed(builder, batch)

    for image in images:
        assert image.heard.any()
        for pixels, heard, mac in zip(image.pixels, image.heard, (A, B), strict=False):
            if not heard:
                assert not pixels.any()
                continue
            numbers = [pixel - 1 for pixel in pixels[:, 0].tolist()]
            assert numbers == sorted(set(numbers))
            assert all(batch.mac[i].tobytes() == mac for i in numbers)
            assert all(batch.stream[i] == 0 for i in numbers)
            times = batch.time_ns[numbers]
            assert times[0] >= image.started_ns
            assert times.max() <= image.ended_ns
            assert image.ended_ns - times[-1] <= 2 * SECOND
            assert image.ended_ns - times[0] <= 30 * SECOND
