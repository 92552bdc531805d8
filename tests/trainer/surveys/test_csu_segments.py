"""EPIC-CSU as environments: captures by hand, compact copies, and the originals."""

import numpy as np
import openpyxl
import pytest

from edge_agent.csi.frame import Generation
from tests.builders import CHANSPECS, csi_payload, datagram, int16_words, pcap
from tests.trainer.builders import write_csu_sheets
from tests.trainer.survey_files import named, write_compact
from trainer.surveys.csu import csu_powers
from trainer.surveys.csu_segments import from_original
from trainer.surveys.registry import load_survey, load_survey_with_report
from trainer.surveys.report import Skips, SurveyDataError

HEAD = ["point", "x", "y"]
MAC = bytes.fromhex("b83a5ab26e70")
OTHER = bytes.fromhex("b83a5ab29990")


def frames(n, *, mac=MAC, amplitude=300):
    """Frames whose every tone has this amplitude."""
    words = int16_words([(amplitude, 0)] * 64)
    payload = csi_payload(Generation.OLD, words=words, mac=mac)
    return [datagram(payload) for _ in range(n)]


def write_capture(root, role, point, packets):
    folder = root / "data" / role
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{role}_{point}_99.pcap").write_bytes(pcap(packets))


def write_info(root, **sheets):
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        sheet.append(["location", "mac", "RSSI"])
        for row in rows:
            sheet.append(row)
    workbook.save(root / "locations" / "location_info.xlsx")


@pytest.fixture
def corridor(tmp_path):
    """Two reference captures and a test capture of one access point."""
    write_csu_sheets(
        tmp_path,
        ref_coord_path1=[HEAD, ["204_1", 1.0, 2.0], ["204_2", 1.6, 2.0]],
        test_coord_path1=[HEAD, ["204_1", 1.25, 2.5]],
    )
    write_capture(tmp_path, "ref", "204_1", frames(101))
    write_capture(tmp_path, "ref", "204_2", frames(50, amplitude=700))
    write_capture(tmp_path, "test", "204_1", frames(50))
    return tmp_path


def test_a_segment_is_an_access_point_in_a_corridor(corridor):
    skips = Skips()

    (segment,) = from_original(corridor, skips)

    channel = CHANSPECS[64] & 0xFF
    assert segment.name == f"path1 b8:3a:5a:b2:6e:70 ch{channel}"
    assert segment.place.name == f"csu/{segment.name}"
    assert segment.place.channels == ("b8:3a:5a:b2:6e:70",)
    assert segment.locations.tolist() == [[1, 2], [1, 2], [1.6, 2], [1.25, 2.5]]
    assert segment.visit_of.tolist() == [0, 0, 0, 1]
    assert segment.is_test.tolist() == [False, False, False, True]
    assert segment.signals.images.shape == (4, 50, 52, 1)
    assert skips.counts == {"packets after the last full image": 1}


def test_without_power_images_are_raw_counts(corridor):
    (segment,) = from_original(corridor, Skips())

    assert np.isnan(segment.signals.rss).all()
    assert np.unique(segment.signals.images).tolist() == [300, 700]


def test_with_power_the_level_of_each_packet_is_restored(corridor):
    write_info(
        corridor,
        ref_path1=[["204_1", "B8", -50], ["204_2", "B8", -40]],
        test_path1=[["204_1", "B8", -60]],
    )

    (segment,) = from_original(corridor, Skips())

    np.testing.assert_allclose(
        segment.signals.rss[:, 0], [-50, -50, -40, -60], atol=1e-4
    )
    np.testing.assert_allclose(
        segment.signals.images[:, 0, 0, 0], [10**0.5, 10**0.5, 10, 1], rtol=1e-5
    )


