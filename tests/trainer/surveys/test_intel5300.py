"""Intel 5300 logs against bytes written bit by bit, and against anything at all."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.survey_files import intel_record, intel_report, random_gains
from trainer.surveys import intel5300
from trainer.surveys.intel5300 import csi_length, parse_reports, read_reports
from trainer.surveys.power import power_dbm
from trainer.surveys.report import Skips, SurveyDataError


def parse(data):
    skips = Skips()
    return parse_reports(data, "log.dat", skips), skips.counts


def amplitude_by_definition(gains, rssi, gain):
    """sqrt(mW) of all streams, shape (30, n_rx, n_tx), from the tool's own formula."""
    magnitude = np.hypot(gains[..., 0].astype(float), gains[..., 1])
    power_mw = sum(10 ** (r / 10) for r in rssi if r) * 10 ** (-(44 + gain) / 10)
    return magnitude * np.sqrt(power_mw / ((magnitude**2).sum() / 30))


@pytest.mark.parametrize("n_tx", [1, 2, 3])
def test_amplitudes_are_the_tools_own_formula(rng, n_tx):
    gains = random_gains(rng, n_tx=n_tx)

    reports, skipped = parse(intel_report(gains, time_us=77, rssi=(40, 0, 36), gain=29))

    expected = 1e3 * amplitude_by_definition(gains, (40, 0, 36), 29)[:, :, 0]
    np.testing.assert_allclose(reports.amplitudes[0], expected, rtol=2e-6)
    assert reports.time_us.tolist() == [77]
    assert reports.n_streams.tolist() == [n_tx]
    assert not skipped


def test_the_power_of_one_stream_comes_back(rng):
    gains = random_gains(rng, n_tx=1)

    reports, _ = parse(intel_report(gains, rssi=(40, 40, 40), gain=30))

    per_antenna = power_dbm(reports.amplitudes[:, None])[0]
    total = 10 * np.log10((10 ** (per_antenna.astype(float) / 10)).sum())
    assert total == pytest.approx(40 + 10 * np.log10(3) - 44 - 30, abs=1e-4)


@pytest.mark.parametrize(
    ("selection", "antenna_of_column"),
    [
        (0b10_01_00, [0, 1, 2]),
        (0b00_10_01, [1, 2, 0]),
        (0b01_00_10, [2, 0, 1]),
        (0b00_01_10, [2, 1, 0]),
    ],
)
def test_columns_are_put_where_their_antenna_belongs(rng, selection, antenna_of_column):
    gains = random_gains(rng)
    plain, _ = parse(intel_report(gains))

    reports, _ = parse(intel_report(gains, selection=selection))

    for column, antenna in enumerate(antenna_of_column):
        np.testing.assert_array_equal(
            reports.amplitudes[0, :, antenna], plain.amplitudes[0, :, column]
        )


def test_reports_of_several_kinds_stay_in_order(rng):
    kinds = [2, 1, 2, 3]
    data = b"".join(
        intel_report(random_gains(rng, n_tx=n), time_us=k) for k, n in enumerate(kinds)
    )

    reports, _ = parse(data)

    assert reports.n_streams.tolist() == kinds
    assert reports.time_us.tolist() == [0, 1, 2, 3]


def test_what_is_of_no_use_is_counted_and_the_rest_is_read(rng):
    gains = random_gains(rng)
    data = b"".join(
        [
            intel_record(b"\xc1anything"),
            intel_report(gains),
            intel_report(gains[:, :2], n_csi=csi_length(2, 2)),
            intel_report(gains, selection=0b111111),
            intel_report(gains, rssi=(0, 0, 0)),
            intel_report(np.zeros_like(gains)),
            intel_report(gains)[:-1],
        ]
    )

    reports, skipped = parse(data)

    assert len(reports.amplitudes) == 1
    assert skipped == {
        "records that are no beamforming report": 1,
        "packets of other than three antennas": 1,
        "packets with an impossible choice of antennas": 1,
        "packets without received power": 1,
        "packets without any gain": 1,
        "last records cut off": 1,
    }


