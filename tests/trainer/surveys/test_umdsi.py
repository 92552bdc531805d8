"""UM_DSI: text files by hand (no original was at hand) and the compact copy."""

import numpy as np
import pytest

from tests.trainer.survey_files import write_compact, write_lines
from trainer.surveys import rss
from trainer.surveys.registry import load_survey
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.umdsi import from_original


def write_survey(root, date, scans, coordinates=None, folder="site_surveys"):
    where = root / "data" / folder / date
    write_lines(where / "rssis.csv", scans)
    write_lines(
        where / "coordinates.csv",
        coordinates or [f"{-53.5 + k},5.8,1.00" for k in range(len(scans))],
    )


def test_surveys_are_environments_in_order_of_date(tmp_path):
    write_survey(tmp_path, "2019-03-25", ["00000001:-70"])
    write_survey(tmp_path, "2019-02-19", ["10000000:-72,00000001:-88", "", "7:-30"])
    write_survey(tmp_path, "2019-02", ["9:-30"], folder="mon_devices")

    first, second = from_original(tmp_path, Skips())

    assert (first.name, second.name) == ("2019-02-19", "2019-03-25")
    assert (first.order, second.order) == (0, 1)
    assert first.place.channels == ("10000000", "00000001", "7")
    np.testing.assert_array_equal(
        first.signals.rss,
        [[-72, -88, np.nan], [np.nan] * 3, [np.nan, np.nan, -30]],
    )
    assert first.locations[:, 0].tolist() == [-53.5, -52.5, -51.5]
    assert first.visit_of.tolist() == [0, 0, 0]
    assert not first.is_test.any()


@pytest.mark.parametrize(
    ("scans", "coordinates", "message"),
    [
        (["1:-70", "1-70"], None, r"rssis\.csv, line 2: '1-70' is not ap:rssi"),
        (["1:x"], None, "line 1: '1:x' is not ap:rssi"),
        (["1:-70"], ["0,0,1", "0,0,1"], r"coordinates\.csv has 2 lines.*csv 1 lines"),
        (["1:-70"], ["5"], "1 lines of 1 numbers"),
        (["1:-70"], ["5,a,1"], r"coordinates\.csv is no table"),
    ],
)
def test_damaged_lines_are_named(tmp_path, scans, coordinates, message):
    write_survey(tmp_path, "2019-02-19", scans, coordinates)

    with pytest.raises(SurveyDataError, match=message):
        from_original(tmp_path, Skips())


def test_a_survey_that_is_there_twice_is_refused(tmp_path):
    write_survey(tmp_path, "2019-02-19", ["1:-70"])
    write_survey(tmp_path / "lite", "2019-02-19", ["1:-70"])

    with pytest.raises(SurveyDataError, match=r"site_surveys.* are the same part"):
        from_original(tmp_path, Skips())


def test_many_scans_of_many_access_points_are_refused(tmp_path, monkeypatch):
    """Three short lines; a table of nine powers."""
    monkeypatch.setattr(rss, "_MAX_TABLE_BYTES", 35)
    write_survey(tmp_path, "2019-02-19", ["1:-70", "2:-70", "3:-70"])

    with pytest.raises(SurveyDataError, match="3 samples of 3 access points are more"):
        from_original(tmp_path, Skips())


def test_a_power_beyond_single_precision_is_counted(tmp_path):
    write_survey(tmp_path, "2019-02-19", ["1:-1e300", "1:-60"])
    skips = Skips()

    (survey,) = from_original(tmp_path, skips)

    assert survey.signals.heard.tolist() == [[False], [True]]
    assert skips.counts == {"values that are no received power": 1}


def test_a_second_power_of_an_access_point_is_counted(tmp_path):
    write_survey(tmp_path, "2019-02-19", ["1:-70,2:-50, 1:-70,1:-40"])
    skips = Skips()

    (survey,) = from_original(tmp_path, skips)

    assert survey.signals.rss.tolist() == [[-70, -50]]
    assert skips.counts == {"second powers of an access point in a scan": 2}


def test_a_folder_without_surveys_is_refused(tmp_path):
    with pytest.raises(SurveyDataError, match="has no survey"):
        from_original(tmp_path, Skips())


def compact_arrays(**replaced):
    return {
        "rss": np.array([[-50, -128], [-51, -60]], np.int8),
        "xy": np.array([[0, 0], [3.6, 0]], float),
        "dom": np.array([11, 3], np.int16),
        "t": np.zeros(2, np.int64),
        "dom_name": np.array([f"2019-{k + 1:02d}-01" for k in range(12)]),
        "ap": np.array(["1", "2"]),
        "missing": np.array(-128),
    } | replaced


def test_a_copy_may_hold_any_surveys(tmp_path):
    write_compact(tmp_path, "umdsi_rss.npz", **compact_arrays())

    early, late = load_survey("umdsi", tmp_path)

    assert (early.name, early.order) == ("2019-04-01", 3)
    assert (late.name, late.order) == ("2019-12-01", 11)
    assert late.signals.heard.tolist() == [[True, False]]


def test_a_survey_that_has_no_name_is_refused(tmp_path):
    write_compact(tmp_path, "umdsi_rss.npz", **compact_arrays(dom=np.array([12, 3])))

    with pytest.raises(SurveyDataError, match="none of the 12 surveys"):
        load_survey("umdsi", tmp_path)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"missing": np.array("-128")}, "missing is of <U4, expected real numbers"),
        ({"dom": np.array([0.5, 3])}, "dom holds 0.5, which is no whole number"),
        ({"ap": np.array([1, 2])}, "ap is of int64, expected text"),
    ],
)
def test_arrays_of_a_copy_that_make_no_sense_are_refused(tmp_path, replaced, message):
    write_compact(tmp_path, "umdsi_rss.npz", **compact_arrays(**replaced))

    with pytest.raises(SurveyDataError, match=message):
        load_survey("umdsi", tmp_path)


def test_the_real_copy_has_twenty_scans_per_point(shared_data):
    data = shared_data("surveys/umdsi_rss.npz").parent.parent

    surveys = load_survey("umdsi:compact", data)

    assert len(surveys) >= 11
    for survey in surveys:
        _, counts = np.unique(survey.point_of, return_counts=True)
        assert set(counts.tolist()) == {20}