def test_the_gain_control_leaves_no_trace_within_a_capture(corridor):
    write_capture(
        corridor, "ref", "204_1", frames(25) + frames(25, amplitude=900) + frames(50)
    )
    write_info(
        corridor,
        ref_path1=[["204_1", "B8", -50], ["204_2", "B8", -40]],
        test_path1=[["204_1", "B8", -60]],
    )

    (segment,) = from_original(corridor, Skips())

    np.testing.assert_allclose(segment.signals.images[:2], 10**0.5, rtol=1e-5)


def test_power_that_some_captures_lack_is_left_aside_and_counted(corridor):
    write_info(corridor, ref_path1=[["204_1", "B8", -50], ["204_2", "B8", None]])
    skips = Skips()

    (segment,) = from_original(corridor, skips)

    assert np.isnan(segment.signals.rss).all()
    assert skips.counts["powers that not all captures of a segment have"] == 1


def test_points_with_the_coordinates_of_another_are_counted(corridor):
    """Reference and test points may be the same, two reference points may not."""
    write_csu_sheets(
        corridor,
        ref_coord_path1=[HEAD, ["204_1", 1, 2], ["204_2", 1, 2.0000001]],
        test_coord_path1=[HEAD, ["204_1", 1, 2]],
    )
    skips = Skips()

    (segment,) = from_original(corridor, skips)

    assert segment.n_points == 1
    assert skips.counts["coordinates that are those of another point"] == 1


def test_frames_of_others_and_silent_ones_are_counted(corridor):
    mixed = frames(60) + frames(3, mac=OTHER) + frames(2, amplitude=0) + [b"noise" * 9]
    write_capture(corridor, "ref", "204_2", mixed)
    skips = Skips()

    (segment,) = from_original(corridor, skips)

    assert len(segment) == 4
    assert skips.counts["frames of another transmitter or format"] == 3
    assert skips.counts["frames without any gain"] == 2
    assert skips.counts["packets that are no CSI frame"] == 1


def test_a_capture_without_csi_is_counted(corridor):
    write_capture(corridor, "ref", "204_2", [b"noise" * 9])
    skips = Skips()

    (segment,) = from_original(corridor, skips)

    assert segment.n_points == 2
    assert skips.counts["captures without a CSI frame"] == 1


def test_nothing_but_noise_is_refused(corridor):
    for role, point in (("ref", "204_1"), ("ref", "204_2"), ("test", "204_1")):
        write_capture(corridor, role, point, [b"noise" * 9])

    with pytest.raises(SurveyDataError, match="hold no CSI frame"):
        from_original(corridor, Skips())


def test_a_file_that_is_no_capture_is_named(corridor):
    (corridor / "data" / "ref" / "ref_204_2_99.pcap").write_bytes(b"no capture at all")

    with pytest.raises(SurveyDataError, match=r"ref_204_2_99\.pcap"):
        from_original(corridor, Skips())


def test_powers_are_read_by_role_corridor_and_point(corridor):
    write_info(
        corridor,
        ref_path1=[["204_1", "B8", -50], ["204_2", "B8", 7], [None, None, None]],
        test_path2=[[207, "B8", -61.5]],
        notes=[["204_1", "B8", -1]],
    )

    assert csu_powers(corridor) == {
        ("ref", "path1", "204_1"): -50,
        ("test", "path2", "207"): -61.5,
    }


def test_two_powers_of_a_point_are_refused(corridor):
    write_info(corridor, ref_path1=[["204_1", "B8", -50], ["204_1", "B8", -60]])

    with pytest.raises(SurveyDataError, match="point 204_1 of path1 has two powers"):
        csu_powers(corridor)


def test_a_damaged_list_of_powers_is_named(corridor):
    (corridor / "locations" / "location_info.xlsx").write_bytes(b"no spreadsheet")

    with pytest.raises(SurveyDataError, match=r"location_info\.xlsx cannot be read"):
        csu_powers(corridor)


# -- compact copies --------------------------------------------------------------------