@pytest.mark.parametrize("cut", [1, 2, 3, 20, 22, 23, 200, 394])
def test_a_last_record_that_is_cut_off_is_counted_wherever_it_is_cut(rng, cut):
    report = intel_report(random_gains(rng))

    reports, skipped = parse(report + report[:cut])

    assert len(reports.amplitudes) == 1
    assert skipped == {"last records cut off": 1}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (intel_record(b"", length=0) + b"\xbb", "length 0"),
        (intel_record(b"\xbb" + bytes(19)), "fewer than its header"),
        (
            intel_report(np.ones((30, 3, 2, 2), int), n_csi=391),
            "391 bytes of CSI for 3",
        ),
        (
            intel_record(intel_report(np.ones((30, 3, 2, 2), int))[2:-5]),
            "says 372 bytes of CSI for 3 x 2 antennas and has 367",
        ),
    ],
)
def test_impossible_lengths_name_file_and_offset(rng, record, message):
    sound = intel_report(random_gains(rng))

    with pytest.raises(SurveyDataError, match=rf"log\.dat: .*{message}") as caught:
        parse(sound + record)

    assert f"at byte {len(sound)}" in str(caught.value)


def test_a_length_that_is_too_long_swallows_no_other_record(rng):
    """One that says a byte more would be read on in the middle of the next."""
    report = intel_report(random_gains(rng))
    longer = intel_report(random_gains(rng), length=len(report) - 2 + 1)

    with pytest.raises(
        SurveyDataError, match=r"372 bytes .* and has 373; expected 372"
    ):
        parse(longer + report)


def test_a_length_beyond_the_end_is_no_record_that_was_cut_off(rng):
    """Else all records after it would be lost as one."""
    damaged = intel_report(random_gains(rng), length=0xFFFF)

    with pytest.raises(SurveyDataError, match=r"at byte 0 .* and has 65514"):
        parse(damaged + intel_report(random_gains(rng)))


@pytest.mark.parametrize("code", [0x00, 0xBA, 0xFF])
@pytest.mark.parametrize("cut", [None, 5])
def test_a_code_that_the_tool_does_not_log_is_refused(rng, code, cut):
    sound = intel_report(random_gains(rng))
    unknown = intel_record(bytes([code]) + b"anything")[:cut]

    with pytest.raises(SurveyDataError, match=rf"byte 395 has code {code:#04x}, which"):
        parse(sound + unknown)


@pytest.mark.parametrize("code", [0x1C, 0xC0, 0xC1, 0xC3, 0xC5, 0xD0, 0xD1])
def test_what_else_the_tool_logs_is_counted(code):
    _, skipped = parse(intel_record(bytes([code]) + b"anything"))

    assert skipped == {"records that are no beamforming report": 1}


def test_csi_takes_whole_bytes():
    assert [csi_length(3, n) for n in (1, 2, 3)] == [192, 372, 552]


def test_an_empty_log_has_no_reports():
    reports, skipped = parse(b"")

    assert reports.amplitudes.shape == (0, 30, 3)
    assert not skipped


def test_a_log_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SurveyDataError, match=r"no\.dat cannot be read: No such file"):
        read_reports(tmp_path / "no.dat", Skips())


def test_a_log_larger_than_any_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(intel5300, "_MAX_FILE_BYTES", 10)
    (tmp_path / "large.dat").write_bytes(bytes(11))

    with pytest.raises(SurveyDataError, match="11 bytes, more than any log"):
        read_reports(tmp_path / "large.dat", Skips())


SOUND = b"".join(
    intel_report(random_gains(np.random.default_rng(k), n_tx=k)) for k in (1, 2, 3)
)


@given(st.binary(max_size=2000))
def test_any_bytes_give_reports_or_one_kind_of_error(data):
    try:
        reports, _ = parse(data)
    except SurveyDataError:
        return
    assert np.isfinite(reports.amplitudes).all()


@given(st.integers(0, len(SOUND) - 1), st.integers(1, 255))
def test_a_flipped_byte_gives_reports_or_one_kind_of_error(where, flip):
    data = bytearray(SOUND)
    data[where] ^= flip
    try:
        reports, _ = parse(bytes(data))
    except SurveyDataError:
        return
    assert np.isfinite(reports.amplitudes).all()
    assert len(reports.amplitudes) <= 3


def test_memory_is_bounded_by_the_file():
    data = b"\xff\xff\xc1" + bytes(40)
    tracemalloc.start()
    parse(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1 << 20
