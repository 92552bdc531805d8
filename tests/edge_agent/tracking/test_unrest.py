"""Whether a device is carried: by hand, and in a simulated laboratory."""

import numpy as np
import pytest

from edge_agent.csi.decode import Decoder
from edge_agent.csi.image import CsiImage, ImageBuilder, ImageSpec, channel_counts
from edge_agent.csi.iq_order import IqOrder
from edge_agent.tracking.unrest import unrest
from trainer.simulate.scenes import SCENES
from trainer.simulate.survey import START_US, capture_at

N_PACKETS, N_TONES = 50, 52
SPAN_NS = 2_450_000_000  # 50 ms from packet to packet, so that four are 0.2 s


def image(*channels, heard=None, span_ns=SPAN_NS):
    """An image of these channels, each of shape (n_packets, n_tones)."""
    pixels = np.stack(channels).astype(np.uint8)
    is_heard = np.ones(len(channels), np.bool_) if heard is None else np.array(heard)
    return CsiImage(pixels, is_heard, 10**18, 10**18 + span_ns)


def steady(rng, noise=0.0):
    shape = rng.uniform(60, 200, N_TONES)
    return shape + rng.normal(0, noise, (N_PACKETS, N_TONES))


def restless(rng):
    """Every packet a shape of its own."""
    return rng.uniform(60, 200, (N_PACKETS, N_TONES))


def test_who_rests_hears_the_same(rng):
    assert unrest(image(steady(rng))) == 0.0


def test_packets_that_have_nothing_in_common_give_one(rng):
    assert unrest(image(restless(rng))) == pytest.approx(1.0, abs=0.1)


def test_a_shape_that_turns_into_its_opposite_gives_the_root_of_two(rng):
    wave = 40 * np.cos(2 * np.pi * np.arange(N_TONES) / 13)
    packets = np.arange(N_PACKETS)
    turned = np.where(packets // 4 % 2, -1, 1)[:, None] * wave  # every 0.2 s

    assert unrest(image(120 + np.rint(turned))) == pytest.approx(np.sqrt(2), abs=0.01)


def test_level_is_left_out(rng):
    levels = rng.integers(0, 50, (N_PACKETS, 1))

    assert unrest(image(np.rint(steady(rng)) + levels)) == pytest.approx(0.0, abs=1e-6)


def test_only_the_newest_packets_count(rng):
    stopped = restless(rng)
    stopped[-15:] = stopped[-1]  # ten newest, and the four before each

    assert unrest(image(stopped)) == 0.0


def test_the_steadiest_access_point_counts(rng):
    assert unrest(image(restless(rng), steady(rng), restless(rng))) == 0.0


def test_an_access_point_that_is_not_heard_says_nothing(rng):
    silent = np.zeros((N_PACKETS, N_TONES))

    found = unrest(image(silent, restless(rng), heard=[False, True]))

    assert found == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    "span_ns",
    [
        0,  # a capture without times
        -1,
        49 * 501_000_000,  # more than half a second from packet to packet
        49 * 4_000_000,  # all of them within a fifth of a second
    ],
)
def test_times_that_tell_nothing_give_nothing(rng, span_ns):
    assert unrest(image(restless(rng), span_ns=span_ns)) is None


def test_five_packets_are_too_few(rng):
    assert unrest(image(restless(rng)[:5])) is None


def test_one_tone_has_no_shape(rng):
    assert unrest(image(restless(rng)[:, :1])) is None


@pytest.mark.parametrize("interval_s", [0.02, 0.05])
def test_a_walker_is_told_from_who_rests(interval_s):
    scene = SCENES["lab"]
    (room,) = scene.days(1)
    n_packets = round(6 / interval_s)
    along = np.column_stack(
        [
            np.full(n_packets, 4.0),
            1.5 + np.arange(n_packets) * interval_s,
            np.full(n_packets, 1.1),
        ]
    )

    def found(places):
        raw = capture_at(
            np.random.default_rng(3),
            room,
            places,
            site=255,
            n_packets=n_packets,
            interval_s=interval_s,
            start_us=START_US,
        )
        decoded = Decoder(IqOrder.AUTO).decode(raw)
        channels = tuple(sorted(channel_counts(decoded)))
        built = ImageBuilder(ImageSpec(), channels, hop=5).feed(decoded)
        return [unrest(one) for one in built]

    assert max(found(along[:1])) < 0.25
    assert min(found(along)) > 0.5
