"""Packets of several access points as one chip records them."""

import numpy as np
import pytest

from edge_agent.csi import Decoder, Generation, IqOrder
from trainer.simulate.firmware import CHANSPECS, Firmware, FirmwareError
from trainer.simulate.receiver import Reception
from trainer.simulate.recording import Heard, beacons, record, with_spares
from trainer.simulate.tones import TONES, used_tones


def reception(heard, *, level=400.0, rssi_dbm=-50):
    """Packets whose gains number them: the n-th is n + level in every tone."""
    n = len(heard)
    csi = np.repeat(np.arange(n)[:, None] + level, len(TONES), axis=1)
    return Reception(
        csi.astype(np.complex64), np.full(n, rssi_dbm, np.int8), np.array(heard, bool)
    )


def heard(firmware, *, access_point=0, n=40, seed=0):
    """Gains as a receiver reports them: 590 counts in the root mean square."""
    tones = used_tones(firmware.bandwidth_mhz)
    parts = np.random.default_rng(seed).normal(0, 590 / 2**0.5, (2, n, len(tones)))
    return Heard(
        b"\x02SIM\x01" + bytes([access_point]),
        1000 * np.arange(n) + access_point,
        np.arange(n),
        np.rint(parts[0]) + 1j * np.rint(parts[1]).astype(np.complex64),
        np.full(n, -50 - access_point, np.int8),
    )


# -- what is heard ---------------------------------------------------------------------


def test_lost_packets_leave_gaps_in_time_and_sequence(rng):
    (found,) = beacons(
        rng,
        [reception([1, 0, 1, 1])],
        site=7,
        start_us=1_000_000,
        interval_s=0.1,
        n_kept=4,
    )

    assert found.mac == b"\x02SIM\x07\x00"
    assert found.sequence.tolist() == [0, 2, 3]
    late = found.time_ns - 1_000_000_000 - found.sequence * 100_000_000
    assert ((late >= 0) & (late <= 20_000_000)).all()
    assert found.csi[:, 0].tolist() == [400, 402, 403]


def test_a_beacon_waits_for_up_to_a_fifth_of_the_interval(rng):
    (found,) = beacons(
        rng,
        [reception([1] * 2000)],
        site=7,
        start_us=0,
        interval_s=0.5,
        n_kept=2000,
    )

    late_s = (found.time_ns - np.arange(2000) * 500_000_000) / 1e9
    # Uniform from 0 to 0.1 s: the ends, and the middle to four standard errors.
    assert 0 <= late_s.min() < 0.001
    assert 0.099 < late_s.max() <= 0.1
    assert late_s.mean() == pytest.approx(0.05, abs=0.0026)


def test_a_recording_ends_with_the_packets_that_are_wanted(rng):
    found = beacons(
        rng,
        [reception([0, 1, 1, 1, 1]), reception([1, 1, 0, 0, 0])],
        site=1,
        start_us=0,
        interval_s=1.0,
        n_kept=3,
    )

    assert [one.sequence.tolist() for one in found] == [[1, 2, 3], [0, 1]]


def test_access_points_send_in_turn(rng):
    everything = [reception([1] * 50) for _ in range(3)]

    found = beacons(rng, everything, site=1, start_us=0, interval_s=0.3, n_kept=50)

    for access_point, one in enumerate(found):
        late_ms = one.time_ns / 1e6 - 300 * np.arange(50) - 100 * access_point
        assert (late_ms >= 0).all()
        assert (late_ms <= 60).all()


@pytest.mark.parametrize("n_packets", [1, 100, 2600])
def test_spare_packets_outnumber_usual_losses(n_packets):
    """One in five hundred is lost, in bursts of two; four deviations are enough."""
    n_sent = with_spares(n_packets)

    losses = 0.002 * n_sent + 4 * (0.002 * n_sent * 3) ** 0.5
    assert n_sent - losses >= n_packets


# -- what is recorded ------------------------------------------------------------------


def test_frames_are_in_order_of_time(rng):
    firmware = Firmware()
    both = [heard(firmware, access_point=1, seed=1), heard(firmware, seed=2)]

    raw = record(firmware, both, TONES, rng)
    (batch,) = Decoder().decode(raw).batches

    assert batch.mac[:, 5].tolist() == [0, 1] * 40
    assert (np.diff(batch.time_ns) > 0).all()
    assert batch.rssi.tolist() == [-50, -51] * 40
    assert (batch.seq_ctl >> 4).tolist() == [n for n in range(40) for _ in "ab"]
    used = np.abs(TONES) <= 26
    np.testing.assert_array_equal(
        batch.csi[1::2, TONES[used] % 64], both[0].csi[:, used]
    )


@pytest.mark.parametrize(
    ("chip", "unit", "resolution"),
    [
        ("bcm4339", 1, 0),
        ("bcm4358", 2**9, 2**-8),
        ("bcm4366c0", 2**8, 2**-11),
    ],
)
@pytest.mark.parametrize("bandwidth", [20, 80])
def test_every_chip_reports_the_same_gains_in_its_own_unit(
    chip, unit, resolution, bandwidth, rng
):
    firmware = Firmware(chip, Generation.OLD, CHANSPECS[bandwidth])
    one = heard(firmware)
    tones = used_tones(bandwidth)

    raw = record(firmware, [one], tones, rng)
    (batch,) = Decoder(IqOrder.QI).decode(raw).batches

    counts = batch.csi[:, tones % firmware.fft_size] * unit
    error = np.abs(counts - one.csi)
    assert (error <= 1.5 * resolution * np.abs(one.csi)).all()
    assert (error == 0).all() or resolution > 0


def test_gains_in_the_units_of_float_chips_are_as_large_as_in_recordings(rng):
    """Medians of the public recordings: 1.2 and 2.2; observed exponents below -5."""
    for chip, median in (("bcm4358", 1.2), ("bcm4366c0", 2.2)):
        firmware = Firmware(chip)
        raw = record(firmware, [heard(firmware)], TONES, rng)
        (batch,) = Decoder().decode(raw).batches
        found = np.median(np.abs(batch.csi[:, TONES[:-1] % 64]))
        assert found == pytest.approx(median, rel=0.25)


def test_gains_beyond_the_words_are_refused(rng):
    loud = Heard(
        b"\x02SIM\x01\x00",
        np.zeros(1, np.int64),
        np.zeros(1, np.int64),
        np.full((1, len(TONES)), 40000, np.complex64),
        np.full(1, -50, np.int8),
    )

    with pytest.raises(FirmwareError, match="do not fit int16"):
        record(Firmware(), [loud], TONES, rng)
