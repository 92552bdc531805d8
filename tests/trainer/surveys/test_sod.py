"""SODIndoorLoc: tables by hand and the compact copy."""

import numpy as np
import pytest

from tests.trainer.survey_files import named, write_compact, write_lines
from trainer.surveys.registry import load_survey
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.sod import from_original

TITLES = "MAC125,MAC7,ECoord,NCoord,FloorID,BuildingID,SceneID,UserID,PhoneID"


def write_building(root, name, suffixes=("", "")):
    training, testing = suffixes
    write_lines(
        root / name / f"Training_{name}{training}.csv",
        [TITLES, "-50,100,1.5,2.5,1,1,1,1,1", "-60,-70,3,4,2,1,1,1,1"],
    )
    write_lines(
        root / name / f"Testing_{name}{testing}.csv",
        [
            TITLES.replace("MAC125,MAC7", "MAC7,MAC125"),
            "-40,-45,9,9,2,1,1,1,1",
        ],
    )


@pytest.mark.parametrize("suffixes", [("", ""), ("_AP_30", "_AP")])
def test_buildings_are_places_and_columns_are_joined_by_title(tmp_path, suffixes):
    write_building(tmp_path, "SYL", suffixes)

    skips = Skips()

    (building,) = from_original(tmp_path, skips)

    assert not skips.counts
    assert (building.name, building.place.name) == ("SYL", "sod/SYL")
    assert building.place.channels == ("MAC125", "MAC7")
    np.testing.assert_array_equal(
        building.signals.rss, [[-50, np.nan], [-60, -70], [-45, -40]]
    )
    assert building.locations.tolist() == [[1.5, 2.5], [3, 4], [9, 9]]
    assert building.place.floors[building.point_of].tolist() == [1, 2, 2]
    assert building.visit_of.tolist() == [0, 0, 1]
    assert building.is_test.tolist() == [False, False, True]


def test_test_scans_without_reference_scans_are_refused(tmp_path):
    """They are no reference scans."""
    write_building(tmp_path, "SYL")
    (tmp_path / "SYL" / "Training_SYL.csv").unlink()

    with pytest.raises(
        SurveyDataError, match=r"Testing_SYL\.csv is there without its reference"
    ):
        from_original(tmp_path, Skips())


def test_reference_scans_need_no_test_scans(tmp_path):
    write_building(tmp_path, "SYL")
    (tmp_path / "SYL" / "Testing_SYL.csv").unlink()

    (building,) = from_original(tmp_path, Skips())

    assert building.is_test.tolist() == [False, False]


def test_a_column_that_is_missing_is_named(tmp_path):
    write_building(tmp_path, "SYL")
    write_lines(
        tmp_path / "SYL" / "Testing_SYL.csv",
        [TITLES.replace("ECoord", "East"), "-40,-45,9,9,2,1,1,1,1"],
    )

    with pytest.raises(SurveyDataError, match=r"Testing_SYL\.csv has no column ECoord"):
        from_original(tmp_path, Skips())


def test_titles_and_columns_must_be_equally_many(tmp_path):
    write_building(tmp_path, "SYL")
    write_lines(tmp_path / "SYL" / "Training_SYL.csv", ["MAC1,ECoord", "-40,1,2"])

    with pytest.raises(SurveyDataError, match="2 titles for 3 columns"):
        from_original(tmp_path, Skips())


@pytest.mark.parametrize(
    ("titles", "message"),
    [
        ("x" * 200_000, "is no table: field larger"),
        ("MAC1,MAC1,ECoord,NCoord,FloorID", "has several columns MAC1"),
    ],
)
def test_titles_that_make_no_sense_are_named(tmp_path, titles, message):
    write_building(tmp_path, "SYL")
    path = tmp_path / "SYL" / "Training_SYL.csv"
    write_lines(path, [titles, "-40,-50,1,2,3"])

    with pytest.raises(SurveyDataError, match=rf"Training_SYL\.csv {message}"):
        from_original(tmp_path, Skips())


def test_a_folder_without_buildings_is_refused(tmp_path):
    (tmp_path / "images").mkdir()

    with pytest.raises(SurveyDataError, match="has no file"):
        from_original(tmp_path, Skips())


def test_a_copy_may_hold_any_buildings(tmp_path):
    write_compact(
        tmp_path,
        "sod_rss.npz",
        HCXY_rss=np.array([[-50, -128]], np.int8),
        HCXY_xyf=np.array([[1, 2, 3]], float),
        HCXY_role=np.zeros(1, np.uint8),
    )

    (building,) = load_survey("sod", tmp_path)

    assert building.place.floors.tolist() == [3]
    assert building.signals.heard.tolist() == [[True, False]]


def test_a_copy_without_buildings_is_refused(tmp_path):
    write_compact(tmp_path, "sod_rss.npz", missing=np.array(-128))

    with pytest.raises(SurveyDataError, match="no array <building>_rss"):
        load_survey("sod", tmp_path)


def test_a_role_that_is_none_is_refused(tmp_path):
    write_compact(
        tmp_path,
        "sod_rss.npz",
        SYL_rss=np.zeros((1, 2)),
        SYL_xyf=np.zeros((1, 3)),
        SYL_role=np.array([np.nan]),
    )

    with pytest.raises(SurveyDataError, match="array SYL_role holds nan"):
        load_survey("sod", tmp_path)


def test_the_real_copy_has_the_points_that_the_authors_count(shared_data):
    data = shared_data("surveys/sod_rss.npz").parent.parent

    cetc = named(load_survey("sod:compact", data))["CETC331"]

    references = cetc.point_of[~cetc.is_test]
    assert (len(np.unique(references)), len(references)) == (955, 955)
    assert len(np.unique(cetc.point_of[cetc.is_test])) == 84
    assert np.unique(cetc.place.floors).tolist() == [1, 2, 3]
