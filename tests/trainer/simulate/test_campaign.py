"""What is recorded of the hall and the laboratory, and when."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edge_agent.csi import Decoder, Generation
from edge_agent.csi.image import ImageSpec
from edge_agent.csi.subcarriers import Phy
from trainer.simulate import campaign as campaign_module
from trainer.simulate.campaign import Campaign, CampaignError, Slot, record_slot
from trainer.simulate.firmware import CHANSPECS, Firmware
from trainer.simulate.listening import listen
from trainer.simulate.recording import with_spares

SMALL = {"n_points": 3, "n_days": 2, "n_images": 2, "n_packets": 4}
WIDE = Firmware(chanspec=CHANSPECS[80])
SCENES = pytest.mark.parametrize("name", ["hall", "lab"])


def decoded(campaign, slot, **options):
    result = Decoder(**options).decode(record_slot(campaign, slot))
    assert not result.refused
    (batch,) = result.batches
    return batch


# -- the plan --------------------------------------------------------------------------


@SCENES
def test_in_full_it_is_as_much_as_the_paper_has(name):
    campaign = Campaign(name)
    slots = list(campaign.slots())

    assert sum(slot.n_images for slot in slots) == 90 * 5 * 52
    assert sum(map(campaign.n_frames, slots)) == 3_510_000
    assert {slot.day for slot in slots} == {1, 2, 3, 4, 5}
    places = {campaign.point(slot) for slot in slots}
    assert len(places) == len({(p.x, p.y) for p in places}) == 90
    assert campaign.frame_bytes == 316


def test_points_are_those_of_the_grid():
    hall, lab = Campaign("hall"), Campaign("lab")

    # 0.6 m apart, columns of six; 0.6 m apart, columns of fifteen.
    assert [
        (p.name, p.x, p.y) for p in (hall.point(Slot(1, 1, n, 1)) for n in (0, 7, 89))
    ] == [("p01", 0.0, 0.0), ("p08", 0.6, 0.6), ("p90", 8.4, 3.0)]
    p16 = lab.point(Slot(1, 1, 15, 1))
    assert (p16.name, p16.x, p16.y) == ("p16", 1.8, 0.0)


@pytest.mark.parametrize("n_points", [1, 2, 7, 89, 90])
def test_fewer_points_are_spread_over_the_grid(n_points):
    points = Campaign("hall", n_points=n_points).points

    assert len(set(points)) == n_points
    assert points == sorted(points)
    assert points[0] == 0
    assert points[-1] == (89 if n_points > 1 else 0)
    assert np.ptp(np.diff(points)) <= 1 if n_points > 1 else True


@pytest.mark.parametrize(
    ("n_images", "n_visits", "shares"), [(52, 2, [26, 26]), (7, 3, [3, 2, 2])]
)
def test_the_visits_of_a_day_share_the_images(n_images, n_visits, shares):
    campaign = Campaign(
        "lab", n_points=1, n_days=1, n_images=n_images, n_visits=n_visits
    )

    slots = list(campaign.slots())

    assert [slot.n_images for slot in slots] == shares
    assert [slot.visit for slot in slots] == list(range(1, n_visits + 1))


@pytest.mark.parametrize("n_packets", [50, 500])
def test_captures_follow_each_other_and_a_day_begins_at_midnight(n_packets):
    campaign = Campaign("hall", n_packets=n_packets)
    slots = list(campaign.slots())

    starts = [campaign.start_us(slot) for slot in slots]

    longest_us = with_spares(26 * n_packets) * 100_000
    pauses_us = [later - earlier - longest_us for earlier, later in pairwise(starts)]
    assert min(pauses_us) >= 4_900_000
    midnight = 1_767_225_600_000_000  # 1 January 2026
    assert {(first - midnight) % 86_400_000_000 for first in starts[::180]} == {0}
    few = Campaign("hall", n_points=2, n_packets=n_packets)
    assert [few.start_us(slot) for slot in slots] == starts


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"scene_name": "castle"}, "no scene 'castle'; there are hall, lab"),
        ({"n_points": 0}, "0 points: the grid of the hall has 1 to 90"),
        ({"n_points": 91}, "91 points: the grid of the hall has 1 to 90"),
        ({"n_days": 0}, "--days is 0, not 1 to 10000"),
        ({"n_visits": -1}, "--visits is -1, not 1 to 10000"),
        ({"n_images": 0}, "--images is 0, not 1 to 10000"),
        ({"n_packets": 10_001}, "--packets is 10001, not 1 to 10000"),
        ({"n_images": 3, "n_visits": 4}, "3 images .* cannot come from 4 visits"),
        ({"seed": -1}, "--seed is -1, not 0 or more"),
        (
            {"n_days": 556},
            "100080 captures, .* more than 100000: have fewer",
        ),
        (
            {"n_visits": 1, "n_images": 500, "n_packets": 417},
            "625500 frames of 64 words .* are 40032000 words, more than 40000000",
        ),
        (
            {"n_images": 5000, "n_packets": 50, "firmware": WIDE},
            "375000 frames of 256 words .* have more visits, or fewer images",
        ),
        (
            {"n_points": 1, "n_days": 4000, "n_images": 1000, "n_packets": 300},
            "4000 days of 2 visits would go on after February 2106: have fewer days",
        ),
    ],
)
def test_what_nobody_can_record_is_refused(settings, reason):
    with pytest.raises(CampaignError, match=reason) as caught:
        Campaign(**{"scene_name": "hall"} | settings)

    assert caught.value.exit_code == 2


def test_what_is_refused_begins_just_above_what_is_not():
    most = Campaign("hall", n_points=50, n_days=1000)
    longest = Campaign("hall", n_visits=1, n_images=500, n_packets=416)

    assert most.n_points * most.n_days * most.n_visits == 100_000
    (largest,) = {longest.n_frames(slot) for slot in longest.slots()}
    assert 64 * (largest + 1500) > 40_000_000 >= 64 * largest


# -- a capture -------------------------------------------------------------------------


@SCENES
def test_a_capture_has_so_many_packets_of_each_access_point(name):
    campaign = Campaign(name, **SMALL)
    slot = Slot(2, 1, 44, 3)

    batch = decoded(campaign, slot)

    macs, counts = np.unique(batch.mac, axis=0, return_counts=True)
    assert counts.tolist() == [12, 12, 12]
    site = {"hall": 253, "lab": 254}[name]
    assert macs.tolist() == [[*b"\x02SIM", site, ap] for ap in range(3)]
    times_us = batch.time_ns // 1000 - campaign.start_us(slot)
    assert 0 <= times_us[0] < 100_000
    assert times_us[-1] < 100_000 * with_spares(12)
    assert (np.diff(batch.time_ns) >= 0).all()


def test_a_capture_is_the_same_whatever_else_is_recorded():
    slot = Slot(2, 1, 44, 1)
    few, all_of_it = Campaign("hall", n_points=2, n_days=1), Campaign("hall")

    first = record_slot(few, slot)
    record_slot(all_of_it, Slot(1, 2, 3, 1))
    second = record_slot(all_of_it, slot)

    assert first.data.tobytes() == second.data.tobytes()
    assert first.time_ns.tolist() == second.time_ns.tolist()


@pytest.mark.parametrize(
    "other",
    [Slot(3, 1, 44, 2), Slot(2, 2, 44, 2), Slot(2, 1, 45, 2)],
    ids=["day", "visit", "point"],
)
def test_no_two_captures_are_the_same(other):
    campaign = Campaign("lab", **SMALL)

    one, two = (decoded(campaign, slot).csi for slot in (Slot(2, 1, 44, 2), other))

    assert (one[:, 1:27] != two[:, 1:27]).mean() > 0.9


@pytest.mark.parametrize("seed", [0, 1, 63])
def test_another_seed_has_transmitters_of_its_own(seed):
    """A calibration of the one place does not locate in the other."""
    campaign = Campaign("lab", **SMALL, seed=seed)

    batch = decoded(campaign, Slot(2, 1, 44, 2))

    assert {mac.tobytes() for mac in batch.mac} == {
        bytes.fromhex("0253494dfe") + bytes([4 * seed + ap]) for ap in range(3)
    }


def profile_db(campaign, slot):
    """Mean level of each tone and access point, without the level of the whole."""
    batch = decoded(campaign, slot)
    tones = [*range(-26, 0), *range(1, 27)]
    profiles = [
        20
        * np.log10(np.abs(batch.csi[batch.mac[:, 5] % 4 == ap][:, tones]).mean(axis=0))
        for ap in range(3)
    ]
    return np.concatenate([profile - profile.mean() for profile in profiles])


@SCENES
@pytest.mark.parametrize(
    ("other", "seed"), [({"day": 2}, 0), ({}, 1)], ids=["day", "seed"]
)
def test_another_day_and_another_seed_are_other_rooms_and_another_visit_is_not(
    name, other, seed
):
    small = SMALL | {"n_packets": 30}
    campaign, elsewhere = Campaign(name, **small), Campaign(name, **small, seed=seed)
    again_db, changed_db = [], []
    for point in range(0, 90, 10):
        slot = Slot(1, 1, point, 2)
        first = profile_db(campaign, slot)
        again_db.append(profile_db(campaign, replace(slot, visit=2)) - first)
        changed_db.append(profile_db(elsewhere, replace(slot, **other)) - first)

    assert np.std(changed_db) > 1.25 * np.std(again_db)


@pytest.mark.parametrize(
    "firmware",
    [
        Firmware("bcm4339", Generation.MOBISYS_2018, CHANSPECS[80]),
        Firmware("bcm4358", Generation.OLD, CHANSPECS[40]),
        Firmware("bcm4366c0", Generation.NEW),
        Firmware("bcm43455c0", Generation.PLUS, CHANSPECS[80]),
    ],
    ids=lambda firmware: firmware.chip_name,
)
def test_any_chip_can_record_it(firmware):
    campaign = Campaign("hall", **SMALL, firmware=firmware)

    batch = decoded(campaign, Slot(1, 1, 44, 2))

    assert len(batch) == 24
    assert batch.n_subcarriers == firmware.n_words
    assert set(batch.generation.tolist()) == {firmware.generation}
    assert campaign.frame_bytes == record_slot(campaign, Slot(1, 1, 0, 1)).lengths[0]


@pytest.mark.parametrize(
    ("bandwidth", "phy", "subbands"), [(20, Phy.LEGACY, 1), (80, Phy.VHT, 0b1111)]
)
def test_beacons_are_20_mhz_wide_and_wider_channels_carry_data(
    bandwidth, phy, subbands
):
    firmware = Firmware(chanspec=CHANSPECS[bandwidth])
    campaign = Campaign("hall", **SMALL, firmware=firmware)

    status = decoded(campaign, Slot(1, 1, 44, 2)).phystatus[:, 0]

    assert set((status & 0b11).tolist()) == {phy}
    assert set((status >> 12).tolist()) == {subbands}


@pytest.mark.parametrize("chanspec", [CHANSPECS[80], 0x100B])
def test_waves_are_as_long_as_the_channel_says(chanspec, monkeypatch):
    heard = []

    def listen_in(rng, room, places, **options):
        heard.append(room.carrier_hz)
        return listen(rng, room, places, **options)

    monkeypatch.setattr(campaign_module, "listen", listen_in)
    firmware = Firmware(chanspec=chanspec)
    record_slot(Campaign("hall", **SMALL, firmware=firmware), Slot(1, 1, 44, 1))

    assert heard == [{CHANSPECS[80]: 5.21e9, 0x100B: 2.462e9}[chanspec]]


def test_images_take_as_long_as_the_device_lets_them():
    """50 beacons are five seconds, losses or not."""
    campaign = Campaign("hall", n_images=2)
    batch = decoded(campaign, Slot(1, 1, 44, 2))

    span_s = np.ptp(batch.time_ns) / 1e9

    assert span_s < 2 * ImageSpec().max_span_s
    assert 9.5 < span_s < 11