def compact_arrays(**replaced):
    """Two points of one segment, and one of another without coordinates."""
    return {
        "amp": np.repeat(np.array([[5] * 52, [6] * 52, [7] * 52], np.uint16), 50, 0),
        "pt": np.repeat([1, 0, 2], 50),
        "t": np.arange(150.0),
        "pt_role": np.array([0, 1, 0], np.uint8),
        "pt_name": np.array(["204_1", "204_1", "300_1"]),
        "pt_xy": np.array([[1, 2], [1, 3], [np.nan, np.nan]]),
        "pt_env": np.array([0, 0, 1]),
        "env_name": np.array(["path1 b8:3a:5a:b2:6e:70 ch48", "odd"]),
    } | replaced


def test_a_copy_has_no_power_and_points_without_coordinates_go(tmp_path):
    write_compact(tmp_path, "csu_csi.npz", **compact_arrays())

    (segment,), report = load_survey_with_report("csu", tmp_path)

    assert segment.place.channels == ("b8:3a:5a:b2:6e:70",)
    assert segment.locations.tolist() == [[1, 2], [1, 3]]
    assert segment.is_test.tolist() == [False, True]
    assert segment.signals.images[:, 0, 0, 0].tolist() == [6, 5]
    assert np.isnan(segment.signals.rss).all()
    assert report.skipped == {"samples without coordinates": 50}


def test_packets_that_are_not_finite_are_counted(tmp_path):
    amp = np.repeat([5.0, 6.0, 7.0], 50)[:, None].repeat(52, 1)
    amp[60, 7], amp[61, 0], amp[62, 0] = np.nan, np.inf, 1e300
    amp = np.concatenate([amp, amp[50:53]])
    pt = np.concatenate([np.repeat([1, 0, 2], 50), [0, 0, 0]])
    write_compact(tmp_path, "csu_csi.npz", **compact_arrays(amp=amp, pt=pt, t=pt * 1.0))

    (segment,), report = load_survey_with_report("csu", tmp_path)

    assert len(segment) == 2
    assert report.skipped["packets that are not finite"] == 3


def test_a_segment_may_be_called_anything(tmp_path):
    arrays = compact_arrays(pt_xy=np.array([[1, 2], [1, 3], [4, 4]]))
    write_compact(tmp_path, "csu_csi.npz", **arrays)

    assert named(load_survey("csu", tmp_path))["odd"].place.channels == ("odd",)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"pt": np.full(150, 3)}, "none of the 3"),
        ({"pt": np.full(150, np.nan)}, "pt holds nan"),
        ({"pt_role": np.array([0, 1, 2])}, "pt_role holds 2, which is none of the 2"),
        ({"env_name": np.array([1, 2])}, "env_name is of int64, expected text"),
        ({"pt_env": np.array([0, 0, 2])}, "none of the 2 segments"),
        ({"pt_xy": np.full((3, 2), np.nan)}, "no capture has coordinates"),
    ],
)
def test_arrays_that_make_no_sense_are_refused(tmp_path, replaced, message):
    write_compact(tmp_path, "csu_csi.npz", **compact_arrays(**replaced))

    with pytest.raises(SurveyDataError, match=message):
        load_survey("csu", tmp_path)


# -- the real one ----------------------------------------------------------------------


def test_original_captures_have_the_shape_of_the_compact_copy(shared_data):
    shared_data("raw/csu")
    data = shared_data("surveys/csu_csi.npz").parent.parent
    copies = named(load_survey("csu:compact", data))

    segments, report = load_survey_with_report("csu:raw", data)

    assert not report.skipped
    for segment in segments:
        copy = copies[segment.name]
        np.testing.assert_array_equal(segment.locations, copy.locations)
        np.testing.assert_array_equal(segment.visit_of, copy.visit_of)
        levels = segment.signals.rss
        np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)
        counts = copy.signals.images
        rms = np.sqrt(np.square(counts).mean(axis=2, keepdims=True))
        level = 10 ** ((levels[:, None, None] + 60) / 20)
        shape = np.abs(segment.signals.images / level - counts / rms)
        assert shape.max() < 2e-3  # the copy has whole counts of about 600
