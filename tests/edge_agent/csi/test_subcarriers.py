"""Usable subcarriers: the standard's tables, and the formats of real frames."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.csi import CaptureReader, Decoder, Generation
from edge_agent.csi.subcarriers import (
    FrameFormat,
    Phy,
    frame_formats,
    n_subbands,
    select_tones,
    subband_centres,
    usable_tones,
    word_indices,
)
from tests.builders import frame_batch

LOWEST, LOWER_TWO, ALL_FOUR = 0b0001, 0b0011, 0b1111


def frame_format(n=64, phy=Phy.LEGACY, subbands=LOWEST, overwritten=False):
    return FrameFormat(n, phy, subbands, overwritten)


def both_sides(first, last, centre=0):
    """k = centre -+ first .. last, ascending."""
    upper = range(centre + first, centre + last + 1)
    return [*range(centre - last, centre - first + 1), *upper]


# -- tables ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "centres"),
    [
        (64, [0]),
        (128, [-32, 32]),
        (255, [-96, -32, 32, 96]),
        (256, [-96, -32, 32, 96]),
    ],
)
def test_subband_centres(n, centres):
    assert subband_centres(n) == centres
    assert n_subbands(n) == len(centres)


@pytest.mark.parametrize(
    ("kind", "count", "tones"),
    [
        (frame_format(), 52, both_sides(1, 26)),
        (frame_format(phy=Phy.UNKNOWN), 52, both_sides(1, 26)),
        (frame_format(phy=Phy.HT), 56, both_sides(1, 28)),
        (frame_format(phy=Phy.VHT), 56, both_sides(1, 28)),
        (frame_format(128, Phy.HT, 0b11), 114, both_sides(2, 58)),
        (frame_format(128, Phy.VHT, 0b11), 114, both_sides(2, 58)),
        (frame_format(256, Phy.VHT, ALL_FOUR), 242, both_sides(2, 122)),
        (frame_format(255, Phy.VHT, ALL_FOUR), 242, both_sides(2, 122)),
    ],
)
def test_frames_as_wide_as_their_channel(kind, count, tones):
    found = usable_tones(kind)

    assert found.tolist() == tones
    assert len(found) == count
    assert (found == -found[::-1]).all()  # symmetric about the carrier


@pytest.mark.parametrize(
    ("kind", "tones"),
    [
        (frame_format(128), both_sides(1, 26, -32)),
        (frame_format(128, subbands=0b10), both_sides(1, 26, 32)),
        (frame_format(128, Phy.HT), both_sides(1, 28, -32)),
        (frame_format(256), both_sides(1, 26, -96)),
        (frame_format(256, subbands=0b0010), both_sides(1, 26, -32)),
        (frame_format(256, Phy.UNKNOWN, 0b0100), both_sides(1, 26, 32)),
        (frame_format(256, Phy.VHT, 0b1000), both_sides(1, 28, 96)),
        (frame_format(256, Phy.VHT, LOWER_TWO), both_sides(2, 58, -64)),
        (frame_format(256, Phy.HT, 0b1100), both_sides(2, 58, 64)),
    ],
)
def test_frames_in_a_part_of_their_channel_lie_around_that_part(kind, tones):
    assert usable_tones(kind).tolist() == tones


@pytest.mark.parametrize(
    "kind",
    [
        frame_format(256, Phy.LEGACY, ALL_FOUR),
        frame_format(256, Phy.UNKNOWN, ALL_FOUR),  # what all of them use
    ],
)
def test_duplicates_use_the_legacy_tones_of_each_subband(kind):
    expected = [k for c in (-96, -32, 32, 96) for k in both_sides(1, 26, c)]

    assert usable_tones(kind).tolist() == expected


@pytest.mark.parametrize("subbands", [0b0101, 0b1001, 0b0111])
def test_wide_frames_with_holes_are_trusted_within_each_subband_only(subbands):
    centres = [c for i, c in enumerate((-96, -32, 32, 96)) if subbands >> i & 1]

    found = usable_tones(frame_format(256, Phy.VHT, subbands))

    assert found.tolist() == [k for c in centres for k in both_sides(1, 26, c)]


def test_without_any_subband_nothing_is_usable():
    assert usable_tones(frame_format(256, subbands=0)).tolist() == []


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        (frame_format(phy=Phy.LEGACY), []),
        (frame_format(phy=Phy.VHT), [28]),
        (frame_format(128, Phy.HT, 0b11), [2]),
        (frame_format(128, Phy.LEGACY, 0b11), []),
        (frame_format(256, Phy.VHT, ALL_FOUR), [2]),
        (frame_format(256, Phy.LEGACY, LOWEST), []),
    ],
)
def test_overwritten_words_are_not_usable(kind, lost):
    whole = usable_tones(kind).tolist()

    found = usable_tones(replace(kind, overwritten=True)).tolist()

    assert found == [k for k in whole if k not in lost]
    assert len(found) == len(whole) - len(lost)


# -- a fixed number of tones -----------------------------------------------------------


@pytest.mark.parametrize("overwritten", [False, True])
@pytest.mark.parametrize("phy", Phy)
@pytest.mark.parametrize(
    ("n", "subbands", "centre"), [(64, 1, 0), (128, 2, 32), (256, 1, -96)]
)
def test_one_subband_gives_the_same_52_tones_whatever_the_phy(
    n, subbands, centre, phy, overwritten
):
    found = select_tones(frame_format(n, phy, subbands, overwritten), 52)

    assert found.tolist() == both_sides(1, 26, centre)


def test_more_than_52_tones_are_there_where_the_phy_has_them():
    assert select_tones(frame_format(phy=Phy.VHT), 56).tolist() == both_sides(1, 28)
    assert select_tones(frame_format(phy=Phy.LEGACY), 53) is None
    assert select_tones(frame_format(phy=Phy.VHT, overwritten=True), 56) is None


@pytest.mark.parametrize("n_tones", [1, 2, 30, 52, 114, 242])
def test_tones_are_spread_over_a_wide_frame(n_tones):
    kind = frame_format(256, Phy.VHT, ALL_FOUR)

    found = select_tones(kind, n_tones)

    gaps = np.diff(found)
    assert len(set(found.tolist())) == n_tones
    assert set(found.tolist()) <= set(usable_tones(kind).tolist())
    assert (gaps > 0).all()
    if n_tones > 1:
        assert (found[0], found[-1]) == (-122, 122)
        # One tone of rounding, and the hole of three around the carrier.
        assert gaps.max() - gaps.min() <= 1 + 3


def test_too_few_tones_are_no_answer():
    assert select_tones(frame_format(subbands=0), 1) is None
    assert select_tones(frame_format(256, Phy.VHT, ALL_FOUR), 243) is None


@pytest.mark.parametrize(
    ("n", "tones", "indices"),
    [
        (64, [-26, -1, 0, 1, 26], [38, 63, 0, 1, 26]),
        (128, [-58, -2, 2], [70, 126, 2]),
        (256, [-122, -1, 122], [134, 255, 122]),
        (255, [-122, -2, 2], [134, 254, 2]),  # the word of k = -1 is the missing one
    ],
)
def test_negative_subcarriers_stand_in_the_upper_half(n, tones, indices):
    assert word_indices(np.array(tones), n).tolist() == indices


@pytest.mark.parametrize("n", [64, 128, 255, 256])
@pytest.mark.parametrize("phy", Phy)
def test_every_usable_tone_has_a_word(n, phy):
    for subbands in range(1, 1 << n_subbands(n)):
        indices = word_indices(usable_tones(frame_format(n, phy, subbands)), n)

        assert ((indices >= 0) & (indices < n)).all()
        assert len(set(indices.tolist())) == len(indices)


# -- the format of a frame -------------------------------------------------------------


def with_power(n, *subband_db):
    """One frame whose sub-bands have these powers."""
    gains = np.zeros((1, n))
    for centre, power_db in zip(subband_centres(n), subband_db, strict=True):
        indices = word_indices(np.array(both_sides(1, 26, centre)), n)
        gains[0, indices] = 10 ** (power_db / 20)
    return gains


def formats_of(batch):
    """The format of each frame."""
    which, formats = frame_formats(batch)
    return [formats[i] for i in which.tolist()]


def only_format(batch):
    (found,) = formats_of(batch)
    return found


@pytest.mark.parametrize("word", [0x1000, 0x1001, 0x1002, 0x1003, 0x1FFD])
@pytest.mark.parametrize("generation", [Generation.NEW, Generation.GAIN])
def test_the_status_word_tells_the_phy(generation, word):
    batch = frame_batch(phystatus=[word, 0, 0, 0, 0, 0], generation=generation)

    assert only_format(batch) == FrameFormat(64, Phy(word & 3), 1, overwritten=True)


@pytest.mark.parametrize(
    "generation",
    [
        Generation.MOBISYS_2018,
        Generation.OLD,
        Generation.PLUS,
        Generation.PR169,
    ],
)
def test_generations_without_status_word_tell_nothing(generation):
    batch = frame_batch(phystatus=[0xF003, 0, 0, 0, 0, 0], generation=generation)

    assert only_format(batch) == FrameFormat(64, Phy.UNKNOWN, 1, overwritten=False)


def test_the_status_word_of_the_4366c0_is_laid_out_otherwise():
    batch = frame_batch(phystatus=[0x1003, 0, 0, 0, 0, 0], chip=0x6A)

    assert only_format(batch) == FrameFormat(64, Phy.UNKNOWN, 1, overwritten=True)


@pytest.mark.parametrize(
    ("n", "subband_db", "subbands"),
    [
        (128, (0, -40), 0b01),
        (128, (-40, 60), 0b10),
        (128, (0, -14.9), 0b11),
        (128, (0, -15.1), 0b01),
        (256, (0, 0, 0, 0), 0b1111),
        (256, (-18, -18, 0, -12), 0b1100),
        (255, (-3, -20, -3, -20), 0b0101),
    ],
)
def test_energy_tells_the_occupied_subbands(n, subband_db, subbands):
    batch = frame_batch(with_power(n, *subband_db), generation=Generation.OLD)

    assert only_format(batch).subbands == subbands


def test_the_three_overwritten_words_are_no_energy():
    gains = with_power(256, 0, -40, -40, -40)
    gains[0, :3] = 1e6

    assert only_format(frame_batch(gains, generation=Generation.OLD)).subbands == LOWEST


@pytest.mark.parametrize(
    ("named", "subbands"),
    [
        (0b0001, 0b0001),  # fewer than have energy: those
        (0b1111, 0b0011),  # more: weak beacons are marked so
        (0b1100, 0b0011),  # others: nonsense
        (0b0000, 0b0011),
    ],
)
def test_status_and_energy_together_tell_the_subbands(named, subbands):
    batch = frame_batch(
        with_power(256, 0, 0, -40, -40), phystatus=[named << 12 | 1, 0, 0, 0, 0, 0]
    )

    assert only_format(batch).subbands == subbands


def test_a_frame_without_signal_has_a_format_like_any_other():
    batch = frame_batch(np.zeros((1, 256)), generation=Generation.OLD)

    assert only_format(batch).subbands == ALL_FOUR


def test_each_frame_of_a_batch_has_its_own_format():
    gains = np.concatenate([with_power(128, 0, -40), with_power(128, -40, 0)] * 2)
    status = [[0x1001] * 6, [0x2002] * 6, [0x1001] * 6, [0x2003] * 6]

    found = formats_of(frame_batch(gains, phystatus=np.array(status)))

    assert [(f.phy, f.subbands) for f in found] == [
        (Phy.LEGACY, 1),
        (Phy.HT, 2),
        (Phy.LEGACY, 1),
        (Phy.VHT, 2),
    ]


def test_frames_of_one_format_share_it():
    gains = np.ones((1000, 64))

    which, formats = frame_formats(frame_batch(gains))

    assert formats == (FrameFormat(64, Phy.LEGACY, 1, overwritten=True),)
    assert which.tolist() == [0] * 1000


def test_no_frames_have_no_formats():
    which, formats = frame_formats(frame_batch()[:0])

    assert (len(which), formats) == (0, ())


# -- real captures ---------------------------------------------------------------------


@pytest.fixture
def golden(shared_data):
    """Return the frames of a real capture."""

    def load(name):
        reader = CaptureReader()
        (raw,) = reader.feed(shared_data(f"nexmon/golden/{name}.pcap").read_bytes())
        (batch,) = Decoder().decode(raw).batches
        return batch

    return load


def test_beacons_and_data_of_a_real_capture_are_told_apart(golden):
    """The capture says what each frame was in its frame control byte."""
    batch = golden("rpi_43455c0_80MHz_new_hdr_mixed")
    qos_data = 0x88

    found = formats_of(batch)

    assert len(found) == 60
    for frame_control, kind in zip(batch.frame_control.tolist(), found, strict=True):
        assert kind.phy is (Phy.VHT if frame_control == qos_data else Phy.LEGACY)
        assert kind.overwritten
        assert select_tones(kind, 52) is not None


@pytest.mark.parametrize(
    ("name", "n_weak"),
    [
        ("rpi_43455c0_80MHz_new_hdr_mixed", 0),
        ("rpi_43455c0_80MHz_new_hdr_blockack", 0),
        # One beacon at -75 dBm is marked as twice as wide as it is.
        ("containers/ethernet_le", 1),
        ("synthetic/new_hdr_20MHz_43455c0", 0),
    ],
)
def test_energy_finds_the_subbands_that_the_receiver_reported(golden, name, n_weak):
    batch = golden(name)
    reported = (batch.phystatus[:, 0] >> 12).tolist()
    without_report = replace(batch, generation=np.full(len(batch), Generation.OLD))

    found = [kind.subbands for kind in formats_of(without_report)]

    differing = [
        (energy, report)
        for energy, report in zip(found, reported, strict=True)
        if energy != report
    ]
    assert differing == [(LOWEST, LOWER_TWO)] * n_weak


def test_primary_channels_of_real_captures_without_report(golden):
    """36/40, 36/80 and 100/80: beacons and Block Acks fill the lowest 20 MHz."""
    nearly_all = [
        ("rpi_43455c0_40MHz_old_hdr", 54),
        ("nexus5_4339_80MHz_old_hdr", 60),
        ("rtac86u_4366c0_80MHz_old_hdr", 60),
    ]

    for name, n_narrow in nearly_all:
        found = [kind.subbands for kind in formats_of(golden(name))]
        assert found.count(LOWEST) == n_narrow


# -- names and order -------------------------------------------------------------------


def test_formats_can_be_sorted_and_counted():
    narrow, wide = frame_format(64), frame_format(256)

    assert sorted([wide, narrow, wide]) == [narrow, wide, wide]
    assert len({narrow, frame_format(64), wide}) == 2


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (frame_format(), "20 MHz LEGACY"),
        (frame_format(phy=Phy.UNKNOWN), "20 MHz"),
        (frame_format(256, Phy.VHT, ALL_FOUR), "80 MHz VHT"),
    ],
)
def test_a_format_is_named(kind, name):
    assert str(kind) == name


def test_the_name_of_a_narrow_format_tells_where_it_is():
    name = str(frame_format(256, Phy.HT, 0b0110))

    assert "80 MHz" in name
    assert "HT" in name
    assert name.split()[-1] == "1+2"
