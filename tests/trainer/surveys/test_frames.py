"""A survey's packets as frames of a chip, read by the device's decoder."""

import numpy as np
import pytest

from edge_agent.csi.decode import Decoder
from edge_agent.csi.frame import NO_RSSI, format_mac
from edge_agent.csi.image import Channel, ImageSpec, channels_of, tone_pixels
from edge_agent.csi.simulated import is_simulated_address
from trainer.surveys.frames import Receiver, frames_of, receivers

TONES = np.array([k for k in range(-26, 27) if k])
SECOND = 10**9
BOTH = np.array([True, True])
ADDRESS = bytes.fromhex("dca632010203")
ANTENNAS = (Receiver(ADDRESS, 0), Receiver(ADDRESS, 2))


def amplitudes(rng, n=6, n_channels=2):
    """Around one root nanowatt: -60 dBm."""
    level = rng.uniform(0.3, 30, (n, 1, n_channels))
    return level * rng.uniform(0.5, 1.5, (n, len(TONES), n_channels))


def encoded(rng, values, *, by=ANTENNAS, has_level=BOTH):
    times = SECOND * (1 + np.arange(len(values)))
    return frames_of(values, by, times, has_level=has_level, tones=TONES, rng=rng)


def test_antennas_are_cores_of_one_transmitter():
    found = receivers(("rx1", "rx2", "rx3"), is_simulated=False)
    assert [each.core for each in found] == [0, 1, 2]
    assert len({each.mac for each in found}) == 1


def test_access_points_are_transmitters():
    found = receivers(("AP1", "AP2", "AP10", "rx9"), is_simulated=False)
    assert {each.core for each in found} == {0}
    assert len({each.mac for each in found}) == 4


def test_an_address_that_the_survey_knows_is_kept():
    names = ("dc:a6:32:01:02:03", "dc:a6:32:01:02:03/2/20 MHz", "dc:a6:32:01:02:03/1")
    assert receivers(names, is_simulated=True) == (
        Receiver(ADDRESS, 0),
        Receiver(ADDRESS, 2),
        Receiver(ADDRESS, 1),
    )


@pytest.mark.parametrize("is_simulated", [True, False])
def test_addresses_tell_whether_any_radio_was_there(is_simulated):
    for receiver in receivers(("rx1", "AP7"), is_simulated=is_simulated):
        found = is_simulated_address(receiver.mac.hex(":"))
        assert found == is_simulated
        assert receiver.mac[0] & 0b11 == 0b10  # nobody owns it, and it is one station


def test_the_device_sees_what_was_surveyed_to_the_dbm_of_an_rssi(rng):
    """Independently: pixels follow from amplitudes and the level alone."""
    values, spec = amplitudes(rng), ImageSpec(n_packets=1, n_channels=2)
    (batch,) = Decoder().decode(encoded(rng, values)).batches

    channel_of, channels = channels_of(batch)

    assert [(c.mac, c.core, c.has_rssi) for c in channels] == [
        ("dc:a6:32:01:02:03", 0, True),
        ("dc:a6:32:01:02:03", 2, True),
    ]
    for number, channel in enumerate(channels):
        rows = np.flatnonzero(channel_of == number)
        pixels = tone_pixels(batch[rows], channel, spec)
        dbm = 20 * np.log10(values[:, :, number]) - 60
        per_db = 255 / (spec.ceiling_dbm - spec.floor_dbm)
        off = pixels - (dbm - spec.floor_dbm) * per_db
        assert np.abs(off).max() <= per_db / 2 + 0.5 + 0.05
        assert off.std(axis=1).max() < 0.4  # of one packet the shape is kept


def test_frames_come_in_order_of_time_and_of_channels(rng):
    raw = encoded(rng, amplitudes(rng))
    (batch,) = Decoder().decode(raw).batches
    assert (np.diff(raw.time_ns) > 0).all()
    assert batch.core.tolist() == [0, 2] * 6
    assert (batch.time_ns[::2] == SECOND * np.arange(1, 7)).all()


def test_a_packet_that_was_not_heard_gives_no_frame(rng):
    values = amplitudes(rng)
    values[1:3, :, 1] = 0
    (batch,) = Decoder().decode(encoded(rng, values)).batches
    assert batch.core.tolist() == [0, 2, 0, 0, 0, 2, 0, 2, 0, 2]


def test_nothing_heard_is_no_frame(rng):
    assert len(encoded(rng, np.zeros((3, len(TONES), 2)))) == 0


def test_a_level_that_is_not_known_is_not_in_the_header(rng):
    raw = encoded(rng, amplitudes(rng), has_level=np.array([False, True]))
    told = {
        (format_mac(batch.mac[row]), int(batch.core[row])): batch.rssi[row] != NO_RSSI
        for batch in Decoder().decode(raw).batches
        for row in range(len(batch))
    }
    assert told == {("dc:a6:32:01:02:03", 0): False, ("dc:a6:32:01:02:03", 2): True}


def test_a_level_beyond_what_an_rssi_can_say_is_the_nearest_that_it_can(rng):
    values = amplitudes(rng, n=1, n_channels=2) * np.array([1e9, 1e-9])
    (batch,) = Decoder().decode(encoded(rng, values)).batches
    assert batch.rssi.tolist() == [-1, -127]


def test_chance_fills_only_words_without_a_tone(rng):
    values = amplitudes(rng)
    a, b = (
        Decoder().decode(encoded(np.random.default_rng(s), values)).batches[0]
        for s in (1, 2)
    )
    at = TONES % 64
    np.testing.assert_array_equal(a.csi[:, at], b.csi[:, at])
    assert isinstance(channels_of(a)[1][0], Channel)
